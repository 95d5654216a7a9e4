extension Mistake {
  /// Data sets, traces and tasks that are not there, or not what they should be.
  static let data = table(
    #"""
    66 workbench aggregate absent
         absent: error: there is no such data set. Correct its name, or put it there.
    65 workbench aggregate good.yaml
         good.yaml: error: a data set is a directory with the telemetry tables (requests.csv, models.csv, …
    66 workbench aggregate .
         .: error: there are no telemetry tables (models.ENDING, requests.ENDING, …, with one of csv, csv.…
    66 workbench aggregate broken
         broken/accounts.csv: error: there is no such file. Correct its name, or put it there.
    65 workbench aggregate torn
         torn/telemetry/models.csv:1:1: error: the header has no column account. A models table has model_…
    66 workbench validate absent
         absent: error: there is no such data set. Correct its name, or put it there.
    66 workbench validate broken
         broken/accounts.csv: error: there is no such file. Correct its name, or put it there.
    66 workbench report absent -o x.html
         absent: error: there is no such data set. Correct its name, or put it there.
    66 workbench report broken -o x.html
         broken/accounts.csv: error: there is no such file. Correct its name, or put it there.
    66 workbench convert absent x
         absent: error: there is no such data set. Correct its name, or put it there.
    66 workbench convert broken x
         broken/accounts.csv: error: there is no such file. Correct its name, or put it there.
    66 workbench compare run absent
         absent: error: there is no such file or directory. Correct its name, or put it there.
    66 workbench compare absent run
         absent: error: there is no such file or directory. Correct its name, or put it there.
    65 workbench compare run bad.json
         bad.json:2:1: error: the JSON ends early: unexpected token near end of file. The file is truncate…
    65 workbench compare run not-dashboard.json
         not-dashboard.json:1:1: error: this is JSON, but not a dashboard: it has no object "query". See "…
    66 workbench expect absent --slo 'latency.p95 <= 5s'
         absent: error: there is no such data set. Correct its name, or put it there.
    66 workbench expect broken --slo 'latency.p95 <= 5s'
         broken/accounts.csv: error: there is no such file. Correct its name, or put it there.
    66 workbench merge run absent -o x
         absent: error: there is no such data set. Correct its name, or put it there.
    65 workbench merge run run -o x
         run: error: it is the same shard as run; its requests would count twice. Name each shard once.
    65 workbench merge run ./run -o x
         ./run: error: it is the same shard as run; its requests would count twice. Name each shard once.
    66 workbench fit absent -o x.yaml
         absent: error: there is no such data set. Correct its name, or put it there.
    65 workbench fit good.yaml -o x.yaml
         good.yaml: error: a data set is a directory with the telemetry tables (requests.csv, models.csv, …
    65 workbench fit empty.csv -o x.yaml
         empty.csv:1:1: error: the file is empty. A trace needs a header and requests.
    66 workbench fixture absent -o x
         absent: error: there is no such data set. Correct its name, or put it there.
    66 workbench serve absent
         absent: error: there is no such data set. Correct its name, or put it there.
    66 workbench serve broken
         broken/accounts.csv: error: there is no such file. Correct its name, or put it there.
    66 workbench push absent postgres://nobody@127.0.0.1:1/x
         postgres://nobody@127.0.0.1:1/x?schema=workbench: error: cannot connect: connection to server at …
    66 workbench push run postgres://nobody@127.0.0.1:1/x
         postgres://nobody@127.0.0.1:1/x?schema=workbench: error: cannot connect: connection to server at …
    66 workbench pull postgres://nobody@127.0.0.1:1/x
         postgres://nobody@127.0.0.1:1/x?schema=workbench: error: cannot connect: connection to server at …
    66 workbench aggregate 'postgres://nobody@127.0.0.1:1/x?schema=s'
         postgres://nobody@127.0.0.1:1/x?schema=s: error: cannot connect: connection to server at "127.0.0…
    66 workbench import table absent.csv --mapping mapping.yaml -o x
         absent.csv: error: there is no such file. Correct its name, or put it there.
    65 workbench import table empty.csv --mapping mapping.yaml -o x
         empty.csv:1:1: error: the file is empty. It needs a header.
    65 workbench import table other.csv --mapping mapping.yaml -o x
         other.csv:1:1: error: the header has no column model, which the mapping names. It has: a, b.
    65 workbench import table export.csv --mapping mapping.yaml -o x --strict
         export.csv:3: error: latency "-" is not a duration between 0 and 100 days. Correct the row, or le…
    66 workbench import azure-llm absent.csv -o x.yaml
         absent.csv: error: there is no such file. Correct its name, or put it there.
    65 workbench import azure-llm other.csv -o x.yaml
         other.csv:1:1: error: the header is not that of a known trace. Known are the Azure LLM trace (TIM…
    65 workbench import azure-llm bad-trace.csv -o x.yaml
         bad-trace.csv:2:29: error: ContextTokens "ten" is not a number of tokens in 0…2147483647.
    65 workbench import azure-llm - -o x.yaml < bad-trace.csv
         -: error: standard input cannot be read twice, and a trace is. Save it as a file, and name that.
    66 workbench import otlp absent.jsonl -o x
         absent.jsonl: error: there is no such file. Correct its name, or put it there.
    65 workbench import otlp other.csv -o x
         other.csv: error: no row becomes a request (2 rejected, the first: other.csv:1: not an OTLP expor…
    66 workbench import servegen absent -o x.yaml
         absent: error: there is no such directory. Correct its name, or put it there.
    66 workbench import servegen . -o x.yaml
         .: error: there is no chunk-N-trace.csv. Give ServeGen's directory.
    66 workbench import servegen . -o x.yaml --clients 3
         .: error: there is no chunk-N-trace.csv. Give ServeGen's directory.
    66 workbench task --tasks absent.jsonl --index 0
         absent.jsonl: error: there is no such file. Correct its name, or put it there.
    66 workbench task --tasks tasks.jsonl --index 99
         tasks.jsonl: error: there is no task 99: the file has 1, from 0.
    65 workbench task --tasks other.csv --index 0
         other.csv:1: error: this is not a task. A run or a plan prints tasks, one per line, when it is as…
    65 echo nonsense | workbench task
         standard input: error: this is not a task. A run or a plan prints tasks, one per line, when it is…
    66 workbench collect absent.jsonl results -o x
         absent.jsonl: error: there is no such file. Correct its name, or put it there.
    66 workbench collect tasks.jsonl absent -o x
         absent: error: there is no such file or directory. Correct its name, or put it there.
    65 workbench collect other.csv . -o x
         other.csv:1: error: this is not a task. A run or a plan prints tasks, one per line, when it is as…
    """#)
}

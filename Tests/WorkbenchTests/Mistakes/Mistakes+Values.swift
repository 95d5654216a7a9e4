extension Mistake {
  /// Values of options that cannot be.
  static let values = table(
    #"""
    64 workbench run good.yaml --seed
         workbench: error: --seed needs a value: Instead of the scenario's own seed.
    64 workbench run good.yaml --seed three
         workbench: error: --seed "three" is not a number.
    64 workbench run good.yaml --seed -1
         workbench: error: --seed needs a value: Instead of the scenario's own seed.
    64 workbench run good.yaml --threads 0
         workbench: error: --threads 0 must lie in 1…1024.
    64 workbench run good.yaml --threads many
         workbench: error: --threads "many" is not a number.
    64 workbench run good.yaml --formats csw
         workbench: error: unknown format "csw". Did you mean csv? Known: csv, csv.gz, csv.zst, ndjson, nd…
    64 workbench run good.yaml --formats csv,parket
         workbench: error: unknown format "parket". Did you mean parquet? Known: csv, csv.gz, csv.zst, ndj…
    64 workbench run good.yaml --formats ''
         workbench: error: unknown format "". Known: csv, csv.gz, csv.zst, ndjson, ndjson.gz, ndjson.zst, …
    64 workbench run good.yaml --max-points 1
         workbench: error: --max-points 1 must lie in 2…1000000.
    64 workbench run good.yaml --replace
         workbench: error: --replace needs --output: say which run is to be replaced.
    64 workbench run good.yaml --replications 1
         workbench: error: --replications 1 must lie in 2…100000.
    64 workbench run good.yaml --replications 5 --emit-tasks --formats none
         workbench: error: --emit-tasks and --replications cannot be given together: "workbench plan --rep…
    64 workbench run judged.yaml --replications 5 --junit x.xml
         workbench: error: --junit reports on one run, and --replications makes several. "workbench plan -…
    64 workbench run good.yaml --emit-tasks --formats csv
         workbench: error: --emit-tasks needs --formats none: results of tasks are figures and rollups, no…
    64 workbench run good.yaml --requests-per-task 0 --emit-tasks
         workbench: error: --requests-per-task 0 must lie in 1…1000000000000.
    64 workbench run good.yaml --junit x.xml -o x
         workbench: error: --junit reports on objectives, and the scenario has none. Give it expect: [ … ].
    64 workbench run good.yaml --json=yes
         workbench: error: --json takes no value, but "yes" is given. Leave it out.
    64 workbench run judged.yaml --json --junit - -o x
         workbench: error: --junit and --json cannot both write to standard output. Give one of them a fil…
    64 workbench aggregate run --period fortnight
         workbench: error: "fortnight" is not a period. Write 24h, 7d, 30d, 90d, a date (2026-01-05), a ra…
    64 workbench aggregate run --period 2026-03-09..2026-03-02
         workbench: error: the period 2026-03-09..2026-03-02 ends before it starts. Write the earlier date…
    64 workbench aggregate run --now yesterday
         workbench: error: --now "yesterday" is not an instant. Write RFC 3339, 2026-01-05T09:00:00Z.
    64 workbench aggregate run --kind opensource
         workbench: error: unknown kind "opensource". Did you mean openSource? Known: fineTuned, openSourc…
    64 workbench aggregate run --kind openSource --model chta
         workbench: error: --model: unknown model "chta". Did you mean chat? Known: chat, gpt.
    64 workbench aggregate run --kind external --provider OpenIA
         workbench: error: --provider: unknown provider "OpenIA". Did you mean OpenAI? Known: OpenAI.
    64 workbench aggregate run --kind openSource --model chat --version V9
         workbench: error: --version: unknown version "V9". Did you mean V1? Known: V1.
    64 workbench aggregate run
         workbench: error: models of several kinds match. Say which with --kind: fineTuned, openSource, ex…
    64 workbench aggregate two --kind external
         workbench: error: the data set has 2 accounts. Say which with --account: acme, bolt.
    64 workbench aggregate two --account acmee
         workbench: error: unknown account "acmee". Did you mean acme? Known: acme, bolt.
    64 workbench aggregate run --kind openSource --table --csv
         workbench: error: --table, --csv and --json cannot be given together. Give one of them.
    64 workbench aggregate run --kind openSource --max-points 0
         workbench: error: --max-points 0 must lie in 2…1000000.
    64 workbench aggregate run --kind external --version V1
         workbench: error: External models have no versions. Leave --version out.
    64 workbench aggregate run --kind openSource --deployed-at noon
         workbench: error: --deployed-at "noon" is not an instant. Write RFC 3339, 2026-01-05T09:00:00Z.
    64 workbench aggregate run --kind openSource --period 2027-01-01
         workbench: error: 2027-01-01 is after today, 2026-03-02. Nothing after now can be selected.
    64 workbench aggregate run --kind openSource --replace
         workbench: error: --replace needs --output: say which file is to be replaced.
    64 workbench serve run --port 99999
         workbench: error: --port 99999 must lie in 0…65535.
    64 workbench serve run --host 0.0.0.0
         workbench: error: --host 0.0.0.0 opens the dashboard to others. Give a --token as well.
    64 workbench serve run --token short
         workbench: error: --token needs at least 16 letters, digits, - or _.
    64 workbench serve run --speed 0
         workbench: error: --speed 0.0 must be above 0 and at most 10000000.
    64 workbench serve run --speed fast
         workbench: error: --speed: "fast" is not a decimal number such as 0.95.
    64 workbench serve run --newest 0
         workbench: error: --newest 0 must lie in 1…1000.
    64 workbench serve plan plan
         workbench: error: 2 plans are given. Serve them one at a time.
    64 workbench convert run x --format csw
         workbench: error: unknown format "csw". Did you mean csv? Known: csv, csv.gz, csv.zst, ndjson, nd…
    64 workbench convert run postgres://nobody@localhost/x --replace
         workbench: error: --replace is for directories and files: a schema of a database is not replaced.…
    64 workbench compare run run --what everything
         workbench: error: --what "everything" is unknown. Known: auto, dashboards, data, all.
    64 workbench compare run run --most -1
         workbench: error: --most needs a value: Differences shown, the worst first.
    64 workbench compare run run --json --html -
         workbench: error: --html and --json cannot both write to standard output. Give one of them a file.
    64 workbench compare run run --junit - --html -
         workbench: error: --junit and --html cannot both write to standard output. Give one of them a fil…
    64 workbench expect run --slo 'latency.p95'
         workbench: error: --slo: "latency.p95" is not a service-level objective. Write for instance laten…
    64 workbench expect run --slo 'latency.p95 <= 5'
         workbench: error: --slo: "5" is not a bound on latency.p95. Write a duration such as 2s or 800ms.
    64 workbench expect run --slo 'latensy.p95 <= 5s'
         workbench: error: --slo: there is no metric "latensy.p95". Did you mean latency.p95? There are: l…
    64 workbench expect run --slo 'models.chta.latency.p95 <= 5s'
         workbench: error: --slo: models.chta.latency.p95 <= 5s: there is no model "chta". Did you mean ch…
    64 workbench expect run --slo 'failureRate <= 5s'
         workbench: error: --slo: "5s" is not a bound on failureRate. Write a share such as 0.1%.
    64 workbench expect run --slo 'goodput(ttft <= 1s) >= 99'
         workbench: error: --slo: "99" is not a bound on goodput(ttft <= 1s). Write a share such as 0.1%.
    64 workbench expect run --slo 'latency.p95 <= 5s in 95% of weeks'
         workbench: error: --slo: "in 95% of weeks" is not a share of hours or days. Write for instance in…
    64 workbench expect run --json --junit - --slo 'latency.p95 <= 5s'
         workbench: error: --junit and --json cannot both write to standard output. Give one of them a fil…
    64 workbench plan good.yaml --vary load.scale
         workbench: error: --vary: "load.scale" is not of the form PATH=A..B[:STEP] or PATH=V1,V2,….
    64 workbench plan good.yaml --replications 1
         workbench: error: --replications 1 must lie in 2…100000.
    64 workbench plan good.yaml --confidence 2
         workbench: error: --confidence 2.0 must lie between 0.5 and 1.
    64 workbench plan good.yaml --confidence high
         workbench: error: --confidence: "high" is not a decimal number such as 0.95.
    64 workbench plan good.yaml --indifference 0
         workbench: error: --indifference 0.0 must lie between 0 and 1.
    64 workbench plan good.yaml --sobol 2
         workbench: error: --sobol 2 must lie in 8…100000.
    64 workbench plan good.yaml --sensitivity latensy.p95
         workbench: error: --sensitivity: unknown metric "latensy.p95". Did you mean latency.p95? Known: l…
    64 workbench plan good.yaml --minimize credit
         workbench: error: --minimize: there is no metric "credit". Did you mean credits? There are: laten…
    64 workbench plan good.yaml --precision latency.p95
         workbench: error: --precision: "latency.p95" is not METRIC=SHARE, such as latency.p95=2%. Metrics…
    64 workbench plan good.yaml --warm-up long
         workbench: error: --warm-up "long" is neither auto, none, nor a duration such as 30min.
    64 workbench plan good.yaml two.yaml --vary load.scale=1,2
         workbench: error: --vary and --file need a single scenario; several scenarios are themselves the …
    64 workbench plan good.yaml --replace
         workbench: error: --replace needs --output: say which plan is to be replaced.
    64 workbench plan good.yaml --emit-tasks --slo 'latency.p95 <= 5s' --minimize credits
         workbench: error: --emit-tasks needs a fixed number of replications. --slo, --minimize and --prec…
    64 workbench plan good.yaml --case 'load.scale=2'
         workbench: error: --case: "load.scale=2" is not of the form NAME[@SHARE][:PATH=VALUE[,PATH=VALUE]…
    64 workbench plan good.yaml --case 'launch: models.chta.load.scale=2'
         workbench: error: --case: launch: models.chta.load.scale=2: the list has no element "chta". Name …
    64 workbench plan good.yaml --case 'launch: models.chat.load.scle=2'
         workbench: error: --case: launch: models.chat.load.scle=2: unknown key "scle". Did you mean scale?…
    64 workbench plan good.yaml --case 'late: period.to=2026-03-03'
         workbench: error: --case: late: it changes the period, by which all cases are measured. Remo…
    64 workbench plan good.yaml --case 'launch: load.scale=2' --vary models.chat.load.scale=1,2
         workbench: error: --case: launch: models.*.load.scale happens, and models.chat.load.scale is deci…
    64 workbench plan good.yaml --case 'a@50%: load.scale=2' --case 'b@40%: load.scale=3'
         workbench: error: --case: the weights of the cases sum to 90%, not to 100%. Change them, or add a…
    64 workbench plan good.yaml --case 'a@50%: load.scale=2' --case 'b: load.scale=3'
         workbench: error: --case: b has no weight, and a has one. Give all cases a weight, or none of the…
    64 workbench plan good.yaml --case 'launch: load.scale=2' --emit-tasks
         workbench: error: --emit-tasks cannot be combined with cases, which are judged together. Run the …
    64 workbench plan good.yaml --slo 'latency.p95 <= 5s' --growth 0%/week
         workbench: error: --growth: "0%/week" is no growth, which breaks nothing. Give a growth above 0, …
    64 workbench plan good.yaml --slo 'latency.p95 <= 5s' --growth fast
         workbench: error: --growth: "fast" is not a growth. Write 5%/week, 20%/month, 80%/year, or scenar…
    64 workbench plan good.yaml --growth 5%/week
         workbench: error: --growth: there is no objective that growth could break. Give one, such as late…
    64 workbench plan good.yaml --slo 'latency.p95 <= 5s' --growth scenario
         workbench: error: --growth: no load of the scenario says how it grows. Give 5%/week, or load: { u…
    64 workbench plan traced.yaml --slo 'latency.p95 <= 5s' --growth scenario
         workbench: error: --growth: no load of the scenario says how it grows. The demand of chat is a tr…
    64 workbench plan good.yaml --growth-weeks 0
         workbench: error: --growth-weeks 0 must lie in 1…520.
    66 workbench plan good.yaml --vary scaling=@absent.yaml
         absent.yaml: error: there is no such file. Correct its name, or put it there.
    65 workbench plan good.yaml --vary scaling=@bad-policy.yaml
         bad-policy.yaml:1:20: error: target is missing. The utilisation to keep: the new number of replic…
    65 workbench plan good.yaml --vary scaling=@kv-policy.yaml
         workbench: error: variant scaling=kv-policy is not valid. Fix it, or leave such variants out with…
    64 workbench shadow run
         workbench: error: --policy is missing: A file with the policy, the policy itself as YAML, or a scenario.
    66 workbench shadow nothing --policy 'targetUtilisation: { target: 0.7 }'
         nothing: error: there are no telemetry tables (models.ENDING, requests.ENDING, …
    66 workbench shadow run --policy nothing.yaml
         nothing.yaml: error: there is no such file. Correct its name, or put it there.
    65 workbench shadow run --policy 'targetUtilization: { target: 0.7 }'
         policy:1:1: error: unknown key "targetUtilization". Known here: minReplicas, maxReplicas, maxBatchSize, sc…
    65 workbench shadow run --policy 'targetUtilisation: { target: 7 }'
         policy:1:30: error: target 7 is out of range. It must be 0.01 to 1.
    64 workbench shadow run --policy 'targetUtilisation: { target: 0.7 }' --resolution hours
         workbench: error: --resolution "hours" is unknown. Give requests or quarters.
    64 workbench shadow run --policy 'targetUtilisation: { target: 0.7 }' --max-disagreement 200%
         workbench: error: --max-disagreement "200%" is not a share below 100%. Write it in percent: 5%.
    64 workbench shadow run --policy 'targetUtilisation: { target: 0.7 }' --model chta
         workbench: error: no model or version matches. There are: acme/chat.
    65 workbench shadow run --policy 'queueLength: { target: 4 }' --resolution quarters
         queueLength: { target: 4 }: error: the policy queueLength counts the requests that wait, which means of a q…
    66 workbench shadow run --policy 'targetUtilisation: { target: 0.7 }' --replicas nothing.json
         nothing.json: error: there is no such file. Correct its name, or put it there.
    65 workbench shadow run --policy 'targetUtilisation: { target: 0.7 }' --replicas good.yaml
         good.yaml: error: not JSON: a value that is not JSON. Save what /api/v1/query_range answers to a query with…
    64 workbench fit run -o x.yaml --arrivals poison
         workbench: error: --arrivals: unknown arrival process "poison". Did you mean poisson? Known: bart…
    64 workbench fit run -o x.yaml --replicas 0
         workbench: error: --replicas 0 must lie in 1…50.
    64 workbench fit run -o x.yaml --no-check --report x.html
         workbench: error: --no-check does not judge the fit, so it cannot be combined with --report or --…
    64 workbench fit run -o x.yaml --hold-out 2
         workbench: error: --hold-out 2 must lie between 0 and 1, or be a length such as 30min.
    64 workbench fit run -o x.yaml --hold-out sometimes
         workbench: error: --hold-out "sometimes" is neither a share such as 0.4 nor a length of a second …
    64 workbench fit run -o x.yaml --roofline lama-3.1-8b
         workbench: error: --roofline: the catalogue has no model "lama-3.1-8b". Did you mean llama-3.1-8b…
    64 workbench fit run -o x.yaml --roofline llama-3.1-8b:fp7
         workbench: error: --roofline: the precision "fp7" is unknown. Known: bf16, fp8, int8, int4.
    64 workbench fit run -o x.yaml --model chta
         workbench: error: no model matches --model chta. There are: acme/chat, acme/gpt.
    64 workbench fit run -o x.yaml --account acmee
         workbench: error: no model matches --account acmee. There are: acme/chat, acme/gpt.
    64 workbench fit run -o x.yaml --report x.yaml
         workbench: error: x.yaml is to be written twice. Give each output a name of its own.
    64 workbench fit run -o - --json
         workbench: error: --output and --json cannot both write to standard output. Give one of them a fi…
    64 workbench import servegen . -o x.yaml --from someday
         workbench: error: --from "someday" is not a date in the years 1900 to 2199. Write 2025-01-06.
    64 workbench import servegen . -o x.yaml --days 0
         workbench: error: --days 0 must lie in 1…3650.
    64 workbench import servegen . -o x.yaml --scale 0
         workbench: error: --scale 0.0 must lie in 0.001…1000.
    64 workbench import servegen . -o x.yaml --time-zone Europe/Berln
         workbench: error: unknown time zone "Europe/Berln". Did you mean Europe/Berlin? Use an IANA name …
    64 workbench import otlp spans.jsonl -o x --time-zone Mars/Olympus
         workbench: error: unknown time zone "Mars/Olympus". Use an IANA name such as America/New_York.
    64 workbench import otlp spans.jsonl -o x --account ''
         workbench: error: --account is empty. Give a name.
    64 workbench import table export.csv -o x
         workbench: error: --mapping is missing: The mapping file.
    64 workbench import table export.csv --mapping mapping.yaml -o x --format xlsx
         workbench: error: unknown format "xlsx". Known: csv, csv.gz, csv.zst, ndjson, ndjson.gz, ndjson.z…
    64 workbench import azure-llm trace.csv -o x --format xlsx
         workbench: error: unknown format "xlsx". Known: csv, csv.gz, csv.zst, ndjson, ndjson.gz, ndjson.z…
    64 workbench task --tasks tasks.jsonl
         workbench: error: --tasks FILE and --index N go together: the N-th line of the file, from 0.
    64 workbench task --threads 0
         workbench: error: --threads 0 must lie in 1…1024.
    64 workbench explain load.scael
         workbench: error: there is no key "scael" in a scenario. Did you mean models.*.load.scale?
    64 workbench explain xyzzyx
         workbench: error: there is no key "xyzzyx" in a scenario. Known at the top: workbench, name, desc…
    64 workbench explain models.chat.deployments.V1.scaling.maxReplica
         workbench: error: there is no key "maxReplica" in a scenario. Did you mean models.*.deployments.*…
    64 workbench explain scale.load
         workbench: error: no path of a scenario has the keys scale, load in this order. Did you mean mode…
    64 workbench validate
         workbench: error: <directory> is missing: A run directory, or a directory with the telemetry tabl…
    64 workbench init a b
         workbench: error: unexpected argument "b". Leave it out, or put a name with spaces in quotes.
    64 workbench baseline update --most 3
         workbench: error: unknown option --most. "workbench baseline update --help" lists those that ther…
    """#)
}

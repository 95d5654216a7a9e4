extension Mistake {
  /// Outputs that cannot be written.
  static let outputs = table(
    #"""
    73 workbench run good.yaml -o run
         run: error: it exists already. Give another name, or --replace to replace it.
    73 workbench run good.yaml --out run
         run: error: it exists already. Give another name, or --replace to replace it.
    73 workbench run good.yaml -o good.yaml --replace
         good.yaml: error: it exists and is a file, not the directory of a run or a plan, so --replace lea…
    73 workbench run good.yaml -o mine --replace
         mine: error: it exists and is not the directory of a run or a plan (it has no manifest.json or pl…
    73 workbench run good.yaml -o /proc/x/run
         /proc/x/run: error: cannot create the directory: The operation could not be completed. The file d…
    73 workbench run good.yaml -o ''
         : error: this is not a name that can be written to. Give the name of the output.
    73 workbench run judged.yaml -o x --junit mine/thesis.txt
         mine/thesis.txt: error: it exists already, and is not a report of this program. Give another name…
    73 workbench run good.yaml --replications 2 -o run
         run: error: it exists already. Give another name, or --replace to replace it.
    73 workbench plan good.yaml -o run
         run: error: it exists already. Give another name, or --replace to replace it.
    73 workbench plan good.yaml --replications 2 -o mine --replace
         mine: error: it exists and is not the directory of a run or a plan (it has no manifest.json or pl…
    73 workbench aggregate run --kind openSource -o good.yaml
         good.yaml: error: it exists already. Give another name, or --replace to replace it.
    73 workbench aggregate run --kind openSource -o mine
         mine: error: it exists already. Give another name, or --replace to replace it.
    73 workbench aggregate run --kind openSource -o mine --replace
         mine: error: it is a directory, which is not replaced by a file. Give another name.
    73 workbench aggregate run --kind openSource -o no/such/folder.json
         no/such/folder.json: error: cannot create the file: No such file or directory.
    73 workbench report run -o good.yaml
         good.yaml: error: it exists already, and is not a report of this program. Give another name, or -…
    73 workbench report run -o mine
         mine: error: it exists already, and is not a report of this program. Give another name, or --repl…
    73 workbench report run -o no/such/folder.html
         no/such/folder.html: error: cannot create the file: No such file or directory.
    73 workbench convert run mine
         mine: error: it exists already. Give another name, or --replace to replace it.
    73 workbench convert run mine --replace
         mine: error: it exists and is not the directory of a run or a plan (it has no manifest.json or pl…
    73 workbench convert run good.sqlite
         good.sqlite: error: it exists already. Give another name, or --replace to replace it.
    73 workbench compare run run --junit good.yaml
         good.yaml: error: it exists already, and is not a report of this program. Give another name, or -…
    73 workbench compare run run --html mine/thesis.txt
         mine/thesis.txt: error: it exists already, and is not a report of this program. Give another name…
    73 workbench expect run --slo 'latency.p95 <= 5s' --junit good.yaml
         good.yaml: error: it exists already, and is not a report of this program. Give another name, or -…
    73 workbench merge run two -o mine
         mine: error: it exists already. Give another name, or --replace to replace it.
    65 workbench merge run two -o mine --replace
         two: error: it and run are two simulations, of different scenarios, of the time from 2026-03-02T0…
    73 workbench fixture good.yaml -o mine
         mine: error: it exists already. Give another name, or --replace to replace it.
    73 workbench fixture --catalogue --only leap-day -o mine
         mine: error: it exists already. Give another name, or --replace to replace it.
    73 workbench fit run -o good.yaml
         good.yaml: error: it exists already. Give another name, or --replace to replace it.
    73 workbench fit run -o x.yaml --report good.yaml
         good.yaml: error: it exists already, and is not a report of this program. Give another name, or -…
    73 workbench init good
         good.yaml: error: it exists already. Give another name, or --replace to replace it.
    73 workbench init good.yaml
         good.yaml: error: it exists already. Give another name, or --replace to replace it.
    73 workbench init no/such/folder
         no/such/folder.yaml: error: cannot create the file: No such file or directory.
    73 workbench import azure-llm trace.csv -o good.yaml
         good.yaml: error: it exists already. Give another name, or --replace to replace it.
    73 workbench import azure-llm trace.csv -o mine
         mine: error: it exists already. Give another name, or --replace to replace it.
    73 workbench import table export.csv --mapping mapping.yaml -o mine
         mine: error: it exists already. Give another name, or --replace to replace it.
    73 workbench import table export.csv --mapping mapping.yaml -o x --rejects good.yaml
         good.yaml: error: it exists already. Move it out of the way, or give another --rejects.
    73 workbench import otlp spans.jsonl -o mine
         mine: error: it exists already. Give another name, or --replace to replace it.
    73 workbench collect tasks.jsonl . -o x --missing good.yaml
         missing: dc7cc683451b, accounts 1 to 2 of 2
    """#)
}

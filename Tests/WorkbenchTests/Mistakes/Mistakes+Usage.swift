extension Mistake {
  /// Commands, options and arguments that are none.
  static let usage = table(
    #"""
    64 workbench rum good.yaml
         workbench: error: there is no command "rum". Did you mean run?
    64 workbench chek good.yaml
         workbench: error: there is no command "chek". Did you mean check?
    64 workbench xyzzyx
         workbench: error: there is no command "xyzzyx". "workbench --help" lists them.
    64 workbench Run good.yaml
         workbench: error: there is no command "Run". Did you mean run?
    64 workbench import azur trace.csv -o x.yaml
         workbench: error: there is no command "azur" of workbench import. There are: servegen, azure-llm,…
    64 workbench import opentelemetry spans.jsonl -o x
         workbench: error: there is no command "opentelemetry" of workbench import. There are: servegen, a…
    64 workbench baseline chek
         workbench: error: there is no command "chek" of workbench baseline. Did you mean check?
    64 workbench help rnu
         workbench: error: there is no command "rnu". Did you mean run?
    64 workbench run
         workbench: error: <scenario> is missing: The scenario file.
    64 workbench check
         workbench: error: <scenarios> is missing: Scenario files.
    64 workbench aggregate
         workbench: error: <dataset> is missing: The data set.
    64 workbench serve
         workbench: error: there is nothing to serve: name runs, or --live SCENARIO.
    64 workbench report run
         workbench: error: --output is missing: The file to write.
    64 workbench convert run
         workbench: error: <to> is missing: The data set to write.
    64 workbench compare run
         workbench: error: <actual> is missing: The output to judge.
    64 workbench merge run -o merged
         workbench: error: there is nothing to merge: name two shards or more.
    64 workbench merge -o merged
         workbench: error: <shards> is missing: The shards.
    64 workbench merge run other
         workbench: error: --output is missing: The directory to write.
    64 workbench plan
         workbench: error: <scenarios> is missing: The scenario. Further scenarios are variants of it: bef…
    64 workbench fit run
         workbench: error: --output is missing: The scenario to write (.yaml).
    64 workbench fixture good.yaml
         workbench: error: say with -o which directory to write.
    64 workbench fixture -o x
         workbench: error: give either a scenario or a data set, or --catalogue.
    64 workbench fixture good.yaml --catalogue -o x
         workbench: error: give either a scenario or a data set, or --catalogue.
    64 workbench fixture --catalogue --only leap-dya -o x
         workbench: error: --only: unknown fixture "leap-dya". Did you mean leap-day? Known: at-the-replic…
    64 workbench fixture good.yaml --only leap-day -o x
         workbench: error: --only and --list are for --catalogue.
    64 workbench fixture --catalogue --seed 3 -o x
         workbench: error: the catalogue's dates and seeds are fixed: leave --anchor, --seed and --set out.
    64 workbench fixture good.yaml -o x --requests many
         workbench: error: --requests many must be a number of requests, at least 1, or all.
    64 workbench fixture good.yaml -o x --requests 0
         workbench: error: --requests 0 must be a number of requests, at least 1, or all.
    64 workbench fixture good.yaml -o x --anchor tomorrow
         workbench: error: --anchor "tomorrow" is not a date in the years 1900 to 2199. Write today or 202…
    64 workbench fixture good.yaml -o x --salt s
         workbench: error: --salt is for --anonymise.
    64 workbench fixture good.yaml -o x --formats csw
         workbench: error: unknown format "csw". Did you mean csv? Known: csv, csv.gz, csv.zst, ndjson, nd…
    64 workbench fixture run -o x --seed 3
         workbench: error: --seed and --set are for scenarios; run is a data set.
    64 workbench fixture --catalogue -o x --replace
         workbench: error: --replace does not replace a catalogue, which is a directory of directories. Gi…
    64 workbench push run
         workbench: error: name runs, then the address: workbench push Outputs/week postgres://USER@HOST/D…
    64 workbench pull
         workbench: error: <address> is missing: The address: postgres://USER@HOST/DATABASE[?schema=NAME].
    64 workbench collect
         workbench: error: <tasks> is missing: The file of emitted tasks.
    64 workbench collect tasks.jsonl -o x
         workbench: error: <results> is missing: Results, or directories of them.
    64 workbench schema
         workbench: error: <document> is missing: Which: scenario, telemetry, dashboard, mapping, toleranc…
    64 workbench schema scenari
         workbench: error: "scenari" is unknown. Did you mean scenario? Known: scenario, telemetry, dashbo…
    64 workbench catalogue --hardware "A10 single"
         workbench: error: --model and --hardware belong to service.
    64 workbench catalogue prizes
         workbench: error: "prizes" is unknown. Did you mean prices? Known: hardware, prices, models, serv…
    64 workbench catalogue service
         workbench: error: service needs --model and --hardware.
    64 workbench catalogue prices --model x
         workbench: error: --model and --hardware belong to service.
    64 workbench catalogue service --model llama-3.1-8 --hardware "A10 single"
         workbench: error: unknown model "llama-3.1-8". Did you mean llama-3.1-8b? Known: gemma-2-9b, llam…
    64 workbench catalogue service --model llama-3.1-8b --hardware "A10 singel"
         workbench: error: there is no hardware "A10 singel" in the catalogue. Did you mean A10 single? Wr…
    64 workbench run good.yaml --foo
         workbench: error: unknown option --foo. "workbench run --help" lists those that there are.
    64 workbench run good.yaml --sed 3
         workbench: error: unknown option --sed. Did you mean --seed?
    64 workbench run good.yaml --fromats csv
         workbench: error: unknown option --fromats. Did you mean --formats?
    64 workbench run good.yaml -x
         workbench: error: unknown option -x. "workbench run --help" lists those that there are.
    64 workbench run good.yaml extra.yaml
         workbench: error: unexpected argument "extra.yaml". Leave it out, or put a name with spaces in qu…
    """#)
}

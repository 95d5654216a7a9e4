import ArgumentParser
import Telemetry

struct Workbench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "workbench",
    abstract: "Simulates an account's models, aggregates their telemetry and gives the dashboard's figures.",
    discussion: """
      Examples:
        workbench init week.yaml                     write a commented starter scenario
        workbench check week.yaml                    report every error in it
        workbench run week.yaml                      simulate it: data set, dashboard figures, summary
        workbench aggregate Outputs/week --period 2026-03-04
        workbench serve Outputs/week                 the dashboard in a browser
        workbench compare Outputs/week Outputs/next  which figure differs, where, by how much
        workbench expect Outputs/week --slo 'latency.p95 <= 5s'
        workbench fixture week.yaml -o fixture       data, and the figures that a dashboard must show for them
        workbench plan week.yaml --vary load.scale=1,1.5,2
        workbench shadow Outputs/week --policy 'targetUtilisation: { target: 0.7 }'
        workbench run fleet.yaml --emit-tasks > tasks.jsonl   tasks for other machines
        workbench collect tasks.jsonl results -o Outputs/fleet
        workbench push Outputs/week postgres://qa@db/quality  a shared home for runs
        workbench import azure-llm TRACE.csv -o azure.yaml
        workbench fit Outputs/platform -o platform.yaml   a scenario like real telemetry

      Environment:
        WORKBENCH_DUCKDB   the DuckDB command line, for validate and Parquet; else it
                           is looked for on the PATH and in ~/.local/bin
        WORKBENCH_STORE    where task and collect look for inputs without --store
        WORKBENCH_WEB      a folder of the page's files, for those who work on them
        SOURCE_DATE_EPOCH  the instant that "fixture --anchor today" takes for now:
                           seconds since 1970
        GITHUB_ACTIONS     true: compare and baseline check print annotations
        NO_COLOR           set: no colours
        TMPDIR             where temporary files go; /tmp without it
        PGHOST, PGPASSWORD and the others of libpq, for what an address leaves out

      Exit status: 0 done; 1 a check, validation, comparison or objective failed; 2 inconclusive: no verdict was \
      possible, and one line says why; 64 wrong usage; 65 bad input; 66 input not found; 69 a part of the program is \
      missing; 70 internal error; 73 output cannot be written; 130 interrupted.
      """,
    version: Program.version,
    subcommands: [
      InitCommand.self, CheckCommand.self, RunCommand.self, AggregateCommand.self, ImportCommand.self,
      ServeCommand.self, ReportCommand.self, ConvertCommand.self, MergeCommand.self,
      ValidateCommand.self, CompareCommand.self, ExpectCommand.self, FixtureCommand.self,
      BaselineCommand.self, PlanCommand.self, ShadowCommand.self,
      FitCommand.self, TaskCommand.self, CollectCommand.self, PushCommand.self, PullCommand.self,
      SchemaCommand.self, CatalogueCommand.self,
    ])

}

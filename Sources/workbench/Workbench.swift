import ArgumentParser
import Telemetry

struct Workbench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "workbench",
    abstract: "Simulates an account's models, aggregates their telemetry and gives the dashboard's figures.",
    discussion: """
      Examples:
        workbench init week.yaml                  a commented starter scenario
        workbench explain models.load             what may stand there
        workbench check week.yaml                 every error in it
        workbench run week.yaml                   data set, figures, summary
        workbench aggregate Outputs/week --period 2026-03-04 --table
        workbench serve Outputs/week              the dashboard in a browser
        workbench compare Outputs/week Outputs/next   which figure differs
        workbench expect Outputs/week --slo 'latency.p95 <= 5s'
        workbench fixture week.yaml -o fixture    data and expected figures
        workbench plan week.yaml --vary load.scale=1,1.5,2
        workbench shadow Outputs/week --policy 'targetUtilisation: { target: 0.7 }'
        workbench run fleet.yaml --emit-tasks > tasks.jsonl
        workbench collect tasks.jsonl results -o Outputs/fleet
        workbench push Outputs/week postgres://qa@db/quality
        workbench import azure-llm TRACE.csv -o azure.yaml
        workbench fit Outputs/platform -o platform.yaml

      Files: - stands for standard input or output where one stream makes sense.

      Environment:
        WORKBENCH_DUCKDB   the DuckDB command line, for validate and Parquet; else it
                           is looked for on the PATH and in ~/.local/bin
        WORKBENCH_STORE    where task and collect look for inputs without --store
        WORKBENCH_WEB      a folder of the page's files, for those who work on them
        SOURCE_DATE_EPOCH  the instant that "fixture --anchor today" takes for now:
                           seconds since 1970
        GITHUB_ACTIONS     true: compare and baseline check print annotations
        NO_COLOR           set: no colours and no progress bars; TERM=dumb likewise
        TERM               dumb: as NO_COLOR
        COLUMNS            how wide help and tables are; else as wide as the
                           terminal, or 80
        TMPDIR             where temporary files go; /tmp without it
        PGHOST, PGPASSWORD and the others of libpq, for what an address leaves out

      Exit status: 0 done; 1 a check, validation, comparison or objective failed; 2 inconclusive: no verdict was \
      possible, and one line says why; 64 wrong usage; 65 bad input; 66 input not found; 69 a part of the program is \
      missing; 70 internal error; 73 output cannot be written; 130 interrupted.
      """,
    version: Program.version,
    groupedSubcommands: [
      CommandGroup(
        name: "Scenario",
        subcommands: [InitCommand.self, ExplainCommand.self, CheckCommand.self, RunCommand.self]),
      CommandGroup(
        name: "Dashboard", subcommands: [AggregateCommand.self, ServeCommand.self, ReportCommand.self]),
      CommandGroup(
        name: "Test",
        subcommands: [
          ValidateCommand.self, CompareCommand.self, ExpectCommand.self, BaselineCommand.self,
          FixtureCommand.self,
        ]),
      CommandGroup(name: "Planning", subcommands: [PlanCommand.self, ShadowCommand.self, FitCommand.self]),
      CommandGroup(
        name: "Data",
        subcommands: [
          ImportCommand.self, ConvertCommand.self, MergeCommand.self, PushCommand.self, PullCommand.self,
        ]),
      CommandGroup(name: "Other machines", subcommands: [TaskCommand.self, CollectCommand.self]),
      CommandGroup(name: "Reference", subcommands: [SchemaCommand.self, CatalogueCommand.self]),
    ])

}

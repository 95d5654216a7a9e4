import Foundation
import TestSupport
import Testing

@Suite("The scenario's JSON Schema")
struct SchemaTests {
  /// Validation by an independent implementation, PyPI's jsonschema, as an editor would do it.
  static let validator = """
    import json, re, sys, yaml
    from jsonschema import Draft202012Validator
    schema = json.load(open(sys.argv[1]))
    Draft202012Validator.check_schema(schema)
    # YAML dates stay text, as editors see them.
    class Loader(yaml.SafeLoader): pass
    Loader.yaml_implicit_resolvers = {k: [r for r in v if r[0] != 'tag:yaml.org,2002:timestamp'] for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items()}
    for path in sys.argv[2:]:
        errors = list(Draft202012Validator(schema).iter_errors(yaml.load(open(path), Loader)))
        for error in errors: print(path, error.json_path, error.message)
        print(path, 'ok' if not errors else 'bad')
    """

  static let python = repository(".venv/bin/python")

  static func validate(_ paths: [String]) throws -> String {
    let scratch = try Scratch()
    let schema = try scratch.write("schema.json", Program.run("schema", "scenario").output)
    let outcome = try Program.command(Self.python, ["-c", validator, schema] + paths)
    #expect(outcome.status == 0, "\(outcome.error)")
    return outcome.output
  }

  @Test("accepts every shipped scenario and the starter")
  func accepts() throws {
    let scratch = try Scratch()
    #expect(try Program.run("init", "starter", in: scratch.path).status == 0)
    var paths = try shippedScenarios() + [scratch.file("starter.yaml")]
    if let example = sharedData("../design/scenario-example.yaml") { paths.append(example) }
    let output = try Self.validate(paths)
    #expect(output.split(separator: "\n").count == paths.count && !output.contains("bad"), "\(output)")
  }

  @Test("refuses what check refuses")
  func refuses() throws {
    let scratch = try Scratch()
    let steady = try String(contentsOfFile: repository("Scenarios/steady.yaml"), encoding: .utf8)
    let mistakes = [
      ("key", "hardware:", "hardwear:"), ("unit", "rate: 1.2/s", "rate: 1.2"),
      ("kind", "kind: external", "kind: extern"),
      ("range", "maxReplicas: 2, ", "maxReplicas: 999, "), ("family", "lognormal:", "lognormall:"),
    ]
    for (name, from, to) in mistakes {
      let path = try scratch.write("\(name).yaml", steady.replacing(from, with: to))
      #expect(try Program.run("check", path).status == 1, "\(name)")
      #expect(try Self.validate([path]).contains("bad"), "\(name)")
    }
  }
}

@Suite("JSON Schemas of outputs")
struct OutputSchemaTests {
  /// The whole catalogue, as the command writes it.
  private static func catalogue(_ scratch: Scratch) throws -> String {
    let root = scratch.file("all")
    let made = try Program.run("fixture", "--catalogue", "-o", root, "-q")
    #expect(made.status == 0 && made.output.isEmpty, "\(made.error)")
    #expect(try scratch.entries("/all").filter { $0 != "README.md" }.count == 21)
    return root
  }

  @Test("every dashboard of the catalogue, and every row of its tables, is what the schemas say")
  func outputs() throws {
    let scratch = try Scratch()
    let root = try Self.catalogue(scratch)
    let dashboard = try scratch.write("dashboard.json", Program.run("schema", "dashboard").output)
    let telemetry = try scratch.write("telemetry.json", Program.run("schema", "telemetry").output)
    let ndjson = scratch.file("rows")
    #expect(
      try Program.run("convert", "\(root)/hostile-names", ndjson, "--format", "ndjson", "-q").status == 0)
    let check = """
      import json, pathlib, sys
      from jsonschema import Draft202012Validator
      dashboard, telemetry = (json.load(open(p)) for p in sys.argv[1:3])
      for schema in (dashboard, telemetry): Draft202012Validator.check_schema(schema)
      validator = Draft202012Validator(dashboard)
      files = sorted(pathlib.Path(sys.argv[3]).glob("*/dashboard/**/*.json"))
      for file in files:
          for error in validator.iter_errors(json.loads(file.read_text())): print(file, error.json_path, error.message)
      # A schema that takes anything is none.
      broken = json.loads(files[0].read_text()); broken["requests"]["totalFailures"] = -1
      assert list(validator.iter_errors(broken))
      del broken["requests"]["totalFailures"]
      assert list(validator.iter_errors(broken))
      rows = 0
      for file in sorted(pathlib.Path(sys.argv[4]).glob("telemetry/*.ndjson")):
          table = Draft202012Validator({**telemetry["$defs"][file.stem], "$defs": telemetry["$defs"]})
          for line in file.read_text().splitlines():
              rows += 1
              for error in table.iter_errors(json.loads(line)): print(file, error.json_path, error.message)
      print(len(files), rows > 500)
      """
    let outcome = try Program.command(SchemaTests.python, ["-c", check, dashboard, telemetry, root, ndjson])
    #expect(outcome.status == 0 && outcome.output == "840 True\n", "\(outcome.output)\(outcome.error)")
  }
}

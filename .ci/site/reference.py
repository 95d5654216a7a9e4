"""The reference: every command and option, every key of every document, every table and figure, prices and models."""

import json
import re

DOCUMENTS = {
    "scenario": "Scenario",
    "mapping": "Mapping of an import",
    "plan": "Plan file",
    "tolerances": "Tolerances",
    "objectives": "Objectives file",
    "profile": "Service profile",
}


def write(site):
    site.write("reference/commands.md", commands(json.loads(site.run("--experimental-dump-help"))["command"]))
    for name, title in DOCUMENTS.items():
        site.write(f"reference/document-{name}.md", document(name, title, json.loads(site.run("schema", name))))
    site.write("reference/tables.md", tables(json.loads(site.run("schema", "telemetry"))))
    site.write("reference/figures.md", figures(json.loads(site.run("schema", "dashboard"))))
    site.write("reference/prices.md", prices(site))


def cell(text):
    return str(text).replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def table(heads, rows):
    return ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads), *("| " + " | ".join(row) + " |" for row in rows), ""]


# Commands


def commands(root):
    lines = ["# Commands", "", "What `--help` says, written by the program.", ""]

    def visit(command, words):
        words = [*words, command["commandName"]]
        lines.extend(["#" * min(len(words) + 1, 4) + " " + " ".join(words), "", cell(command.get("abstract", "")), ""])
        if text := command.get("discussion"):
            lines.extend(["```text", text.strip("\n"), "```", ""])
        rows = []
        for argument in command.get("arguments", []):
            if not argument.get("shouldDisplay", True):
                continue
            names = [("-" if n["kind"] == "short" else "--") + n["name"] for n in argument.get("names", [])]
            value = argument.get("valueName", "")
            if argument["kind"] == "positional":
                shown = f"<{value}>"
            else:
                shown = ", ".join(sorted(names, key=len)) + (f" <{value}>" if argument["kind"] == "option" else "")
            if shown.startswith(("-h", "--version", "--help")):
                continue
            about = argument.get("abstract", "")
            if argument.get("defaultValue") and "(default" not in about:
                about += f" (default: {argument['defaultValue']})"
            rows.append([f"`{shown}`", cell(about)])
        if rows:
            lines.extend(table(["argument, option", ""], rows))
        for inner in command.get("subcommands", []):
            if inner["commandName"] != "help":
                visit(inner, words)

    visit(root, [])
    return "\n".join(lines)


# Documents, by their shapes


def kind(schema, page):
    """What a value is, in words, with links to the shapes of its page."""
    if reference := schema.get("$ref"):
        shape = reference.rpartition("/")[2]
        return f"[{shape}](#{slug(page, shape)})"
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(kind(one, page) for one in schema[several]))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    said = schema.get("type", "")
    if said == "array":
        return "list of " + kind(schema.get("items", {}), page)
    if said == "object" and (patterns := schema.get("patternProperties")):
        return "by name: " + " or ".join(kind(one, page) for one in patterns.values())
    if isinstance(said, list):
        said = "text" if set(said) == {"string", "number"} else " or ".join("unknown (null)" if one == "null" else one for one in said)
    limits = []
    for word, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<")):
        if word in schema:
            limits.append(f"{sign} {schema[word]:,}" if isinstance(schema[word], int) else f"{sign} {schema[word]}")
    return cell(" ".join([{"string": "text"}.get(said, said), *limits]))


def slug(page, shape):
    return f"{page}-" + re.sub(r"[^a-z0-9-]+", "-", shape.lower())


def properties(page, shape):
    rows = []
    required = set(shape.get("required", []))
    for key, schema in sorted(shape.get("properties", {}).items()):
        default = f"`{json.dumps(schema['default'], ensure_ascii=False)}`" if "default" in schema else "required" if key in required else ""
        rows.append([f"`{key}`", kind(schema, page), default, cell(schema.get("description", ""))])
    return table(["key", "value", "default", "meaning"], rows) if rows else []


def described(page, name, shape):
    lines = [f"({slug(page, name)})=", f"## {name}", "", cell(shape.get("description", "")), ""]
    more = properties(page, shape)
    if not more:
        more = ["Value: " + kind(shape, page), ""]
    return lines + more


def document(name, title, schema):
    lines = [f"# {title}: every key", "", cell(schema.get("description", "")), "", f"Written by `workbench schema {name}`.", ""]
    lines += properties(name, schema)
    for shape in sorted(schema.get("$defs", {})):
        lines += described(name, shape, schema["$defs"][shape])
    return "\n".join(lines)


def tables(schema):
    lines = ["# Tables of telemetry", "", cell(schema.get("description", "")), "", "Written by `workbench schema telemetry`; [Data sets](../guide/DataSets.md) has formats and rules.", ""]
    for name in sorted(schema["$defs"]):
        lines += described("table", name, schema["$defs"][name])
    return "\n".join(lines)


def figures(schema):
    lines = ["# Every figure", "", cell(schema.get("description", "")), "", "Written by `workbench schema dashboard`; [Figures](../guide/Figures.md) says how they are defined.", ""]
    rows = []

    def visit(path, schema):
        if "$ref" in schema and schema["$ref"].startswith("#/$defs/"):
            schema = {**definitions[schema["$ref"].rpartition("/")[2]], **schema}
        if "properties" in schema:
            for key, inner in sorted(schema["properties"].items()):
                visit(f"{path}.{key}" if path else key, inner)
        elif schema.get("type") == "array":
            visit(f"{path}[*]", schema.get("items", {}))
        elif several := [one for word in ("anyOf", "oneOf") for one in schema.get(word, []) if one.get("type") != "null"]:
            visit(path, {**several[0], "description": schema.get("description", several[0].get("description", ""))})
        else:
            rows.append([f"`{path}`", kind({k: v for k, v in schema.items() if k != "$ref"}, "figure"), cell(schema.get("description", ""))])

    definitions = schema.get("$defs", {})
    visit("", {"properties": schema["properties"]})
    return "\n".join(lines + table(["figure", "value", "meaning"], rows))


def prices(site):
    lines = ["# Default prices, hardware and models", "", "What the program knows without being told, written by `workbench catalogue`. "
             "A scenario's `account.credits` overrides prices; `card` and `architecture` of a service describe what the catalogue lacks.", ""]
    for title, part in (("Prices", "prices"), ("Cards", "hardware"), ("Models", "models")):
        lines += [f"## {title}", "", f"`workbench catalogue {part}`", "", "```text", site.run("catalogue", part).rstrip(), "```", ""]
    return "\n".join(lines)

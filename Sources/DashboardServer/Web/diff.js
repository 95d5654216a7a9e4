// Two outputs that differ: for each dashboard a table of what differs, and the graphs of both on the same axes.
import * as widgets from "./widgets.js";
import * as charts from "./charts.js";

const { result, pairs } = JSON.parse(document.getElementById("differences").textContent);
const { element } = widgets;
const most = 200;
const noMarks = { incidents: [], cutShort: [] };

function change(difference) {
  if (typeof difference.difference !== "number") return "";
  const sign = difference.difference > 0 ? "+" : "";
  const share = typeof difference.relative === "number" ? ` (${sign || "−"}${(difference.relative * 100).toPrecision(3)} %)` : "";
  return `${sign}${difference.difference.toLocaleString("en", { maximumSignificantDigits: 6 })}${share}`;
}

function tableOf(differences) {
  const columns = ["what", "path", "expected", "actual", "difference", "allowed", "where to look"];
  return element("div", { className: "table", tabIndex: 0, role: "region", "aria-label": "Differences" },
    element("table", {},
      element("thead", {}, element("tr", {}, ...columns.map((name) => element("th", { scope: "col" }, name)))),
      element("tbody", {}, ...differences.slice(0, most).map((d) => element("tr", {},
        ...[d.kind, d.path || "the whole dashboard", d.expected ?? "–", d.actual ?? "–", change(d), d.allowed ?? "exact", d.look].map((text) => element("td", {}, text))))),
      differences.length > most ? element("caption", {}, `The worst ${most} of ${differences.length}; --json has all.`) : ""));
}

// The actual output in colours of its own.
function recolour(figure) {
  for (const trace of figure.data.filter(({ meta }) => meta === "other")) {
    const old = trace.line?.color ?? trace.marker?.color;
    const other = old === charts.colour.red ? charts.colour.violet : charts.colour.amber;
    if (trace.line) trace.line = { ...trace.line, color: other };
    if (trace.marker) trace.marker = { ...trace.marker, color: other, opacity: 0.6 };
  }
}

// Vertical lines where buckets differ.
function mark(figure, differences) {
  const moments = new Set(differences.map((d) => /\[(\d{4}-\d{2}-\d{2}T[^\] ]+)/.exec(d.path)?.[1]).filter(Boolean));
  // Of points that are single requests, marks would hide everything.
  if (moments.size > 60) return;
  for (const at of moments) {
    const x = at.slice(0, 19).replace("T", " ");
    figure.layout.shapes.push({ type: "line", xref: "x", yref: "paper", x0: x, x1: x, y0: 0, y1: 1, line: { color: charts.colour.amber, width: 1, dash: "dash" } });
  }
}

const main = document.getElementById("main");
const byDocument = Map.groupBy(result.differences, (difference) => difference.document);
const summary = result.verdict === "inconclusive" ? `Inconclusive: ${result.reason} No difference was found in ${result.figures.toLocaleString("en")} figures.` : `${result.total.toLocaleString("en")} differences in ${byDocument.size} of ${result.documents} dashboards; ${result.figures.toLocaleString("en")} figures compared.`;
main.append(element("p", {}, `Expected ${result.expected}, actual ${result.actual}. ${summary}`), element("p", {}, "Graphs: expected as on the dashboard, actual dotted or pale in amber and violet. Dashed lines: buckets that differ."));
for (const note of [...result.warnings, ...result.notes]) main.append(element("p", { className: "note" }, note));

const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    target.draw?.();
  }
}, { rootMargin: "400px" });

for (const [name, differences] of byDocument) {
  const section = element("section", { "aria-label": name }, element("h2", {}, `${name}: ${differences.length} differences shown`), tableOf(differences));
  main.append(section);
  if (!Object.hasOwn(pairs, name)) continue;
  const pair = pairs[name];
  const grid = element("div", { className: "widgets" });
  section.append(grid);
  for (const kind of Object.keys(widgets.widgets)) {
    const own = differences.filter((difference) => difference.path === kind || difference.path.startsWith(`${kind}.`));
    if (!own.length || !pair.expected[kind] || !pair.actual[kind]) continue;
    const view = { prefix: `${name}-`, percentiles: kind === "latency" && own.every((d) => d.path.startsWith("latency.buckets")), reasons: kind === "requests", toggle() {} };
    try {
      const box = widgets.render(kind, [[pair.expected, noMarks], [pair.actual, noMarks, "actual"]], view, null);
      if (box.figure) { recolour(box.figure); mark(box.figure, own); }
      grid.append(box);
      seen.observe(box);
    } catch (error) {
      grid.append(element("p", { className: "note" }, `No graph of ${kind}: ${error.message}`));
    }
  }
}

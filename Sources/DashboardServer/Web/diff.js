// Two outputs that differ: for each dashboard a table of what differs, and the graphs of both on the same axes.
import { Panel } from "./panels.js";
import { element } from "./parts.js";

const { html, render } = preact;
const { result, pairs } = JSON.parse(document.getElementById("differences").textContent);
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

// Vertical lines where buckets differ, in seconds. Of points that are single requests they would hide everything.
function rulesOf(differences) {
  const moments = new Set(differences.map((d) => /\[(\d{4}-\d{2}-\d{2}T[^\] ]+)/.exec(d.path)?.[1]).filter(Boolean));
  return moments.size > 60 ? [] : [...moments].map((at) => Date.parse(at) / 1000).filter(Number.isFinite);
}

// What a dashboard of a file says of its account.
const unknown = { account: "", earliest: "0000", today: "9999", models: [] };

const main = document.getElementById("main");
const byDocument = Map.groupBy(result.differences, (difference) => difference.document);
const summary = result.verdict === "inconclusive" ? `Inconclusive: ${result.reason} No difference was found in ${result.figures.toLocaleString("en")} figures.` : `${result.total.toLocaleString("en")} differences in ${byDocument.size} of ${result.documents} dashboards; ${result.figures.toLocaleString("en")} figures compared.`;
main.append(element("p", {}, `Expected ${result.expected}, actual ${result.actual}. ${summary}`), element("p", {}, "Graphs: expected as on the dashboard, actual grey and dashed. Dashed vertical lines: buckets that differ."));
for (const note of [...result.warnings, ...result.notes]) main.append(element("p", { className: "note" }, note));

const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    target.draw();
  }
}, { rootMargin: "400px" });

for (const [name, differences] of byDocument) {
  const section = element("section", { "aria-label": name }, element("h2", {}, `${name}: ${differences.length} differences shown`), tableOf(differences));
  main.append(section);
  if (!Object.hasOwn(pairs, name)) continue;
  const pair = pairs[name];
  const grid = element("div", { className: "widgets" });
  section.append(grid);
  for (const kind of ["latency", "requests", "scaling", "tokens"]) {
    const own = differences.filter((difference) => difference.path === kind || difference.path.startsWith(`${kind}.`));
    if (!own.length || !pair.expected[kind] || !pair.actual[kind]) continue;
    const view = { percentiles: kind === "latency" && own.every((d) => d.path.startsWith("latency.buckets")) ? "1" : "", reasons: kind === "requests" ? "1" : "" };
    const place = element("div", {});
    grid.append(place);
    place.draw = () => {
      const answer = (data, label, more) => ({ data, marks: noMarks, run: { id: "", name: label }, account: unknown, accountName: name, ...more });
      try {
        render(html`<${Panel} kind=${kind} answers=${[answer(pair.expected, "expected"), answer(pair.actual, "actual", { isOther: true, label: "actual" })]} extra=${{}} view=${view} rules=${rulesOf(own)} prefix=${`${name}-`} onChange=${() => {}} />`, place);
      } catch (error) {
        place.replaceChildren(element("p", { className: "note" }, `No graph of ${kind}: ${error.message}`));
      }
    };
    seen.observe(place);
  }
}

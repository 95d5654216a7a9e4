// A plan: the recommendation in words, figures with intervals, graphs, how to read them, the command that makes it again.
import * as widgets from "./widgets.js";
import * as charts from "./charts.js";

const { element } = widgets;
const main = document.getElementById("main");
const embedded = document.getElementById("plan-data");
const { plan, words, columns } = embedded ? JSON.parse(embedded.textContent) : await (await fetch("plan.json")).json();
const most = 60;
const chartLibrary = () => window.Plotly ? Promise.resolve() : new Promise((resolve) => document.getElementById("plotly").addEventListener("load", resolve, { once: true }));
const { plain } = charts;

// Metrics as people read them: shares in percent.
const factor = (unit) => (unit === "share" ? 100 : 1);
const unitName = (unit) => ({ ms: "ms", share: "%", credits: "credits", hours: "h", count: "" })[unit];
const digits = (value) => value.toLocaleString("en", { maximumSignificantDigits: 5 });
function figure(estimate, unit, signed) {
  if (!estimate) return "–";
  const scale = factor(unit);
  const half = typeof estimate.halfWidth === "number" ? ` ± ${digits(estimate.halfWidth * scale < 1e-9 ? 0 : estimate.halfWidth * scale)}` : "";
  return `${signed && estimate.value > 0 ? "+" : ""}${digits(estimate.value * scale)}${half}`;
}

function table(head, rows, label) {
  return element("div", { className: "table wide", tabIndex: 0, role: "region", "aria-label": label },
    element("table", {}, element("thead", {}, element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text)))),
      element("tbody", {}, ...rows.map(({ cells, best }) => element("tr", { className: best ? "best" : "" }, ...cells.map((text) => element("td", {}, text)))))));
}

const drawn = [];
function chart(title, note, height, data, layout) {
  const box = element("div", { className: "chart", role: "img", "aria-label": title });
  box.style.height = `${height}px`;
  const base = charts.layout();
  const full = { ...base, showlegend: false, ...layout, xaxis: { ...base.xaxis, type: "-", ...layout.xaxis }, yaxis: { ...base.yaxis, ...layout.yaxis } };
  drawn.push(() => Plotly.react(box, data, full, { responsive: true, displaylogo: false, displayModeBar: false }));
  return element("article", { className: "widget" }, element("h2", {}, title), element("p", { className: "note" }, note), box);
}

const best = plan.choice?.best;
const shown = plan.variants.slice(0, most);
const title = (variant) => (variant.alsoNamed?.length ? `${variant.name} (${variant.alsoNamed.join("; ")})` : variant.name);
const name = (variant) => (variant.name === best ? `★ ${title(variant)}` : title(variant));

main.append(element("section", { "aria-label": "Recommendation" },
  element("h2", {}, plan.scenario), plan.description ? element("p", {}, plan.description) : null,
  ...words.map((text, index) => element("p", { className: index === 0 && plan.choice ? "lead" : "" }, text)),
  ...plan.warnings.map((text) => element("p", { className: "note" }, text))));

main.append(element("section", { "aria-label": "Variants" }, element("h2", {}, "Variants side by side"),
  table(["variant", "replications", ...columns.map(({ name, unit }) => `${name}${unitName(unit) ? `, ${unitName(unit)}` : ""}`), ...(plan.choice ? ["levels"] : [])],
    shown.map((variant) => ({ best: variant.name === best, cells: [name(variant), String(variant.replications), ...columns.map(({ name, unit }) => figure(variant.metrics[name], unit)), ...(plan.choice ? [variant.brokenLevel ? `breaks ${variant.brokenLevel}` : variant.feasibility === "feasible" ? "kept" : "undecided"] : [])] })), "Variants"),
  plan.variants.length > most ? element("p", { className: "note" }, `The first ${most} of ${plan.variants.length}; plan.json has all.`) : null,
  element("h2", {}, "Differences to the base"),
  table(["variant", ...columns.map(({ name, unit }) => `${name}${unitName(unit) ? `, ${unitName(unit)}` : ""}`), "variance reduced, latency.mean"],
    shown.slice(1).map((variant) => ({ best: variant.name === best, cells: [name(variant), ...columns.map(({ name, unit }) => figure(variant.differences[name], unit, true)), variant.varianceReduction["latency.mean"] ? `${digits(variant.varianceReduction["latency.mean"])}-fold` : "–"] })), "Differences")));

const grid = element("div", { className: "widgets" });
main.append(element("section", { "aria-label": "Graphs" }, element("h2", {}, "Graphs"), grid));
for (const { name: metric, unit } of columns) {
  const own = shown.filter((variant) => variant.metrics[metric]).reverse();
  const level = plan.choice?.levels.find((text) => text.startsWith(`${metric.replace("[worst]", "")} `));
  grid.append(chart(metric, `${plan.isDeterministic ? "Of each variant; nothing is drawn at random" : `Estimate and ${plan.confidence * 100} % interval of each variant`}${level ? `; level: ${level}` : ""}.`, Math.max(220, 60 + own.length * 22), [{
    type: "scatter", mode: "markers", x: own.map((variant) => variant.metrics[metric].value * factor(unit)), y: own.map((variant) => plain(name(variant))),
    error_x: { type: "data", array: own.map((variant) => (variant.metrics[metric].halfWidth ?? 0) * factor(unit)), color: charts.colour.grey },
    marker: { size: 9, color: own.map((variant) => (variant.name === best ? charts.colour.green : variant.brokenLevel ? charts.colour.red : charts.colour.blue)) },
    hovertemplate: "%{y}<br>%{x:,.5g} ± %{error_x.array:.3g}<extra></extra>",
  }], { margin: { l: 8, r: 14, t: 8, b: 46 }, xaxis: { title: { text: unitName(unit) } }, yaxis: { type: "category", automargin: true } }));
}

const cost = plan.choice?.minimizes ? plan.choice.objective : "credits";
const latency = columns.map(({ name }) => name).find((text) => text.startsWith("latency.") && plan.choice?.levels.some((level) => level.startsWith(`${text.replace("[worst]", "")} `))) || "latency.p95";
const points = plan.variants.filter((variant) => variant.metrics[cost] && variant.metrics[latency]);
if (points.length > 2) {
  const front = points.filter((variant) => variant.isOnParetoFront).sort((a, b) => a.metrics[cost].value - b.metrics[cost].value);
  const trace = (list, more) => ({
    x: list.map((variant) => variant.metrics[cost].value), y: list.map((variant) => variant.metrics[latency].value), text: list.map((variant) => plain(name(variant))),
    error_x: { type: "data", array: list.map((variant) => variant.metrics[cost].halfWidth ?? 0), thickness: 1, color: charts.colour.grey }, error_y: { type: "data", array: list.map((variant) => variant.metrics[latency].halfWidth ?? 0), thickness: 1, color: charts.colour.grey },
    hovertemplate: "%{text}<br>%{x:,.5g}, %{y:,.5g} ms<extra></extra>", ...more,
  });
  grid.append(chart("Cost against latency", "The line joins the Pareto front: variants that no other beats in both.", 380, [
    trace(points, { mode: "markers", name: "variants", marker: { color: points.map((variant) => (variant.name === best ? charts.colour.green : charts.colour.blue)), size: 9 } }),
    trace(front, { mode: "lines", name: "Pareto front", line: { color: charts.colour.amber, dash: "dot" }, error_x: undefined, error_y: undefined }),
  ], { xaxis: { title: { text: plain(cost) } }, yaxis: { title: { text: plain(`${latency}, ms`) }, rangemode: "normal" } }));
}
if (plan.ideal.length) {
  grid.append(chart("Replica-hours, and the ideal bound", "What a perfect, instantaneous autoscaler would need for the same arrivals of the first replication.", 300, [
    { type: "bar", name: "used", x: plan.ideal.map(({ variant }) => plain(variant)), y: plan.ideal.map(({ replicaHours }) => replicaHours), marker: { color: charts.colour.blue } },
    { type: "bar", name: "ideal bound", x: plan.ideal.map(({ variant }) => plain(variant)), y: plan.ideal.map(({ bound }) => bound.replicaHours), marker: { color: charts.colour.green } },
  ], { showlegend: true, barmode: "group", xaxis: { type: "category" }, yaxis: { title: { text: "replica-hours" } } }));
}
if (plan.sensitivity) {
  const { metric, influences, sobol } = plan.sensitivity;
  const rows = influences.filter(({ swing }) => swing).reverse();
  grid.append(chart(`What moves ${metric}`, "Each input from its low to its high end, all others as in the base; with the interval of the difference.", Math.max(220, 80 + rows.length * 36), [{
    type: "bar", orientation: "h", y: rows.map(({ path, low, high }) => plain(`${path.split(".").slice(-2).join(".")} ${low} … ${high}`)), x: rows.map(({ swing }) => swing.value),
    error_x: { type: "data", array: rows.map(({ swing }) => swing.halfWidth ?? 0) }, marker: { color: charts.colour.blue },
  }], { margin: { l: 8, r: 14, t: 8, b: 46 }, yaxis: { type: "category", automargin: true } }));
  if (sobol.length) {
    const list = [...sobol].reverse();
    grid.append(chart("First-order Sobol indices", `The share of the variance of ${metric} that each input explains by itself, ± 2 standard errors; ${plan.sensitivity.sobolRuns} runs.`, Math.max(200, 80 + list.length * 36), [{
      type: "bar", orientation: "h", y: list.map(({ path }) => plain(path.split(".").slice(-2).join("."))), x: list.map(({ index }) => index),
      error_x: { type: "data", array: list.map(({ standardError }) => 2 * standardError) }, marker: { color: charts.colour.violet },
    }], { margin: { l: 8, r: 14, t: 8, b: 46 }, yaxis: { type: "category", automargin: true } }));
  }
}

main.append(element("section", { "aria-label": "How to read this" }, element("h2", {}, "How to read this"),
  element("p", {}, plan.isDeterministic ? `Nothing of this plan is drawn at random: one replication says all, and figures have no intervals; ${plan.warmUp.text}.` : `Every variant was simulated on the same random numbers, replication by replication; ${plan.warmUp.text}. An estimate ± half width is an interval that contains the true value in ${plan.confidence * 100} % of such experiments. Means have Student's interval over replications, quantiles one by sectioning. Differences are paired: where they vary less than both variants apart, the pairing has paid (“variance reduced”). A difference whose interval contains 0 is not shown to be one.`),
  plan.choice && !plan.isDeterministic ? element("p", {}, `The best was selected by a feasibility test of each level (Batur and Kim 2010) and the procedure KN (Kim and Nelson 2001): variants get replications only while they are in the race, so intervals of those that left early are wider. The stated probability holds for differences beyond the indifference given.`) : null,
  element("p", {}, "Made by:"), element("pre", {}, plan.command), element("p", { className: "note" }, plan.program)));

// Served, the variants' own dashboards stand beside each other.
async function dashboards() {
  const runs = await (await fetch("api/runs")).json();
  const section = element("section", { "aria-label": "Dashboards" }, element("h2", {}, "Dashboards side by side"));
  const columnsOfRuns = element("div", { className: "sides" });
  section.append(columnsOfRuns);
  main.append(section);
  for (const run of runs.slice(0, 8)) {
    const account = run.accounts[0];
    const kind = ["openSource", "fineTuned", "external"].find((entry) => account.models.some((model) => model.kind === entry));
    const query = new URLSearchParams({ account: account.account, kind, period: "7d" });
    const data = await (await fetch(`api/runs/${encodeURIComponent(run.id)}/dashboard?${query}`)).json();
    const marks = await (await fetch(`api/runs/${encodeURIComponent(run.id)}/marks?${new URLSearchParams({ account: account.account })}`)).json();
    const column = element("div", {}, element("h3", {}, element("a", { href: `./?run=${encodeURIComponent(run.id)}` }, run.name)));
    for (const widget of widgets.widgetsOf(kind)) {
      const box = widgets.render(widget, [[data, marks]], { prefix: `${run.id}-`, percentiles: widget === "latency", toggle() {} }, null);
      column.append(box);
      drawn.push(() => box.draw?.());
    }
    columnsOfRuns.append(column);
  }
}
if (!embedded) await dashboards();
await chartLibrary();
for (const draw of drawn) await draw();
main.setAttribute("aria-busy", "false");

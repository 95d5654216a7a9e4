// A fit: what was fitted, how well it stands for the telemetry, and both laid over each other.
import * as widgets from "./widgets.js";
import * as charts from "./charts.js";

const { element } = widgets;
const fit = JSON.parse(document.getElementById("fit").textContent);
const main = document.getElementById("main");
const digits = (value) => (typeof value === "number" ? value.toLocaleString("en", { maximumSignificantDigits: 4 }) : value ?? "–");
const percent = (share) => (typeof share === "number" ? `${(100 * share).toFixed(1)} %` : "–");
const probability = (p) => (p < 1e-4 ? "< 0.0001" : p.toFixed(4));
const span = (seconds) => (seconds >= 3600 ? `${seconds / 3600} h` : seconds >= 60 ? `${seconds / 60} min` : `${seconds} s`);

function table(head, rows, label) {
  return element("div", { className: "table wide", tabIndex: 0, role: "region", "aria-label": label },
    element("table", {}, element("thead", {}, element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text)))),
      element("tbody", {}, ...rows.map((cells) => element("tr", {}, ...cells.map((text) => element("td", {}, String(text))))))));
}

const waiting = [];
function chart(title, note, data, layout) {
  const box = element("div", { className: "chart", role: "img", "aria-label": title });
  box.style.height = "300px";
  const base = charts.layout();
  const full = { ...base, ...layout, xaxis: { ...base.xaxis, type: "-", ...layout.xaxis }, yaxis: { ...base.yaxis, ...layout.yaxis } };
  waiting.push(() => Plotly.react(box, data, full, { responsive: true, displaylogo: false, displayModeBar: false }));
  return element("article", { className: "widget" }, element("h2", {}, title), element("p", { className: "note" }, note), box);
}
const observed = (x, y, more) => ({ name: "observed", x, y, mode: "lines", line: { color: charts.colour.blue }, ...more });
const simulated = (x, y, more) => ({ name: "simulated", x, y, mode: "lines", line: { color: charts.colour.amber, dash: "dot" }, ...more });

main.append(element("p", {}, `${fit.scenario}, fitted to ${fit.source}, ${fit.from} to ${fit.to}. Held out from the fit: ${fit.holdOut}.`));

for (const model of fit.models) {
  const section = element("section", { "aria-label": `${model.account}/${model.model}` }, element("h2", {}, `${model.account} / ${model.model}: ${digits(model.requests)} requests`));
  main.append(section);
  for (const line of model.quality?.verdict ?? []) section.append(element("p", { className: "lead" }, line));
  for (const note of model.notes) section.append(element("p", { className: "note" }, note));
  section.append(table(["part", "family", "parameters with 95 % intervals"], model.fitted.map((part) => [part.part, part.family,
    part.parameters.map(({ name, value, interval }) => `${name} ${digits(value)}${interval.length ? ` [${interval.map(digits).join(", ")}]` : ""}`).join("; ")]), "Fitted"));
  if (model.arrivalCandidates.length) {
    const least = model.arrivalCandidates[0].informationCriterion;
    section.append(table(["arrival process", "parameters", "information criterion above the best"],
      model.arrivalCandidates.map((c) => [c.name, c.parameters, digits(c.informationCriterion - least)]), "Candidates"));
  }
  const quality = model.quality;
  if (!quality) continue;
  section.append(table(["quantity", "observed mean", "simulated mean", "Wasserstein-1 / mean", "plain model's", "held out from fitted", "Kolmogorov–Smirnov (p)", "Anderson–Darling (p)"],
    quality.marginals.map((m) => [`${m.name}, ${m.unit}`, digits(m.observedMean), digits(m.simulatedMean), percent(m.wasserstein), percent(m.baselineWasserstein), percent(m.floorWasserstein),
      `${digits(m.kolmogorovSmirnov)} (${probability(m.kolmogorovSmirnovP)})`, `${digits(m.andersonDarling)} (${probability(m.andersonDarlingP)})`]), "Distances"));
  section.append(element("p", { className: "note" }, "Of large samples every model fails the tests: the distance says how much it matters. The plain model is a Poisson process with lognormal tokens."));
  const grid = element("div", { className: "widgets" });
  section.append(grid);
  grid.append(chart("Arrivals per second", "Means of equal stretches of the judged time.", [observed(quality.rates.at, quality.rates.observed), simulated(quality.rates.at, quality.rates.simulated)], { xaxis: { type: "date" } }));
  if (quality.counts.length) {
    const windows = quality.counts.map(({ window }) => span(window));
    grid.append(chart("Index of dispersion of counts", "Variance over mean of the counts in windows; 1 is Poisson.", [
      observed(windows, quality.counts.map((c) => c.observedDispersion), { mode: "lines+markers" }), simulated(windows, quality.counts.map((c) => c.simulatedDispersion), { mode: "lines+markers" })],
      { xaxis: { type: "category" }, yaxis: { type: "log" } }));
    for (const counts of quality.counts.slice(0, 3)) {
      const lags = counts.observedAutocorrelation.map((_, index) => index + 1);
      grid.append(chart(`Autocorrelation of counts, ${span(counts.window)}`, "By lag, in windows.", [
        observed(lags, counts.observedAutocorrelation, { mode: "lines+markers" }), simulated(lags, counts.simulatedAutocorrelation, { mode: "lines+markers" })],
        { xaxis: { title: { text: "lag" } }, yaxis: { rangemode: "normal" } }));
    }
  }
  for (const m of quality.marginals) {
    grid.append(chart(`Distribution of ${m.name}`, "Share of requests at or below.", [observed(m.observedQuantiles, m.probabilities), simulated(m.simulatedQuantiles, m.probabilities)],
      { xaxis: { type: m.observedQuantiles[0] > 0 ? "log" : "-", title: { text: charts.plain(m.unit) } }, yaxis: { range: [0, 1] } }));
    const ends = [Math.min(m.observedQuantiles[0], m.simulatedQuantiles[0]), Math.max(m.observedQuantiles.at(-1), m.simulatedQuantiles.at(-1))];
    const type = ends[0] > 0 ? "log" : "-";
    grid.append(chart(`Q–Q of ${m.name}`, "Equal quantiles lie on the line.", [
      { name: "quantiles", x: m.observedQuantiles, y: m.simulatedQuantiles, text: m.probabilities.map((p) => `${(100 * p).toFixed(1)} %`), mode: "markers", marker: { color: charts.colour.violet }, hovertemplate: "%{text}: %{x:,.5g} observed, %{y:,.5g} simulated<extra></extra>" },
      { name: "equal", x: ends, y: ends, mode: "lines", line: { color: charts.colour.grey, dash: "dash" } }],
      { xaxis: { type, title: { text: charts.plain(`observed, ${m.unit}`) } }, yaxis: { type, rangemode: "normal", title: { text: "simulated" } } }));
  }
}
for (const draw of waiting) draw();

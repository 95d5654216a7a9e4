// A fit: what was fitted, how well it stands for the telemetry, and both laid over each other.
import { card, plot } from "./figures.js";
import { number, percent, quantity } from "./format.js";
import { element } from "./parts.js";

const fit = JSON.parse(document.getElementById("fit").textContent);
const main = document.getElementById("main");
const digits = (value) => (typeof value === "number" ? quantity(value) : value ?? "–");
/** A difference, with its sign: "+0.28 %", "−0.31 %". */
const off = (share) => `${share > 0 ? "+" : ""}${percent(share)}`.replace("-", "−");
const shareOf = (value) => percent(typeof value === "number" ? value : null);
// The unit stands in the number; of tokens and the like beside the name.
const isTime = (unit) => unit === "s" || unit === "ms";
/** e, d, s and what is allowed of e. */
const boundOf = ({ d, e, s, limit }) => [e, d, s, Math.max(1.25 * (d ?? 0), s ?? 0, limit)].map(shareOf);
const probability = (p) => (p < 1e-4 ? "< 0.0001" : p.toFixed(4));
const span = (seconds) => (seconds >= 3600 ? `${seconds / 3600} h` : seconds >= 60 ? `${seconds / 60} min` : `${seconds} s`);

function table(head, rows, label) {
  return element("div", { className: "table wide", tabIndex: 0, role: "region", "aria-label": label },
    element("table", {}, element("thead", {}, element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text)))),
      element("tbody", {}, ...rows.map((cells) => element("tr", {}, ...cells.map((text) => element("td", {}, String(text))))))));
}

const isHeldOut = fit.holdOut !== "nothing";
const observed = (x, y, more) => ({ label: "observed", x, y, colour: "latency", ...more });
/** What the fit saw, where that is not what judges it. */
const seen = (x, y, more) => (y ? [{ label: "seen by the fit", x, y, colour: "other", line: "dashed", ...more }] : []);
const simulated = (x, y, more) => ({ label: "simulated", x, y, colour: "high", line: "dotted", ...more });

main.append(element("p", {}, `${fit.scenario}, fitted to ${fit.source}, ${fit.from} to ${fit.to}. Held out from the fit: ${fit.holdOut}.`));

/** Every quantity at a glance: what was held out, what is simulated, what the fit saw, and whether that is as good as the data. */
function glance({ marginals, counts }) {
  const rows = [
    ...marginals.map((m) => {
      const value = (x) => (x == null ? "" : quantity(x, isTime(m.unit) ? m.unit : ""));
      return [`mean ${m.name}`, value(m.observedMean), value(m.simulatedMean), value(m.seenMean), m.bound];
    }),
    ...counts.map((c) => [`dispersion over ${span(c.window)}`, ...[c.observedDispersion, c.simulatedDispersion, c.floorDispersion].map((x) => (x == null ? "" : digits(x))), c.bound])];
  const allowed = ({ d, s, limit }) => Math.max(1.25 * (d ?? 0), s ?? 0, limit);
  const good = rows.filter((row) => row[4].e <= allowed(row[4])).length;
  return [
    element("p", { className: "lead" }, element("strong", {}, `${good} of ${rows.length} quantities are as good as the data.`)),
    table(["quantity", isHeldOut ? "held out" : "observed", "simulated", ...(isHeldOut ? ["seen by the fit"] : []), "e of what is allowed", "as good as the data"],
      rows.map(([name, a, b, c, bound]) => [name, a, b, ...(isHeldOut ? [c] : []), percent(bound.e / allowed(bound)), bound.e <= allowed(bound) ? "yes" : "no"]), "At a glance")];
}

for (const model of fit.models) {
  const section = element("section", { "aria-label": `${model.account}/${model.model}` }, element("h2", {}, `${model.account} / ${model.model}: ${number(model.requests)} requests`));
  main.append(section);
  if (model.quality) section.append(...glance(model.quality));
  for (const line of model.quality?.verdict ?? []) section.append(element("p", { className: "lead" }, line));
  for (const note of model.notes) section.append(element("p", { className: "note" }, note));
  section.append(table(["part", "family", "parameters with 95 % intervals"], model.fitted.map((part) => [part.part, part.family,
    part.parameters.map(({ name, value, interval }) => `${name} ${digits(value)}${interval.length ? ` [${interval.map(digits).join(", ")}]` : ""}`).join("; ")]), "Fitted"));
  for (const { version, figures } of model.replayed ?? []) {
    section.append(table([`${version}: requests replayed as they arrived`, "requests", "observed mean", "simulated mean", "off", "observed p95", "simulated p95", "off"],
      figures.map((f) => [f.name, number(f.requests), quantity(f.observedMean, "ms"), quantity(f.simulatedMean, "ms"), off(f.simulatedMean / f.observedMean - 1),
        quantity(f.observedP95, "ms"), quantity(f.simulatedP95, "ms"), off(f.simulatedP95 / f.observedP95 - 1)]), `Replayed, ${version}`));
  }
  if (model.arrivalCandidates.length) {
    const least = Math.min(...model.arrivalCandidates.map((c) => c.informationCriterion));
    const held = Math.max(...model.arrivalCandidates.map((c) => c.heldOut ?? -Infinity));
    section.append(table(["arrival process", "parameters", "information criterion above the best", "held-out log-likelihood below the best"],
      model.arrivalCandidates.map((c) => [c.name, c.parameters, digits(c.informationCriterion - least), c.heldOut == null ? "–" : digits(held - c.heldOut)]), "Candidates"));
  }
  for (const [judged, words] of [[model.arrivalsRejected, "the process that was not taken, compared with what the fit saw"], [model.arrivalsJudged, "the arrivals that were taken, foreseen within what the fit saw"]]) {
    if (judged?.length) section.append(table([words, "e", "d", "s", "allowed"], judged.map((own) => [own.quantity, ...boundOf(own.bound)]), words));
  }
  const quality = model.quality;
  if (!quality) continue;
  section.append(table(["quantity", "observed mean", "simulated mean", "e", "d", "s", "allowed", "plain model's e", "Kolmogorov–Smirnov (p)", "Anderson–Darling (p)"],
    quality.marginals.map((m) => [isTime(m.unit) || m.name.endsWith(m.unit) ? m.name : `${m.name}, ${m.unit}`, quantity(m.observedMean, isTime(m.unit) ? m.unit : ""), quantity(m.simulatedMean, isTime(m.unit) ? m.unit : ""), ...boundOf(m.bound), shareOf(m.baselineWasserstein),
      `${digits(m.kolmogorovSmirnov)} (${probability(m.kolmogorovSmirnovP)})`, `${digits(m.andersonDarling)} (${probability(m.andersonDarlingP)})`]), "Distances"));
  if (quality.counts.length) {
    section.append(table(["index of dispersion over", "windows", "observed", "simulated", "e", "d", "s", "allowed"],
      quality.counts.map((c) => [span(c.window), number(c.windows), digits(c.observedDispersion), digits(c.simulatedDispersion), ...boundOf(c.bound)]), "Dispersion"));
  }
  section.append(element("p", { className: "note" }, "e is the distance of the simulation from what judges it, d that of what the fit saw from it, s that of two simulations: Wasserstein-1 over the mean, or how far the ratio of two indices of dispersion is from 1. A fit is as good as the data if e is at most 1.25 d, s or the limit. Of large samples every model fails the tests: the distance says how much it matters. The plain model is a Poisson process with lognormal tokens."));
  const grid = element("div", { className: "widgets" });
  section.append(grid);
  const instants = quality.rates.at.map((at) => Date.parse(/Z|[+-]\d{2}:\d{2}$/.test(at) ? at : `${at.replace(" ", "T")}Z`));
  grid.append(card("Arrivals per second", "Means over equal intervals of the judged time.", plot([observed(instants, quality.rates.observed), simulated(instants, quality.rates.simulated)], { x: { isDate: true, least: Math.min(...instants), most: Math.max(...instants) } })));
  if (quality.counts.length) {
    const windows = quality.counts.map(({ window }) => span(window)), places = windows.map((_, index) => index);
    grid.append(card("Index of dispersion of counts", "Variance over mean of the counts in windows; 1 is Poisson.", plot([
      observed(places, quality.counts.map((c) => c.observedDispersion), { hasPoints: true }), simulated(places, quality.counts.map((c) => c.simulatedDispersion), { hasPoints: true }),
      ...seen(places, isHeldOut && quality.counts.every((c) => c.floorDispersion > 0) && quality.counts.map((c) => c.floorDispersion), { hasPoints: true })],
      { x: { category: windows }, y: { log: true } })));
    for (const counts of quality.counts.slice(0, 3)) {
      const lags = counts.observedAutocorrelation.map((_, index) => index + 1);
      grid.append(card(`Autocorrelation of counts, ${span(counts.window)}`, "By lag, in windows.", plot([
        observed(lags, counts.observedAutocorrelation, { hasPoints: true }), simulated(lags, counts.simulatedAutocorrelation, { hasPoints: true })],
        { x: { title: "lag" }, y: { isZero: false } })));
    }
  }
  for (const m of quality.marginals) {
    const log = [m.observedQuantiles, m.simulatedQuantiles, m.seenQuantiles ?? [1]].every(([least]) => least > 0);
    grid.append(card(`Distribution of ${m.name}`, "Share of requests at or below.", plot([observed(m.observedQuantiles, m.probabilities), simulated(m.simulatedQuantiles, m.probabilities), ...seen(m.seenQuantiles, m.seenQuantiles && m.probabilities)],
      { x: { log, title: isTime(m.unit) ? "" : m.unit, unit: isTime(m.unit) ? m.unit : "" }, y: { least: 0, most: 1, unit: "share" } })));
    const ends = [Math.min(m.observedQuantiles[0], m.simulatedQuantiles[0]), Math.max(m.observedQuantiles.at(-1), m.simulatedQuantiles.at(-1))];
    grid.append(card(`Q–Q of ${m.name}`, "Equal quantiles lie on the line.", plot([
      { label: "equal", x: ends, y: ends, colour: "other", line: "dashed" },
      { label: "quantiles", x: m.observedQuantiles, y: m.simulatedQuantiles, names: m.probabilities.map((p) => `${(100 * p).toFixed(1)} %`), isPoints: true, colour: "top" }],
      { x: { log, title: isTime(m.unit) ? "observed" : `observed, ${m.unit}`, unit: isTime(m.unit) ? m.unit : "" }, y: { log, isZero: false, title: "simulated", unit: isTime(m.unit) ? m.unit : "" } })));
  }
}

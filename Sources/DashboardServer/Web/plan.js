// A plan: the recommendation in words, figures with intervals, graphs, how to read them, the command that makes it again.
import { card, rows, plot } from "./figures.js";
import { element } from "./parts.js";
import { Panel, panelsOf } from "./panels.js";

const { html, render } = preact;
const main = document.getElementById("main");
const embedded = document.getElementById("plan-data");
const { plan, words, columns } = embedded ? JSON.parse(embedded.textContent) : await (await fetch("plan.json")).json();
const most = 60;

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
  const own = shown.filter((variant) => variant.metrics[metric]);
  const level = plan.choice?.levels.find((text) => text.startsWith(`${metric.replace("[worst]", "")} `));
  grid.append(card(metric, `${plan.isDeterministic ? "Of each variant; nothing is drawn at random" : `Estimate and ${plan.confidence * 100} % interval of each variant`}${level ? `; level: ${level}` : ""}.`,
    rows(own.map((variant) => ({
      label: name(variant), value: variant.metrics[metric].value * factor(unit), half: (variant.metrics[metric].halfWidth ?? 0) * factor(unit),
      colour: variant.name === best ? "success" : variant.brokenLevel ? "failure" : "latency",
    })), { unit: unitName(unit) })));
}

const cost = plan.choice?.minimizes ? plan.choice.objective : "credits";
const latency = columns.map(({ name }) => name).find((text) => text.startsWith("latency.") && plan.choice?.levels.some((level) => level.startsWith(`${text.replace("[worst]", "")} `))) || "latency.p95";
const points = plan.variants.filter((variant) => variant.metrics[cost] && variant.metrics[latency]);
if (points.length > 2) {
  const front = points.filter((variant) => variant.isOnParetoFront).sort((a, b) => a.metrics[cost].value - b.metrics[cost].value);
  const of = (list, more) => ({
    x: list.map((variant) => variant.metrics[cost].value), y: list.map((variant) => variant.metrics[latency].value), names: list.map(name), ...more,
  });
  grid.append(card("Cost against latency", "The line joins the Pareto front: variants that no other beats in both.", plot([
    of(front, { label: "Pareto front", colour: "high", line: "dotted" }),
    of(points, {
      label: "variants", isPoints: true, colour: "latency", colours: points.map((variant) => (variant.name === best ? "success" : "latency")),
      halfX: points.map((variant) => variant.metrics[cost].halfWidth ?? 0), halfY: points.map((variant) => variant.metrics[latency].halfWidth ?? 0),
    }),
  ], { x: { title: cost }, y: { title: `${latency}, ms`, isZero: false }, height: 380 })));
}
if (plan.ideal.length) {
  grid.append(card("Replica-hours, and the ideal bound", "What a perfect, instantaneous autoscaler would need for the same arrivals of the first replication.",
    rows(plan.ideal.flatMap(({ variant, replicaHours, bound }) => [
      { label: variant, value: replicaHours, colour: "latency" }, { label: "ideal bound", value: bound.replicaHours, colour: "success" }]), { unit: "replica-hours", isBar: true })));
}
if (plan.sensitivity) {
  const { metric, influences, sobol } = plan.sensitivity;
  grid.append(card(`What moves ${metric}`, "Each input from its low to its high end, all others as in the base; with the interval of the difference.",
    rows(influences.filter(({ swing }) => swing).map(({ path, low, high, swing }) => ({ label: `${path.split(".").slice(-2).join(".")} ${low} … ${high}`, value: swing.value, half: swing.halfWidth ?? 0, colour: "latency" })), { isBar: true })));
  if (sobol.length) {
    grid.append(card("First-order Sobol indices", `The share of the variance of ${metric} that each input explains by itself, ± 2 standard errors; ${plan.sensitivity.sobolRuns} runs.`,
      rows(sobol.map(({ path, index, standardError }) => ({ label: path.split(".").slice(-2).join("."), value: index, half: 2 * standardError, colour: "top" })), { isBar: true })));
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
    const column = element("div", {}, element("h3", {}, element("a", { href: `./?run=${encodeURIComponent(run.id)}` }, run.name)), element("div", {}));
    const answers = [{ data, marks, run, account, accountName: account.account }];
    render(panelsOf(kind, "").filter((panel) => panel !== "credits").map((panel) => html`<${Panel} key=${panel} kind=${panel} answers=${answers} extra=${{}} view=${{ percentiles: panel === "latency" ? "1" : "" }} prefix=${`${run.id}-`} sync="sides" onChange=${() => {}} />`), column.lastChild);
    columnsOfRuns.append(column);
  }
}
if (!embedded) await dashboards();
main.setAttribute("aria-busy", "false");

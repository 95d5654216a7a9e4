// A shadow: what a scaling policy would have decided beside what was recorded, and what that costs or spares.
import { card, plot } from "./figures.js";
import { percent, quantity } from "./format.js";
import { element } from "./parts.js";

const shadow = JSON.parse(document.getElementById("shadow").textContent);
const main = document.getElementById("main");
const figure = (value) => (typeof value === "number" ? quantity(Math.round(100 * value) / 100) : "unknown");
const instant = (text) => text.replace(".000000Z", "Z");
/** A difference, with its sign. */
const apart = (recorded, policy) => {
  if (typeof recorded !== "number" || typeof policy !== "number") return "";
  const sign = policy > recorded ? "+" : policy < recorded ? "−" : "";
  return `${sign}${figure(Math.abs(policy - recorded))}${recorded > 0 ? ` (${sign}${percent(Math.abs(policy / recorded - 1))})` : ""}`;
};
const lasting = (hours) => (hours < 1 / 30 ? `${quantity(Math.round(hours * 36000) / 10)} s` : hours < 2 ? `${quantity(Math.round(hours * 600) / 10)} min` : `${quantity(Math.round(hours * 100) / 100)} h`);

function table(head, rows, label) {
  return element("div", { className: "table wide", tabIndex: 0, role: "region", "aria-label": label },
    element("table", {}, element("thead", {}, element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text)))),
      element("tbody", {}, ...rows.map((cells) => element("tr", {}, ...cells.map((text) => element("td", {}, String(text))))))));
}

/** Levels as a line with steps. */
function steps(at, width, values) {
  return { x: at.flatMap((start) => [start, start + width]), y: values.flatMap((value) => [value, value]) };
}

main.append(element("p", {}, `${shadow.telemetry}, held against ${shadow.policy}.`));
for (const note of shadow.notes) main.append(element("p", { className: "note" }, note));

for (const own of shadow.deployments) {
  const name = `${own.account} / ${own.model}${own.version ? ` ${own.version}` : ""}`;
  const section = element("section", { "aria-label": name }, element("h2", {}, `${name}: ${own.policy}, ${own.minReplicas} to ${own.maxReplicas} replicas`));
  main.append(section);
  section.append(element("p", {}, `${instant(own.from)} to ${instant(own.to)}`));
  if (!own.comparedHours) {
    section.append(element("p", { className: "lead" }, "No time has recorded replicas: there is nothing to compare."));
    continue;
  }
  const { equal, above, below, meanAbsoluteDifference } = own.agreement;
  section.append(element("p", { className: "lead" }, `Equal ${percent(equal)} of the time, more replicas ${percent(above)}, fewer ${percent(below)}; apart by ${figure(meanAbsoluteDifference)} on average.`));
  for (const note of own.notes) section.append(element("p", { className: "note" }, note));
  section.append(table(["", "recorded", "policy", "difference"], [["mean replicas", "meanReplicas"], ["most replicas", "peakReplicas"], ["replica-hours", "replicaHours"], ["credits", "credits"], ["hours short of demand", "shortHours"]]
    .map(([words, key]) => [words, figure(own.recorded[key]), figure(own.shadow[key]), apart(own.recorded[key], own.shadow[key])]), `Recorded and policy, ${name}`));
  const { at, intervalSeconds, recorded, shadow: policy, demand, peakDemand } = own.series, width = 1000 * intervalSeconds;
  const across = { x: { isDate: true, least: at[0], most: at.at(-1) + width }, y: { title: "replicas" } };
  const grid = element("div", { className: "widgets" });
  section.append(grid);
  grid.append(card("Replicas", `Recorded and the policy's, and the demand in progress as replicas that it fills; means of ${lasting(intervalSeconds / 3600)}.`, plot([
    { label: "demand", ...steps(at, width, demand), colour: "other", line: "dotted" },
    { label: "recorded", ...steps(at, width, recorded), colour: "latency" },
    { label: "policy", ...steps(at, width, policy), colour: "high", line: "dashed" }], across)));
  grid.append(card("Peaks of demand", `Replicas that the largest demand of ${lasting(intervalSeconds / 3600)} fills, and the policy's.`, plot([
    { label: "peak demand", ...steps(at, width, peakDemand), colour: "other", line: "dotted" },
    { label: "policy", ...steps(at, width, policy), colour: "high", line: "dashed" }], across)));
  if (own.differences.length) {
    const words = own.differencesInAll > own.differences.length ? `The ${own.differences.length} largest of ${own.differencesInAll} differences` : "Differences";
    section.append(element("h3", {}, words), table(["from", "to", "for", "recorded", "policy"], own.differences.map((one) => [instant(one.from), instant(one.to), lasting(one.hours), one.recorded, one.shadow]), `${words}, ${name}`));
  }
}

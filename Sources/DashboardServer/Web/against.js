// Two dashboards against each other, on the page and in the file that `workbench compare --html` writes: figures, graphs
// over each other, scenarios, and every difference that a comparison found. `base` is what the other is held against.
import { clock, number, compact, duration, credits, percent } from "./format.js";
import { objectiveOf } from "./state.js";
import { Panel, isTold, panelsOf, peakOf } from "./panels.js";
import { Fold, Table } from "./parts.js";

const { html } = preact;

const rate = ({ requests }) => (requests.totalRequests ? requests.totalSuccesses / requests.totalRequests : null);
const points = (value) => `${number(Number((value * 100).toPrecision(3)))} points`;

/** Figures of a dashboard: [key, name, value, format, which way is better: 1 up, −1 down, 0 neither]. */
const figures = [
  ["rate", "success rate", rate, percent, 1], ["requests", "requests", ({ requests }) => requests.totalRequests, number, 0], ["failures", "failures", ({ requests }) => requests.totalFailures, number, -1],
  ["average", "latency, average", ({ latency }) => latency.summary.average, duration, -1], ["p50", "latency p50", ({ latency }) => latency.summary.p50, duration, -1], ["p95", "latency p95", ({ latency }) => latency.summary.p95, duration, -1], ["p99", "latency p99", ({ latency }) => latency.summary.p99, duration, -1],
  ["replicas", "peak replicas", (data) => (data.scaling && isTold(data) ? peakOf(data.scaling.points) : null), number, 0],
  ["perRequest", "credits per request", ({ requests, query }) => (query.kind === "external" ? null : requests.creditsPerRequest), credits, -1],
  ["cost", "cost", ({ cost }) => cost?.total ?? null, credits, -1],
  ["deployment", "credits in deployment", (data) => (isTold(data) ? data.account.deploymentCredits : null), credits, -1], ["tuning", "credits in fine-tuning", ({ account }) => account.fineTuningCredits, credits, -1],
  ["input", "input tokens", ({ tokens }) => tokens?.totalInputTokens ?? null, number, 0], ["output", "output tokens", ({ tokens }) => tokens?.totalOutputTokens ?? null, number, 0],
];

const isKnown = (value) => typeof value === "number" && !Number.isNaN(value);

/** A difference in words: "+1.2 s (+8.4 %)", and whether it is better or worse. */
export function difference(key, value, base, format, better) {
  if (!isKnown(value) || !isKnown(base)) return { text: "–", share: "", verdict: "" };
  const change = value - base;
  // What reads the same is no difference: counts are exact, the rest is not.
  const isSame = change === 0 || (format !== number && format(value) === format(base));
  if (isSame) return { text: "no difference", share: "±0", verdict: "" };
  const sign = change > 0 ? "+" : "−";
  const share = key === "rate" || !base ? "" : `${sign}${number(Number((Math.abs(change / base) * 100).toPrecision(3)))} %`;
  const text = key === "rate" ? `${sign}${points(Math.abs(change))}` : `${sign}${format(Math.abs(change))}`;
  return { text, share: share || text, verdict: !better || (format === credits && !base) ? "" : change * better > 0 ? "better" : "worse", isUp: change > 0, whole: share ? `${text} (${share})` : text };
}

/** All figures of both: [{ key, name, own, base, difference }]. */
export function compared(data, base) {
  return figures.map(([key, name, value, format, better]) => {
    const [a, b] = [value(data), value(base)];
    return { key, name, own: a, base: b, format, difference: difference(key, a, b, format, better) };
  }).filter((row) => isKnown(row.own) || isKnown(row.base));
}

/** A difference as a share, with what it means. */
export const Change = ({ difference: { share, verdict, isUp } }) => html`<span class=${`change ${verdict}`}>${isUp === undefined ? "" : html`<span aria-hidden="true">${isUp ? "▲" : "▼"}</span> `}${share}${verdict ? ` ${verdict}` : ""}</span>`;

/** The figures that matter, each with its difference. `notes` says more of some, by key. */
export function AgainstCards({ data, base, notes = {}, label }) {
  const rows = new Map(compared(data, base).map((row) => [row.key, row]));
  const shown = ["rate", "requests", "p95", data.query.kind === "external" ? "failures" : "replicas", data.query.kind === "external" ? "output" : "deployment"].map((key) => rows.get(key)).filter(Boolean);
  return html`<section class="cards against" aria-label=${label}><ul>${shown.map(({ key, name, own, format, difference: change }) => html`<li key=${key} data-figure=${key}><span>${name}</span><strong title=${format === number ? number(own) : undefined}>${format === number ? compact(own) : format(own)}</strong><small>${isKnown(own) ? html`<${Change} difference=${change} />` : null}${notes[key] ? html` <span>· ${notes[key]}</span>` : null}</small></li>`)}</ul></section>`;
}

/** Every figure of both, with the difference; and failures by their reason. */
export function AgainstTable({ data, base, names, title = "Figures" }) {
  const reasons = [...new Set([...Object.keys(data.requests.failuresByReason), ...Object.keys(base.requests.failuresByReason)])].sort();
  const rows = [...compared(data, base), ...reasons.map((reason) => {
    const [own, other] = [data.requests.failuresByReason[reason] || 0, base.requests.failuresByReason[reason] || 0];
    return { key: `reason ${reason}`, name: `failures: ${reason}`, own, base: other, format: number, difference: difference("failures", own, other, number, -1) };
  })];
  return html`<article class="widget figuretable" aria-label=${title}><div class="head"><h2>${title}</h2></div>
    <div class="table wide" tabIndex=${0} role="region" aria-label=${`${title}, table`}><table>
      <thead><tr><th scope="col">Figure</th><th scope="col">${names[0]}</th><th scope="col">${names[1]}</th><th scope="col">Difference</th></tr></thead>
      <tbody>${rows.map((row) => html`<tr key=${row.key} data-figure=${row.key}><th scope="row">${row.name}</th><td>${row.format(row.own)}</td><td>${row.format(row.base)}</td><td class=${`change ${row.difference.verdict}`}>${row.difference.whole || row.difference.text}${row.difference.verdict ? html` <small>${row.difference.verdict}</small>` : null}</td></tr>`)}</tbody>
    </table></div></article>`;
}

/**
 * Another answer with its moments as those of `base`: days lie on days of the account's clock, so that Monday lies on
 * Monday; hours of a period that begins within a day on hours that have passed. Deployments too: their maxima and ends
 * belong to the graph.
 */
export function laidOver(answer, base) {
  const { data, account } = answer, { from, to, timeZone } = base.query;
  if (data.query.from === from) return answer;
  const zone = clock(timeZone, from), own = clock(data.query.timeZone, data.query.from);
  const wall = (clock, ms) => ms + clock.ahead(ms) * 60_000;
  const start = Date.parse(from), first = Date.parse(data.query.from), walls = [wall(zone, start), wall(own, first)];
  const isByDay = walls.every((ms) => ms % 86_400_000 === 0);
  const move = (text) => { const ms = Date.parse(text); return isByDay ? zone.when(wall(own, ms) + walls[0] - walls[1]) : ms + start - first; };
  const put = (text) => text && zone.text(move(text));
  const parts = (widget) => widget && Object.fromEntries(Object.entries(widget).map(([key, value]) => [key, Array.isArray(value) ? value.map((point) => ({ ...point, at: put(point.at) })) : value]));
  return {
    ...answer, isMoved: true, credits: answer.credits && { ...answer.credits, starts: answer.credits.starts.map(put) },
    data: { ...data, query: { ...data.query, from, to, now: put(data.query.now) }, ...Object.fromEntries(["latency", "requests", "scaling", "tokens", "cost"].map((name) => [name, parts(data[name])])) },
    account: { ...account, models: account.models.map((model) => ({ ...model, deployments: model.deployments.map((entry) => ({ ...entry, deployedAt: put(entry.deployedAt), undeployedAt: put(entry.undeployedAt) })) })) },
  };
}

/** Names for both sides of what tells them apart, and no more. */
export function apart(parts, same) {
  const told = parts.filter(([a, b]) => a !== b);
  return [0, 1].map((side) => told.map((pair) => pair[side]).join(" · ") || same);
}

/**
 * One answer in colour against another, laid over it, grey and dashed. `kinds` are the panels that both can fill, `Part` is
 * what draws one, for whoever knows more of it.
 */
export function Sides({ own, over, names, view, kinds = panelsOf(own.data.query.kind, "", own.data), Part = Panel, onChange }) {
  const sides = { data: own.data, base: over.data };
  const extra = { credits: own.credits, over: over.credits && { ...over.credits, label: names[1] }, problems: { credits: own.problem || over.problem } };
  return html`
    <${AgainstCards} ...${sides} label=${`${names[0]} against ${names[1]}`} />
    <p class="note versus"><strong>${names[0]}</strong> in colour, against <strong>${names[1]}</strong>, grey and dashed${over.isMoved ? `; its ${own.data.query.granularity}s are laid over these` : ""}.</p>
    <div class="widgets">
      ${kinds.map((kind) => html`<${Part} key=${kind} kind=${kind} answers=${[own, { ...over, isOther: true, label: names[1] }]} extra=${extra} view=${{ ...view, zoom: null, objective: objectiveOf(view.objective), percentiles: kind === "latency" ? "1" : "" }} tools=${[]} isBrief sync="compare" onChange=${onChange} />`)}
      <${AgainstTable} ...${sides} names=${names} />
    </div>`;
}

/** What of the scenarios differs, by path: `b` of the first name, `a` of the second, as a comparison has them. */
export function Scenarios({ list, names }) {
  return html`<article class="widget" aria-label="Scenarios"><div class="head"><h2>Scenarios</h2></div>
    ${!list ? html`<p class="note">One of the runs has no scenario: it was imported, or written by another program.</p>`
      : !list.length ? html`<p class="note">Both runs have the same scenario.</p>`
      : html`<${Table} title="Scenarios" name="wide" head=${["Where", ...names]} rows=${list.map(({ path, a, b }) => [path, b, a])} />`}
  </article>`;
}

/** What a comparison came to, and whatever else is to be said of it. */
export const Verdict = ({ outcome: { expected, actual, summary, reason, warnings, notes } }) => html`<p>Expected ${expected}, actual ${actual}. <strong>${summary}</strong> ${reason}</p>
  ${[...warnings, ...notes].map((note) => html`<p class="note">${note}</p>`)}`;

function change({ difference: by, relative }) {
  if (typeof by !== "number") return "";
  return `${by > 0 ? "+" : "−"}${Math.abs(by).toLocaleString("en", { maximumSignificantDigits: 6 })}${typeof relative === "number" ? ` (${percent(relative)})` : ""}`;
}

const head = ["What", "Figure", "Expected", "Actual", "Difference", "Allowed", "Where to look"];

// What only one side has of a list, a point or a row, says less than a figure and may be very many.
const isElement = ({ kind, path }) => (kind === "missing" || kind === "extra") && path.endsWith("]");

/** Every difference, output by output, the worst first. */
export const Findings = ({ outcome }) => [...Map.groupBy(outcome.differences.sort((a, b) => isElement(a) - isElement(b)), ({ document }) => document)].map(([name, list], index) => html`<${Fold} key=${name} isOpen=${!index} summary=${`${name}: ${number(list.length)} listed`}
  body=${() => html`<${Table} title=${`Differences in ${name}`} name="wide" head=${head} rows=${list.map((entry) => [entry.kind, entry.path || "the whole output", entry.expected, entry.actual, change(entry), entry.allowed ?? "exact", entry.look])} most=${200} all="compare --json" />`} />`);

// Two dashboards against each other: cards, a table of every figure, reasons of failures. `base` is what the other is held against.
import { number, compact, duration, credits, percent } from "./format.js";
import { peakOf } from "./panels.js";

const { html } = preact;

const rate = ({ requests }) => (requests.totalRequests ? requests.totalSuccesses / requests.totalRequests : null);
const points = (value) => `${number(Number((value * 100).toPrecision(3)))} points`;

/** Figures of a dashboard: [key, name, value, format, which way is better: 1 up, −1 down, 0 neither]. */
const figures = [
  ["rate", "success rate", rate, percent, 1], ["requests", "requests", ({ requests }) => requests.totalRequests, number, 0], ["failures", "failures", ({ requests }) => requests.totalFailures, number, -1],
  ["average", "latency, average", ({ latency }) => latency.summary.average, duration, -1], ["p50", "latency p50", ({ latency }) => latency.summary.p50, duration, -1], ["p95", "latency p95", ({ latency }) => latency.summary.p95, duration, -1], ["p99", "latency p99", ({ latency }) => latency.summary.p99, duration, -1],
  ["replicas", "peak replicas", ({ scaling }) => (scaling ? peakOf(scaling.points) : null), number, 0],
  ["perRequest", "credits per request", ({ requests, query }) => (query.kind === "external" ? null : requests.creditsPerRequest), credits, -1],
  ["deployment", "credits in deployment", ({ account }) => account.deploymentCredits, credits, -1], ["tuning", "credits in fine-tuning", ({ account }) => account.fineTuningCredits, credits, -1],
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
  return { text, share: share || text, verdict: !better ? "" : change * better > 0 ? "better" : "worse", isUp: change > 0, whole: share ? `${text} (${share})` : text };
}

/** All figures of both: [{ key, name, own, base, difference }]. */
export function compared(data, base) {
  return figures.map(([key, name, value, format, better]) => {
    const [a, b] = [value(data), value(base)];
    return { key, name, own: a, base: b, format, difference: difference(key, a, b, format, better) };
  }).filter((row) => isKnown(row.own) || isKnown(row.base));
}

const Change = ({ difference: { share, verdict, isUp } }) => html`<span class=${`change ${verdict}`}>${isUp === undefined ? "" : html`<span aria-hidden="true">${isUp ? "▲" : "▼"}</span> `}${share}${verdict ? ` ${verdict}` : ""}</span>`;

/** The figures that matter, each with its difference. `notes` says more of some, by key. */
export function AgainstCards({ data, base, notes = {}, label }) {
  const rows = new Map(compared(data, base).map((row) => [row.key, row]));
  const shown = ["rate", "requests", "p95", data.query.kind === "external" ? "failures" : "replicas", data.query.kind === "external" ? "output" : "deployment"].map((key) => rows.get(key)).filter(Boolean);
  return html`<section class="cards against" aria-label=${label}><ul>${shown.map(({ key, name, own, format, difference: change }) => html`<li key=${key} data-figure=${key}><span>${name}</span><strong title=${format === number ? number(own) : undefined}>${format === number ? compact(own) : format(own)}</strong><small>${isKnown(own) ? html`<${Change} difference=${change} />` : null}${notes[key] ? html` <span>${notes[key]}</span>` : null}</small></li>`)}</ul></section>`;
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

// What `workbench compare --html` writes: the Compare view of each dashboard that both sides have, and all that was found.
import { number } from "./format.js";
import { Panel, panelsOf, periodOf } from "./panels.js";
import { Fold, Select, Table } from "./parts.js";
import { apart, compared, laidOver, Change, Findings, Scenarios, Sides, Verdict } from "./against.js";

const { html, render, Component } = preact;
const { outcome, expected, actual, scenario, tests, pairs } = JSON.parse(document.getElementById("differences").textContent);

// What a dashboard in JSON says of its account.
const unknown = { account: { account: "", earliest: "0000", today: "9999", models: [] }, marks: { incidents: [], cutShort: [] } };

const titles = [actual, expected].map((run, side) => (!run ? ["actual", "expected"][side] : actual?.name === expected?.name ? `${run.name} (${run.id.slice(0, 8)})` : run.name));

// What another program left out, or has as something else, is empty.
const object = (value) => (value && typeof value === "object" ? value : {});
const listed = (widget, ...names) => ({ ...object(widget), ...Object.fromEntries(names.map((name) => [name, Array.isArray(widget?.[name]) ? widget[name].filter((entry) => entry && typeof entry === "object") : []])) });

/** A dashboard as Compare has it. */
function answerOf(data, run, side, name, credits) {
  const accounts = run?.accounts || {}, folder = name.split("/")[0], all = Object.values(accounts);
  const { account, marks } = Object.hasOwn(accounts, folder) ? accounts[folder] : all.length === 1 ? all[0] : unknown;
  return {
    account, marks, credits, accountName: account.account || folder, run: { id: run?.id || "", name: titles[side] },
    data: {
      query: object(data.query), account: object(data.account), scaling: data.scaling && listed(data.scaling, "points"), tokens: data.tokens && listed(data.tokens, "points"),
      requests: { ...listed(data.requests, "points"), failuresByReason: object(data.requests?.failuresByReason) }, latency: { ...listed(data.latency, "points", "buckets"), summary: object(data.latency?.summary) },
    },
  };
}

/** What it contains, or why that cannot be shown: a dashboard of another program may have anything in it. */
class Guarded extends Component {
  componentDidCatch(error) { this.setState({ error }); }
  render({ what, children }, { error }) { return error ? html`<p class="note">No ${what}: ${error.message}</p>` : children; }
}

// Vertical lines where buckets differ, in seconds. Of points that are single requests they would hide everything.
function rulesOf(differences) {
  const moments = new Set(differences.map((d) => /\[(\d{4}-\d{2}-\d{2}T[^\] ]+)/.exec(d.path)?.[1]).filter(Boolean));
  return moments.size > 60 ? [] : [...moments].map((at) => Date.parse(at) / 1000).filter(Number.isFinite);
}

/** A panel that marks where its sides differ. */
function Marked(props) {
  const { kind, view, answers } = props;
  const own = view.found.filter(({ path }) => path === kind || path.startsWith(`${kind}.`));
  const has = (list) => own.some(({ path }) => path.startsWith(`latency.${list}`));
  // Quantiles would not show in which requests the sides differ, if that is all in which they do.
  const isOfBuckets = answers.every(({ data }) => data.latency.buckets.length) && (has("buckets") || !has("points"));
  return html`<${Guarded} what=${`graph of ${kind}`}><${Panel} ...${props} view=${{ ...view, percentiles: isOfBuckets ? view.percentiles : "" }} rules=${rulesOf(own)} /><//>`;
}

/** Both sides of one dashboard. */
function Shown({ pair, by, onChange }) {
  const own = answerOf(pair.actual, actual, 0, pair.name, pair.actualCredits), other = answerOf(pair.expected, expected, 1, pair.name, pair.expectedCredits);
  const both = [own, other], { kind } = own.data.query;
  const of = ({ data: { query } }) => [query.provider || query.model, query.version].filter(Boolean).join(" ") || "all models";
  const names = apart([titles, both.map(of), both.map(({ data }) => periodOf(data))], titles[0]);
  const kinds = panelsOf(kind, "", own.data).filter((panel) => (panel === "credits" ? own.credits && other.credits : pair.expected[panel] && pair.actual[panel]));
  return html`<${Sides} own=${own} over=${laidOver(other, own.data)} names=${names} view=${{ kind, by, found: outcome.differences.filter((entry) => entry.document === pair.name) }} kinds=${kinds} Part=${Marked} onChange=${onChange} />`;
}

const digits = (value) => (typeof value === "number" ? Number(value.toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 }) : "–");

/** Tests of values that vary by chance, those that say most first. */
const Tests = ({ list }) => html`<${Fold} name="widget" isOpen summary=${tests}
  body=${() => html`<${Table} title="Statistical tests" name="wide" head=${["Output", "Figure", "Test", "Expected, mean", "Actual, mean", "p-value", "Verdict"]} most=${500} all="compare --json"
    rows=${list.map((test) => [test.document, test.path, test.test, `${digits(test.expectedMean)} of ${number(test.expectedCount)}`, `${digits(test.actualMean)} of ${number(test.actualCount)}`, digits(test.pValue), test.verdict])} />`} />`;

/** Elements of lists that only one side has, counted. */
const Unmatched = ({ list }) => html`<${Fold} name="widget" isOpen summary="Only on one side"
  body=${() => html`<${Table} title="Only on one side" name="wide" head=${["Output", "List", "Missing", "Not expected"]} rows=${list.map((entry) => [entry.document, entry.path, entry.missing, entry.extra])} most=${500} all="compare --json" />`} />`;

const columns = [["requests", "Requests"], ["rate", "Success rate"], ["average", "Average latency"], ["p95", "Latency p95"], ["replicas", "Peak replicas"], ["deployment", "Credits in deployment"]];

/** A dashboard's figures that matter, each with its difference. */
class Figures extends Component {
  componentDidCatch() { this.setState({ isUnknown: true }); }
  render({ pair }, { isUnknown }) {
    if (isUnknown) return html`<td colspan=${columns.length}>–</td>`;
    const [own, other] = [answerOf(pair.actual, actual, 0, pair.name), answerOf(pair.expected, expected, 1, pair.name)];
    const rows = new Map(compared(own.data, other.data).map((row) => [row.key, row]));
    return columns.map(([key]) => { const row = rows.get(key); return html`<td key=${key} title=${row ? `${titles[1]}: ${row.format(row.base)}` : undefined}>${row ? row.format(row.own) : "–"}${row && row.difference.text !== "–" && row.difference.text !== "no difference" ? html`<small><${Change} difference=${row.difference} /></small>` : null}</td>`; });
  }
}

/** All dashboards beside each other, the worst first; each leads to its graphs. */
const Dashboards = ({ name, onPick }) => html`<article class="widget dashboards" aria-label="Dashboards"><div class="head"><h2>${number(pairs.length)} dashboards</h2><span class="note">Figures of ${titles[0]}; small, by how much they differ from ${titles[1]}.</span></div>
  <div class="table wide" tabIndex=${0} role="region" aria-label="Dashboards, table"><table>
    <thead><tr><th scope="col">Dashboard</th><th scope="col">Differences</th>${columns.map(([key, text]) => html`<th scope="col" key=${key}>${text}</th>`)}</tr></thead>
    <tbody>${pairs.map((pair) => html`<tr key=${pair.name}><th scope="row"><button type="button" class="link" aria-current=${pair.name === name ? "true" : undefined} onClick=${() => onPick(pair.name)}>${pair.name}</button></th><td class=${pair.differences ? "bad" : ""}>${pair.differences ? number(pair.differences) : "none"}</td><${Figures} pair=${pair} /></tr>`)}</tbody>
  </table></div></article>`;

class Comparison extends Component {
  constructor() { super(); this.state = { name: pairs[0]?.name }; }
  // From the table to the graphs, where the next Tab goes on.
  open(name) { this.setState({ name }, () => { const place = this.base.querySelector(".sources select"); place.focus({ preventScroll: true }); place.scrollIntoView({ block: "start" }); }); }
  render(_, { name, by }) {
    const pair = pairs.find((entry) => entry.name === name);
    const [own, other] = titles;
    const said = (run, title, path) => (run ? `${title} in ${path}` : path);
    return html`<section id="widgets" class="whole" aria-label="Compare">
      <article class="widget verdict" aria-label="Verdict"><${Verdict} outcome=${{ ...outcome, expected: said(expected, other, outcome.expected), actual: said(actual, own, outcome.actual) }} /></article>
      ${pairs.length > 1 ? html`<${Dashboards} name=${name} onPick=${(picked) => this.open(picked)} />` : null}
      ${pair ? html`<div class="widget bar sources" role="group" aria-label="Compare"><h2>Compare</h2>
          <${Select} label="Dashboard" options=${pairs.map((entry) => [entry.name, `${entry.name}: ${entry.differences ? `${number(entry.differences)} differences` : "no difference"}`])} value=${name} onPick=${(picked) => this.setState({ name: picked })} />
          <span class="note">Dashed vertical lines: where the sides differ.</span></div>
        <${Guarded} key=${name} what=${`view of ${name}`}><${Shown} pair=${pair} by=${by} onChange=${(change) => this.setState(change)} /><//>` : null}
      ${expected && actual ? html`<${Scenarios} list=${scenario} names=${[own, other]} />` : null}
      ${outcome.tests.length ? html`<${Tests} list=${outcome.tests} />` : null}
      ${outcome.differences.length ? html`<${Fold} name="widget every" isOpen summary="Every figure of every dashboard" body=${() => html`<${Findings} outcome=${outcome} />`} />` : null}
      ${outcome.unmatched.length ? html`<${Unmatched} list=${outcome.unmatched} />` : null}
    </section>`;
  }
}

render(html`<${Comparison} />`, document.querySelector("main"));

// The panels of the dashboard: title, explanation, figures, graph, table, and what can be saved of them.
import { number, duration, credits, thousands, percent, compact, span, moment } from "./format.js";
import { Chart } from "./chart.js";
import * as graphs from "./graphs.js";
import * as usage from "./usage.js";
import * as saving from "./saving.js";
import { Info, Tool, Figures, Table, Fold, Legend, Key } from "./parts.js";

const { html, Component } = preact;

const keyOf = (spec) => spec.series.map(({ label, colour, line, kind, marker }) => ({ label, colour, marker, line: kind === "bars" ? "block" : line }));
const orderedKey = (spec) => [...keyOf(spec)].reverse();

/** Figures of latency that several panels have: [[name, value, exact], …]. */
export const quantiles = ({ summary }) => ["p50", "p95", "p99"].map((key) => [key, duration(summary[key]), `${number(summary[key])} ms`]);
const totals = (requests) => [
  ["total requests", number(requests.totalRequests)], ["successes", number(requests.totalSuccesses)], ["failures", number(requests.totalFailures)],
  ["success rate", requests.totalRequests ? percent(requests.totalSuccesses / requests.totalRequests) : "–"],
];
const byReason = ({ failuresByReason }) => Object.entries(failuresByReason).sort((a, b) => b[1] - a[1]).map(([reason, many]) => [reason, number(many)]);

// Requests alone do not tell how many replicas there were, and what these cost.
export const isTold = ({ account, scaling }) => Boolean(account.subscriptionMaxReplicas || account.deploymentCredits || scaling?.points.length);
const isFree = ({ account, data }) => !isTold(data) && Boolean(account?.models.some(({ kind }) => kind !== "external"));
const spent = (answer, value) => (value || !isFree(answer) ? credits(value) : "–");

/** Pages of their own add others. */
export const panels = {
  latency: {
    title: "Model Latency",
    tip: "Time from a request's arrival to its complete response, of successful requests. Up to seven days each request is a point; longer, each day's average.",
    isThere: ({ data }) => data.latency.points.length > 0,
    figures: ({ data: { latency } }, view) => [["average", duration(latency.summary.average), `${number(latency.summary.average)} ms`], ...quantiles(latency), ...(latency.thinned && !view.percentiles ? [["drawn", `the fastest and slowest at each time, of ${number(latency.requests)} requests`]] : [])],
    rows: ({ data: { latency } }, view) => (view.percentiles
      ? [["time", "requests", "average ms", "p50", "p90", "p95", "p99", "p99.9"], ...latency.buckets.map((b) => [b.at, b.requests, b.average, b.p50, b.p90, b.p95, b.p99, b.p999])]
      : [["time", "latency ms", "requests"], ...latency.points.map((p) => [p.at, p.latency, p.requests])]),
    json: ({ data }) => data.latency,
    graph: (answers, view) => ({ spec: graphs.latency(answers, view) }),
    tools: ["percentiles", "overlay"],
  },
  requests: {
    title: "Requests",
    tip: "Requests by the hour or day of their arrival. The green line is the successful ones, the red line with crosses the failed ones, on an axis of their own in the lower part of the graph. An hour or day without requests has no point.",
    isThere: ({ data }) => data.requests.points.length > 0,
    figures: (answer, view, _, { requests, query } = answer.data) => [
      ...totals(requests),
      ...(query.kind === "external" ? [] : [["avg. credits per request", spent(answer, requests.creditsPerRequest)], ["per response", spent(answer, requests.creditsPerResponse)]]),
      ...(view.reasons ? byReason(requests) : []),
    ],
    rows: ({ data: { requests } }) => [["time", "successes", "failures"], ...requests.points.map((p) => [p.at, p.successes, p.failures])],
    json: ({ data }) => data.requests,
    graph: (answers, view) => ({ spec: graphs.requests(answers, view) }),
    tools: ["reasons", "overlay"],
  },
  scaling: {
    title: "Model Scaling and Usage",
    tip: "Replicas that the account pays for: starting, ready and draining, from the deployment of a version to its undeployment. On a single day the red lines are the configured maxima; the dashed line is what the account's subscription allows.",
    isThere: ({ data }) => data.scaling.points.length > 0,
    figures: ({ data: { scaling, account } }) => [["hardware", scaling.hardware || "–"], ...(scaling.maxReplicas === null ? [] : [["max replicas", `${number(scaling.maxReplicas)}${largestOf(scaling.points)}`]]), ["subscription", account.subscriptionMaxReplicas ? `${number(account.subscriptionMaxReplicas)} replicas` : "–"]],
    rows: ({ data: { scaling } }) => [["time", "version", "replicas", "hardware"], ...scaling.points.map((p) => [p.at, p.version, p.replicas, p.hardware])],
    json: ({ data }) => data.scaling,
    graph: (answers, view, extra) => {
      const spec = graphs.scaling(answers.filter((answer) => !answer.order), { ...view, isolated: extra.isolated }, (index) => answers.filter((answer) => !answer.order)[index].account, answers[0].marks);
      return { spec, legend: spec.legend };
    },
    tools: [],
  },
  tokens: {
    title: "Tokens", tip: "Input and output tokens of all requests to external models, in thousands.",
    isThere: ({ data }) => data.tokens.points.length > 0,
    figures: ({ data: { tokens } }) => [["total input", `${thousands(tokens.totalInputTokens)} K`, number(tokens.totalInputTokens)], ["total output", `${thousands(tokens.totalOutputTokens)} K`, number(tokens.totalOutputTokens)]],
    rows: ({ data: { tokens } }) => [["time", "input tokens", "output tokens"], ...tokens.points.map((p) => [p.at, p.inputTokens, p.outputTokens])],
    json: ({ data }) => data.tokens,
    graph: (answers, view) => ({ spec: usage.tokens(answers, view) }),
    tools: [],
  },
  cost: {
    title: "Cost", tip: "What requests cost by the prices of their tokens, or as the telemetry has it; in the currency of the prices.",
    isThere: ({ data }) => data.cost?.points.length > 0,
    figures: ({ data: { cost } }) => (cost ? [["total", credits(cost.total)], ["per request", credits(cost.perRequest)], ["per million tokens", credits(cost.perMillionTokens)]] : []),
    rows: ({ data: { cost } }) => [["time", "cost"], ...cost.points.map((p) => [p.at, p.cost])],
    json: ({ data }) => data.cost,
    graph: (answers, view) => ({ spec: usage.cost(answers, view) }),
    tools: [],
  },
  heat: {
    title: "Latency",
    tip: "How the latency of successful requests is distributed over time: the darker, the more requests; over it the quantiles of each bucket. Counts are exact, latencies within 0.8 %.",
    needs: "analysis",
    isThere: (_, extra) => extra.analysis.buckets.some((bucket) => bucket.successes > 0),
    figures: ({ data: { latency } }, _, extra) => [...quantiles(latency), ["requests", number(latency.requests)], ["buckets of", bucketName(extra.analysis)]],
    rows: (_, __, { analysis }) => [["time", "successes", "average ms", "p50", "p95", "p99"], ...analysis.buckets.map((b) => [b.at, b.successes, b.average, b.p50, b.p95, b.p99])],
    json: (_, { analysis }) => analysis,
    graph: (_, view, extra) => {
      const spec = graphs.heatMap(extra.analysis, { ...view, isDark: extra.isDark });
      return { spec, ramp: spec.heat };
    },
    tools: [],
  },
  fine: {
    title: "Requests", needs: "analysis",
    tip: "Successful and failed requests by their arrival, in finer buckets than the platform's.",
    isThere: (_, extra) => extra.analysis.buckets.length > 0,
    figures: ({ data: { requests } }, _, extra) => [...totals(requests), ["buckets of", bucketName(extra.analysis)]],
    rows: (_, __, { analysis }) => [["time", "successes", "failures"], ...analysis.buckets.map((b) => [b.at, b.successes, b.failures])],
    json: (_, { analysis }) => analysis.buckets.map(({ at, successes, failures }) => ({ at, successes, failures })),
    graph: (_, view, extra) => ({ spec: graphs.fineRequests(extra.analysis, view, extra.base) }),
    tools: [],
  },
  tokenTimes: {
    title: "Time to First Token", needs: "analysis",
    tip: "Averages: from a request's arrival to its first output token and, on the right, between output tokens after it (inter-token latency).",
    isThere: (_, extra) => extra.analysis.buckets.some((bucket) => bucket.firstToken !== null),
    nothing: "No first tokens are known in this period.",
    figures: (_, __, { analysis }) => [["average", duration(analysis.firstToken)], ["per output token", duration(analysis.perOutputToken)], ...(analysis.cacheHitRate === undefined ? [] : [["input tokens from the prefix cache", percent(analysis.cacheHitRate)]]), ["buckets of", bucketName(analysis)]],
    rows: (_, __, { analysis }) => [["time", "first token ms", "per output token ms", "cache hit rate"], ...analysis.buckets.map((b) => [b.at, b.firstToken, b.perOutputToken, b.cacheHitRate])],
    json: (_, { analysis }) => analysis.buckets,
    graph: (_, view, extra) => ({ spec: graphs.tokenTimes(extra.analysis, view) }),
    tools: [],
  },
  throughput: {
    title: "Throughput", needs: "analysis",
    tip: "Output tokens and, on the right, answers a second, of requests by their arrival: averages of each bucket.",
    isThere: (_, extra) => extra.analysis.buckets.some((bucket) => bucket.outputTokens > 0),
    nothing: "No output tokens are known in this period.",
    figures: (_, __, { analysis }) => [["buckets of", bucketName(analysis)]],
    rows: (_, __, { analysis }) => [["time", "seconds", "successes", "input tokens", "output tokens"], ...analysis.buckets.map((b) => [b.at, b.seconds, b.successes, b.inputTokens, b.outputTokens])],
    json: (_, { analysis }) => analysis.buckets.map(({ at, seconds, successes, inputTokens, outputTokens }) => ({ at, seconds, successes, inputTokens, outputTokens })),
    graph: (_, view, extra) => ({ spec: graphs.throughput(extra.analysis, view) }),
    tools: [],
  },
  kvCache: {
    title: "KV Cache", needs: "analysis",
    tip: "The share of the KV cache that requests held, averaged over ready and draining replicas, and, on the right, how often a request lost its blocks to others and was read again.",
    isThere: (_, extra) => extra.analysis.buckets.some((bucket) => bucket.kvUtilisation !== null),
    nothing: "No KV cache is known in this period.",
    figures: (_, __, { analysis }) => [["utilisation", percent(analysis.kvUtilisation ?? null)], ["preemptions", number(analysis.preemptions ?? null)], ["buckets of", bucketName(analysis)]],
    rows: (_, __, { analysis }) => [["time", "utilisation", "preemptions"], ...analysis.buckets.map((b) => [b.at, b.kvUtilisation, b.preemptions])],
    json: (_, { analysis }) => analysis.buckets.map(({ at, kvUtilisation, preemptions }) => ({ at, kvUtilisation, preemptions })),
    graph: (_, view, extra) => ({ spec: graphs.kvCache(extra.analysis, view) }),
    tools: [],
  },
  reasons: {
    title: "Failures by Reason", needs: "analysis",
    tip: "Failed requests by reason, over time.",
    isThere: (_, extra) => extra.analysis.buckets.some((bucket) => bucket.failures > 0),
    nothing: "No request failed in this period.",
    figures: ({ data }) => byReason(data.requests),
    rows: (_, __, { analysis }) => {
      const names = [...new Set(analysis.buckets.flatMap((bucket) => Object.keys(bucket.reasons)))].sort();
      return [["time", ...names], ...analysis.buckets.filter((bucket) => bucket.failures).map((bucket) => [bucket.at, ...names.map((name) => bucket.reasons[name] || 0)])];
    },
    json: (_, { analysis }) => analysis.buckets.filter((bucket) => bucket.failures).map(({ at, reasons }) => ({ at, reasons })),
    graph: (_, view, extra) => ({ spec: graphs.reasons(extra.analysis, view).spec, key: "ordered" }),
    tools: [],
  },
  credits: {
    title: "Credits", needs: "credits",
    tip: "What the account's credits were spent on: replica time of all deployments, times the price of their hardware, and fine-tuning jobs, spread evenly over their duration. Of the whole account, whatever model is selected.",
    isThere: (_, { credits: own, over }) => [own, over].some((answer) => answer?.entries.some((entry) => entry.credits > 0)),
    nothing: "No credits were consumed in this period.",
    figures: (of, __, { credits: answer }) => [["deployment", spent(of, answer.deploymentCredits)], ["fine-tuning", spent(of, answer.fineTuningCredits)]],
    rows: (_, __, { credits: answer }) => [["time", "use", "model", "model version", "hardware", "credits"], ...answer.entries.flatMap((entry) => entry.parts.map((part, index) => [answer.starts[index], entry.use, entry.model, entry.version, entry.hardware, part]).filter((row) => row[5] > 0))],
    json: (_, extra) => extra.credits,
    graph: ([{ account }], view, extra) => {
      const { spec, groups } = graphs.creditBars(extra.credits, view.by || "model", view.zoom, account);
      const { credits: own, over } = extra;
      // Of what it is held against all together: a line at the tops of what would be its bars.
      if (over) {
        const lasts = over.granularity === "hour" ? 3600 : 86_400, points = over.starts.map((at, index) => ({ at, all: over.entries.reduce((sum, { parts }) => sum + parts[index], 0) }));
        spec.series.unshift({ ...graphs.bucketLine(points, lasts, ({ all }) => all, own), lasts, label: graphs.compared("All credits", over.label), ...graphs.look(true) });
      }
      return { spec, groups, key: "ordered" };
    },
    tools: [],
  },
};

// What a maximum is of, where there are several.
const largestOf = (points) => {
  const many = new Set(points.map((point) => `${point.modelId}/${point.version}`)).size;
  return many > 1 ? `, the largest of ${number(many)}` : "";
};

export const bucketName = ({ bucketSeconds: size }) => (size < 3600 ? `${size / 60} min` : size < 86_400 ? `${size / 3600} h` : "1 day");

/** - data: of an answer: costs have a panel where they are known. */
export const panelsOf = (kind, lens, data) => [
  ...(lens === "analysis" ? ["heat", "fine", "tokenTimes", "throughput", ...(kind === "external" ? [] : ["kvCache"]), "reasons"] : ["latency", "requests"]),
  kind === "external" ? "tokens" : "scaling", ...(data?.cost ? ["cost"] : []), "credits",
];
/** Whether a panel is shown: that of KV caches only where there are any. */
export const isListed = (kind, { analysis }) => kind !== "kvCache" || analysis?.preemptions !== undefined;
export const titleOf = (kind) => panels[kind].title;

/** Why a panel shows nothing, and where there is something. */
function Empty({ kind, answer, onChange }) {
  const { data, account } = answer;
  const { query } = data;
  const models = account.models.filter((model) => model.kind === query.kind && (!query.model || model.name === query.model));
  const stretches = models.flatMap((model) => model.deployments.filter((entry) => entry.deployedAt && (!query.version || entry.version === query.version)));
  // Data of other systems may tell of requests only.
  const isUnknown = kind === "scaling" && stretches.some((entry) => Date.parse(entry.deployedAt) < Date.parse(query.to) && !(Date.parse(entry.undeployedAt) <= Date.parse(query.from)));
  const what = (kind === "credits" && isFree(answer) ? "The data do not say what was consumed." : panels[kind].nothing) || (isUnknown ? "The data do not say how many replicas there were." : kind === "scaling" ? "Nothing was deployed in this period." : models.length ? "No requests in this period." : `The account has no ${{ fineTuned: "fine-tuned", openSource: "open-source", external: "external" }[query.kind]} models.`);
  const days = stretches.map((entry) => [entry.deployedAt.slice(0, 10), (entry.undeployedAt || query.now).slice(0, 10)]);
  const first = days.map(([from]) => from).sort()[0], last = days.map(([, to]) => to).sort().at(-1);
  const from = first && first < account.earliest ? account.earliest : first, to = last && last > account.today ? account.today : last;
  const other = from && from <= to ? [`${from}..${to}`, `${from === to ? moment(from) : `from ${moment(from)} to ${moment(to)}`}, while it was deployed`] : ["this-year", "this year"];
  const isThere = query.period !== other[0] && models.length > 0 && !panels[kind].nothing && !isUnknown;
  return html`<div class="empty"><div><p>${what}</p>${isThere && onChange ? html`<button type="button" onClick=${() => onChange({ period: other[0], zoom: "" })}>Show ${other[1]}</button>` : null}</div></div>`;
}

/**
 * One panel. `answers` are those of the run and of the run that it is compared with; `drawn` those that the graph shows,
 * where versions are laid over each other; `extra` what only some panels need; `view` what is selected.
 */
export class Panel extends Component {
  constructor() { super(); this.state = { isolated: new Set(), menu: false }; }

  isolate(key) {
    const isolated = new Set(this.state.isolated);
    if (!isolated.delete(key)) isolated.add(key);
    this.setState({ isolated });
  }

  render({ kind, answers, drawn: laid = answers, extra, view, prefix = "", sync, rules, tools, isBrief, least, onChange, onExpand, onSelect }, { isolated }) {
    const panel = tools ? { ...panels[kind], tools } : panels[kind];
    const answer = answers[0];
    const title = panel.title;
    const id = `${prefix}${kind}-title`;
    const needed = panel.needs ? extra?.[panel.needs] : true;
    const problem = panel.needs && extra?.problems?.[panel.needs];
    const own = answers.filter((entry) => !entry.isOther && !entry.order);
    const other = answers.find((entry) => entry.isOther);
    const isThere = needed && answers.some((entry) => panel.isThere(entry, extra));
    const about = saving.provenance(answer.run, { query: answer.data.query, accountName: answer.accountName });
    const drawn = isThere ? panel.graph(laid, view, { ...extra, isolated }) : null;
    const spec = drawn && graphs.withBands(drawn.spec, graphs.incidents(answer.data, answer.marks));
    if (spec && rules) spec.rules = rules;
    if (spec) spec.unfinished = graphs.unfinished(spec, answer.data);
    if (spec && least) for (const [side, value] of Object.entries(least)) spec.axes[side] &&= { ...spec.axes[side], least: spec.axes[side].share ? value / 1.08 / spec.axes[side].share : value };
    if (drawn?.legend) spec.legend = drawn.legend;
    const rows = () => panel.rows(answer, view, extra);
    const toggle = (name) => () => onChange({ [name]: view[name] ? "" : "1" });
    const many = spec ? spec.series.reduce((sum, entry) => sum + entry.y.filter((value) => value !== null).length, 0) : 0;
    const figures = needed ? panel.figures(answer, view, extra) : [];
    return html`<article class="widget" data-widget=${kind} aria-labelledby=${id}>
      <div class="head"><h2 id=${id}>${title}</h2><${Info} text=${panel.tip} of=${title} />
        <span class="bar tools">
          ${panel.tools.includes("percentiles") ? html`<${Tool} text="percentiles" label=${`Percentiles, ${title}`} pressed=${Boolean(view.percentiles)} onClick=${toggle("percentiles")} />` : null}
          ${panel.tools.includes("reasons") ? html`<${Tool} text="reasons" label=${`Failures by reason, ${title}`} pressed=${Boolean(view.reasons)} onClick=${toggle("reasons")} />` : null}
          ${panel.tools.includes("overlay") && extra?.canOverlay ? html`<${Tool} text="by version" label=${`By version, ${title}`} pressed=${Boolean(view.overlay)} onClick=${toggle("overlay")} />` : null}
          ${needed ? html`<span class="save"><${Tool} text="CSV" label=${`Download as CSV, ${title}`} onClick=${() => saving.saveCSV(kind, rows(), about)} />
          <${Tool} text="JSON" label=${`Download as JSON, ${title}`} onClick=${() => saving.saveJSON(kind, panel.json(answer, extra), about)} />
          ${spec ? html`<${Tool} text="PNG" label=${`Download as PNG, ${title}`} onClick=${() => saving.savePNG(kind, title, spec, about)} />
          <${Tool} text="SVG" label=${`Download as SVG, ${title}`} onClick=${() => saving.saveSVG(kind, title, spec, about)} />` : null}</span>` : null}
          ${onExpand ? html`<${Tool} text="⤢" label=${`Expand, ${title}`} onClick=${() => onExpand(kind)} />` : null}
        </span></div>
      <${Figures} list=${figures} />
      ${other && needed && !panel.needs && !isBrief ? html`<${Figures} list=${[["compared with", other.label], ...panel.figures(other, view, extra)]} />` : null}
      ${kind === "credits" && needed ? html`<div class="presets" role="group" aria-label="Credits by">${["model", "version", "hardware", "use"].map((by) => html`<button key=${by} type="button" aria-pressed=${String((view.by || "model") === by)} onClick=${() => onChange({ by })}>by ${by}</button>`)}</div>` : null}
      ${problem ? html`<div class="empty" role="alert"><p>${problem} Refresh (↻) asks for it again.</p></div>`
        : !needed ? html`<div class="empty"><p>…</p></div>`
        : !spec ? html`<${Empty} kind=${kind} answer=${own[0]} onChange=${onChange} />`
        : html`<${Chart} spec=${spec} sync=${sync} onSelect=${onSelect} label=${`${title}: ${number(many)} points, in the table below. Arrow keys move through them${onSelect ? ", with Shift they mark an interval, into which Enter zooms" : ""}.`} />
          ${drawn.legend ? html`<${Legend} entries=${drawn.legend} isolated=${isolated} onIsolate=${(key) => this.isolate(key)} />` : html`<${Key} entries=${drawn.key ? orderedKey(spec) : keyOf(spec)} ramp=${drawn.ramp} />`}
          ${drawn.groups ? html`<${Shares} groups=${drawn.groups} />` : null}
          <${Fold} summary="Table" label=${`Table of ${title}`} body=${() => { const [head, ...all] = rows(); return html`<${Table} title=${title} head=${head} rows=${all} all="CSV" />`; }} />`}
    </article>`;
  }
}

/** What the credits went to, with shares. */
function Shares({ groups }) {
  const all = groups.reduce((sum, group) => sum + group.credits, 0);
  return html`<${Table} title="Credits, shares" name="shares" head=${["Spent on", "Credits", "Share", "Replica-hours"]} rows=${groups.slice(0, 50).map((group) => [group.label, credits(group.credits), percent(all ? group.credits / all : null), group.hours ? number(Math.round(group.hours * 100) / 100) : "–"])} />`;
}

/** Incidents above the graphs, each where it was. */
export function Lane({ answer, zoom }) {
  const list = graphs.incidents(answer.data, answer.marks);
  if (!list.length) return null;
  const [from, to] = zoom || [Date.parse(answer.data.query.from) / 1000, Date.parse(answer.data.query.to) / 1000];
  const place = (node, { start, end, kind }) => {
    if (!node) return;
    const left = Math.max(0, (start - from) / (to - from)), right = Math.min(1, (end - from) / (to - from));
    node.hidden = right <= 0 || left >= 1;
    node.style.left = `${left * 100}%`;
    node.style.width = `max(6px, ${Math.max(0, right - left) * 100}%)`;
    // Its kind beside it, where the next one leaves room for the whole word.
    const next = Math.min(1, ...list.map((other) => (other.start - from) / (to - from)).filter((other) => other > left));
    node.firstChild.hidden = (next - left) * (Math.min(innerWidth, 2400) - 220) < kind.length * 8 + 12;
  };
  return html`<section class="lane" aria-label="Incidents"><h2>Incidents</h2><div class="track">
    ${list.map((incident, index) => {
      const what = `${incident.kind}${incident.provider ? `, ${incident.provider}` : ""}${incident.model ? `, ${incident.model}` : ""}`;
      return html`<button type="button" class="incident" key=${`${incident.from}${index}`} ref=${(node) => place(node, incident)} aria-label=${`${what}: from ${moment(incident.from)}, for ${graphs.lengthOf(incident)}`}>
        <span>${incident.kind}</span><span role="tooltip">${what}<br />from ${moment(incident.from)}<br />for ${graphs.lengthOf(incident)}</span></button>`;
    })}
  </div></section>`;
}

/** The figures of the selection and of the account, above the panels. */
export function Cards({ answer, objective }) {
  const { data } = answer;
  const { requests, latency, scaling, account } = data;
  const peak = scaling ? peakOf(scaling.points) : null, isUnknown = scaling && !scaling.points.length && !account.subscriptionMaxReplicas;
  const cards = [
    ["successRate", requests.totalRequests ? percent(requests.totalSuccesses / requests.totalRequests) : "–", "success rate", `Successful requests of all requests that are selected, in the period. ${number(requests.totalFailures)} failed.`, requests.totalFailures ? `${number(requests.totalFailures)} failed, ${percent(requests.totalFailures / requests.totalRequests)}` : ""],
    ["requests", compact(requests.totalRequests), "requests", "All requests that are selected, successful and failed, in the period.", requests.totalRequests < 10_000 ? "" : number(requests.totalRequests)],
    ["latency", duration(latency.summary.p95), "latency p95", "95 % of the successful requests took at most this long.", objective ? `${latency.summary.p95 === null ? "" : latency.summary.p95 <= objective.value ? "✓ " : "✕ "}${objective.label}` : ""],
    ["replicas", scaling && !isUnknown ? number(peak) : "–", "peak replicas", "The most replicas at once of the models that are selected, and how many the account's subscription allows for all models together.", isUnknown ? "not in the data" : scaling ? (account.subscriptionMaxReplicas ? `of ${number(account.subscriptionMaxReplicas)} in the subscription` : "") : "external models have none"],
  ];
  const own = [
    ["deploymentCredits", spent(answer, account.deploymentCredits), "credits consumed in deployment", "Replica time of all deployments of the account in the period, times the price of their hardware. 1 credit is 1 US dollar."],
    ["fineTuningCredits", spent(answer, account.fineTuningCredits), "credits consumed in fine-tuning", "Fine-tuning jobs of the account, charged evenly over their duration; what lies in the period."],
    ["deployedModels", number(account.deployedModels), "deployed models", "Different models, of every kind, that were deployed at some instant of the period."],
    ["fineTunedModels", number(account.fineTunedModels), "fine-tuned models", "Different models with a fine-tuning job that succeeded in the period."],
  ];
  const item = ([id, value, label, tip, note]) => html`<li key=${id} id=${`card-${id}`}><span>${label} <${Info} text=${tip} of=${label} /></span><strong>${value}</strong>${note ? html`<small>${note}</small>` : null}</li>`;
  return [html`<section key="selection" class="cards" aria-label="Selection"><ul>${cards.map(item)}</ul></section>`, html`<section key="account" class="cards account" aria-label="Account metrics"><ul id="cards">${own.map(item)}</ul></section>`];
}

// The most replicas at a time, of changes in order of time.
export function peakOf(points) {
  const now = new Map();
  let most = 0;
  points.forEach((point, index) => {
    now.set(`${point.modelId}/${point.version}`, point.replicas);
    if (points[index + 1]?.at !== point.at) most = Math.max(most, [...now.values()].reduce((sum, value) => sum + value, 0));
  });
  return most;
}
export const periodOf = (data) => span(data.query.from, data.query.now < data.query.to ? data.query.now : data.query.to);

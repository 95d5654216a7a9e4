// The four widgets: title, tooltip, figures, graph, table, downloads.
import * as charts from "./charts.js";

export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key in node && !key.startsWith("aria")) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

// Figures come first; graphs as soon as the chart library, which is large, is there.
const chartLibrary = () => window.Plotly ? Promise.resolve() : new Promise((resolve) => document.getElementById("plotly").addEventListener("load", resolve, { once: true }));

let count = 0;
export function info(text) {
  const id = `tip-${++count}`;
  return element("button", { type: "button", className: "info", "aria-label": "What is this?", "aria-describedby": id }, "i", element("span", { role: "tooltip", id }, text));
}

export const number = (value) => (value === null || value === undefined ? "–" : value.toLocaleString("en", { maximumFractionDigits: 4 }));
export const credits = (value) => (value === null || value === undefined ? "–" : value !== 0 && value < 0.01 ? value.toPrecision(3) : value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 }));
export const thousands = (value) => `${(value / 1000).toLocaleString("en", { maximumFractionDigits: 1 })} K`;
const milliseconds = (value) => (value === null ? "–" : `${value.toLocaleString("en", { maximumFractionDigits: 1 })} ms`);

export const widgets = {
  latency: {
    title: "Model Latency",
    tip: "Time from a request's arrival to its complete response, of successful requests. Up to seven days each request is a point; longer, each day's average.",
    unit: "ms", shows: (data) => data.latency.points.length > 0,
    figures: ({ latency }) => [["average", milliseconds(latency.summary.average)], ["p50", milliseconds(latency.summary.p50)], ["p95", milliseconds(latency.summary.p95)], ["p99", milliseconds(latency.summary.p99)], ...(latency.thinned ? [["points", `extremes of ${number(latency.requests)} requests`]] : [])],
    rows: ({ latency }) => [["time", "latency ms", "requests"], ...latency.points.map((p) => [p.at, p.latency, p.requests])],
    bucketRows: ({ latency }) => [["time", "requests", "average ms", "p50", "p90", "p95", "p99", "p99.9"], ...latency.buckets.map((b) => [b.at, b.requests, b.average, b.p50, b.p90, b.p95, b.p99, b.p999])],
  },
  requests: {
    title: "Requests", tip: "Requests by the hour or day of their arrival: successes green, failures red. An hour or day without requests has no bar.",
    unit: "requests", shows: (data) => data.requests.points.length > 0,
    figures: ({ requests, query }, view) => [
      ["total requests", number(requests.totalRequests)], ["successes", number(requests.totalSuccesses)], ["failures", number(requests.totalFailures)],
      ...(query.kind === "external" ? [] : [["avg. credits per request", credits(requests.creditsPerRequest)], ["per response", credits(requests.creditsPerResponse)]]),
      ...(view.reasons ? Object.entries(requests.failuresByReason).sort((a, b) => b[1] - a[1]).map(([reason, many]) => [reason, number(many)]) : []),
    ],
    rows: ({ requests }) => [["time", "successes", "failures"], ...requests.points.map((p) => [p.at, p.successes, p.failures])],
  },
  scaling: {
    title: "Model Scaling and Usage", tip: "Replicas that the account pays for: starting, ready and draining. The red line of a single day is the configured maximum.",
    unit: "replicas", shows: (data) => data.scaling.points.length > 0,
    figures: ({ scaling }) => [["hardware", scaling.hardware || "–"], ...(scaling.maxReplicas === null ? [] : [["max replicas", number(scaling.maxReplicas)]])],
    rows: ({ scaling }) => [["time", "version", "replicas", "hardware"], ...scaling.points.map((p) => [p.at, p.version, p.replicas, p.hardware])],
  },
  tokens: {
    title: "Tokens", tip: "Input and output tokens of all requests to external models, in thousands.",
    unit: "tokens, K", shows: (data) => data.tokens.points.length > 0,
    figures: ({ tokens }) => [["total input", thousands(tokens.totalInputTokens)], ["total output", thousands(tokens.totalOutputTokens)]],
    rows: ({ tokens }) => [["time", "input tokens", "output tokens"], ...tokens.points.map((p) => [p.at, p.inputTokens, p.outputTokens])],
  },
};

export const widgetsOf = (kind) => ["latency", "requests", kind === "external" ? "tokens" : "scaling"];

// `answers` are [data, marks] of the run and, if any, [data, marks, name] of the one it is compared with.
export function render(kind, answers, view, onExpand) {
  const widget = widgets[kind];
  const [data, marks] = answers[0];
  const rows = kind === "latency" && view.percentiles ? widget.bucketRows(data) : widget.rows(data);
  const chart = element("div", { className: "chart", role: "img", "aria-label": `${widget.title}: ${rows.length - 1} points, in the table below` });
  const box = element("article", { className: "widget", "aria-labelledby": `${view.prefix || ""}${kind}-title` });
  box.dataset.widget = kind;
  const tool = (label, title, action, more = {}) => element("button", { type: "button", title, "aria-label": `${title}, ${widget.title}`, onclick: action, ...more }, label);
  const save = (name, type, text) => {
    const link = element("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const base = `${kind}-${data.query.period}`.replace(/[^A-Za-z0-9._-]+/g, "-");
  const tools = element("span", { className: "bar tools" },
    kind === "latency" ? tool("percentiles", "Percentiles", () => view.toggle("percentiles"), { "aria-pressed": String(!!view.percentiles) }) : null,
    kind === "requests" ? tool("reasons", "Failures by reason", () => view.toggle("reasons"), { "aria-pressed": String(!!view.reasons) }) : null,
    tool("CSV", "Download as CSV", () => save(`${base}.csv`, "text/csv", rows.map((row) => row.map(csv).join(",")).join("\n") + "\n")),
    tool("JSON", "Download as JSON", () => save(`${base}.json`, "application/json", JSON.stringify(data[kind], null, 2) + "\n")),
    tool("PNG", "Download as PNG", () => Plotly.downloadImage(chart, { format: "png", width: 1400, height: 700, filename: base })),
    onExpand ? tool("⤢", "Expand", () => onExpand(kind)) : null);
  box.append(
    element("div", { className: "head" }, element("h2", { id: `${view.prefix || ""}${kind}-title` }, widget.title), info(widget.tip), tools),
    figures(widget.figures(data, view)));
  if (answers[1]) box.append(figures([["compared with", answers[1][2]], ...widget.figures(answers[1][0], view)]));
  if (!answers.some(([answer]) => widget.shows(answer))) {
    box.append(element("div", { className: "empty" }, kind === "scaling" ? "Nothing was deployed in this period." : "No requests in this period."));
    return box;
  }
  const options = { percentiles: view.percentiles };
  const figure = { data: charts[kind](data, options), layout: charts.layout({ barmode: kind === "tokens" || kind === "requests" ? "stack" : "group" }) };
  figure.layout.yaxis.title = { text: widget.unit };
  if (answers[1] && widget.shows(answers[1][0])) {
    figure.data.push(...charts[kind](answers[1][0], { ...options, other: answers[1][2] }).map((trace) => ({ ...trace, meta: "other" })));
    if (figure.layout.barmode === "stack") figure.layout.barmode = "overlay";
  }
  charts.decorate(kind, data, marks, figure);
  const table = element("div", { className: "table", tabIndex: 0, role: "region", "aria-label": `${widget.title}, table` });
  const details = element("details", { ontoggle: () => { if (details.open && !table.firstChild) table.append(tableOf(rows)); } }, element("summary", {}, `Table of ${rows.length - 1} points`), table);
  box.append(chart, details);
  box.figure = figure;
  box.draw = async () => {
    await chartLibrary();
    if (chart.isConnected) await Plotly.react(chart, figure.data, figure.layout, { responsive: true, displaylogo: false, displayModeBar: false });
  };
  box.clear = () => window.Plotly?.purge(chart);
  return box;
}

// A cell of a CSV file. A spreadsheet takes text that begins like a formula for one: an apostrophe keeps a name a name.
const csv = (value) => { const text = typeof value === "string" && /^[\s\uFEFF]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/.test(value) ? `'${value}` : String(value ?? ""); return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text; };

function figures(list) {
  return element("dl", { className: "figures" }, ...list.map(([label, value]) => element("div", {}, element("dt", {}, label), element("dd", {}, value))));
}

function tableOf([head, ...rows]) {
  const most = 2000;
  return element("table", {},
    element("thead", {}, element("tr", {}, ...head.map((cell) => element("th", { scope: "col" }, cell)))),
    element("tbody", {}, ...rows.slice(0, most).map((row) => element("tr", {}, ...row.map((cell) => element("td", {}, typeof cell === "number" ? number(cell) : cell))))),
    rows.length > most ? element("caption", {}, `The first ${most} of ${rows.length}; CSV has all.`) : "");
}

// Figures to graphs. Times on the axis are the account's wall clock, as the server writes them.
export const colour = { blue: "#1f6feb", green: "#1a8f3c", red: "#d1242f", amber: "#b7791f", violet: "#8250df", grey: "#8b949e" };

// Plotly knows no zones: the offset is cut off, and hover texts show the whole moment. A repeated hour is moved by a
// little so that both of its points can be seen.
function wall(points) {
  const seen = new Set();
  return points.map(({ at }) => {
    let text = at.slice(0, 19).replace("T", " ");
    while (seen.has(text) && /:00:00$/.test(text)) text = text.replace(/:00:00$/, ":30:00");
    seen.add(text);
    return text;
  });
}

// Absent buckets are gaps: a null between points that do not follow each other.
function withGaps(points, granularity, value) {
  const step = granularity === "hour" ? 3.7e6 : 9.1e7;
  const x = [], y = [], text = [];
  const times = wall(points);
  points.forEach((point, index) => {
    if (index && Date.parse(point.at) - Date.parse(points[index - 1].at) > step) { x.push(times[index - 1]); y.push(null); text.push(""); }
    x.push(times[index]); y.push(value(point)); text.push(point.at);
  });
  return { x, y, text };
}

export function layout(extra = {}) {
  const style = getComputedStyle(document.documentElement);
  const text = style.getPropertyValue("--text").trim(), line = style.getPropertyValue("--line").trim();
  return {
    margin: { l: 62, r: 14, t: 8, b: 46 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: text, family: "system-ui, sans-serif", size: 12 }, hovermode: "closest", showlegend: true,
    legend: { orientation: "h", y: -0.2 }, xaxis: { type: "date", gridcolor: line, linecolor: line },
    yaxis: { rangemode: "tozero", gridcolor: line, linecolor: line }, shapes: [], ...extra,
  };
}

// Plotly reads a little HTML in texts; names must stay text.
export const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
// A bar stands on its bucket: from its start, most of its length.
const bucketMs = (data) => (data.query.granularity === "hour" ? 3.6e6 : 8.64e7);
const onBucket = (data) => ({ offset: bucketMs(data) * 0.06, width: bucketMs(data) * 0.88 });
const dashed = (other) => (other ? { dash: "dot" } : {});
const name = (label, other) => (other ? `${label}, ${plain(other)}` : label);

export function latency(data, { percentiles, other } = {}) {
  const per = data.query.granularity;
  const widget = data.latency;
  if (percentiles) {
    return ["p50", "p95", "p99"].map((key, index) => ({
      ...withGaps(widget.buckets, per, (point) => point[key]), mode: "lines+markers", name: name(key, other),
      line: { color: [colour.blue, colour.amber, colour.violet][index], ...dashed(other) }, connectgaps: false,
      hovertemplate: `${key} %{y:,.1f} ms<br>%{text}<extra></extra>`,
    }));
  }
  const each = widget.mode === "perRequest";
  // Requests far apart are not joined: nothing was deployed, or nobody asked.
  const far = per === "hour" ? 3.7e6 : 2.2e7;
  const points = each ? { x: [], y: [], text: [] } : withGaps(widget.points, per, (point) => point.latency);
  if (each) {
    widget.points.forEach((point, index) => {
      const x = point.at.slice(0, 23).replace("T", " ").replace(/[+Z-]\d*:?\d*$/, "");
      if (index && Date.parse(point.at) - Date.parse(widget.points[index - 1].at) > far) { points.x.push(x); points.y.push(null); points.text.push(""); }
      points.x.push(x); points.y.push(point.latency); points.text.push(point.at);
    });
  }
  return [{
    ...points, mode: each && widget.points.length > 200 ? "lines" : "lines+markers", connectgaps: false,
    name: name(each ? "latency of a request" : "average of the day", other), line: { color: colour.blue, width: each ? 1 : 2, ...dashed(other) },
    hovertemplate: `%{y:,.1f} ms<br>%{text}<extra></extra>`,
  }];
}

export function requests(data, { other } = {}) {
  const widget = data.requests;
  const trace = (key, label, colour, total) => ({
    type: "bar", ...onBucket(data), x: wall(widget.points), y: widget.points.map((point) => point[key]), text: widget.points.map(({ at }) => at),
    name: name(label, other), marker: { color: colour, opacity: other ? 0.45 : 1 }, textposition: "none",
    hovertemplate: `%{y:,} ${label}<br>%{text}<br>${total.toLocaleString("en")} in the period<extra></extra>`,
  });
  return [trace("successes", "successes", colour.green, widget.totalSuccesses), trace("failures", "failures", colour.red, widget.totalFailures)];
}

export function scaling(data, { other } = {}) {
  const widget = data.scaling;
  const end = data.query.now < data.query.to ? data.query.now : data.query.to;
  const series = new Map();
  for (const point of widget.points) {
    const key = `${point.modelId}/${point.version}`;
    if (!series.has(key)) series.set(key, []);
    series.get(key).push(point);
  }
  const shades = [colour.blue, "#54aeff", "#0a3069", "#0969da", "#80ccff"];
  return [...series.values()].map((points, index) => {
    const all = [...points, { ...points[points.length - 1], at: end }];
    return {
      x: wall(all), y: all.map((point) => point.replicas), mode: "lines", name: name(plain(points[0].version) || "replicas", other),
      line: { shape: "hv", color: shades[index % shades.length], width: 2, ...dashed(other) },
      customdata: all.map((point) => [plain(point.version), plain(point.hardware), point.at]),
      hovertemplate: "%{customdata[2]}<br>%{customdata[0]}: %{y} replicas<br>%{customdata[1]}<extra></extra>",
    };
  });
}

export function tokens(data, { other } = {}) {
  const widget = data.tokens;
  const trace = (key, label, colour) => ({
    type: "bar", ...onBucket(data), x: wall(widget.points), y: widget.points.map((point) => point[key] / 1000), name: name(label, other),
    marker: { color: colour, opacity: other ? 0.45 : 1 }, customdata: widget.points.map((point) => [point.at, point.inputTokens, point.outputTokens]),
    hovertemplate: "%{customdata[0]}<br>%{customdata[1]:,} input tokens<br>%{customdata[2]:,} output tokens<extra></extra>",
  });
  return [trace("inputTokens", "input tokens", colour.blue), trace("outputTokens", "output tokens", colour.amber)];
}

// Incidents as bands; the red line of max replicas; scale-ups that a limit cut short as crosses.
export function decorate(kind, data, marks, figure) {
  const from = data.query.from, to = data.query.to;
  const text = (at) => at.slice(0, 19).replace("T", " ");
  const { kind: tab, model, provider } = data.query;
  for (const incident of marks.incidents) {
    // A provider's trouble is for external models; a model's for its own tab and filter; the rest for all.
    if (incident.provider && (tab !== "external" || (provider && provider !== incident.provider))) continue;
    if (incident.model && (incident.modelKind !== tab || (model && model !== incident.model))) continue;
    if (Date.parse(incident.to) < Date.parse(from) || Date.parse(incident.from) >= Date.parse(to)) continue;
    figure.layout.shapes.push({ type: "rect", xref: "x", yref: "paper", x0: text(incident.from), x1: text(incident.to), y0: 0, y1: 1, fillcolor: colour.red, opacity: 0.12, line: { width: 0 }, label: { text: plain(incident.kind), textposition: "top left", font: { size: 10 } } });
  }
  figure.layout.xaxis.range = [text(from), text(to)];
  if (kind !== "scaling") return;
  if (data.scaling.maxReplicas !== null) {
    figure.layout.yaxis.range = [0, data.scaling.maxReplicas * 1.04];
    figure.layout.shapes.push({ type: "line", xref: "paper", x0: 0, x1: 1, y0: data.scaling.maxReplicas, y1: data.scaling.maxReplicas, line: { color: colour.red, width: 2 }, name: "max replicas" });
  }
  const short = marks.cutShort.filter((mark) => Date.parse(mark.at) >= Date.parse(from) && Date.parse(mark.at) < Date.parse(to) && (!data.query.model || mark.model === data.query.model) && (!data.query.version || mark.version === data.query.version));
  if (short.length) {
    figure.data.push({
      x: short.map((mark) => text(mark.at)), y: short.map((mark) => mark.replicas), mode: "markers", name: "cut short by a limit",
      marker: { symbol: "x", color: colour.amber, size: 8 }, text: short.map((mark) => `${mark.at}<br>${plain(mark.version)}: cut short by ${mark.limitedBy}`), hovertemplate: "%{text}<extra></extra>",
    });
  }
}

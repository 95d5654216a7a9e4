// A graph over time on uPlot: lines, steps, bars and heat maps; limits, incidents and crosses over them; one crosshair for
// all graphs of a page; a hover text anywhere. A graph keeps its element, its focus and its zoom whatever data come.
import { ticks, increments } from "./times.js";
import { number, duration, compact } from "./format.js";

const { html, Component } = preact;

export const colours = () => {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(["text", "dim", "line", "card", "latency", "success", "failure", "limit", "account", "other", "input", "output", "high", "top", "second", "third", "fourth", "fifth"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
};
/** Colours by name; what is none is a colour already. */
const painted = (colour, palette) => palette[colour] || colour;

// Room beside the plot, the same for all graphs, so that times stand above each other.
export const margins = { left: 78, right: 62 };
// On a phone there is less.
const room = (width, spec) => (width < 460 ? { left: 62, right: spec.axes.right ? 54 : 14 } : margins);
const font = "12px system-ui, sans-serif";

export const formats = {
  count: { incrs: increments.whole, text: (value) => (value >= 10_000 ? compact(value, true) : number(value)) },
  exact: { incrs: increments.whole, text: (value) => number(value) },
  duration: { incrs: increments.duration, text: (value) => duration(value, true) },
  credits: { incrs: increments.any, text: (value) => (value >= 10_000 ? compact(value, true) : number(value)) },
  share: { incrs: increments.any, text: (value) => `${number(value * 100)} %` },
};

/** Series with times of their own as uPlot takes them: one list of times; undefined where a series has no value there. */
function joined(series) {
  const all = new Set();
  for (const entry of series) for (const x of entry.x) all.add(x);
  const x = Float64Array.from(all).sort();
  if (series.every((entry) => entry.x.length === x.length)) return [x, ...series.map((entry) => entry.stack || entry.y)];
  const place = new Map();
  x.forEach((value, index) => place.set(value, index));
  return [x, ...series.map((entry) => {
    const values = new Array(x.length).fill(undefined);
    const drawn = entry.stack || entry.y;
    entry.x.forEach((value, index) => { values[place.get(value)] = drawn[index]; });
    return values;
  })];
}

const dash = (kind) => ({ dashed: [6, 4], dotted: [2, 3] }[kind] || []);

// What of a graph can only be changed by making it anew.
const shape = (spec, theme, large) => JSON.stringify([theme, large, spec.narrow, spec.log, spec.axes, spec.series.map(({ label, kind, colour, width, line, scale, points }) => [label, kind, colour, width, line, scale, points])]);

const highest = (spec, scale) => {
  let most = 0;
  for (const entry of spec.series) {
    if ((entry.scale || "y") !== scale) continue;
    for (const value of entry.stack || entry.y) if (value > most) most = value;
  }
  return most;
};

function range(spec, scale) {
  const axis = scale === "y" ? spec.axes.y : spec.axes.right;
  if (spec.log && scale === "y") return spec.log;
  if (axis.max) return [0, axis.max];
  let most = highest(spec, scale);
  for (const limit of spec.limits || []) if ((limit.scale || "y") === scale && limit.value <= most * 2.5) most = Math.max(most, limit.value);
  return [0, Math.max(most * 1.08, axis.least || 0) || 1];
}

/** Options of uPlot for a graph. `current` gives what is to be drawn now. */
export function options(current, palette, width, height, { sync, onSelect, onHover } = {}) {
  const spec = current();
  const stroke = (name) => painted(name, palette);
  const edge = room(width, spec);
  const axis = (definition, scale, side) => {
    const format = formats[definition.format];
    return {
      scale, side, label: definition.title, labelSize: 18, labelGap: 0, labelFont: font, font, gap: 6,
      stroke: definition.colour ? stroke(definition.colour) : palette.dim, size: side === 1 ? edge.right - 18 : edge.left - 18,
      grid: { show: side !== 1, stroke: palette.line, width: 1 }, ticks: { show: false }, incrs: format.incrs, space: 34,
      values: (_, values) => values.map((value) => (value === null ? "" : format.text(value))),
      ...(spec.log && scale === "y" ? { splits: () => logTicks(current().log), filter: (_, splits) => splits } : {}),
    };
  };
  const axes = [{
    scale: "x", label: "Date", labelSize: 18, labelGap: 0, labelFont: font, font, stroke: palette.dim, size: 26, gap: 6,
    grid: { stroke: palette.line, width: 1 }, ticks: { show: false },
    splits: (u, _, from, to) => { u.labels = new Map(ticks(from * 1000, to * 1000, ((to - from) * 1000 * 72) / Math.max(u.bbox.width / devicePixelRatio, 72), current().clock).map(([ms, label]) => [ms / 1000, label])); return [...u.labels.keys()]; },
    values: (u, splits) => splits.map((value) => u.labels.get(value) ?? ""),
  }, axis(spec.axes.y, "y", 3)];
  if (spec.axes.right) axes.push(axis(spec.axes.right, "right", 1));
  return {
    width, height, legend: { show: false }, pxAlign: 0,
    padding: [14, spec.axes.right ? 0 : edge.right, 0, 0],
    cursor: {
      // The crosshair is everybody's; what somebody drags is of one graph.
      sync: sync ? { key: sync, setSeries: false, scales: ["x", null], filters: { pub: (type) => type === "mousemove" || type === "mouseleave" } } : undefined, y: false,
      drag: { x: Boolean(onSelect), y: false, setScale: false, dist: 6 },
      points: { show: (_, index) => (/none|bars/.test(current().series[index - 1]?.kind) ? false : point()) },
      dataIdx: (u, index, nearest, x) => near(u, current().series[index - 1], index, nearest, x),
    },
    scales: {
      x: { time: true, range: () => current().range },
      y: spec.log ? { distr: 3, log: 10, range: () => current().log } : { range: () => range(current(), "y") },
      ...(spec.axes.right ? { right: { range: () => range(current(), "right") } } : {}),
    },
    axes,
    series: [{}, ...spec.series.map((entry) => ({
      label: entry.label, scale: entry.scale || "y", stroke: stroke(entry.colour), width: entry.width ?? 2, dash: dash(entry.line),
      spanGaps: false,
      fill: entry.fill ? alpha(stroke(entry.colour), 0.12) : undefined,
      paths: entry.kind === "bars" || entry.kind === "none" ? () => null : entry.kind === "steps" ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
      points: entry.kind === "bars" || entry.kind === "none" || entry.kind === "steps" ? { show: false }
        : entry.points === "some" ? { show: true, size: entry.y.filter((value) => value > 0).length > 60 ? 5 : 8, width: 1.5, fill: palette.card, stroke: stroke(entry.colour), filter: (u, index) => marked(u, index, current().series[index - 1]) }
        : { size: 5, fill: stroke(entry.colour) },
    }))],
    hooks: {
      drawClear: [(u) => below(u, current(), palette)],
      drawAxes: [(u) => current().series.forEach((entry, index) => { if (entry.kind === "bars") bars(u, entry, index + 1, palette); })],
      draw: [(u) => above(u, current(), palette)],
      setCursor: onHover ? [(u) => onHover(u)] : [],
      setSelect: onSelect ? [(u) => {
        const { left, width: wide } = u.select;
        if (wide < 6) return;
        const from = u.posToVal(left, "x"), to = u.posToVal(left + wide, "x");
        u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        onSelect(from * 1000, to * 1000);
      }] : [],
    },
  };
}

function point() {
  const dot = document.createElement("div");
  dot.className = "dot";
  return dot;
}

const alpha = (colour, share) => (/^#[0-9a-f]{6}$/i.test(colour) ? `${colour}${Math.round(share * 255).toString(16).padStart(2, "0")}` : colour);

function logTicks([least, most]) {
  return increments.duration.filter((value) => value >= least && value <= most && (most / least < 200 || /^[15]/.test(String(value)) || value >= 60_000));
}

// The values that get a marker: all that are more than nothing.
const marked = (u, index, entry) => {
  const values = u.data[index];
  const found = [];
  values.forEach((value, place) => { if (value > 0) found.push(place); });
  return entry.points === "some" ? found : null;
};

// The value to which a moment belongs: of steps and bars the one that began last, of lines the nearest in time.
function near(u, entry, index, nearest, x) {
  const values = u.data[index];
  if (!entry || !values) return nearest;
  const times = u.data[0];
  const before = (place) => { while (place >= 0 && values[place] === undefined) place--; return place; };
  const after = (place) => { while (place < values.length && values[place] === undefined) place++; return place; };
  if (entry.kind === "steps" || entry.kind === "bars" || entry.kind === "none") {
    let place = nearest;
    while (place < times.length - 1 && times[place + 1] <= x) place++;
    while (place >= 0 && times[place] > x) place--;
    place = before(place);
    if (place < 0 || (values[place] === null) || (entry.lasts && x >= times[place] + entry.lasts)) return null;
    return place;
  }
  const a = before(nearest), b = after(nearest);
  const known = (place) => place >= 0 && place < values.length && values[place] !== null;
  if (!known(a) && !known(b)) return null;
  const place = !known(a) ? b : !known(b) ? a : Math.abs(times[a] - x) <= Math.abs(times[b] - x) ? a : b;
  // Beyond its bucket, or far from a request, nothing is known.
  const far = entry.lasts ? entry.lasts * 0.75 : 12 * (current(u).range[1] - current(u).range[0]) / Math.max(u.over.clientWidth, 1);
  if (Math.abs(times[place] - x) > far) return null;
  if (entry.kind !== "requests") return place;
  // Of requests side by side the one at which the pointer is.
  const reach = 4 * (current(u).range[1] - current(u).range[0]) / Math.max(u.over.clientWidth, 1);
  const height = u.cursor.top ?? 0;
  let best = place, least = Infinity;
  const look = (other) => {
    if (values[other] === null || values[other] === undefined) return;
    const distance = Math.abs(u.valToPos(values[other], entry.scale || "y") - height) + Math.abs(times[other] - times[place]) / reach;
    if (distance < least) [best, least] = [other, distance];
  };
  for (let other = place; other >= 0 && x - times[other] <= reach; other--) look(other);
  for (let other = place + 1; other < values.length && times[other] - x <= reach; other++) look(other);
  return best;
}
const current = (u) => u.spec();

function below(u, spec, palette) {
  const { ctx, bbox } = u;
  const position = (ms) => u.valToPos(ms, "x", true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const band of spec.bands || []) {
    ctx.fillStyle = alpha(painted(band.colour, palette), 0.13);
    ctx.fillRect(position(band.from), bbox.top, Math.max(position(band.to) - position(band.from), 2 * devicePixelRatio), bbox.height);
  }
  if (spec.heat) {
    heat(u, spec.heat);
    spec.series.forEach((entry, index) => halo(u, entry, index + 1, palette));
  }
  ctx.restore();
}

// Counts to colours, by their logarithm: pale to dark; in the dark, dark to pale.
function heat(u, { columns, rows, lasts, most, ramp }) {
  const { ctx } = u;
  const edges = rows.map((value) => u.valToPos(Math.max(value, 1e-3), "y", true));
  for (const { x, cells } of columns) {
    const left = Math.floor(u.valToPos(x, "x", true)), right = Math.ceil(u.valToPos(x + lasts, "x", true));
    for (let index = 0; index < cells.length; index += 2) {
      const row = cells[index];
      ctx.fillStyle = ramp[Math.min(ramp.length - 1, Math.floor((Math.log1p(cells[index + 1]) / Math.log1p(most)) * ramp.length))];
      const top = Math.floor(edges[row + 1]), bottom = Math.ceil(edges[row]);
      ctx.fillRect(left, top, right - left, Math.max(bottom - top, 1));
    }
  }
}

// Around lines over a heat map, whose colours may be theirs.
function halo(u, entry, index, palette) {
  const { ctx } = u;
  ctx.strokeStyle = palette.card;
  ctx.lineWidth = ((entry.width ?? 2) + 2.5) * devicePixelRatio;
  ctx.setLineDash([]);
  ctx.beginPath();
  let isOpen = false;
  u.data[index].forEach((value, place) => {
    if (value === undefined) return;
    if (value === null) { isOpen = false; return; }
    ctx[isOpen ? "lineTo" : "moveTo"](u.valToPos(u.data[0][place], "x", true), u.valToPos(value, "y", true));
    isOpen = true;
  });
  ctx.stroke();
}

function bars(u, entry, index, palette) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  const values = u.data[index], times = u.data[0];
  ctx.fillStyle = painted(entry.colour, palette);
  const zero = u.valToPos(0, entry.scale || "y", true);
  values.forEach((value, place) => {
    if (!value) return;
    const left = u.valToPos(times[place] + entry.lasts * 0.06, "x", true), right = u.valToPos(times[place] + entry.lasts * 0.94, "x", true);
    const top = u.valToPos(value, entry.scale || "y", true);
    ctx.fillRect(left, top, Math.max(right - left, devicePixelRatio), zero - top);
  });
  ctx.restore();
}

function above(u, spec, palette) {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  const taken = [];
  for (const limit of spec.limits || []) {
    const scale = u.scales[limit.scale || "y"];
    const colour = painted(limit.colour, palette);
    const isAbove = limit.value > scale.max;
    const y = isAbove ? bbox.top + 1 : u.valToPos(limit.value, limit.scale || "y", true);
    const left = Math.max(bbox.left, limit.from ? u.valToPos(limit.from, "x", true) : bbox.left);
    const right = Math.min(bbox.left + bbox.width, limit.to ? u.valToPos(limit.to, "x", true) : bbox.left + bbox.width);
    if (right <= left) continue;
    ctx.strokeStyle = ctx.fillStyle = colour;
    ctx.lineWidth = 2 * ratio;
    ctx.setLineDash(limit.line === "solid" ? [] : limit.line === "dotted" ? [2 * ratio, 4 * ratio] : [6 * ratio, 4 * ratio]);
    if (!isAbove) {
      ctx.beginPath();
      ctx.moveTo(left, y);
      ctx.lineTo(right, y);
      ctx.stroke();
    }
    const text = isAbove ? `↑ ${limit.label}` : limit.label;
    const wide = ctx.measureText(text).width;
    let top = isAbove ? bbox.top + 12 * ratio : y > bbox.top + 16 * ratio ? y - 4 * ratio : y + 12 * ratio;
    let edge = right - 4 * ratio;
    // Labels do not lie on each other.
    while (taken.some((other) => Math.abs(other.top - top) < 12 * ratio && other.edge - other.wide < edge && edge - wide < other.edge)) edge -= 8 * ratio;
    if (edge - wide < bbox.left) { edge = right - 4 * ratio; top += 13 * ratio; }
    taken.push({ top, edge, wide });
    ctx.setLineDash([]);
    ctx.strokeStyle = palette.card;
    ctx.lineWidth = 3 * ratio;
    ctx.textAlign = "right";
    ctx.strokeText(text, edge, top);
    ctx.fillText(text, edge, top);
  }
  ctx.textAlign = "left";
  for (const mark of spec.marks || []) {
    const x = u.valToPos(mark.x, "x", true), y = u.valToPos(mark.y, "y", true), arm = 4 * ratio;
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = painted(mark.colour, palette);
    ctx.lineWidth = 2 * ratio;
    ctx.beginPath();
    ctx.moveTo(x - arm, y - arm); ctx.lineTo(x + arm, y + arm);
    ctx.moveTo(x - arm, y + arm); ctx.lineTo(x + arm, y - arm);
    ctx.stroke();
  }
  for (const line of spec.rules || []) {
    const x = u.valToPos(line, "x", true);
    ctx.strokeStyle = palette.other;
    ctx.lineWidth = ratio;
    ctx.setLineDash([4 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  if (spec.unfinished && spec.unfinished[0] < spec.unfinished[1]) hatch(u, spec.unfinished, palette);
  ctx.restore();
}

// A bucket that is not over yet.
function hatch(u, [from, to], palette) {
  const { ctx, bbox } = u;
  const left = Math.max(u.valToPos(from, "x", true), bbox.left), right = Math.min(u.valToPos(to, "x", true), bbox.left + bbox.width);
  if (right <= left) return;
  ctx.beginPath();
  ctx.rect(left, bbox.top, right - left, bbox.height);
  ctx.clip();
  ctx.strokeStyle = alpha(palette.dim, 0.35);
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([]);
  ctx.beginPath();
  for (let x = left - bbox.height; x < right; x += 8 * devicePixelRatio) { ctx.moveTo(x, bbox.top + bbox.height); ctx.lineTo(x + bbox.height, bbox.top); }
  ctx.stroke();
}

/** A drawing of a graph elsewhere, for what is saved: the canvas, of the colours given. */
export function picture(spec, palette, width, height) {
  const place = document.createElement("div");
  const u = new uPlot(options(() => spec, palette, width, height), joined(spec.series), place);
  u.spec = () => spec;
  u.redraw();
  return u;
}

let theme = 0;
/** Colours have changed: graphs are drawn anew. */
export const recolour = () => { theme++; for (const graph of graphs) graph.update(); };
const graphs = new Set();

/**
 * Properties: `spec`, what is drawn; `label`, what it is; `sync`, the group that shares a crosshair; `onSelect`, told of
 * two moments, ms, when somebody drags; `onMoment`, told of the moment, s, at the crosshair, or null.
 */
export class Chart extends Component {
  componentDidMount() {
    graphs.add(this);
    this.observer = new ResizeObserver(() => this.update());
    this.observer.observe(this.base);
    this.update();
  }

  componentDidUpdate() { this.update(); }

  componentWillUnmount() {
    graphs.delete(this);
    this.observer.disconnect();
    this.plot?.destroy();
  }

  // The element is uPlot's own: Preact has nothing in it but the hover text.
  shouldComponentUpdate() { return true; }

  update() {
    const { spec, sync, onSelect } = this.props;
    const place = this.base.querySelector(".plot");
    const width = place.clientWidth, height = place.clientHeight;
    if (!width || !height) return;
    const form = shape({ ...spec, narrow: width < 460 }, theme, Boolean(onSelect));
    this.base.spec = spec;
    const data = joined(spec.series);
    if (this.form !== form) {
      this.plot?.destroy();
      this.form = form;
      const zoom = (from, to) => this.props.onSelect(from, to);
      this.plot = new uPlot(options(() => this.props.spec, colours(), width, height, { sync, onSelect: onSelect && zoom, onHover: (u) => this.hover(u) }), data, place);
      this.plot.spec = () => this.props.spec;
      this.base.plot = this.plot;
      return;
    }
    if (this.plot.width !== width || this.plot.height !== height) this.plot.setSize({ width, height });
    if (this.drawn !== spec) this.plot.setData(data);
    this.drawn = spec;
  }

  // What is at the crosshair: as a text beside the pointer where it is over this graph, or the keyboard moved it.
  hover(u) {
    const tip = this.base.querySelector(".tip");
    const { left } = u.cursor;
    const isHere = left >= 0 && (u.over.matches(":hover") || this.base === document.activeElement || this.moved);
    const x = left >= 0 ? u.posToVal(left, "x") : null;
    this.props.onMoment?.(x);
    const text = isHere && this.props.spec.hover?.(x, (index) => u.cursor.idxs[index + 1], u);
    if (!text) { tip.hidden = true; return; }
    const lines = [text.title, ...text.rows.map((row) => [row.label, row.value, row.colour])];
    tip.replaceChildren(...lines.map((line) => {
      const node = document.createElement("div");
      if (!Array.isArray(line)) { node.className = "when"; node.textContent = line; return node; }
      const swatch = document.createElement("i"), name = document.createElement("span"), value = document.createElement("b");
      if (line[2]) swatch.style.background = painted(line[2], colours());
      name.textContent = line[0];
      value.textContent = line[1];
      node.append(swatch, name, value);
      return node;
    }));
    tip.hidden = false;
    const room = this.base.clientWidth;
    const edge = u.bbox.left / devicePixelRatio + left;
    const wide = tip.offsetWidth;
    tip.style.left = `${Math.max(4, Math.min(edge + 14 + wide > room ? edge - wide - 14 : edge + 14, room - wide - 4))}px`;
  }

  // Arrows move the crosshair from value to value.
  key(event) {
    const u = this.plot;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!u || (!step && event.key !== "Escape")) return;
    if (event.key === "Escape") {
      if (this.base.querySelector(".tip").hidden) return;
      u.setCursor({ left: -10, top: -10 });
      event.stopPropagation();
    } else {
      const times = u.data[0];
      let place = u.cursor.left >= 0 ? u.valToIdx(u.posToVal(u.cursor.left, "x")) + step : step > 0 ? 0 : times.length - 1;
      place = Math.max(0, Math.min(times.length - 1, place));
      this.moved = true;
      u.setCursor({ left: u.valToPos(times[place], "x"), top: u.over.clientHeight / 2 });
      this.moved = false;
    }
    event.preventDefault();
  }

  render({ label }) {
    return html`<div class="chart" tabIndex=${0} role="group" aria-label=${label} onKeyDown=${(event) => this.key(event)}>
      <div class="plot"></div>
      <div class="tip" hidden role="status"></div>
    </div>`;
  }
}

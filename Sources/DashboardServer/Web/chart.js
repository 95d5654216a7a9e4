// A graph over time on uPlot: lines, steps, bars and heat maps; limits, incidents and crosses over them; one crosshair for
// all graphs of a page; a hover text anywhere. A graph keeps its element, its focus and its zoom whatever data come.
import { ticks, increments } from "./times.js";
import { duration, number } from "./format.js";
import { above, alpha, bars, below, current, font, formats, heat, labelLine, marked, markers, outside, painted, range } from "./paint.js";

const { html, Component } = preact;

export const colours = () => {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(["text", "dim", "line", "card", "latency", "success", "failure", "limit", "account", "other", "input", "output", "high", "top", "second", "third", "fourth", "fifth", "sixth", "failure2", "failure3", "failure4", "failure5", "amber", "violet", "teal", "pink"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
};

/**
 * Room beside the plot, the same for all graphs, so that times stand above each other; exact numbers of more than six
 * digits need more. On a phone there is none at the right that nothing stands in.
 */
export const room = (width, spec) => ({
  left: Math.max(78, spec.axes.y.format === "exact" ? number(Math.round(range(spec, "y")[1])).length * 7 + 28 : 0),
  right: width < 460 && !spec.axes.right ? 14 : 72,
});

/** Series with times of their own as uPlot takes them: one list of times; undefined where a series has no value there, null in a gap. */
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
    // A gap reaches to the next value: uPlot ends it at the first place that is not null, which may be another series'.
    let open = -1;
    entry.x.forEach((value, index) => {
      const here = place.get(value);
      if (open >= 0) values.fill(null, open, here);
      values[here] = drawn[index];
      open = drawn[index] === null ? here : -1;
    });
    return values;
  })];
}

const dash = (kind) => ({ dashed: [6, 4], dotted: [2, 3] }[kind] || []);

// Properties of a graph that can only be changed by rebuilding it.
const shape = (spec, theme, large) => JSON.stringify([theme, large, spec.room, spec.log, spec.axes, spec.series.map(({ label, kind, colour, width, line, scale, points, marker }) => [label, kind, colour, width, line, scale, points, marker])]);

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
    splits: (u, _, from, to) => {
      const wide = Math.max(u.bbox.width / devicePixelRatio, 72);
      // Beside the plot of a phone there is no room for half of a label.
      const fits = (at, label) => ((to - at) / (to - from)) * wide + edge.right >= label.length * 3.4;
      // Days further apart than one are said without their weekday.
      const pixel = ((to - from) * 1000) / wide, apart = pixel * (wide < 330 && pixel * 50 > 86_400_000 ? 50 : 72);
      u.labels = new Map(ticks(from * 1000, to * 1000, apart, current().clock).map(([ms, label]) => [ms / 1000, label]).filter(([at, label]) => fits(at, label)));
      return [...u.labels.keys()];
    },
    values: (u, splits) => splits.map((value) => u.labels.get(value) ?? ""),
  }, axis(spec.axes.y, "y", 3)];
  if (spec.axes.right) axes.push(axis(spec.axes.right, "right", 1));
  return {
    width, height, legend: { show: false }, pxAlign: 0,
    padding: [() => 14 + labelLine * Math.max(0, outside(current()).length - 1), spec.axes.right ? 0 : edge.right, 0, 0],
    cursor: {
      // All graphs share the crosshair; a selection by dragging belongs to one graph.
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
      // A step up from nothing is part of what follows the gap.
      ...(entry.kind === "steps" ? { gaps: (u, index, from, to, found) => found.map(([start, end]) => [start, end - (entry.width ?? 2) * devicePixelRatio]) } : {}),
      fill: entry.fill ? alpha(stroke(entry.colour), 0.12) : undefined,
      paths: entry.kind === "bars" || entry.kind === "none" ? () => null : entry.kind === "steps" ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
      points: entry.kind === "bars" || entry.kind === "none" || entry.kind === "steps" || entry.marker ? { show: false } : { size: 5, space: spec.heat ? 40 : 14, fill: stroke(entry.colour), ...(entry.points === "all" ? { show: true } : {}), filter: (u, index, isShown) => (isShown ? null : lone(u.data[index])) },
    }))],
    hooks: {
      drawClear: [(u) => below(u, current(), palette)],
      drawAxes: [(u) => current().series.forEach((entry, index) => { if (entry.kind === "bars") bars(u, entry, index + 1, palette); })],
      draw: [(u) => markers(u, current(), palette), (u) => above(u, current(), palette)],
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

// Values with nothing beside them: no line leads to them.
function lone(values) {
  const found = [];
  let before = null, here = null, place = -1;
  for (let index = 0; index <= values.length; index++) {
    const next = index < values.length ? values[index] : null;
    if (next === undefined) continue;
    if (here !== null && before === null && next === null) found.push(place);
    [before, here, place] = [here, next, index];
  }
  return found;
}

function point() {
  const dot = document.createElement("div");
  dot.className = "dot";
  return dot;
}

function logTicks([least, most]) {
  return increments.duration.filter((value) => value >= least && value <= most && (most / least < 200 || /^[15]/.test(String(value)) || value >= 60_000));
}

// The value to which an instant belongs: of steps and bars the one that began last, of lines the nearest in time.
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
  const far = entry.lasts ? entry.lasts * 0.55 : 12 * (current(u).range[1] - current(u).range[0]) / Math.max(u.over.clientWidth, 1);
  if (Math.abs(times[place] - x) > far) return null;
  if (entry.kind !== "requests") return place;
  // Of requests side by side the one that the keyboard has chosen, or at which the pointer is.
  if (u.chosen !== undefined && known(u.chosen) && values[u.chosen] !== undefined && Math.abs(times[u.chosen] - x) < 1.5 * far / 12) return u.chosen;
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

/** A drawing of a graph elsewhere, for what is saved: the canvas, of the colours given. */
export function picture(spec, palette, width, height) {
  const place = document.createElement("div");
  const u = new uPlot(options(() => spec, palette, width, height), joined(spec.series), place);
  u.spec = () => spec;
  u.redraw();
  return u;
}

let theme = 0;
/** Colours have changed: graphs are redrawn. */
export const recolour = () => { theme++; for (const graph of graphs) graph.update(); };
const graphs = new Set();

// New graphs are measured before one of them is drawn: after that, each measure would lay out the whole page again.
const fresh = [];
function begin() {
  const list = fresh.splice(0).filter((graph) => graphs.has(graph));
  for (const graph of list) graph.measure();
  for (const graph of list) graph.update();
}

/**
 * Properties: `spec`, what is drawn; `label`, what it is; `sync`, the group that shares a crosshair; `onSelect`, called
 * with two instants, ms, after dragging.
 */
export class Chart extends Component {
  componentDidMount() {
    graphs.add(this);
    this.place = this.base.querySelector(".plot");
    this.observer = new ResizeObserver(() => { this.measure(); this.update(); });
    this.observer.observe(this.base);
    if (fresh.push(this) === 1) queueMicrotask(begin);
  }

  measure() { this.size = { width: this.place.clientWidth, height: this.place.clientHeight }; }

  componentDidUpdate() { this.update(); }

  componentWillUnmount() {
    graphs.delete(this);
    this.observer.disconnect();
    this.plot?.destroy();
  }

  update() {
    const { spec, sync, onSelect } = this.props;
    const { width, height } = this.size || {};
    if (!width || !height) return;
    const form = shape({ ...spec, room: room(width, spec) }, theme, Boolean(onSelect));
    this.base.spec = spec;
    if (this.drawn !== spec && this.plot) this.plot.chosen = undefined;
    if (this.form !== form) {
      this.plot?.destroy();
      this.form = form;
      const zoom = (from, to) => this.props.onSelect(from, to);
      this.plot = new uPlot(options(() => this.props.spec, colours(), width, height, { sync, onSelect: onSelect && zoom, onHover: (u) => this.hover(u) }), joined(spec.series), this.place);
      this.plot.spec = () => this.props.spec;
      this.base.plot = this.plot;
      this.drawn = spec;
      return;
    }
    if (this.plot.width !== width || this.plot.height !== height) this.plot.setSize({ width, height });
    if (this.drawn !== spec) this.plot.setData(joined(spec.series));
    this.drawn = spec;
  }

  // What is at the crosshair: as a text beside the pointer where it is over this graph, or the keyboard moved it.
  hover(u) {
    const tip = this.base.querySelector(".tip");
    const { left } = u.cursor;
    const isHere = left >= 0 && (u.over.matches(":hover") || this.base === document.activeElement || this.moved);
    const text = isHere && this.props.spec.hover?.(u.posToVal(left, "x"), (index) => u.cursor.idxs[index + 1], u);
    if (!text) { tip.hidden = true; return; }
    const lines = [text.title, ...text.rows.map((row) => [row.label, row.value, row.colour]), ...(this.anchor !== undefined && u.select.width > 0 ? [["Enter zooms into what is marked", "", null]] : [])];
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

  // Places to which the keyboard goes: what is drawn, one a pixel; of requests at one pixel the slowest.
  stops() {
    const u = this.plot, { spec } = this.props;
    if (this.known?.spec === spec && this.known.wide === u.over.clientWidth) return this.known.stops;
    const times = u.data[0], best = new Map();
    spec.series.forEach((entry, index) => {
      const values = u.data[index + 1], isRequest = entry.kind === "requests";
      for (let place = 0; place < times.length; place++) {
        if (values[place] === null || values[place] === undefined || times[place] < u.scales.x.min || times[place] > u.scales.x.max) continue;
        const left = Math.round(u.valToPos(times[place] + (entry.kind === "bars" ? entry.lasts / 2 : 0), "x")), other = best.get(left);
        if (!other || (isRequest && (!other.isRequest || values[place] >= other.value)) || (!other.isRequest && place > other.place)) best.set(left, { left, place, isRequest, value: values[place] });
      }
    });
    this.known = { spec, wide: u.over.clientWidth, stops: [...best.values()].sort((a, b) => a.left - b.left) };
    return this.known.stops;
  }

  // Arrows move the crosshair from value to value; with Shift they mark an interval, into which Enter zooms.
  key(event) {
    const u = this.plot;
    if (!u || event.ctrlKey || event.metaKey || event.altKey) return;
    const isMarked = u.select.width > 0;
    if (event.key === "Escape") {
      if (this.base.querySelector(".tip").hidden) return;
      this.unmark();
      if (!isMarked) u.setCursor({ left: -10, top: -10 });
      event.stopPropagation();
    } else if (event.key === "Enter") {
      if (!isMarked) return;
      const { left, width } = u.select;
      const [from, to] = [left, left + width].map((at) => u.posToVal(at, "x") * 1000);
      this.unmark();
      this.props.onSelect(from, to);
    } else {
      const stops = this.stops();
      const isOver = u.cursor.left >= 0;
      const here = isOver ? u.cursor.left : -1;
      const after = stops.findIndex(({ left }) => left > here + 0.5), before = stops.findLastIndex(({ left }) => left < here - 0.5);
      const next = after < 0 ? stops.length - 1 : after, last = !isOver ? stops.length - 1 : Math.max(before, 0);
      const page = Math.max(1, Math.round(stops.length / 10)) - 1;
      const place = { ArrowRight: next, ArrowLeft: last, Home: 0, End: stops.length - 1, PageDown: Math.min(next + page, stops.length - 1), PageUp: Math.max(last - page, 0) }[event.key];
      if (place === undefined || !stops.length) return;
      const stop = stops[place];
      if (event.shiftKey && this.props.onSelect) this.anchor ??= isOver ? here : stop.left;
      else this.unmark();
      u.chosen = stop.place;
      if (this.anchor !== undefined) u.setSelect({ left: Math.min(this.anchor, stop.left), width: Math.abs(this.anchor - stop.left), top: 0, height: u.over.clientHeight }, false);
      this.moved = true;
      u.setCursor({ left: stop.left, top: u.over.clientHeight / 2 });
      this.moved = false;
    }
    event.preventDefault();
  }

  unmark() {
    this.anchor = undefined;
    this.plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }

  render({ label }) {
    return html`<div class="chart" tabIndex=${0} role="group" aria-label=${label} onKeyDown=${(event) => this.key(event)}>
      <div class="plot"></div>
      <div class="tip" hidden role="status"></div>
    </div>`;
  }
}

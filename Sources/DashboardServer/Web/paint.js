// What is drawn on a graph's canvas: bars, heat maps, lines' halos and marks; limits, incidents and what is not over yet.
import { increments } from "./times.js";
import { number, duration, compact } from "./format.js";

/** Colours by name; what is none is a colour already. */
export const painted = (colour, palette) => palette[colour] || colour;

export const font = "12px system-ui, sans-serif";

export const formats = {
  count: { incrs: increments.whole, text: (value) => (value >= 10_000 ? compact(value, true) : number(value)) },
  exact: { incrs: increments.whole, text: (value) => number(value) },
  duration: { incrs: increments.duration, text: (value) => duration(value, true) },
  credits: { incrs: increments.any, text: (value) => (value >= 10_000 ? compact(value, true) : number(value)) },
  rate: { incrs: increments.any, text: (value) => `${value >= 10_000 ? compact(value, true) : number(value)}/s` },
  share: { incrs: increments.any, text: (value) => `${number(value * 100)} %` },
};

const highest = (spec, scale) => {
  let most = 0;
  for (const entry of spec.series) {
    if ((entry.scale || "y") !== scale) continue;
    for (const value of entry.stack || entry.y) if (value > most) most = value;
  }
  return most;
};

export function range(spec, scale) {
  const axis = scale === "y" ? spec.axes.y : spec.axes.right;
  if (spec.log && scale === "y") return spec.log;
  if (axis.max) return [0, axis.max];
  let most = highest(spec, scale);
  for (const limit of spec.limits || []) if ((limit.scale || "y") === scale && limit.value <= most * 2.5) most = Math.max(most, limit.value);
  // What is small beside the rest keeps to the lower part, so that neither line hides the other.
  return [0, Math.max(axis.share ? most / axis.share : most * 1.08, axis.least || 0) || 1];
}

export const alpha = (colour, share) => (/^#[0-9a-f]{6}$/i.test(colour) ? `${colour}${Math.round(share * 255).toString(16).padStart(2, "0")}` : colour);

/** Marks of points, as paths around nothing, one wide to each side; the same on the screen and in what is saved. */
export const shapes = {
  cross: "M-1-1L1 1M-1 1L1-1", plus: "M-1.2 0H1.2M0-1.2V1.2", disc: "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z", square: "M-.9-.9h1.8v1.8h-1.8z", triangle: "M0-1.15L1.15.9h-2.3z",
  diamond: "M0-1.3L1.1 0L0 1.3L-1.1 0z", wedge: "M0 1.15L1.15-.9h-2.3z",
};
export const isHollow = (marker) => marker === "cross" || marker === "plus" || marker.startsWith("hollow ");
export const shapeOf = (marker) => shapes[marker.replace("hollow ", "")];

/** Where an entry has its marks: of those closer to each other than `apart` the highest. `position` tells a time's pixel. */
export function marked(entry, position, apart, from = -Infinity, to = Infinity) {
  const values = entry.stack || entry.y, found = [];
  let last = -Infinity;
  values.forEach((value, index) => {
    if (value === null || value === undefined || (entry.points === "some" && !(value > 0)) || entry.x[index] < from || entry.x[index] > to) return;
    const here = position(entry.x[index]);
    if (here - last < apart) {
      if (entry.points === "some" && value > values[found.at(-1)]) found[found.length - 1] = index;
      return;
    }
    found.push(index);
    last = here;
  });
  return found;
}

export function markers(u, spec, palette) {
  const { ctx, bbox } = u, ratio = devicePixelRatio;
  const [from, to] = [u.scales.x.min, u.scales.x.max];
  for (const entry of spec.series) {
    if (!entry.marker) continue;
    // Of steps of buckets in the middle as well.
    const middle = entry.kind === "steps" && entry.lasts ? entry.lasts / 2 : 0;
    const position = (x) => u.valToPos(x + middle, "x", true), values = entry.stack || entry.y;
    const places = marked(middle ? { ...entry, x: entry.x.slice(0, -1), y: entry.y.slice(0, -1) } : entry, position, (entry.points === "some" ? 8 : entry.kind && !middle ? 48 : 11) * ratio, from, to);
    const size = (places.length > 60 ? 3 : 4) * ratio, path = new Path2D(shapeOf(entry.marker));
    ctx.save();
    ctx.setLineDash([]);
    ctx.strokeStyle = ctx.fillStyle = painted(entry.colour, palette);
    for (const place of places) {
      ctx.setTransform(size, 0, 0, size, position(entry.x[place]), Math.max(bbox.top, u.valToPos(values[place], entry.scale || "y", true)));
      ctx.lineWidth = (2 * ratio) / size;
      if (isHollow(entry.marker)) ctx.stroke(path); else ctx.fill(path);
    }
    ctx.restore();
  }
}

export const current = (u) => u.spec();

export function below(u, spec, palette) {
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
export function heat(u, { columns, rows, lasts, most, ramp }) {
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

export function bars(u, entry, index, palette) {
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

export const labelLine = 14;
/** Limits whose names stand above the plot: those beyond its axis, and all over a heat map, whose cells would be behind them. */
export const outside = (spec) => (spec.limits || []).filter((limit) => spec.heat || limit.value > range(spec, limit.scale || "y")[1]);

/**
 * Limits as lines, and their names as boxes that lie on no line of a limit, on no other name, and on as little of the
 * series as can be. `place`: the plot's left, top, width and height, `unit`, `x`, `y` and `measure`, in pixels.
 */
export function limitsOf(spec, { left: start, top: ceiling, width, height, unit, x, y, measure }) {
  const end = start + width, floor = ceiling + height;
  const lines = [], labels = [], gone = outside(spec);
  const fitted = (text) => {
    if (measure(text) <= width - 8 * unit) return text;
    const letters = [...text];
    while (letters.length > 4 && measure(`${letters.join("")}…`) > width - 8 * unit) letters.pop();
    return `${letters.join("")}…`;
  };
  const known = (spec.limits || []).map((limit) => ({ limit, left: Math.max(start, limit.from ? x(limit.from) : start), right: Math.min(end, limit.to ? x(limit.to) : end) })).filter(({ left, right }) => right > left);
  for (const { limit, left, right } of known) if (limit.value <= range(spec, limit.scale || "y")[1]) lines.push({ limit, left, right, y: y(limit.value, limit.scale || "y") });
  const high = 15 * unit;
  const overlaps = (a, b) => a.left < b.left + b.wide && b.left < a.left + a.wide && a.top < b.top + b.high && b.top < a.top + a.high;
  // How many of the series' points and pieces a box would hide.
  let pixels = null;
  const hidden = (box) => {
    pixels ??= spec.series.map((entry) => ({ kind: entry.kind, points: (entry.stack || entry.y).map((value, index) => (value === null || value === undefined ? null : [x(entry.x[index]), y(value, entry.scale || "y")])) }));
    const [right, bottom] = [box.left + box.wide, box.top + box.high];
    let count = 0;
    for (const { kind, points } of pixels) {
      points.forEach((point, index) => {
        const before = kind === "bars" ? point : points[index - 1] || point;
        if (!point || point[0] < box.left || before[0] > right) return;
        if (kind === "bars" ? point[1] < bottom : kind === "steps" ? before[1] < bottom && before[1] > box.top : Math.min(before[1], point[1]) < bottom && Math.max(before[1], point[1]) > box.top) count++;
      });
    }
    return count;
  };
  const put = (limit, isBeyond) => {
    const text = fitted(`${isBeyond ? "↑ " : "╌╌ "}${limit.label}`), wide = measure(text) + 8 * unit;
    const row = labels.filter((label) => label.isOutside).length;
    labels.push({ limit, text, left: end - wide, top: ceiling - (row + 1) * labelLine * unit, wide, high: labelLine * unit, isOutside: true });
  };
  for (const { limit } of known.filter(({ limit }) => gone.includes(limit))) put(limit, limit.value > range(spec, limit.scale || "y")[1]);
  for (const { limit, left, right, y: level } of lines) {
    if (gone.includes(limit)) continue;
    const text = fitted(limit.label), wide = measure(text) + 8 * unit;
    let best = null;
    const [from, to] = [Math.max(start, Math.min(left, end - wide)), Math.max(start, right - wide)];
    for (const row of [0, 1, 2, 3]) for (const share of [1, 0, 0.5, 0.75, 0.25]) for (const top of [level - 6 * unit - high - row * (high + unit), level + 6 * unit + row * (high + unit)]) {
      if (top < ceiling || top + high > floor) continue;
      const box = { limit, text, left: from + (to - from) * share, top, wide, high };
      let cost = 1000 * labels.filter((other) => overlaps(box, other)).length + 100 * lines.filter((line) => line.y > top - 2 * unit && line.y < top + high + 2 * unit && line.left < box.left + wide && line.right > box.left).length + 4 * row;
      if (best && cost >= best.cost) continue;
      cost += Math.min(hidden(box), 80);
      if (!best || cost < best.cost) best = { ...box, cost };
    }
    if (best) labels.push(best);
  }
  return { lines, labels };
}

export function above(u, spec, palette) {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  const place = { left: bbox.left, top: bbox.top, width: bbox.width, height: bbox.height, unit: ratio, x: (value) => u.valToPos(value, "x", true), y: (value, scale) => u.valToPos(value, scale, true), measure: (text) => ctx.measureText(text).width };
  const { lines, labels } = limitsOf(spec, place);
  for (const { limit, left, right, y } of lines) {
    ctx.strokeStyle = painted(limit.colour, palette);
    ctx.lineWidth = 2 * ratio;
    ctx.setLineDash(limit.line === "solid" ? [] : limit.line === "dotted" ? [2 * ratio, 4 * ratio] : [6 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(right, y);
    ctx.stroke();
  }
  ctx.setLineDash([]);
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  for (const { limit, text, left, top, wide, high } of labels) {
    ctx.fillStyle = palette.card;
    ctx.fillRect(left, top, wide, high);
    ctx.fillStyle = painted(limit.colour, palette);
    ctx.fillText(text, left + 4 * ratio, top + high / 2);
  }
  u.named = { lines, labels, unit: ratio };
  ctx.textBaseline = "alphabetic";
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

// What is saved says what it is: every picture and every table names run, account, model, period and zone. Pictures are on
// white, whatever the page's colours.
import { formats, range, limitsOf, marked, shapeOf, isHollow } from "./paint.js";
import { colours, room, picture } from "./chart.js";
import { csv, moment, span } from "./format.js";
import { ticks } from "./times.js";

/** Who, what and when, of one view: [[name, value], …]. */
export function provenance(run, data) {
  const { query } = data;
  return [
    ["run", run.name], ["run id", run.id], ["account", data.accountName], ["kind", query.kind],
    ["model", query.model ? `${query.model}${query.deployedAt ? ` (deployed ${query.deployedAt})` : ""}` : query.kind === "external" ? "" : "all"],
    [query.kind === "external" ? "provider" : "version", (query.kind === "external" ? query.provider : query.version) || "all"],
    ["period", `${query.from}..${query.to}`], ["time zone", query.timeZone],
  ];
}

const sentence = (title, about) => {
  const of = Object.fromEntries(about);
  const [from, to] = of.period.split(".."), or = (value, all) => (value === "all" ? all : value);
  const parts = [{ fineTuned: "Fine-tuned", openSource: "Open-source", external: "External" }[of.kind], ...(of.provider ? [or(of.provider, "all providers")] : [or(of.model, "all models"), or(of.version, "all versions")])];
  return [title, `${of.run} · ${of.account} · ${parts.filter(Boolean).join(" · ")} · ${span(from, to)} (${of["time zone"]})`, `From ${moment(from)} to ${moment(to)}. Run ${of["run id"].slice(0, 12)}.`];
};

/** Something as a file that the browser saves. */
export function offer(name, type, content) {
  const link = document.createElement("a");
  link.href = content instanceof Blob ? URL.createObjectURL(content) : URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
export const fileName = (kind, about) => `${kind}-${Object.fromEntries(about).period.replaceAll(/T[^.]*/g, "")}`.replace(/[^A-Za-z0-9._-]+/g, "-");

export function saveCSV(kind, rows, about) {
  const [head, ...body] = rows;
  const tail = about.map(([, value]) => csv(value));
  offer(`${fileName(kind, about)}.csv`, "text/csv", [[...head, ...about.map(([name]) => name)].map(csv).join(","), ...body.map((row) => [...row.map(csv), ...tail].join(","))].join("\n") + "\n");
}

export const saveJSON = (kind, value, about) => offer(`${fileName(kind, about)}.json`, "application/json", `${JSON.stringify(value, null, 2)}\n`);

/** Colours of the light page, whatever is on the screen. */
export function paper() {
  const root = document.documentElement, before = root.dataset.theme;
  root.dataset.theme = "light";
  const found = colours();
  if (before) root.dataset.theme = before; else delete root.dataset.theme;
  return found;
}

const sheet = { width: 1400, height: 620, head: 84, foot: 34 };

// Where the name of each series stands: as many lines as it takes.
function keyOf(series, width, measure) {
  let left = 20, row = 0;
  return series.map(({ label }) => {
    const wide = 40 + measure(label);
    if (left > 20 && left + wide > width) { left = 20; row++; }
    const place = { left, down: row * 20 };
    left += wide;
    return place;
  });
}

export function savePNG(kind, title, spec, about) {
  const size = sheet;
  const palette = paper();
  const plot = picture(spec, palette, size.width, size.height);
  // It draws in a microtask of its own.
  queueMicrotask(() => queueMicrotask(() => {
    const ratio = devicePixelRatio;
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d"), font = "14px system-ui, sans-serif";
    context.font = font;
    const key = keyOf(spec.series, size.width, (label) => context.measureText(label).width);
    canvas.width = size.width * ratio;
    canvas.height = (size.head + size.height + size.foot + (key.at(-1)?.down || 0)) * ratio;
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(plot.ctx.canvas, 0, size.head * ratio);
    context.scale(ratio, ratio);
    const [name, what, when] = sentence(title, about);
    context.fillStyle = palette.text;
    context.font = "600 20px system-ui, sans-serif";
    context.fillText(name, 20, 32);
    context.font = font;
    context.fillText(what, 20, 56, size.width - 40);
    context.fillStyle = palette.dim;
    context.fillText(when, 20, 76, size.width - 40);
    spec.series.forEach((entry, index) => {
      const { left, down } = key[index], top = size.head + size.height + down;
      context.fillStyle = palette[entry.colour] || entry.colour;
      context.fillRect(left, top + 8, 14, 10);
      context.fillStyle = palette.text;
      context.fillText(entry.label, left + 20, top + 18, size.width - 60);
    });
    plot.destroy();
    canvas.toBlob((blob) => offer(`${fileName(kind, about)}.png`, "image/png", blob));
  }));
}

const escaped = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** The same graph as SVG, drawn from what the chart was given. Without `about` it is the graph alone. */
export function svg(title, spec, about, palette = paper(), size = sheet) {
  const beside = room(size.width, spec);
  const [left, right, top, bottom] = [beside.left, size.width - beside.right, size.head + 14, size.head + size.height - 44];
  const [from, to] = spec.range;
  const x = (value) => (left + ((value - from) / (to - from)) * (right - left)).toFixed(2);
  const colour = (name) => palette[name] || name;
  const ends = { y: range(spec, "y"), right: spec.axes.right ? range(spec, "right") : [0, 1] };
  const y = (value, scale = "y") => {
    const [low, high] = ends[scale];
    const share = spec.log && scale === "y" ? Math.log(Math.max(value, low) / low) / Math.log(high / low) : (value - low) / (high - low);
    return (bottom - share * (bottom - top)).toFixed(2);
  };
  const text = (at, down, content, more = "") => `<text x="${at}" y="${down}" ${more}>${escaped(content)}</text>`;
  const out = [];
  const axis = (definition, scale, isRight) => {
    const format = formats[definition.format];
    const [low, high] = ends[scale];
    const step = format.incrs.find((size) => (high - low) / size <= 9) || high;
    const values = spec.log && scale === "y" ? format.incrs.filter((value) => value >= low && value <= high) : Array.from({ length: Math.floor(high / step) + 1 }, (_, index) => index * step);
    for (const value of values) {
      if (!isRight) out.push(`<line x1="${left}" x2="${right}" y1="${y(value, scale)}" y2="${y(value, scale)}" stroke="${palette.line}"/>`);
      out.push(text(isRight ? right + 6 : left - 6, Number(y(value, scale)) + 4, format.text(value), `text-anchor="${isRight ? "start" : "end"}" fill="${definition.colour ? colour(definition.colour) : palette.dim}"`));
    }
    const middle = (top + bottom) / 2;
    out.push(text(isRight ? size.width - 16 : 14, middle, definition.title, `text-anchor="middle" transform="rotate(${isRight ? 90 : -90} ${isRight ? size.width - 16 : 14} ${middle})" fill="${palette.dim}"`));
  };
  axis(spec.axes.y, "y", false);
  if (spec.axes.right) axis(spec.axes.right, "right", true);
  for (const [ms, label] of ticks(from * 1000, to * 1000, ((to - from) * 1000 * 90) / (right - left), spec.clock)) out.push(text(x(ms / 1000), bottom + 18, label, `text-anchor="middle" fill="${palette.dim}"`));
  out.push(text((left + right) / 2, bottom + 38, "Date", `text-anchor="middle" fill="${palette.dim}"`));
  const body = [];
  for (const band of spec.bands || []) body.push(`<rect x="${x(band.from)}" width="${Math.max(1, x(band.to) - x(band.from))}" y="${top}" height="${bottom - top}" fill="${colour(band.colour)}" opacity="0.13"/>`);
  if (spec.heat) {
    const { columns, rows, lasts, most: largest, ramp } = spec.heat;
    for (const { x: at, cells } of columns) for (let index = 0; index < cells.length; index += 2) {
      const shade = ramp[Math.min(ramp.length - 1, Math.floor((Math.log1p(cells[index + 1]) / Math.log1p(largest)) * ramp.length))];
      body.push(`<rect x="${x(at)}" width="${(x(at + lasts) - x(at)).toFixed(2)}" y="${y(rows[cells[index] + 1])}" height="${(y(rows[cells[index]]) - y(rows[cells[index] + 1])).toFixed(2)}" fill="${shade}"/>`);
    }
  }
  for (const entry of spec.series) {
    const scale = entry.scale || "y";
    const values = entry.stack || entry.y;
    if (entry.kind === "bars") {
      values.forEach((value, index) => value && body.push(`<rect x="${x(entry.x[index] + entry.lasts * 0.06)}" width="${(x(entry.x[index] + entry.lasts * 0.94) - x(entry.x[index] + entry.lasts * 0.06)).toFixed(2)}" y="${y(value, scale)}" height="${(y(0, scale) - y(value, scale)).toFixed(2)}" fill="${colour(entry.colour)}"/>`));
      continue;
    }
    let path = "", isOpen = false, before = null;
    values.forEach((value, index) => {
      if (value === null || value === undefined) { isOpen = false; return; }
      const here = x(entry.x[index]), down = y(value, scale);
      path += isOpen ? (entry.kind === "steps" ? `H${here}V${down}` : `L${here} ${down}`) : `M${here} ${down}${values[index + 1] === null || index === values.length - 1 && !isOpen ? "h0.01" : ""}`;
      isOpen = true;
      before = value;
    });
    if (before !== null) body.push(`<path d="${path}" fill="none" stroke="${colour(entry.colour)}" stroke-width="${entry.width ?? 2}" stroke-linecap="round"${entry.line === "dashed" ? ' stroke-dasharray="6 4"' : entry.line === "dotted" ? ' stroke-dasharray="2 3"' : ""}/>`);
    if (entry.marker) for (const index of marked(entry, (value) => Number(x(value)), entry.points === "some" ? 8 : entry.kind ? 48 : 11, from, to)) {
      const ink = isHollow(entry.marker) ? `fill="none" stroke="${colour(entry.colour)}" stroke-width="0.5"` : `fill="${colour(entry.colour)}"`;
      body.push(`<path d="${shapeOf(entry.marker)}" transform="translate(${x(entry.x[index])} ${y(values[index], scale)}) scale(4)" ${ink}/>`);
    }
  }
  const { lines, labels } = limitsOf(spec, { left, top, width: right - left, height: bottom - top, unit: 1, x: (value) => Number(x(value)), y: (value, scale) => Number(y(value, scale)), measure: (words) => words.length * 6.4 });
  for (const { limit, left: start, right: end, y: level } of lines) body.push(`<line x1="${start}" x2="${end}" y1="${level}" y2="${level}" stroke="${colour(limit.colour)}" stroke-width="2"${limit.line === "solid" ? "" : ' stroke-dasharray="6 4"'}/>`);
  const names = labels.map(({ limit, text: words, left: start, top: above, wide, high }) => `<rect x="${start.toFixed(2)}" y="${above.toFixed(2)}" width="${wide.toFixed(2)}" height="${high}" fill="#ffffff"/>${text((start + wide - 4).toFixed(2), (above + high - 4).toFixed(2), words, `text-anchor="end" fill="${colour(limit.colour)}"`)}`);
  const [name, what, when] = about ? sentence(title, about) : [title];
  const places = about ? keyOf(spec.series, size.width, (label) => label.length * 7.5) : [], high = size.head + size.height + size.foot + (places.at(-1)?.down || 0);
  const key = places.map((place, index) => {
    const entry = spec.series[index], top = size.head + size.height + place.down;
    return `<rect x="${place.left}" y="${top + 8}" width="14" height="10" fill="${colour(entry.colour)}"/>${text(place.left + 20, top + 18, entry.label, `fill="${palette.text}"`)}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${high}" width="${size.width}" height="${high}" font-family="system-ui, sans-serif" font-size="12"><title>${escaped(about ? `${name}: ${what}` : name)}</title><rect width="100%" height="100%" fill="#ffffff"/>
<clipPath id="plot"><rect x="${left}" y="${top - 8}" width="${right - left}" height="${bottom - top + 16}"/></clipPath>
${about ? text(20, 32, name, `font-size="20" font-weight="600" fill="${palette.text}"`) + text(20, 56, what, `font-size="14" fill="${palette.text}"`) + text(20, 76, when, `font-size="14" fill="${palette.dim}"`) : ""}
${out.join("\n")}
<g clip-path="url(#plot)">
${body.join("\n")}
</g>
${names.join("\n")}
${key.join("\n")}
</svg>
`;
}

export const saveSVG = (kind, title, spec, about) => offer(`${fileName(kind, about)}.svg`, "image/svg+xml", svg(title, spec, about));

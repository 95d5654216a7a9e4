// Small graphs in SVG for plans and fits: intervals, bars, lines and points over any axis.
import { increments } from "./times.js";
import { moment, quantity, estimate } from "./format.js";
import { element } from "./parts.js";

const { html, Component, render } = preact;

const paint = (colour) => (/^#/.test(colour) ? colour : `var(--${colour})`);

/** A linear or logarithmic axis from values: its ends and ticks. */
function axis(values, room, { log, isZero = true, least, most, unit } = {}) {
  const sizes = unit === "ms" ? increments.duration : unit === "s" ? increments.duration.map((size) => size / 1000) : increments.any;
  const known = values.filter((value) => Number.isFinite(value) && (!log || value > 0));
  if (!known.length) return { low: 0, high: 1, ticks: [0, 1], at: (value) => value };
  let low = least ?? Math.min(...known), high = most ?? Math.max(...known);
  if (log) {
    if (low === high) [low, high] = [low / 2, high * 2];
    const [from, to] = [Math.log10(low), Math.log10(high)];
    const all = sizes.filter((value) => value >= low * 0.999 && value <= high * 1.001);
    const every = Math.max(1, Math.ceil(all.length / Math.max(2, room / 70)));
    return { low, high, ticks: all.filter((_, index) => index % every === 0), at: (value) => (Math.log10(Math.max(value, low)) - from) / (to - from) };
  }
  if (isZero && low > 0 && least === undefined) low = 0;
  if (low === high) high = low + (Math.abs(low) || 1);
  const step = sizes.find((size) => (high - low) / size <= Math.max(2, room / 80)) || high - low;
  const start = least ?? Math.floor(low / step) * step, end = most ?? Math.ceil(high / step) * step;
  const ticks = [];
  for (let index = Math.ceil(start / step - 1e-9); index * step <= end + step * 1e-9; index++) ticks.push(index * step);
  return { low: start, high: end, ticks, at: (value) => (value - start) / (end - start || 1) };
}

/** A graph as wide as its place. */
export class Figure extends Component {
  constructor() { super(); this.state = { width: 0 }; }
  componentDidMount() {
    this.observer = new ResizeObserver(([entry]) => this.setState({ width: Math.round(entry.contentRect.width) }));
    this.observer.observe(this.base);
  }
  componentWillUnmount() { this.observer.disconnect(); }
  render({ draw, label }, { width }) {
    return html`<div class="place">${width ? draw(width, label) : null}</div>`;
  }
}

const svg = (width, height, label, content) => html`<svg class="figure" viewBox=${`0 0 ${width} ${height}`} width=${width} height=${height} role="img" aria-label=${label}>${content}</svg>`;

// A long name is cut; all of it stands in its title.
function short(text, room) {
  const most = Math.max(6, Math.floor(room / 6.6));
  return [...text].length > most ? `${[...text].slice(0, most - 1).join("")}…` : text;
}

/** Rows with a value and its interval each: as points, or as bars from zero. */
export function rows(list, { unit = "", isBar = false, level } = {}) {
  // Ticks of these say their unit themselves.
  const title = ["ms", "s", "%", "share", "h", "hours", "/s", "count"].includes(unit) ? "" : unit;
  return (width, label) => {
    const left = Math.min(width * 0.42, 20 + 6.8 * Math.max(...list.map((row) => [...row.label].length), 4));
    const line = 24, height = list.length * line + 44;
    const room = width - left - 24;
    const ends = list.flatMap(({ value, half = 0 }) => [value - half, value + half]);
    const scale = axis([...ends, ...(isBar ? [0] : []), ...(level === undefined ? [] : [level])], room, { isZero: isBar || Math.min(...ends) >= 0, unit });
    const x = (value) => left + scale.at(value) * room;
    return svg(width, height, label, html`
      ${scale.ticks.map((tick) => html`<g key=${`t${tick}`}><line class="grid" x1=${x(tick)} x2=${x(tick)} y1="4" y2=${height - 36} /><text class="dim" x=${x(tick)} y=${height - 20} text-anchor="middle">${quantity(tick, unit, true)}</text></g>`)}
      <text class="dim" x=${left + room / 2} y=${height - 4} text-anchor="middle">${title}</text>
      ${level === undefined ? null : html`<line class="level" x1=${x(level)} x2=${x(level)} y1="4" y2=${height - 36} stroke="var(--limit)" stroke-width="2" stroke-dasharray="6 4"><title>limit ${quantity(level, unit)}</title></line>`}
      ${list.map((row, index) => {
        const y = 16 + index * line;
        const half = row.half ?? 0;
        return html`<g class="row" key=${index} data-name=${row.label}><title>${row.label}: ${estimate(row.value, half, unit)}</title>
          <text x=${left - 8} y=${y + 4} text-anchor="end">${short(row.label, left - 16)}</text>
          ${isBar ? html`<rect x=${Math.min(x(0), x(row.value))} width=${Math.max(1, Math.abs(x(row.value) - x(0)))} y=${y - 7} height="14" fill=${paint(row.colour)} />` : null}
          <path class="interval" d=${`M${x(row.value - half)} ${y - 4}v8m0-4H${x(row.value + half)}m0-4v8`} stroke=${isBar ? "var(--text)" : "var(--other)"} stroke-width="1.5" fill="none" />
          ${isBar ? null : html`<circle cx=${x(row.value)} cy=${y} r="5" fill=${paint(row.colour)} />`}
          <rect x="0" width=${width} y=${y - 12} height=${line} fill="transparent" /></g>`;
      })}`);
  };
}

/** Lines and points. `x` and `y`: title, unit, log, category (names of 0, 1, …), isDate, least, most, isZero. */
export function plot(series, { x: across = {}, y: up = {}, height = 300 } = {}) {
  return (width, label) => {
    const [left, right, top, bottom] = [72, 16, 10, 52];
    const [wide, high] = [width - left - right, height - top - bottom];
    const horizontal = across.category ? { ticks: across.category.map((_, index) => index), at: (value) => (value + 0.5) / across.category.length }
      : axis(series.flatMap((entry) => entry.x.flatMap((value, index) => [value - (entry.halfX?.[index] ?? 0), value + (entry.halfX?.[index] ?? 0)])), wide, { isZero: false, ...across });
    const vertical = axis(series.flatMap((entry) => entry.y.flatMap((value, index) => [value - (entry.halfY?.[index] ?? 0), value + (entry.halfY?.[index] ?? 0)])), high, { isZero: true, ...up });
    const x = (value) => left + horizontal.at(value) * wide, y = (value) => top + (1 - vertical.at(value)) * high;
    const name = (value) => (across.category ? across.category[value] : across.isDate ? new Date(value).toISOString().slice(5, 16).replace("T", " ") : quantity(value, across.unit, true));
    const said = (value) => (across.isDate ? moment(new Date(value).toISOString()) : across.category ? name(value) : quantity(value, across.unit));
    const shown = across.isDate ? [0, 0.25, 0.5, 0.75, 1].map((share) => horizontal.low + share * (horizontal.high - horizontal.low)) : horizontal.ticks;
    return svg(width, height, label, html`
      ${vertical.ticks.map((tick) => html`<g key=${`y${tick}`}><line class="grid" x1=${left} x2=${left + wide} y1=${y(tick)} y2=${y(tick)} /><text class="dim" x=${left - 6} y=${y(tick) + 4} text-anchor="end">${quantity(tick, up.unit, true)}</text></g>`)}
      ${shown.map((tick, index) => html`<text class="dim" key=${`x${tick}`} x=${x(tick)} y=${top + high + 16} text-anchor=${across.isDate && index === 0 ? "start" : across.isDate && index === shown.length - 1 ? "end" : "middle"}>${name(tick)}</text>`)}
      <text class="dim" x=${left + wide / 2} y=${top + high + 34} text-anchor="middle">${across.title || ""}</text>
      <text class="dim" transform=${`rotate(-90 12 ${top + high / 2})`} x="12" y=${top + high / 2} text-anchor="middle">${up.title || ""}</text>
      ${series.map((entry, index) => {
        const points = entry.x.map((value, place) => [value, entry.y[place], place]).filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b) && (!up.log || b > 0) && (!across.log || a > 0));
        return html`<g class="series" key=${index} data-name=${entry.label}>
          ${entry.isPoints ? null : html`<polyline points=${points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(" ")} fill="none" stroke=${paint(entry.colour)} stroke-width="2" stroke-dasharray=${entry.line === "dashed" ? "6 4" : entry.line === "dotted" ? "2 3" : undefined} />`}
          ${points.length <= 200 ? points.map(([a, b, place]) => html`<g key=${place}><title>${entry.names?.[place] ? `${entry.names[place]}: ` : `${entry.label}: `}${said(a)}, ${quantity(b, up.unit)}</title>
            ${entry.halfX ? html`<path class="interval" d=${`M${x(a - (entry.halfX[place] ?? 0))} ${y(b)}H${x(a + (entry.halfX[place] ?? 0))}`} stroke="var(--other)" />` : null}
            ${entry.halfY ? html`<path class="interval" d=${`M${x(a)} ${y(b - (entry.halfY[place] ?? 0))}V${y(b + (entry.halfY[place] ?? 0))}`} stroke="var(--other)" />` : null}
            <circle cx=${x(a)} cy=${y(b)} r=${entry.isPoints || entry.hasPoints ? 4 : 6} fill=${entry.isPoints || entry.hasPoints ? paint(entry.colours?.[place] || entry.colour) : "transparent"} /></g>`) : null}
        </g>`;
      })}
      ${series.length > 1 ? html`<g>${series.map((entry, index) => html`<g key=${index}><rect x=${left + index * 130} y=${height - 12} width="14" height="4" fill=${paint(entry.colour)} /><text x=${left + 20 + index * 130} y=${height - 6}>${entry.label}</text></g>`)}</g>` : null}`);
  };
}

/** A graph with its title and what it says, as a card. */
export function card(title, note, draw) {
  const box = element("article", { className: "widget" }, element("h2", {}, title), element("p", { className: "note" }, note));
  const place = element("div", { className: "holder" });
  box.append(place);
  render(html`<${Figure} draw=${draw} label=${`${title}. ${note}`} />`, place);
  return box;
}

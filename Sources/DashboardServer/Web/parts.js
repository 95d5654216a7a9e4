// Small parts that every page is made of.
import { number } from "./format.js";

const { html, Component } = preact;

let count = 0;
/** The "i" whose text shows on hover and focus; Escape closes it. */
export class Info extends Component {
  constructor() { super(); this.id = `tip-${++count}`; this.state = { isClosed: false }; }
  // The text stays on the screen, however narrow.
  place() {
    const { left } = this.base.getBoundingClientRect();
    const tip = this.base.querySelector("[role=tooltip]");
    const wide = Math.min(270, document.documentElement.clientWidth * 0.74);
    tip.style.left = `${Math.max(8, Math.min(left - 8, document.documentElement.clientWidth - wide - 10)) - left - 1}px`;
    this.setState({ isClosed: false });
  }
  render({ text, of }, { isClosed }) {
    return html`<button type="button" class=${`info ${isClosed ? "closed" : ""}`} aria-label=${`About ${of}`} aria-describedby=${this.id}
      onMouseEnter=${() => this.place()} onFocus=${() => this.place()} onKeyDown=${(event) => { if (event.key === "Escape") { event.stopPropagation(); this.setState({ isClosed: true }); } }}>i<span role="tooltip" id=${this.id}>${text}</span></button>`;
  }
}

// A list of thousands is not one to scroll through: it has the first, and a way to the search over all.
const mostOptions = 200, more = "\0more";
export const Select = ({ label, of = "", options, value, all, onPick, name, onMore }) => {
  const shown = options.length > mostOptions ? options.filter(([key], index) => index < mostOptions || key === value) : options;
  const picked = (event) => {
    if (event.target.value !== more) return onPick(event.target.value);
    event.target.value = value;
    onMore?.();
  };
  return html`<label class=${name || ""}><span>${label}</span> <select aria-label=${`${label}${of}`} value=${value} onChange=${picked}>
  ${all ? html`<option key="" value="">${all}</option>` : null}
  ${shown.map(([key, text]) => html`<option key=${key} value=${key}>${text}</option>`)}
  ${shown.length < options.length ? html`<option key=${more} value=${more} disabled=${!onMore}>${options.length - shown.length} others: find…</option>` : null}
</select></label>`;
};

export const Tool = ({ text, label, onClick, pressed }) => html`<button type="button" class="tool" title=${label.split(",")[0]} aria-label=${label} aria-pressed=${pressed === undefined ? undefined : String(pressed)} onClick=${onClick}>${text}</button>`;

export const Figures = ({ list }) => html`<dl class="figures">${list.map(([label, value, exact]) => html`<div key=${label}><dt>${label}</dt><dd title=${exact}>${value}</dd></div>`)}</dl>`;

/** An answer that did not come. */
export const Failure = ({ error, onAgain }) => html`<div class="failure" role="alert"><p>${error.message}</p><button type="button" onClick=${onAgain}>Try again</button></div>`;

/** A table that scrolls by itself: at most so many of its rows, and what has all of them. */
export const Table = ({ title, name = "", head, rows, most = 2000, all }) => html`<div class=${`table ${name}`} tabIndex=${0} role="region" aria-label=${`${title}, table`}><table>
  ${rows.length > most ? html`<caption>The first ${number(most)} of ${number(rows.length)}; ${all} has all.</caption>` : null}
  <thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
  <tbody>${rows.slice(0, most).map((row, index) => html`<tr key=${index}>${row.map((cell) => html`<td>${typeof cell === "number" ? number(cell) : cell ?? "–"}</td>`)}</tr>`)}</tbody>
</table></div>`;

/** What is made when it is opened, and open until somebody closes it. */
export class Fold extends Component {
  constructor({ isOpen = false }) { super(); this.state = { isOpen }; }
  render({ summary, label, name, body }, { isOpen }) {
    return html`<details class=${name} open=${isOpen} onToggle=${(event) => this.setState({ isOpen: event.target.open })}><summary aria-label=${label}>${summary}</summary>${isOpen ? body() : null}</details>`;
  }
}

const glyphs = { cross: "✕", plus: "✚", disc: "●", square: "■", triangle: "▲", diamond: "◆", wedge: "▼", "hollow disc": "○", "hollow square": "□", "hollow triangle": "△", "hollow diamond": "◇", "hollow wedge": "▽" };
// A line with its mark.
const Swatch = ({ colour, line = "solid", marker }) => html`<i data-colour=${colour} data-glyph=${glyphs[marker] || ""} class=${line} ref=${(node) => node && (node.style.color = /^#/.test(colour) ? colour : `var(--${colour})`)}></i>`;

/** The series of a graph: now, most; a click isolates one, a text finds some of many. */
export class Legend extends Component {
  constructor() { super(); this.state = { text: "", isWhole: false }; }
  render({ entries, isolated, onIsolate }, { text, isWhole }) {
    const found = entries.filter(({ label }) => label.toLowerCase().includes(text.toLowerCase()));
    const hasLimit = entries.some((entry) => entry.limit !== undefined);
    const shown = isWhole || text || entries.length <= 6 ? found.slice(0, 200) : found.slice(0, 5);
    return html`<div class="legend">
      ${entries.length > 6 ? html`<input type="search" placeholder="Find" aria-label="Find a series" value=${text} onInput=${(event) => this.setState({ text: event.target.value })} />` : null}
      <table><thead><tr><th scope="col">Series</th><th scope="col">Now</th><th scope="col">Max</th>${hasLimit ? html`<th scope="col">Max replicas</th>` : null}</tr></thead>
      <tbody>${shown.map((entry) => html`<tr key=${entry.key} class=${isolated?.size && !isolated.has(entry.key) ? "away" : ""}>
        <td><button type="button" aria-pressed=${String(Boolean(isolated?.has(entry.key)))} onClick=${() => onIsolate(entry.key)}><${Swatch} ...${entry} /> ${entry.label}</button></td><td>${entry.now}</td><td>${entry.most}</td>${hasLimit ? html`<td>${entry.limit}</td>` : null}</tr>`)}
      ${shown.length < found.length && !text ? html`<tr key="rest"><td colspan=${hasLimit ? 4 : 3}><button type="button" onClick=${() => this.setState({ isWhole: true })}>${found.length - shown.length} others</button></td></tr>` : null}
      </tbody></table></div>`;
  }
}

/** What lines and colours are; of a heat map, how many a colour stands for. */
export const Key = ({ entries, ramp }) => html`<ul class="key">${entries.map((entry) => html`<li key=${entry.label}><${Swatch} ...${entry} />${entry.label}</li>`)}
  ${ramp ? html`<li key="ramp" class="ramp">requests per cell: 1 ${ramp.ramp.map((colour) => html`<i key=${colour} class="shade" ref=${(node) => node && (node.style.color = colour)}></i>`)} ${number(ramp.most)}</li>` : null}</ul>`;

/** An element of the document, for pages that are written once. */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key in node && !key.startsWith("aria")) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

// What of a scenario can be turned: a slider, a list or a field for each number, and a search over all of them.
import { send } from "./asking.js";

const { html, Component } = preact;

/** Overrides as the address has them: one "path=value" a line. */
export const overridesOf = (text) => new Map(text.split("\n").filter((line) => line.includes("=")).map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
export const overridesText = (map) => [...map].map(([path, value]) => `${path}=${value}`).join("\n");

const durations = { us: 1e-3, "µs": 1e-3, "μs": 1e-3, ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const rates = { "/s": 1, "/min": 1 / 60, "/h": 1 / 3600, "/d": 1 / 86_400 };
const tidy = (value) => String(Number(value.toPrecision(12)));

/** A value's number in a slider's unit; `null` if it is more than a number. */
export function numberOf(text, unit) {
  const found = /^\s*([-+]?[\d.]+(?:e[-+]?\d+)?)\s*(\S*)\s*$/i.exec(text ?? "");
  if (!found || Number.isNaN(Number(found[1]))) return null;
  const value = Number(found[1]);
  if (!unit) return found[2] ? null : value;
  for (const units of [durations, rates]) if (units[found[2]] && units[unit]) return (value * units[found[2]]) / units[unit];
  return found[2] === unit || !found[2] ? value : null;
}

/** A label, "chat · V1 · scaling.maxReplicas", as to whom it belongs and what it is: ["chat · V1", "Max replicas"]. */
export function parted(label) {
  const parts = label.split(" · ");
  const last = parts.pop();
  const words = last.replace(/^scaling\./, "").replaceAll(".", " ").replace(/([a-z0-9])([A-Z])(?=[a-z])/g, (_, a, b) => `${a} ${b.toLowerCase()}`);
  return [parts.join(" · "), words.charAt(0).toUpperCase() + words.slice(1)];
}

/** What is set for a number of a slider. */
export const valueOf = (number, unit) => `${tidy(number)}${unit || ""}`;

/**
 * One number of the scenario. `value` is what is set now, or undefined; `onTurn(value, isOver)` while it is turned and when
 * it is let go; null takes the change back.
 */
export class Knob extends Component {
  constructor() { super(); this.state = { isWrong: false }; }

  slider() {
    const { parameter, value } = this.props;
    const { suggested } = parameter;
    const now = suggested && numberOf(value ?? parameter.value ?? parameter.default, suggested.unit);
    if (!suggested || now === null || !(suggested.to > suggested.from)) return null;
    // A value outside of what is suggested is within reach as well.
    return { now, least: Math.min(suggested.from, now), most: Math.max(suggested.to, now), step: suggested.step || "any", unit: suggested.unit };
  }

  typed(event) {
    const { parameter, onTurn } = this.props;
    const text = event.target.value.trim();
    const isBase = text === (parameter.value ?? parameter.default);
    onTurn(!text || isBase ? null : text, true);
  }

  render({ parameter, value, problem, onTurn, onRemove }) {
    const { path, label, about, kind, choices, isSet } = parameter;
    const base = parameter.value ?? parameter.default;
    const shown = value ?? base ?? "";
    const slider = this.slider();
    const turned = (event, isOver) => { const text = valueOf(Number(event.target.value), slider.unit); onTurn(numberOf(base, slider.unit) === Number(event.target.value) ? null : text, isOver); };
    const id = `knob-${path}`;
    return html`<div class=${`knob ${value === undefined ? "" : "turned"}`} data-path=${path}>
      <div class="bar"><label for=${id} title=${`${path}\n${about || ""}`}><span class="unseen">${parted(label)[0]} </span>${parted(label)[1]}</label><span class="space"></span>
        ${isSet === false && value === undefined ? html`<span class="note" title="The scenario does not set it.">default</span>` : null}
        ${value === undefined ? null : html`<span class="note">was ${base ?? "not set"}</span><button type="button" class="tool" aria-label=${`Back to ${base ?? "not set"}, ${label}`} title=${`Back to ${base ?? "not set"}`} onClick=${() => onTurn(null, true)}>↺</button>`}
        ${choices ? html`<select id=${id} value=${shown} onChange=${(event) => onTurn(event.target.value === base ? null : event.target.value, true)}>${(choices.includes(shown) ? choices : [shown, ...choices]).map((choice) => html`<option key=${choice} value=${choice}>${choice || "–"}</option>`)}</select>`
          : html`<input type="text" id=${slider ? `${id}-text` : id} aria-label=${slider ? `${label}, value` : undefined} size="7" inputmode=${kind === "integer" || kind === "number" ? "decimal" : undefined} aria-invalid=${problem ? "true" : undefined}
            ref=${(node) => { if (node && document.activeElement !== node && node.value !== shown) node.value = shown; }} onKeyDown=${(event) => event.key === "Enter" && this.typed(event)} onChange=${(event) => this.typed(event)} />`}
        ${onRemove ? html`<button type="button" class="tool" aria-label=${`Remove, ${label}`} title="Remove" onClick=${onRemove}>✕</button>` : null}</div>
      ${slider && !choices ? html`<input type="range" id=${id} min=${slider.least} max=${slider.most} step=${slider.step} value=${slider.now} aria-valuetext=${shown} onInput=${(event) => turned(event, false)} onChange=${(event) => turned(event, true)} />` : null}
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : null}
    </div>`;
  }
}

/** A search over every number of the scenario: what is picked gets a control of its own. */
export class Finder extends Component {
  constructor() { super(); this.state = { text: "", found: [], more: 0, isOpen: false }; }

  async look(text) {
    this.setState({ text, isOpen: Boolean(text) });
    clearTimeout(this.waiting);
    if (!text) return;
    this.waiting = setTimeout(async () => {
      try {
        const { answer } = await send("GET", `${this.props.path}?${new URLSearchParams({ search: text, most: 30 })}`);
        if (this.state.text === text) this.setState({ found: answer.parameters, more: answer.more, problem: "" });
      } catch (error) { this.setState({ problem: error.message }); }
    }, 120);
  }

  // Arrows go through what was found, Escape closes it.
  key(event) {
    if (event.key === "Escape" && this.state.isOpen) { this.look(""); this.base.querySelector("input").focus(); event.stopPropagation(); return; }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const list = [this.base.querySelector("input"), ...this.base.querySelectorAll(".found button")];
    list[Math.max(0, Math.min(list.length - 1, list.indexOf(document.activeElement) + step))]?.focus();
    event.preventDefault();
  }

  render({ shown, onPick }, { text, found, more, isOpen, problem }) {
    const list = found.filter((parameter) => !shown.has(parameter.path));
    return html`<div class="finder" onKeyDown=${(event) => this.key(event)}>
      <input type="search" placeholder="Find any number of the scenario" aria-label="Find any number of the scenario" value=${text} onInput=${(event) => this.look(event.target.value)} />
      <div role="status" class="note">${problem || (isOpen ? `${list.length + more} found` : "")}</div>
      ${isOpen ? html`<ul class="found">${list.map((parameter) => html`<li key=${parameter.path}><button type="button" onClick=${() => { onPick(parameter); this.look(""); }}><b>${parameter.label}</b> ${parameter.value ?? parameter.default ?? "not set"}<small>${parameter.about || parameter.path}</small></button></li>`)}
        ${more ? html`<li class="note">${more} others: search with more words.</li>` : null}</ul>` : null}
    </div>`;
  }
}

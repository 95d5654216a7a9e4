// Timeline and model filters, of the main page or of an expanded widget.
import { isWindow, presets } from "./state.js";
import { clock, day, moment } from "./format.js";
import { Select } from "./parts.js";

const { html, Component } = preact;

/** Two dates that can be typed: what is half typed stays, and what cannot be selected says why. */
export class Dates extends Component {
  constructor() { super(); this.state = { problem: "" }; }

  // From typed digits nothing follows before a moment has passed: each is a date of its own.
  changed(event, index) {
    clearTimeout(this.waiting);
    const input = event.target;
    this.drafts = this.drafts || [null, null];
    this.drafts[index] = input.value;
    const wait = Date.now() - (this.typed || 0) < 400 ? 900 : 0;
    if (wait) this.waiting = setTimeout(() => this.take(index, input.value), wait);
    else this.take(index, input.value);
  }

  take(index, value) {
    clearTimeout(this.waiting);
    const { view, account, onChange } = this.props;
    const chosen = this.chosen(view);
    // A year that is being typed begins with noughts.
    if (!value || value < "1000") return this.setState({ problem: "" });
    if (value === chosen[index]) { this.drafts = null; return this.setState({ problem: "" }); }
    if (value > account.today) return this.setState({ problem: `${day(value)} is after today, ${day(account.today)}: nothing after now can be selected.` });
    if (value < account.earliest) return this.setState({ problem: `${day(value)} is more than a year before today. The earliest date is ${day(account.earliest)}.` });
    let [from, to] = index === 0 ? [value, chosen[1] || value] : [chosen[0] || value, value];
    if (from > to) {
      if (index === 1) return this.setState({ problem: `${day(value)} is before the first day, ${day(from)}. Choose an earlier first day first.` });
      to = from;
    }
    this.drafts = null;
    this.setState({ problem: "" });
    onChange({ period: from === to ? from : `${from}..${to}`, zoom: "" });
  }

  chosen(view) {
    if (!/^\d{4}-/.test(view.period) || isWindow(view.period)) return ["", ""];
    const [from, to] = view.period.split("..");
    return [from, to || from];
  }

  // What the address says is shown, but not over what is being typed.
  componentDidUpdate() { this.fill(); }
  componentDidMount() { this.fill(); }
  fill() {
    const chosen = this.chosen(this.props.view);
    this.inputs.forEach((input, index) => {
      if (!input || (document.activeElement === input && Date.now() - (this.typed || 0) < 5000) || this.drafts?.[index]) return;
      if (input.value !== chosen[index]) input.value = chosen[index];
    });
  }

  inputs = [null, null];

  render({ account, prefix, of = "" }, { problem }) {
    const input = (label, index) => html`<label class="date"><span>${label}</span> <input type="date" min=${account.earliest} max=${account.today} aria-label=${`${label}${of}`} aria-describedby=${problem ? `${prefix}date-problem` : undefined}
      ref=${(node) => { this.inputs[index] = node; }} onChange=${(event) => this.changed(event, index)}
      onKeyDown=${(event) => { if (event.key === "Enter") this.take(index, event.target.value); else if (/^\d$/.test(event.key) || /^Arrow|^Backspace|^Delete/.test(event.key)) this.typed = Date.now(); }}
      onBlur=${(event) => { this.take(index, event.target.value); }} /></label>`;
    return html`<span class="dates">${input("From", 0)}${input("To", 1)}<span class="problem" id=${`${prefix}date-problem`} role="alert">${problem}</span></span>`;
  }
}

/** Of many models those whose name holds a text. */
class Models extends Component {
  constructor() { super(); this.state = { text: "" }; }
  render({ view, models, zone, onChange }, { text }) {
    const found = models.filter((model) => !text || model.name.toLowerCase().includes(text.toLowerCase()) || model.name === view.model);
    const byName = new Map();
    for (const model of found) byName.set(model.name, [...(byName.get(model.name) || []), model]);
    // Models of one name deployed at different times are entries of their own, in the account's time.
    const entries = [];
    for (const [name, alike] of byName) {
      entries.push([JSON.stringify([name, ""]), alike.length > 1 ? `${name} (all)` : name]);
      if (alike.length > 1) for (const model of alike) if (model.deployedAt.length) entries.push([JSON.stringify([name, model.deployedAt[0]]), `${name} (deployed ${moment(zone.text(Date.parse(model.deployedAt[0])))})`]);
    }
    const pick = (value) => {
      const [model, deployedAt] = value ? JSON.parse(value) : ["", ""];
      onChange({ model, deployedAt, version: "" });
    };
    return html`<span class="models">${models.length > 12 ? html`<input type="search" placeholder="Find" aria-label="Find in the list" value=${text} onInput=${(event) => this.setState({ text: event.target.value })} />` : null}
      <${Select} label="Model" name="brief" options=${entries} value=${view.model ? JSON.stringify([view.model, view.deployedAt]) : ""} all="All models" onPick=${pick} /></span>`;
  }
}

/** The models that a view selects, and their versions. */
export const versionsOf = (view, models) => [...new Set(models.filter((model) => (!view.model || model.name === view.model) && (!view.deployedAt || model.deployedAt.includes(view.deployedAt))).flatMap((model) => model.versions))];

export function Filters({ view, account, models, onChange, prefix = "", isTimeOnly }) {
  const zone = clock(account.timeZone);
  const versions = versionsOf(view, models);
  return html`<div class="presets" role="group" aria-label="Period">${presets.map(([period, label]) => html`<button key=${period} type="button" aria-pressed=${String(view.period === period)} onClick=${() => onChange({ period, zoom: "" })}>${label}</button>`)}</div>
    <${Dates} view=${view} account=${account} onChange=${onChange} prefix=${prefix} />
    ${isTimeOnly ? null : view.kind === "external"
      ? html`<${Select} key="provider" label="LLM Provider" options=${[...new Set(models.map((model) => model.provider))].filter(Boolean).map((name) => [name, name])} value=${view.provider} all="All providers" onPick=${(provider) => onChange({ provider })} />`
      : html`<${Models} key="models" view=${view} models=${models} zone=${zone} onChange=${onChange} /><${Select} key="versions" name="brief" label="Version" options=${versions.map((name) => [name, name])} value=${view.version} all=${versions.length ? "All versions" : "–"} onPick=${(version) => onChange({ version })} />`}`;
}

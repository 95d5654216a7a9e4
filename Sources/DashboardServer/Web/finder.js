// A search over everything that can be opened: runs, their accounts and models.
import { kinds } from "./state.js";
import { number } from "./format.js";

const { html, render, Component } = preact;
const most = 50;

/** Entries of all runs, made in stretches of a few milliseconds: nobody waits for it. */
async function entriesOf(runs, title, isWanted) {
  const entries = [];
  let began = performance.now();
  const breath = async () => {
    if (performance.now() - began < 8) return;
    await new Promise((go) => setTimeout(go));
    began = performance.now();
  };
  const add = (what, label, of, change) => entries.push({ what, label, of, change, text: `${label} ${of}`.toLowerCase() });
  for (const run of runs) {
    const name = title(run);
    add("Run", name, run.id.slice(0, 8), { run: run.id });
    for (const account of run.accounts) {
      const within = runs.length > 1 ? name : "";
      add("Account", account.account, within, { run: run.id, account: account.account });
      const seen = new Set();
      for (const model of account.models) {
        const external = model.kind === "external";
        const key = `${model.kind} ${external ? model.provider : model.name}`;
        if (!seen.has(key)) add("Model", external ? `${model.name} (${model.provider})` : model.name, [kinds.find(([kind]) => kind === model.kind)?.[1], account.account, within].filter(Boolean).join(" · "), { run: run.id, account: account.account, kind: model.kind, model: external ? "" : model.name, provider: external ? model.provider : "", deployedAt: "", version: "" });
        seen.add(key);
      }
      await breath();
      if (!isWanted()) return entries;
    }
  }
  return entries;
}

class Finder extends Component {
  constructor() { super(); this.state = { text: "", chosen: 0, entries: [] }; }

  async componentDidMount() {
    this.base.showModal();
    this.base.addEventListener("close", () => this.props.onClose());
    const { runs, title } = this.props;
    this.setState({ entries: await entriesOf(runs, title, () => !this.isGone) });
  }
  componentWillUnmount() { this.isGone = true; }

  found() {
    const { text, entries } = this.state;
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const list = [];
    let count = 0;
    for (const entry of entries) {
      if (!words.every((word) => entry.text.includes(word))) continue;
      count++;
      if (list.length < most) list.push(entry);
    }
    return { list, count };
  }

  pick(entry) {
    this.base.close();
    this.props.onPick({ page: "", zoom: "", set: "", knobs: "", ...entry.change });
  }

  keys(event, list) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && list.length) this.setState({ chosen: (this.state.chosen + step + list.length) % list.length });
    else if (event.key === "Enter" && list[this.state.chosen]) this.pick(list[this.state.chosen]);
    else return;
    event.preventDefault();
  }

  render(_, { text, chosen }) {
    const { list, count } = this.found();
    return html`<dialog class="find" aria-label="Find a run, account or model" onKeyDown=${(event) => this.keys(event, list)}>
      <input type="search" role="combobox" aria-label="Find a run, account or model" aria-expanded="true" aria-controls="finds" aria-autocomplete="list" aria-activedescendant=${list.length ? `find-${chosen}` : undefined} placeholder="Run, account or model" value=${text} onInput=${(event) => this.setState({ text: event.target.value, chosen: 0 })} />
      <p class="note" role="status">${number(count)} found${count > list.length ? `; the first ${list.length} are shown` : ""}</p>
      <ul id="finds" role="listbox" aria-label="Found">${list.map((entry, index) => html`<li key=${`${entry.what} ${entry.label} ${entry.of}`} id=${`find-${index}`} role="option" aria-selected=${String(index === chosen)} ref=${(node) => { if (node && index === chosen) node.scrollIntoView({ block: "nearest" }); }} onClick=${() => this.pick(entry)}><small>${entry.what}</small> <b>${entry.label}</b> <small>${entry.of}</small></li>`)}</ul>
    </dialog>`;
  }
}

/** Opens the search. Focus goes back to where it was. */
export function find(runs, title, onPick) {
  const before = document.activeElement;
  const place = document.body.appendChild(document.createElement("div"));
  const onClose = () => { render(null, place); place.remove(); before?.focus?.(); };
  render(html`<${Finder} runs=${runs} title=${title} onPick=${onPick} onClose=${onClose} />`, place);
}

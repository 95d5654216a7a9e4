// What has just happened in a live run: failures, incidents, replicas that came and went. Each leads to whom it concerns.
import { moment } from "./format.js";
import { kinds } from "./state.js";

const { html, Component } = preact;
const marks = { failures: "✕", incident: "!", scaling: "⇅" }, names = { failures: "Failures", incident: "Incidents", scaling: "Scaling" };

/** `list`: the newest first. New entries come above; what somebody looks at below stays where it is. */
export class Happened extends Component {
  constructor() { super(); this.state = { only: "" }; }

  render({ list, account, onChange }, { only }) {
    const own = list.filter((entry) => entry.account === account), shown = own.filter(({ kind }) => !only || kind === only);
    const whom = ({ model, version, provider }) => [model || provider, version].filter(Boolean).join(" · ");
    const open = ({ modelKind, model, version, provider }) => onChange({ kind: modelKind || "external", ...(modelKind && modelKind !== "external" ? { model, deployedAt: "", version: version || "", provider: "" } : { provider: provider || "" }), zoom: "" });
    return html`<section class="widget happened" aria-label="What happens">
      <div class="head"><h2>What happens</h2><span class="note">${own.length ? "the newest first" : "no failure, no incident and no change of replicas so far"}</span>
        <span class="bar tools" role="group" aria-label="Only">${Object.entries(names).map(([kind, name]) => html`<button key=${kind} type="button" class="tool" aria-pressed=${String(only === kind)} onClick=${() => this.setState({ only: only === kind ? "" : kind })}>${name}</button>`)}</span></div>
      <ol class="plain" tabIndex=${0} aria-label="The newest first">${shown.map((entry) => html`<li key=${entry.number} data-kind=${entry.kind}><span aria-hidden="true">${marks[entry.kind]}</span> <time>${moment(entry.at)}</time> ${whom(entry) ? html`<button type="button" class="link" title=${kinds.find(([kind]) => kind === entry.modelKind)?.[1]} onClick=${() => open(entry)}>${whom(entry)}</button> ` : ""}<span>${entry.text}</span></li>`)}</ol>
    </section>`;
  }
}

// What there is: runs, scenarios, and files to be imported; and what can be done with each.
import { send } from "./asking.js";
import { clock, moment, number } from "./format.js";
import { start, jobsOf, watch, dismiss, Progress } from "./jobs.js";
import { Select, Table } from "./parts.js";
import { Import } from "./importing.js";
import { draftOf, Editor } from "./editor.js";

const { html, Component } = preact;
const path = (run, verb = "") => `api/runs/${encodeURIComponent(run.id)}${verb && `/${verb}`}`;
const atOnce = 100;

// Of a job in a line.
const outcomes = { holds: "✓ everything applicable holds", violated: "✕ violated", kept: "✓ all objectives are kept", broken: "✕ broken" };
const isBad = (verdict) => verdict === "violated" || verdict === "broken";
const verdicts = { holds: "holds", violated: "violated", skipped: "does not apply", inconclusive: "inconclusive" };

// What another tab has started is called by its kind.
const titleOf = ({ kind, title, about }) => about?.title || `${{ validate: "Validate", expect: "Objectives of", fixture: "Fixture of", export: "Export of", keep: "Keep" }[kind]} ${title}`;

/** What `validate` found, violations first. */
function Verdict({ result }) {
  const order = { violated: 0, holds: 1, skipped: 2 };
  const entries = [...result.entries].sort((a, b) => (order[a.result] ?? 3) - (order[b.result] ?? 3));
  return html`<${Table} title="Invariants" name="wide" head=${["Invariant", "What it says", "Result"]} rows=${entries.map((entry) => [entry.invariant, entry.sentence, html`<span class=${entry.result === "violated" ? "bad" : ""}>${entry.result === "violated" ? `✕ ${number(entry.violations)} ${entry.violations === 1 ? "violation" : "violations"}` : verdicts[entry.result] || entry.result}${entry.reason ? html`<small>${entry.reason}</small>` : null}${(entry.examples || []).slice(0, 3).map((example) => html`<small key=${example}>${example}</small>`)}</span>`])} />`;
}

/** What became of objectives, the broken first. */
function Objectives({ list }) {
  const order = { broken: 0, inconclusive: 1 };
  return html`<${Table} title="Objectives" name="wide" head=${["Objective", "Result", "Why"]} rows=${[...list].sort((a, b) => (order[a.verdict] ?? 2) - (order[b.verdict] ?? 2)).map(({ objective, verdict, summary }) => [objective, html`<span class=${isBad(verdict) ? "bad" : ""}>${{ broken: "✕ ", kept: "✓ " }[verdict]}${verdict}</span>`, summary])} />`;
}

class Runs extends Component {
  constructor() { super(); this.state = { asking: "", text: "", most: atOnce, open: "", formats: {}, gone: [], trash: null, problem: "" }; }
  componentDidMount() { this.unwatch = watch(() => this.setState({})); }
  componentWillUnmount() { this.unwatch(); }

  async work(run, verb, body, title) {
    this.setState({ problem: "" });
    try {
      await start(path(run, verb), body, { title });
    } catch (error) { this.setState({ problem: error.message }); }
  }

  async remove(run) {
    this.setState({ problem: "" });
    try {
      const { answer } = await send("DELETE", path(run));
      // First the list without it, then the words that it is gone.
      await this.props.onReplaced();
      this.setState(({ gone }) => ({ gone: [{ trash: answer.trash, name: run.name }, ...gone], trash: null }), () => this.base.querySelector(".undo button")?.focus());
    } catch (error) { this.setState({ problem: error.message }); }
  }

  async restore(trash) {
    try {
      await send("POST", `api/trash/${encodeURIComponent(trash)}/restore`);
      this.setState(({ gone, trash: list }) => ({ gone: gone.filter((entry) => entry.trash !== trash), trash: list && list.filter((entry) => entry.id !== trash) }));
      await this.props.onReplaced();
    } catch (error) { this.setState({ problem: error.message }); }
  }

  async openTrash(event) {
    if (!event.target.open || this.state.trash) return;
    try { this.setState({ trash: (await send("GET", "api/trash")).answer }); } catch (error) { this.setState({ problem: error.message }); }
  }

  actions(run) {
    const { can, abilities, title, onChange } = this.props;
    const name = title(run), own = `, ${name}`;
    const formats = abilities.formats || ["csv"], format = this.state.formats[run.id] || formats[0];
    return html`<div class="bar actions" role="group" aria-label=${`What to do with ${name}`}>
      ${can("what-if") ? html`<button type="button" aria-label=${`What if${own}`} onClick=${() => onChange({ page: "whatif", run: run.id, set: "", knobs: "" })}>What if</button>` : null}
      ${can("validate") ? html`<button type="button" aria-label=${`Validate${own}`} onClick=${() => this.work(run, "validate", {}, `Validate ${name}`)}>Validate</button>` : null}
      ${can("expect") ? html`<button type="button" aria-label=${`Objectives${own}`} aria-expanded=${String(this.state.asking === run.id)} onClick=${() => this.setState(({ asking }) => ({ asking: asking === run.id ? "" : run.id }), () => this.base.querySelector(".judging input")?.focus())}>Objectives</button>` : null}
      ${can("fixture") ? html`<button type="button" aria-label=${`Fixture (zip)${own}`} onClick=${() => this.work(run, "fixture", {}, `Fixture of ${name}`)}>Fixture (zip)</button>` : null}
      ${can("export") ? html`<span class="bar"><${Select} label="Format" of=${own} options=${formats.map((entry) => [entry, entry])} value=${format} onPick=${(value) => this.setState({ formats: { ...this.state.formats, [run.id]: value } })} /><button type="button" aria-label=${`Export${own}`} onClick=${() => this.work(run, "export", { format }, `Export of ${name}, ${format}`)}>Export</button></span>` : null}
      ${can("delete") && !run.live ? html`<button type="button" class="danger" aria-label=${`Delete${own}`} onClick=${() => this.remove(run)}>Delete</button>` : null}
      ${this.state.asking === run.id ? html`<form class="bar judging" onSubmit=${(event) => { event.preventDefault(); this.work(run, "expect", { objectives: event.target.elements.text.value }, `Objectives of ${name}`); }}>
        <label>Objectives <input name="text" type="text" size="40" placeholder="latency.p95 <= 5s, failureRate <= 0.5%" title="Separated by commas. Left empty: those of the run's scenario." /></label><button type="submit">Judge</button></form>` : null}
    </div>`;
  }

  render({ view, runs, can, title, onChange }, { text, most, open, gone, trash, problem }) {
    const jobs = jobsOf("validate", "expect", "fixture", "export", "keep").filter(({ about }) => !about?.scenario || about.scenario !== view.scenario);
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const found = words.length ? runs.filter((run) => { const name = `${run.name} ${run.id}`.toLowerCase(); return words.every((word) => name.includes(word)); }) : runs;
    const hasActions = ["what-if", "validate", "expect", "fixture", "export", "delete"].some(can);
    return html`<article class="widget" aria-label="Runs">
      <div class="head"><h2>${number(runs.length)} ${runs.length === 1 ? "run" : "runs"}</h2><span class="space"></span><input type="search" placeholder="Find a run" aria-label="Find a run" value=${text} onInput=${(event) => this.setState({ text: event.target.value, most: atOnce })} /></div>
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : null}
      ${gone.map(({ trash: id, name }) => html`<div class="bar undo" key=${id} role="status"><span>${name} is deleted.</span><button type="button" aria-label=${`Undo, ${name} is deleted`} onClick=${() => this.restore(id)}>Undo</button><button type="button" class="tool" aria-label=${`Dismiss, ${name} is deleted`} onClick=${() => this.setState({ gone: gone.filter((entry) => entry.trash !== id) })}>✕</button></div>`)}
      ${jobs.map((job) => html`<${Progress} key=${job.id} job=${job} title=${titleOf(job)} onForget=${() => dismiss(job)}>
        ${job.kind === "fixture" || job.kind === "export" ? html`<a class="button" href=${`api/jobs/${encodeURIComponent(job.id)}/file`} download>Download the zip</a>` : null}
        ${job.kind === "keep" && job.result?.run ? html`<button type="button" onClick=${() => onChange({ page: "", run: job.result.run, zoom: "" })}>Open it</button>` : null}
        ${job.result?.verdict ? html`<strong class=${isBad(job.result.verdict) ? "bad" : ""}>${outcomes[job.result.verdict] || "inconclusive"}</strong><button type="button" aria-expanded=${String(open === job.id)} onClick=${() => this.setState({ open: open === job.id ? "" : job.id })}>Details</button>` : null}
      <//>${open === job.id && job.result?.verdict ? html`<div key=${`${job.id} result`}>${job.result.entries ? html`<${Verdict} result=${job.result} />` : html`<${Objectives} list=${job.result.objectives} />`}</div>` : null}`)}
      <div class="table listing" tabIndex=${0} role="region" aria-label="Runs, table"><table>
        <thead><tr><th scope="col">Run</th><th scope="col">Accounts</th><th scope="col">Models</th><th scope="col">Up to</th>${hasActions ? html`<th scope="col">Actions</th>` : null}</tr></thead>
        <tbody>${found.slice(0, most).map((run) => html`<tr key=${run.id}>
          <th scope="row"><button type="button" class="link" onClick=${() => onChange({ page: "", run: run.id, zoom: "" })}>${title(run)}</button>${run.live ? html` <small>live</small>` : null}</th>
          <td>${run.accounts.length === 1 ? run.accounts[0].account : number(run.accounts.length)}</td><td>${number(run.accounts.reduce((sum, account) => sum + account.models.length, 0))}</td>
          <td>${moment(clock(run.accounts[0]?.timeZone || "UTC").text(Date.parse(run.now)))}</td>
          ${hasActions ? html`<td>${this.actions(run)}</td>` : null}</tr>`)}</tbody>
      </table></div>
      ${found.length > most ? html`<button type="button" onClick=${() => this.setState({ most: most + atOnce })}>Show ${Math.min(atOnce, found.length - most)} more of ${number(found.length - most)}</button>` : null}
      ${found.length ? null : html`<p class="empty">${runs.length ? "No run has this in its name." : "There are no runs yet: import a file, or simulate a scenario."}</p>`}
      ${can("delete") ? html`<details onToggle=${(event) => this.openTrash(event)}><summary>Deleted runs</summary>${!trash ? html`<p>…</p>` : !trash.length ? html`<p>None.</p>` : html`<ul class="plain">${trash.map((entry) => html`<li key=${entry.id}>${entry.name}, deleted ${moment(entry.deleted)} <button type="button" class="tool" aria-label=${`Restore, ${entry.name}`} onClick=${() => this.restore(entry.id)}>Restore</button></li>`)}</ul>`}</details>` : null}
    </article>`;
  }
}

class Scenarios extends Component {
  constructor() { super(); this.state = { list: null, text: "", problem: "" }; }
  componentDidMount() { this.load(); }
  async load() {
    try { this.setState({ list: (await send("GET", "api/scenarios")).answer, problem: "" }); } catch (error) { this.setState({ problem: error.message, list: [] }); }
    this.props.onListed();
  }
  render({ view, onChange }, { list, text, problem }) {
    const found = (list || []).filter((entry) => `${entry.name} ${entry.title || ""} ${entry.description || ""}`.toLowerCase().includes(text.toLowerCase()));
    return html`<article class="widget" aria-label="Scenarios" aria-busy=${String(!list)}>
      <div class="head"><h2>Scenarios</h2><span class="space"></span>${list?.length > 8 ? html`<input type="search" placeholder="Find a scenario" aria-label="Find a scenario" value=${text} onInput=${(event) => this.setState({ text: event.target.value })} />` : null}<button type="button" onClick=${() => onChange({ scenario: "new" })}>New scenario</button>${draftOf("new") ? html`<small class="problem">not saved</small>` : null}</div>
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : null}
      <ul class="plain scenarios">${found.slice(0, 200).map((entry) => html`<li key=${entry.name}><button type="button" class="link" aria-current=${view.scenario === entry.name ? "true" : undefined} onClick=${() => onChange({ scenario: entry.name })}>${entry.name}</button>${draftOf(entry.name) ? html` <small class="problem">not saved</small>` : null} <span class="note">${entry.error ? html`<span class="problem">✕ ${entry.error}</span>` : entry.description || entry.title}</span></li>`)}</ul>
      ${list && !list.length && !problem ? html`<p class="note">The folder has none yet.</p>` : null}
    </article>`;
  }
}

export class Data extends Component {
  // What stands below a list that is on its way would move.
  render(props, { isListed }) {
    const { can, view, onChange } = props, hasScenarios = can("scenarios") && can("check");
    return html`<section id="widgets" class="whole data" tabIndex=${-1} aria-label="Data" aria-busy=${String(hasScenarios && !view.scenario && !isListed)}>
      ${hasScenarios && view.scenario ? html`<${Editor} key=${view.scenario} ...${props} name=${view.scenario} onClose=${() => onChange({ scenario: "" })} />` : null}
      <${Runs} ...${props} />
      ${hasScenarios && !view.scenario ? html`<${Scenarios} ...${props} onListed=${() => this.setState({ isListed: true })} />` : null}
      ${can("imports") && (isListed || !hasScenarios || view.scenario) ? html`<${Import} ...${props} />` : null}
    </section>`;
  }
}

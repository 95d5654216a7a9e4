// A scenario's text: what `check` says stands beside the line, the schema completes, and nobody overwrites what another saved.
import { Naming, send } from "./asking.js";
import { number } from "./format.js";
import { start, jobsOf, watch, dismiss, Progress } from "./jobs.js";

const { html, Component } = preact;

// A bar begins each line: the server leaves out what scripts are indented by.
const starter = `workbench: 1
name: new
seed: 1
period: { from: 2026-03-02, to: 2026-03-09 }
account:
|  name: acme
|  timeZone: UTC
|  subscription: { maxReplicas: 8 }
models:
|  - name: chat
|    kind: openSource
|    load:
|      arrivals: { poisson: { rate: 1/s } }
|      tokens: { input: 400, output: 150 }
|    deployments:
|      - version: V1
|        deployAt: 2026-03-01
|        hardware: A10 single
|        scaling: { minReplicas: 1, maxReplicas: 4, maxBatchSize: 8 }
|        service: { time: { exponential: { mean: 2s } } }
`.replace(/^\|/gm, "");
const path = (name) => `api/scenarios/${encodeURIComponent(name)}`;
const pause = 250;

// What is typed and not saved stays in this tab, by the scenario's name: { text, version }.
const key = (name) => `draft ${name}`;
export function draftOf(name) {
  // Nothing may be kept here.
  try { return JSON.parse(sessionStorage.getItem(key(name))); } catch { return null; }
}
function keepDraft(name, draft) {
  // The same.
  try { if (draft) sessionStorage.setItem(key(name), JSON.stringify(draft)); else sessionStorage.removeItem(key(name)); } catch { }
}

export class Editor extends Component {
  constructor() { super(); this.state = { text: null, saved: null, version: null, diagnostics: [], summary: null, completions: [], chosen: 0, problem: "", conflict: null, said: "" }; }

  get isNew() { return this.props.name === "new"; }

  async componentDidMount() {
    if (this.isNew) return this.begin(starter, null);
    try {
      const { answer, version } = await send("GET", path(this.props.name));
      this.begin(typeof answer === "string" ? answer : JSON.stringify(answer), version);
    } catch (error) { this.setState({ problem: error.message }); }
  }
  componentWillUnmount() { clearTimeout(this.waiting); this.unwatch?.(); removeEventListener("beforeunload", this.leaving); this.isGone = true; }

  // A user who leaves the page itself is asked; one who goes to another part of it finds the text again.
  leaving = (event) => { if (this.isChanged) event.preventDefault(); };
  get isChanged() { return this.state.text !== null && this.state.text !== (this.isNew ? starter : this.state.saved); }

  begin(text, version) {
    addEventListener("beforeunload", this.leaving);
    this.unwatch ??= watch(() => this.setState({}));
    const draft = draftOf(this.props.name), isAgain = Boolean(draft) && draft.text !== text;
    const shown = isAgain ? draft.text : text;
    // It was written over the version that it began with: saving says if there is another by now.
    this.setState({ text: shown, isAgain, saved: version ? text : null, version: isAgain ? draft.version : version }, () => { this.area.value = shown; this.scrolled(); });
    this.check(shown);
  }

  discard() {
    keepDraft(this.props.name, null);
    this.setState({ text: null, isAgain: false });
    this.componentDidMount();
  }

  /** What is wrong with it, and what may stand at the caret. */
  async check(text, at) {
    const turn = this.turn = (this.turn || 0) + 1;
    try {
      const { answer } = await send("POST", "api/check", { text, overrides: [], ...(at ? { at } : {}) });
      if (turn !== this.turn || this.isGone) return;
      this.setState({ diagnostics: answer.diagnostics, summary: answer.summary, problem: "", ...(at ? { completions: this.matching(answer.completions || []), chosen: 0 } : {}) });
    } catch (error) { if (turn === this.turn && !this.isGone) this.setState({ problem: error.message }); }
  }

  // What has been typed of a word narrows what may stand there.
  matching(list) {
    const word = this.word().toLowerCase();
    return list.filter(({ text }) => text.toLowerCase().startsWith(word) && text.toLowerCase() !== word).slice(0, 50);
  }
  word() { return /[\w.-]*$/.exec(this.area.value.slice(0, this.area.selectionStart))[0]; }
  place() {
    const before = this.area.value.slice(0, this.area.selectionStart);
    return { line: before.split("\n").length, column: before.length - before.lastIndexOf("\n") };
  }

  typed() {
    const text = this.area.value;
    this.setState({ text, said: "" }, () => keepDraft(this.props.name, this.isChanged ? { text, version: this.state.version } : null));
    clearTimeout(this.waiting);
    const isWord = this.word().length > 0;
    if (!isWord) this.setState({ completions: [] });
    this.waiting = setTimeout(() => this.check(text, isWord ? this.place() : undefined), pause);
  }

  complete({ text, kind }) {
    const word = this.word();
    const area = this.area;
    area.focus();
    area.setSelectionRange(area.selectionStart - word.length, area.selectionStart);
    const whole = kind === "key" || kind === "object" || kind === "list" ? `${text}: ` : text;
    // The browser's own undo knows of what is inserted so.
    if (!document.execCommand("insertText", false, whole)) area.setRangeText(whole, area.selectionStart, area.selectionEnd, "end");
    this.setState({ completions: [] });
  }

  keys(event) {
    const { completions, chosen } = this.state;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") { event.preventDefault(); this.save(); return; }
    if ((event.ctrlKey || event.metaKey) && event.key === " ") { event.preventDefault(); clearTimeout(this.waiting); this.check(this.area.value, this.place()); return; }
    if (!completions.length) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.setState({ chosen: (chosen + step + completions.length) % completions.length });
    else if (event.key === "Enter" || event.key === "Tab") this.complete(completions[chosen]);
    else if (event.key === "Escape") this.setState({ completions: [] });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // The layer with lines and messages moves with the text.
  scrolled() {
    const layer = this.base?.querySelector(".layer");
    if (layer && this.area) layer.style.transform = `translate(${-this.area.scrollLeft}px, ${-this.area.scrollTop}px)`;
  }

  go({ line, column }) {
    const lines = this.area.value.split("\n");
    const at = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + Math.max(0, (column || 1) - 1);
    this.area.focus();
    this.area.setSelectionRange(at, at);
    this.area.scrollTop = Math.max(0, (line - 6) * 20);
  }

  async save(version = this.state.version, name = this.props.name) {
    if (name === "new") return this.setState({ isNaming: true });
    const text = this.area.value;
    this.setState({ problem: "", said: "" });
    try {
      const { version: saved } = await send("PUT", path(name), text, { headers: { "Content-Type": "application/yaml", ...(version ? { "If-Match": version } : { "If-None-Match": "*" }) } });
      keepDraft(this.props.name, null);
      this.setState({ saved: text, version: saved, conflict: null, isNaming: false, isAgain: false, said: "Saved." });
      if (name !== this.props.name) this.props.onChange({ scenario: name });
    } catch (error) {
      if (error.status === 412) this.setState({ conflict: { version: error.version, name } });
      else this.setState({ problem: error.message });
    }
  }

  async theirs() {
    try {
      const { answer, version } = await send("GET", path(this.state.conflict.name));
      keepDraft(this.props.name, null);
      this.setState({ conflict: null });
      this.begin(answer, version);
    } catch (error) { this.setState({ problem: error.message }); }
  }

  async simulate() {
    try {
      await start("api/runs", { base: { scenario: this.props.name } }, { scenario: this.props.name, title: `Simulate ${this.props.name}` });
    } catch (error) { this.setState({ problem: error.message }); }
  }

  render({ name, can, onClose, onChange }, { text, isAgain, diagnostics, summary, completions, chosen, problem, conflict, isNaming, said }) {
    const lines = (text ?? "").split("\n");
    const byLine = Map.groupBy(diagnostics.filter((entry) => entry.line), (entry) => entry.line);
    const errors = diagnostics.filter((entry) => entry.severity === "error").length;
    const { isChanged } = this;
    const caret = completions.length && this.area ? this.place() : null;
    return html`<article class="widget editing" aria-label=${`Scenario ${name}`} aria-busy=${String(text === null && !problem)}>
      <div class="head"><h2>${this.isNew ? "New scenario" : name}${isChanged && text !== null ? html` <small>not saved</small>` : null}</h2><span class="bar tools">
        <button type="button" onClick=${() => this.save()} disabled=${!isChanged && !this.isNew}>Save</button>
        <button type="button" onClick=${() => this.setState({ isNaming: true })}>Save as…</button>
        ${can("keep") && !this.isNew ? html`<button type="button" disabled=${isChanged || errors > 0} title=${isChanged ? "Save it first" : ""} onClick=${() => this.simulate()}>Simulate and keep</button>` : null}
        <button type="button" onClick=${() => { if (isChanged && !confirm("Close without saving? What you have typed is lost.")) return; keepDraft(name, null); onClose(); }}>Close</button></span></div>
      ${isAgain && isChanged ? html`<div class="bar undo" role="status"><span>This is what you typed before you left. It is not saved.</span><button type="button" onClick=${() => this.discard()}>${this.isNew ? "Start over" : "Use the saved version"}</button></div>` : null}
      ${isNaming ? html`<${Naming} verb="Save" required pattern="[A-Za-z0-9 _.\\-]+" title="Letters, digits, space, - _ ." placeholder="week.yaml" onName=${(other) => this.save(null, other.endsWith(".yaml") ? other : `${other}.yaml`)} onCancel=${() => this.setState({ isNaming: false })} />` : null}
      ${conflict ? html`<div class="failure" role="alert"><p>${conflict.version ? `Somebody else has saved ${conflict.name} since you opened it.` : `There is a ${conflict.name} already.`}</p>
        <button type="button" onClick=${() => this.theirs()}>Take theirs</button>${conflict.version ? html`<button type="button" onClick=${() => this.save(conflict.version, conflict.name)}>Overwrite with mine</button>` : null}<button type="button" onClick=${() => this.setState({ conflict: null, isNaming: true })}>Save mine under another name</button></div>` : null}
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : null}
      ${jobsOf("keep").filter(({ about }) => about?.scenario === name).map((job) => html`<${Progress} key=${job.id} job=${job} title=${job.about.title} onForget=${() => dismiss(job)}>${job.result?.run ? html`<button type="button" onClick=${() => onChange({ page: "", run: job.result.run, zoom: "", kind: "" })}>Open it</button>` : null}<//>`)}
      <p class="note" role="status" id="checked">${said} ${errors ? `${errors} ${errors === 1 ? "error" : "errors"}.` : summary ? `No errors. ${number(Math.round(summary.expectedRequests))} requests are expected.` : ""} Ctrl-Space completes, Ctrl-S saves.</p>
      <div class="code">
        <div class="clip" aria-hidden="true"><div class="layer">${lines.map((line, index) => {
          const found = byLine.get(index + 1);
          return html`<div key=${index} class=${found ? found[0].severity : ""}><i>${index + 1}</i><span>${line}</span>${found ? html`<b>${found[0].severity === "error" ? "✕" : "!"} ${found[0].message}</b>` : null}</div>`;
        })}</div></div>
        <textarea aria-label=${`Text of ${name}`} spellcheck=${false} autocapitalize="off" wrap="off" aria-describedby="checked" aria-controls=${completions.length ? "completions" : undefined} aria-activedescendant=${completions.length ? `completion-${chosen}` : undefined}
          ref=${(node) => { this.area = node; }} onInput=${() => this.typed()} onKeyDown=${(event) => this.keys(event)} onScroll=${() => this.scrolled()} onBlur=${() => setTimeout(() => !this.isGone && this.setState({ completions: [] }), 150)}></textarea>
        ${caret ? html`<ul class="completions" id="completions" role="listbox" aria-label="Completions" ref=${(node) => { if (node) { node.style.left = `${Math.max(0, Math.min(this.area.clientWidth - 320, 52 + (caret.column - 1 - this.word().length) * 7.82 - this.area.scrollLeft))}px`; node.style.top = `${caret.line * 20 + 8 - this.area.scrollTop}px`; node.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }); } }}>${completions.map((entry, index) => html`<li key=${entry.text} id=${`completion-${index}`} role="option" aria-selected=${String(index === chosen)} onMouseDown=${(event) => { event.preventDefault(); this.complete(entry); }}><b>${entry.text}</b> <small>${entry.about || ""}</small></li>`)}</ul>` : null}
      </div>
      ${diagnostics.length ? html`<ul class="plain diagnostics" aria-label="Errors and warnings">${diagnostics.slice(0, 50).map((entry, index) => html`<li key=${index} class=${entry.severity}><button type="button" class="link" onClick=${() => this.go(entry)}>Line ${entry.line}</button> ${entry.severity}: ${entry.message}</li>`)}</ul>` : null}
    </article>`;
  }
}

// Plans made on the page: what is varied, what has to hold, what is to be least; variants appear as they are estimated.
import { get, dashboardPath, marksPath } from "./api.js";
import { send, Asking } from "./asking.js";
import { objectiveOf } from "./state.js";
import { estimate, number } from "./format.js";
import { start, jobsOf, watch, dismiss, isOver, Progress } from "./jobs.js";
import { Finder, numberOf, overridesOf, parted, valueOf } from "./knobs.js";
import { rows } from "./figures.js";
import { Panel, panelsOf, periodOf } from "./panels.js";
import { Failure, Select } from "./parts.js";
import { Card, PlanView, unitOf } from "./planview.js";

const { html, Component } = preact;

const objectives = [["credits", "credits"], ["creditsPerRequest", "credits per request"], ["replicaHours", "replica-hours"], ["peakReplicas", "peak replicas"], ["latency.p95", "latency p95"], ["latency.mean", "mean latency"], ["failureRate", "failure rate"]];

/** Values around one: neighbours of a whole number, or half to double. */
function around(parameter, text) {
  const { suggested, kind, choices, minimum } = parameter;
  if (choices) return choices.join(",");
  const unit = suggested?.unit;
  const value = numberOf(text ?? parameter.value ?? parameter.default, unit);
  if (value === null) return text ?? "";
  if (kind === "integer") return `${Math.max(minimum ?? 0, value - 2)}..${value + 2}`;
  return [0.5, 1, 1.5, 2].map((share) => valueOf(value * share, unit)).join(",");
}

/** What a plan is to be; `onStart(body)`. */
class Form extends Component {
  constructor(props) {
    super();
    const objective = objectiveOf(props.view.objective);
    this.state = { vary: [], levels: objective ? `latency.p95 <= ${objective.value < 1000 ? `${objective.value}ms` : `${objective.value / 1000}s`}` : "", minimize: "credits", replications: 10, name: "", isReady: false };
  }

  componentDidMount() { this.begin(); }

  // Whoever comes from a what-if varies what was turned there.
  async begin() {
    const { view, run } = this.props;
    const vary = [];
    for (const [path, value] of overridesOf(view.set)) {
      try {
        const { answer } = await send("GET", `api/runs/${encodeURIComponent(run.id)}/parameters?${new URLSearchParams({ search: path, most: 5 })}`);
        const parameter = answer.parameters.find((entry) => entry.path === path);
        if (parameter) vary.push({ path, label: parameter.label, values: around(parameter, value) });
      // It stays set in the base, and is not varied.
      } catch { }
    }
    if (!vary.length) vary.push({ path: "load.scale", label: "load · scale of all models", values: "0.8,1,1.25,1.5" });
    this.setState({ vary, isReady: true });
  }

  body() {
    const { view, run } = this.props;
    const { vary, levels, minimize, replications, name } = this.state;
    const overrides = [...overridesOf(view.set)].filter(([path]) => !vary.some((entry) => entry.path === path)).map(([path, value]) => `${path}=${value}`);
    return { base: { run: run.id }, overrides, vary: vary.map(({ path, values }) => ({ path, values })), replications: Number(replications), ...(levels ? { levels } : {}), ...(minimize ? { minimize } : {}), ...(name ? { name } : {}) };
  }

  render({ view, runs, run, title, isRunning, onChange, onStart }, { vary, levels, minimize, replications, name, isReady }) {
    const change = (index, values) => this.setState({ vary: vary.map((entry, place) => (place === index ? { ...entry, values } : entry)) });
    const fixed = [...overridesOf(view.set)].filter(([path]) => !vary.some((entry) => entry.path === path));
    return html`<form class="widget planform" aria-label="New plan" aria-busy=${String(!isReady)} onSubmit=${(event) => { event.preventDefault(); onStart(this.body()); }}>
      <div class="head"><h2>New plan</h2></div>
      <div class="bar"><${Select} label="Around run" options=${runs.map((entry) => [entry.id, title(entry)])} value=${run.id} onPick=${(id) => onChange({ run: id, set: "" })} />
        ${fixed.map(([path, value]) => html`<span class="note" key=${path}>${path} = ${value}</span>`)}</div>
      <fieldset class="knobs"><legend>Varied: every combination is a variant</legend>
        ${vary.map((entry, index) => html`<div class="bar vary" key=${entry.path}><label><span title=${entry.path}>${parted(entry.label).filter(Boolean).join(" · ")}</span> <input type="text" required value=${entry.values} aria-label=${`Values of ${entry.label}`} placeholder="1..4 or 1,2,4" onInput=${(event) => change(index, event.target.value)} /></label><button type="button" class="tool" aria-label=${`Do not vary ${entry.label}`} onClick=${() => this.setState({ vary: vary.filter((_, place) => place !== index) })}>✕</button></div>`)}
        <${Finder} path=${`api/runs/${encodeURIComponent(run.id)}/parameters`} shown=${new Set(vary.map(({ path }) => path))} onPick=${(parameter) => this.setState({ vary: [...vary, { path: parameter.path, label: parameter.label, values: around(parameter) }] })} /></fieldset>
      <div class="bar"><label>Must hold <input type="text" class="levels" value=${levels} placeholder="latency.p95 <= 2s, lost <= 0" aria-label="Must hold, objectives" onInput=${(event) => this.setState({ levels: event.target.value })} /></label>
        <${Select} label="Minimise" options=${objectives} value=${minimize} all="nothing" onPick=${(value) => this.setState({ minimize: value })} />
        <label>Replications <input type="number" min="2" max="500" value=${replications} onInput=${(event) => this.setState({ replications: event.target.value })} /></label>
        <label>Name <input type="text" size="12" value=${name} onInput=${(event) => this.setState({ name: event.target.value.trim() })} /></label>
        <button type="submit" class="main" disabled=${isRunning || !vary.length}>Run the plan</button></div>
    </form>`;
  }
}

/** Variants while they are estimated. */
function Estimates({ variants, objective }) {
  const names = [...new Set(variants.flatMap((variant) => Object.keys(variant.estimates || {})))];
  const first = [objective, "latency.p95", "latency.p95[worst]", "failureRate", "failureRate[worst]", "credits", "utilisation"].filter((name, index, list) => names.includes(name) && list.indexOf(name) === index);
  const shown = [...first, ...names.filter((name) => !first.includes(name))].slice(0, 6);
  const halfOf = ({ lower, upper }) => (upper > lower ? (upper - lower) / 2 : 0);
  const drawn = variants.filter((variant) => typeof variant.estimates?.[shown[0]]?.mean === "number").slice(0, 60);
  return html`<section class="widget" aria-label="Variants so far"><h2>Variants so far</h2><div class="table wide" tabIndex=${0} role="region" aria-label="Variants so far, table"><table class="variants">
    <thead><tr><th scope="col">Variant</th>${shown.map((name) => html`<th scope="col" key=${name}>${name}</th>`)}<th scope="col">Replications</th></tr></thead>
    <tbody>${variants.slice(0, 60).map((variant) => html`<tr key=${variant.name}><th scope="row">${variant.name}</th>${shown.map((name) => html`<td key=${name}>${estimate(variant.estimates?.[name]?.mean, halfOf(variant.estimates?.[name] || {}), unitOf(name))}</td>`)}<td>${number(variant.replications)}</td></tr>`)}</tbody></table></div></section>
    ${drawn.length ? html`<${Card} title=${shown[0]} note="Estimates so far." draw=${rows(drawn.map((variant) => { const found = variant.estimates[shown[0]]; return { label: variant.name, value: found.mean, half: halfOf(found), colour: "latency" }; }), { unit: unitOf(shown[0]) })} />` : null}`;
}

/** Dashboards of the base and of variants beside each other, on the same axes. */
class Sides extends Asking {
  questions({ runs, ids }) { return [ids, runs.map(({ id }) => id)]; }
  async answer({ runs, ids }) {
    return Promise.all(ids.map((id) => runs.find((run) => run.id === id)).filter(Boolean).slice(0, 6).map(async (run) => {
      const account = run.accounts[0];
      const kind = ["openSource", "fineTuned", "external"].find((entry) => account.models.some((model) => model.kind === entry));
      const [data, marks] = await Promise.all([get(dashboardPath(run.id, { account: account.account, kind, period: "7d" })), get(marksPath(run.id, account.account))]);
      return { data, marks, run, account, accountName: account.account };
    }));
  }
  render({ title, onChange }, { found, error, isBusy }) {
    if (!found?.length) return html`<div aria-busy=${String(isBusy)}>${error ? html`<p class="problem" role="alert">${error.message}</p>` : null}</div>`;
    const most = (values) => Math.max(0, ...found.flatMap(values)) * 1.08 || undefined;
    const least = {
      latency: { y: most(({ data }) => data.latency.buckets.map((bucket) => bucket.p99 ?? 0)) }, scaling: { y: most(({ data }) => data.scaling?.points.map((point) => point.replicas) || []) },
      requests: { y: most(({ data }) => data.requests.points.map((point) => point.successes)), right: most(({ data }) => data.requests.points.map((point) => point.failures)) },
    };
    return html`<section aria-label="Dashboards side by side" aria-busy=${String(isBusy)}><h2>Side by side, on the same axes: ${periodOf(found[0].data)}</h2><div class="sides" tabIndex=${0} role="region" aria-label="Dashboards">${found.map((answer) => html`<div key=${answer.run.id}>
      <h3><button type="button" class="link" onClick=${() => onChange({ page: "", run: answer.run.id, kind: "", set: "" })}>${title(answer.run)}</button></h3>
      ${panelsOf(answer.data.query.kind, "", answer.data).filter((kind) => kind !== "credits").map((kind) => html`<${Panel} key=${kind} kind=${kind} answers=${[answer]} extra=${{}} view=${{ percentiles: kind === "latency" ? "1" : "" }} prefix=${`${answer.run.id}-`} least=${least[kind]} tools=${[]} isBrief sync="sides" onChange=${() => {}} />`)}</div>`)}</div></section>`;
  }
}

/** A plan that has been carried out. */
class Found extends Asking {
  questions({ view, reading }) { return [view.plan, reading]; }
  async answer({ view, runs, onReplaced }) {
    const { answer } = await send("GET", `api/plans/${encodeURIComponent(view.plan)}`);
    // A server that was started since lists a plan's runs from when the plan is asked for.
    if (answer.runs.some((id) => !runs.some((run) => run.id === id))) await onReplaced();
    return answer;
  }
  render({ runs, run, onChange }, { found, error, isBusy }) {
    // A variant is its changes to the plan's own base, whatever run is looked at.
    const base = runs.find(({ id, name }) => found?.runs.includes(id) && name === found.plan.variants[0].name);
    return html`<div aria-busy=${String(isBusy)}>${error ? html`<${Failure} error=${error} onAgain=${() => this.again()} />` : null}
      ${found ? html`<${PlanView} ...${found} onOpen=${(variant) => onChange({ page: "whatif", run: base?.id ?? run.id, account: "", kind: "", set: variant.overrides.join("\n"), knobs: "" })} />` : null}
      ${found?.unreadable.length ? html`<div class="failure" role="status">${found.unreadable.map(({ name, reason }) => html`<p key=${name}>The run ${name} is not shown. ${reason}</p>`)}</div>` : null}
      ${found?.runs.length ? html`<${Sides} ...${this.props} ids=${found.runs} />` : null}</div>`;
  }
}

export class Plans extends Component {
  constructor() { super(); this.state = { list: null, problem: "" }; }

  componentDidMount() {
    this.load();
    this.unwatch = watch(() => this.changed());
  }
  componentWillUnmount() { this.unwatch(); }
  async load() {
    try { this.setState({ list: (await send("GET", "api/plans")).answer }); } catch (error) { this.setState({ list: [], problem: error.message }); }
  }

  // Whoever has waited for a plan sees it when it is done.
  changed() {
    this.setState({});
    const many = jobsOf("plan").filter((job) => job.state === "done").length;
    if (many !== this.many) { this.many = many; this.load(); }
    const done = jobsOf("plan").find((job) => job.id === this.awaited && isOver(job));
    if (!done) return;
    this.awaited = undefined;
    if (done.state !== "done") return;
    this.props.onChange({ plan: done.result.plan });
  }

  async begin(body) {
    this.setState({ problem: "" });
    this.props.onChange({ plan: "" });
    try {
      this.awaited = (await start("api/plans", body, { minimize: body.minimize || "" })).id;
      this.changed();
    } catch (error) { this.setState({ problem: [error.message, ...(error.errors || []).map((entry) => entry.message)].filter((text, index, all) => all.indexOf(text) === index).join(" ") }); }
  }

  render(props, { list, problem }) {
    const { view, run, onChange } = props;
    const jobs = jobsOf("plan"), running = jobs.find((job) => !isOver(job));
    const made = jobs.find((job) => view.plan && job.result?.plan === view.plan);
    return html`<section id="widgets" class="whole plans" tabIndex=${-1} aria-label="Plans" aria-busy=${String(!list)}>
      ${list?.length ? html`<div class="bar"><${Select} label="Plan" options=${list.map(({ id, name }) => [id, name])} value=${view.plan} all="a new one" onPick=${(plan) => onChange({ plan })} /></div>` : null}
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : null}
      ${jobs.filter((job) => job !== made).map((job) => html`<${Progress} key=${job.id} job=${job} title=${`Plan ${job.title || ""}`.trim()} onForget=${() => dismiss(job)}>${job.result?.plan ? html`<button type="button" onClick=${() => { this.load(); onChange({ plan: job.result.plan }); }}>Open it</button>` : null}<//>`)}
      ${running?.variants?.length ? html`<${Estimates} variants=${running.variants} objective=${running.about?.minimize || ""} />` : null}
      ${view.plan ? html`<${Found} key=${view.plan} ...${props} />` : null}
      ${run && !view.plan ? html`<${Form} key=${run.id} ...${props} isRunning=${Boolean(running?.about)} onStart=${(body) => this.begin(body)} />` : null}
    </section>`;
  }
}

// What if: sliders over a run's scenario. Each move simulates again, and the result lies over what the run recorded.
import { get, creditsPath, dashboardPath, analysisPath, marksPath } from "./api.js";
import { Naming, send } from "./asking.js";
import { objectiveOf, periodBetween, zoomOf } from "./state.js";
import { clock, duration, number, span } from "./format.js";
import { compared, frame, look, hoverOf, bucketLine, objectiveLimits } from "./graphs.js";
import { Panel, Lane, panels, quantiles, bucketName } from "./panels.js";
import { AgainstCards, AgainstTable } from "./against.js";
import { Knob, Finder, parted, overridesOf, overridesText } from "./knobs.js";
import { start, jobsOf, watch, dismiss, Progress } from "./jobs.js";

const { html, Component } = preact;

// The server drops what this tab asked before when it asks again.
const session = Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join("");
// What is shown without searching: of the models that are selected, in this order.
const usual = [/(^|\.)load\.scale$/, /\.scaling\.minReplicas$/, /\.scaling\.maxReplicas$/, /\.scaling\.maxBatchSize$/, /\.deployments\..*\.hardware$/, /\.scaling\.scaleUpDelay$/, /\.scaling\.scaleDownDelay$/, /\.scaling\.startup(\.[a-z]+\.(mean|median))?$/, /subscription\.maxReplicas$/];
// External models have a provider in the place of replicas.
const usualOfProviders = [/(^|\.)load\.scale$/, /\.service\.(time|firstToken)(\.[a-zA-Z]+\.(mean|median))?$/, /\.service\.perOutputToken$/, /\.rateLimit\.(requests|tokens)PerMinute$/, /\.failures\.(providerError|rateLimited)$/, /\.retries\.(probability|attempts)$/, /^incidents\.\d+\.(errorProbability|latencyFactor)$/];
const mostUsual = 14;
// A simulation that has just begun makes way for a newer one; one that is well on its way is waited for, so that
// something is seen while a slider moves.
const young = 80;

// A first part's dates, from the first to the last.
const periodOf = ({ period }) => { const [from, to = from] = period.split(".."); return span(from, `${to}T23:59:59`); };
const simulated = (result, isBusy) => `${number(result.requests)} requests simulated in ${duration(result.milliseconds)}${result.slice ? `: the first part, ${periodOf(result.slice)}${isBusy ? "; the whole is on its way" : ""}` : ""}.`;

// Quantiles of latency in finer buckets than the platform's; of a base p95 beside them. `base`: { analysis, label }.
function fineLatency(answer, { zoom, objective }, base) {
  const own = (of, key) => ({ ...bucketLine(of.buckets.filter((bucket) => bucket.successes > 0), of.bucketSeconds, (bucket) => bucket[key], of), lasts: of.bucketSeconds });
  const series = [
    { ...own(answer, "p50"), label: "p50", colour: "latency", width: 1.5 }, { ...own(answer, "p95"), label: "p95", colour: "high" }, { ...own(answer, "p99"), label: "p99", colour: "top", width: 1.5 },
    ...(base ? [{ ...own(base.analysis, "p95"), label: compared("p95", base.label), ...look(true) }] : []),
  ];
  return {
    ...frame(answer, zoom), series, axes: { y: { title: "Latency", format: "duration" } },
    limits: objectiveLimits(objective),
    hover: hoverOf(series, (entry, spot) => [{ label: entry.label, value: duration(entry.y[spot]) }]),
  };
}

// A column of a base's buckets beside a table of one's own.
function withBase([head, ...rows], base, value, name) {
  if (!base) return [head, ...rows];
  const found = new Map(base.analysis.buckets.map((bucket) => [bucket.at, value(bucket)]));
  return [[...head, `${name}, ${base.label}`], ...rows.map((row) => [...row, found.get(row[0]) ?? null])];
}

panels.quantiles = {
  title: "Latency", needs: "analysis",
  tip: "Half of the successful requests of each bucket took at most p50, 95 % at most p95, 99 % at most p99.",
  isThere: (_, extra) => extra.analysis.buckets.some((bucket) => bucket.successes > 0),
  figures: ({ data: { latency } }, _, extra) => [...quantiles(latency), ["buckets of", bucketName(extra.analysis)]],
  rows: (_, __, { analysis, base }) => withBase([["time", "requests", "p50", "p95", "p99"], ...analysis.buckets.map((b) => [b.at, b.successes, b.p50, b.p95, b.p99])], base, (b) => b.p95, "p95"),
  json: (_, { analysis }) => analysis.buckets.map(({ at, successes, p50, p95, p99 }) => ({ at, successes, p50, p95, p99 })),
  graph: (_, view, extra) => ({ spec: fineLatency(extra.analysis, view, extra.base) }),
  tools: [],
};

const { rows } = panels.fine;
panels.fine.rows = (answer, view, extra) => withBase(withBase(rows(answer, view, extra), extra.base, (bucket) => bucket.successes, "successes"), extra.base, (bucket) => bucket.failures, "failures");

// Of a live run the hours that have passed: the same of a what-if are held against them.
async function passed(run, view) {
  if (!run.live) return view;
  const { from, to, now, timeZone } = (await get(dashboardPath(run.id, view))).query, zone = clock(timeZone, from), hour = 3_600_000;
  const end = Math.min(Date.parse(to), Date.parse(now)), wall = end + zone.ahead(end) * 60_000;
  const last = zone.when(Math.floor(wall / hour) * hour);
  return last > Date.parse(from) ? { ...view, period: periodBetween(Date.parse(from), last, zone, true) } : view;
}

// Those that were looked for first; the usual ones of one deployment beside each other.
function sorted({ usual: paths, more, of }) {
  const groups = [...new Set(paths.map((path) => parted(of(path).label)[0]))];
  return [...more, ...groups.flatMap((group) => paths.filter((path) => parted(of(path).label)[0] === group))];
}

export class WhatIf extends Component {
  constructor() {
    super();
    this.state = { parameters: null, isKnown: false, base: null, result: null, problem: null, learnProblem: null, isBusy: true, undone: [], done: [], isNaming: false };
  }

  componentDidMount() { this.want(); this.unwatch = watch(() => this.setState({})); }
  componentDidUpdate() { this.want(); }
  componentWillUnmount() {
    this.isGone = true;
    this.unwatch();
    this.running?.abort.abort();
    send("DELETE", `api/what-if?${new URLSearchParams({ session })}`).catch(() => {});
  }

  get overrides() { return overridesOf(this.props.view.set); }

  /** Whatever of the view has changed is asked for. */
  want() {
    const { view, run, reading } = this.props;
    if (this.run !== run.id) {
      this.run = run.id;
      this.setState({ parameters: null, learnProblem: null, base: null, result: null, done: [], undone: [] });
      this.learn(run.id);
    }
    // A live run goes on: what has passed when it is asked for is held against the what-if.
    const key = JSON.stringify([run.id, run.live || run.now, view.account, view.kind, view.period, view.model, view.deployedAt, view.version, view.provider, view.set, reading]);
    if (key === this.key) return;
    this.key = key;
    if (!this.state.isBusy) this.setState({ isBusy: true });
    if (!this.running || Date.now() - this.running.since < young || this.isOver) this.simulate();
    this.isOver = false;
  }

  // The numbers that sliders are made for.
  async learn(run) {
    try {
      const { answer } = await send("GET", `api/runs/${encodeURIComponent(run)}/parameters?most=500`);
      if (this.run === run) this.setState({ parameters: answer.parameters, learnProblem: null });
    } catch (error) {
      if (this.run === run) this.setState({ parameters: [], learnProblem: error });
    }
  }

  async simulate() {
    this.running?.abort.abort();
    const abort = new AbortController();
    const now = this.running = { abort, since: Date.now(), key: this.key };
    const isCurrent = () => this.running === now && !this.isGone;
    const { run } = this.props;
    try {
      const view = await passed(run, this.props.view);
      if (!isCurrent()) return;
      if (!view.set) {
        const base = await this.figures(run.id, view, run);
        if (isCurrent()) this.setState({ base, result: null, problem: null });
      } else {
        for (const isWhole of [false, true]) {
          const { answer } = await send("POST", "api/what-if", {
            session, base: { run: run.id }, overrides: view.set.split("\n"), whole: isWhole,
            // Points of single requests are not shown here.
            view: { maxPoints: 2, ...Object.fromEntries(["account", "kind", "period", "model", "deployedAt", "version", "provider"].filter((name) => view[name]).map((name) => [name, view[name]])) },
          }, { signal: abort.signal });
          if (!isCurrent()) return;
          const asked = answer.slice ? { ...view, period: answer.slice.period } : view;
          // A first part without a request of what is selected says nothing: the base stands as it is.
          const isEmpty = Boolean(answer.slice) && !answer.dashboard?.requests.totalRequests;
          const [own, base] = await Promise.all([isEmpty ? null : this.figures(answer.run, asked, run, answer), this.figures(run.id, isEmpty ? view : asked, run)]);
          if (!isCurrent()) return;
          const most = this.props.abilities.limits?.whatIfRequests ?? Infinity;
          const isTooMuch = Boolean(answer.slice) && answer.expectedRequests > most;
          this.setState({ base, result: { ...answer, ...own, isEmpty, isTooMuch, most }, problem: null });
          // The first part was there at once; the whole follows, if there is more of it and it may be had.
          if (!answer.slice || isTooMuch) break;
        }
      }
    } catch (error) {
      if (!isCurrent() || error.name === "AbortError") return;
      if (error.isReplaced) return this.props.onReplaced();
      // What cannot be simulated leaves the last that could be, or the base.
      const base = this.state.base || await this.figures(run.id, this.props.view, run).catch(() => null);
      if (isCurrent()) this.setState({ base, problem: error });
    } finally {
      if (isCurrent()) {
        this.running = null;
        // What was turned meanwhile.
        if (now.key !== this.key) this.simulate(); else this.setState({ isBusy: false });
      }
    }
  }

  async figures(id, view, run, answer) {
    // What is simulated for a moment is not kept here either.
    const ask = answer ? async (path) => (await send("GET", path)).answer : get;
    const [data, analysis, marks, credits, described] = await Promise.all([
      answer ? answer.dashboard : ask(dashboardPath(id, view)), ask(analysisPath(id, view)), ask(marksPath(id, view.account)), ask(creditsPath(id, view)),
      answer ? ask(`api/runs/${encodeURIComponent(id)}`) : run]);
    const account = described.accounts.find((entry) => entry.account === view.account) || described.accounts[0];
    return { data, analysis, marks, credits, run: answer ? { ...described, name: `what-if of ${run.name}` } : run, account, accountName: account.account };
  }

  /** Sets a number, or with null takes it back. While a slider moves, the address follows quietly. */
  turn(path, value, isOver) {
    const overrides = this.overrides;
    if (value === null) overrides.delete(path); else overrides.set(path, value);
    this.put(overridesText(overrides), isOver);
  }

  put(set, isOver) {
    const { view, onChange } = this.props;
    // One drag is one entry of the history, and one step to undo.
    const isFirst = this.before === undefined;
    const before = this.before ?? view.set;
    this.isOver = isOver;
    this.before = isOver ? undefined : before;
    if (isOver && before !== set) this.setState({ done: [...this.state.done, before].slice(-100), undone: [] });
    if (set !== view.set) onChange({ set }, !isFirst);
    // Let go where it is already: what is simulated for an earlier place makes way.
    else if (isOver && this.running && this.running.key !== this.key) this.simulate();
  }

  step(from, to) {
    const list = [...this.state[from]];
    if (!list.length) return;
    const set = list.pop();
    this.isOver = true;
    this.setState({ [from]: list, [to]: [...this.state[to], this.props.view.set] });
    this.props.onChange({ set });
  }

  keys(event) {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || /text|search/.test(event.target.type)) return;
    event.preventDefault();
    this.step(...(event.shiftKey ? ["undone", "done"] : ["done", "undone"]));
  }

  /** Controls: the usual ones, those that were looked for, and whatever is set. */
  shown() {
    const { view, account } = this.props;
    const all = new Map((this.state.parameters || []).map((parameter) => [parameter.path, parameter]));
    const own = account.models.filter((model) => model.kind === view.kind && (!view.model || model.name === view.model) && (!view.provider || model.provider === view.provider)).map((model) => model.name);
    const others = account.models.map((model) => model.name).filter((name) => !own.includes(name));
    const isOthers = (path) => others.some((name) => path.includes(`.${name}.`));
    const picked = (view.kind === "external" ? usualOfProviders : usual).flatMap((pattern) => [...all.values()].filter(({ path }) => pattern.test(path) && !isOthers(path)));
    const first = picked.slice(0, mostUsual).map(({ path }) => path);
    const more = [...view.knobs.split("\n").filter(Boolean), ...this.overrides.keys()].filter((path) => !first.includes(path));
    return { usual: first, more: [...new Set(more)], of: (path) => all.get(path) || this.looked?.get(path) || { path, label: path.split(".").slice(-3).join(" · "), kind: "text", value: null, about: "" } };
  }

  async keep(name) {
    this.setState({ isNaming: false });
    const { run, view } = this.props;
    try {
      await start("api/runs", { base: { run: run.id }, overrides: view.set ? view.set.split("\n") : [], ...(name ? { name } : {}) }, { whatIf: run.id, title: `Keep ${name || `what-if of ${run.name}`}` });
    } catch (error) { this.setState({ problem: error }); }
  }

  render({ view, run, can, isDark, onChange }, { parameters, base, result, problem, learnProblem, isBusy, done, undone, isNaming }) {
    const knobs = this.shown();
    // Sliders and figures come together: neither pushes the other away.
    const isReady = parameters && Boolean(base || problem || learnProblem);
    const overrides = this.overrides;
    const objective = objectiveOf(view.objective);
    const graphs = { ...view, zoom: zoomOf(view), objective };
    const isShown = result && !result.isEmpty;
    const shown = isShown ? result : base;
    const own = shown && { data: shown.data, marks: shown.marks, run: shown.run, account: shown.account, accountName: shown.accountName };
    const against = isShown && base && { ...base, isOther: true, label: "base" };
    const extra = shown && { analysis: shown.analysis, credits: shown.credits, over: against && { ...base.credits, label: "base" }, base: against ? { analysis: base.analysis, label: "base" } : null, isDark, problems: {} };
    const wrong = new Map((problem?.errors || []).filter((entry) => entry.override).map((entry) => [entry.override.split("=")[0], entry.message]));
    const isAlone = problem && ![...wrong.keys()].some((path) => overrides.has(path));
    // What belongs to one deployment stands under its name, once.
    const grouped = (paths) => {
      const groups = [];
      for (const path of paths) {
        const [group] = parted(knobs.of(path).label);
        if (groups.at(-1)?.group !== group) groups.push({ group, paths: [] });
        groups.at(-1).paths.push(path);
      }
      return groups;
    };
    const knob = (path, isExtra) => html`<${Knob} key=${path} parameter=${knobs.of(path)} value=${overrides.get(path)} problem=${overrides.has(path) ? wrong.get(path) : undefined} onTurn=${(value, isOver) => this.turn(path, value, isOver)} onRemove=${isExtra ? () => { this.take(path); } : undefined} />`;
    const judged = objective && shown ? `${shown.data.latency.summary.p95 === null ? "" : shown.data.latency.summary.p95 <= objective.value ? "✓ " : "✕ "}${objective.label}` : "";
    return html`<section id="widgets" class="whatif" tabIndex=${-1} aria-label="What if" aria-busy=${String(isBusy || !parameters)}>
      <aside class="widget dock" aria-label="What is changed" hidden=${!isReady} onKeyDown=${(event) => this.keys(event)}>
        <div class="head"><h2>What if…</h2><span class="bar tools">
          ${learnProblem ? null : html`<button type="button" class="tool" disabled=${!done.length} onClick=${() => this.step("done", "undone")}>Undo</button>
          <button type="button" class="tool" disabled=${!undone.length} onClick=${() => this.step("undone", "done")}>Redo</button>
          <button type="button" class="tool" disabled=${!overrides.size} onClick=${() => this.put("", true)}>Reset</button>`}</span></div>
        ${isReady && !learnProblem ? html`<${Finder} path=${`api/runs/${encodeURIComponent(run.id)}/parameters`} shown=${new Set([...knobs.usual, ...knobs.more])} onPick=${(parameter) => this.add(parameter)} />` : null}
        ${isReady && grouped(sorted(knobs)).map(({ group, paths }) => html`<fieldset key=${`${group} ${paths[0]}`} class="knobs"><legend>${group}</legend>${paths.map((path) => knob(path, knobs.more.includes(path)))}</fieldset>`)}
        ${isAlone ? html`<p class="problem" role="alert">${problem.message}</p>` : null}
        ${learnProblem ? html`<p role="status">${learnProblem.message}</p>` : html`<p class="note" role="status" id="simulated">${result ? simulated(result, isBusy) : parameters ? `Move a slider: the scenario is simulated again, and the result is laid over ${run.live ? "what has passed of this live run" : "this run"}.` : ""}</p>`}
        ${result?.isTooMuch ? html`<p class="problem" role="alert">The scenario expects ${number(result.expectedRequests)} requests; a what-if simulates at most ${number(result.most)}. Lower a rate, or keep it as a run to see the whole.</p>` : null}
        ${learnProblem ? null : html`<div class="bar">
          ${can("keep") ? html`<button type="button" class="main" disabled=${!overrides.size || isNaming} onClick=${() => this.setState({ isNaming: true })}>Keep as run…</button>` : null}
          ${can("plans") ? html`<button type="button" onClick=${() => onChange({ page: "plans", plan: "", zoom: "" })}>Plan around here</button>` : null}</div>`}
        ${isNaming ? html`<${Naming} verb="Keep" onName=${(name) => this.keep(name)} onCancel=${() => this.setState({ isNaming: false })} />` : null}
        ${jobsOf("keep").filter(({ about }) => about?.whatIf === run.id).map((job) => html`<${Progress} key=${job.id} job=${job} title=${job.about.title} onForget=${() => dismiss(job)}>${job.result?.run ? html`<button type="button" onClick=${() => onChange({ page: "", run: job.result.run, set: "", zoom: "" })}>Open it</button>` : null}<//>`)}
        ${result?.command ? html`<details><summary>The same by the command line</summary><${Command} text=${result.command} /></details>` : null}
      </aside>
      <div class="results">
        ${result?.isEmpty ? html`<p class="widget">The first part, ${periodOf(result.slice)}, has no request of what is selected${isBusy ? ": the whole is on its way" : ", so there is nothing to hold against the base yet"}.</p>` : null}
        ${problem && !shown ? html`<p class="empty">${problem.message}</p>` : null}
        ${shown && parameters ? html`
          ${against ? html`<${AgainstCards} data=${own.data} base=${base.data} notes=${{ p95: judged, replicas: `of ${number(own.data.account.subscriptionMaxReplicas)}` }} label="What-if against the base" />` : html`<${AgainstCards} data=${own.data} base=${own.data} notes=${{ p95: judged }} label="The base" />`}
          <${Lane} answer=${own} zoom=${zoomOf(view)} />
          <div class="analysis graphs">${["quantiles", "fine", ...(own.data.query.kind === "external" ? ["tokens"] : ["scaling", "credits"])].map((kind) => html`<${Panel} key=${kind} kind=${kind} answers=${against ? [own, against] : [own]} extra=${extra} view=${graphs} tools=${[]} isBrief sync="whatif" onChange=${onChange} />`)}</div>
          ${against ? html`<${AgainstTable} data=${own.data} base=${base.data} names=${["what-if", "base"]} title="All figures" />` : null}` : null}
      </div>
    </section>`;
  }

  add(parameter) {
    this.looked ??= new Map();
    this.looked.set(parameter.path, parameter);
    const knobs = this.props.view.knobs.split("\n").filter(Boolean);
    if (!knobs.includes(parameter.path)) this.props.onChange({ knobs: [parameter.path, ...knobs].join("\n") });
  }

  // Away with the control, and with what it has set.
  take(path) {
    const overrides = this.overrides;
    const isSet = overrides.delete(path);
    if (isSet) this.setState({ done: [...this.state.done, this.props.view.set], undone: [] });
    this.props.onChange({ knobs: this.props.view.knobs.split("\n").filter((other) => other && other !== path).join("\n"), set: overridesText(overrides) });
  }
}

/** A command to copy. */
export class Command extends Component {
  async copy() {
    try { await navigator.clipboard.writeText(this.props.text); this.setState({ isCopied: true }); } catch {
      // Not allowed: what is marked can be copied by hand.
      getSelection().selectAllChildren(this.base.querySelector("pre"));
    }
  }
  render({ text }, { isCopied }) {
    return html`<div class="command"><pre>${text}</pre><button type="button" class="tool" onClick=${() => this.copy()}>${isCopied ? "Copied" : "Copy"}</button></div>`;
  }
}

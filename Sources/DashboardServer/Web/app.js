// The page: what is selected above, what was found below. Elements keep their identity: a new answer changes what they
// show, never what somebody has opened, typed or pointed at.
import { get, report, refresh, forget, dashboardPath, versionsPath, analysisPath, creditsPath, overviewPath, overviewsPath, marksPath, follow, steer } from "./api.js";
import { kinds, pages, readState, writeState, settle, beside, periodText, zoomOf, objectiveOf } from "./state.js";
import { clock, moment, number, span } from "./format.js";
import { recolour } from "./chart.js";
import { Panel, Lane, Cards, isListed, panelsOf, titleOf } from "./panels.js";
import { Filters, versionsOf } from "./filters.js";
import { Overview } from "./overview.js";
import { Failure, Select } from "./parts.js";

const { html, render, Component } = preact;

const state = readState();
let runs = [];
let unreadable = [];
let problem = "";
let context = null;
let expanded = null;
let live = null;
// What has happened in the live run, the newest first.
let happened = [];
let isSheetOpen = false;
let reading = 0;
let loaded = "";

const mostVersions = 5;
// Pages that come when they are first opened, where the server can do what they need. A report has none of them.
const own = {
  compare: { label: "Compare", module: () => import("./compare.js"), part: "Compare" },
  whatif: { label: "What-if", module: () => import("./whatif.js"), part: "WhatIf", needs: ["scenario", "what-if"] },
  plans: { label: "Plans", module: () => import("./plans.js"), part: "Plans", needs: ["plans", "jobs", "scenario"], isWhole: true },
  data: { label: "Data", module: () => import("./data.js"), part: "Data", needs: ["jobs"], isWhole: true },
};
// What a live run has besides.
const feed = { module: () => import("./happened.js"), part: "Happened" };
let abilities = { verbs: [] };
const can = (verb) => Boolean(abilities.verbs?.includes(verb));
const offered = () => pages.filter((page) => !own[page] || (!report && (own[page].needs || []).every(can)));
// What was turned belongs to one run.
const fresh = { zoom: "", set: "", knobs: "" };
const isOwn = () => Boolean(own[state.page]);
const isWhole = () => Boolean(own[state.page]?.isWhole);
// Runs of one name are told apart by the beginning of their identifiers.
const names = new WeakMap();
const title = (run) => {
  if (!names.has(runs)) names.set(runs, runs.reduce((found, { name }) => found.set(name, (found.get(name) || 0) + 1), new Map()));
  return names.get(runs).get(run.name) > 1 ? `${run.name} (${run.id.slice(0, 8)})` : run.name;
};
const isDark = () => (document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);

/** The answers to one view's questions. What was answered stays until what is newer has come. */
class Answers {
  constructor() { Object.assign(this, { key: "", shownKey: "", answers: null, extra: {}, error: null }); }

  get isBusy() { return this.key !== this.shownKey; }

  async load(view, { lens, widget, page }) {
    const run = runs.find((entry) => entry.id === view.run);
    const account = run.accounts.find((entry) => entry.account === view.account);
    const other = runs.find((entry) => entry.id === view.other);
    // The other run has the same account, or its own first.
    const otherAccount = other && (other.accounts.find((entry) => entry.account === view.account) || other.accounts[0]);
    const versions = view.overlay && !view.version && view.kind !== "external" ? versionsOf(view, account.models.filter((model) => model.kind === view.kind)).slice(0, mostVersions) : [];
    const isOne = run.accounts.length === 1;
    // A report holds the first accounts, each by itself.
    const questions = page === "overview" ? (isOne || report ? run.accounts.slice(0, 20).map(({ account }) => overviewPath(run.id, { ...view, account })) : [overviewsPath(run.id, view)]) : [
      dashboardPath(run.id, view), marksPath(run.id, view.account),
      ...(other ? [dashboardPath(other.id, { ...view, account: otherAccount.account }), marksPath(other.id, otherAccount.account)] : []),
      // A report has each by itself.
      ...(versions.length < 2 ? [] : report ? versions.map((version) => dashboardPath(run.id, { ...view, version })) : [versionsPath(run.id, view, mostVersions)]),
    ];
    const wanted = { analysis: page !== "overview" && lens === "analysis" && analysisPath(run.id, view), credits: page !== "overview" && (!widget || widget === "credits") && creditsPath(run.id, view) };
    const key = JSON.stringify([questions, wanted, reading]);
    const now = run.now;
    if (key === this.key && (now === this.now || this.isBusy)) return;
    [this.key, this.now] = [key, now];
    let found, extra = {}, error = null;
    try {
      // What only one panel needs fails in that panel only.
      const problems = {};
      const [main, ...rest] = await Promise.all([
        Promise.all(questions.map((path) => get(path))),
        ...Object.entries(wanted).map(async ([name, path]) => {
          try { return [name, path ? await get(path) : null]; } catch (reason) { if (reason.isReplaced) throw reason; problems[name] = reason.message; return [name, null]; }
        })]);
      extra = { ...Object.fromEntries(rest), problems, canOverlay: versionsOf(view, account.models.filter((model) => model.kind === view.kind)).length > 1 && !view.version };
      if (page === "overview") found = Array.isArray(main[0]) ? main[0] : main.map((answer, index) => ({ ...answer, account: run.accounts[index].account }));
      else {
        const answer = (data, marks, more) => ({ data: { ...data, isLive: Boolean(run.live) }, marks, run, account, accountName: view.account, ...more });
        found = [answer(main[0], main[1])];
        let index = 2;
        if (other) { found.push(answer(main[2], main[3], { isOther: true, label: `${other.name} (${other.id.slice(0, 8)})`, run: other, account: otherAccount, accountName: otherAccount.account })); index = 4; }
        if (versions.length > 1) extra.versions = (main[index].parts || versions.map((value, order) => ({ value, dashboard: main[index + order] }))).map(({ value, dashboard }, order) => answer(dashboard, main[1], { label: value, order: order + 1 }));
      }
    } catch (reason) {
      error = reason;
    }
    // A newer question was asked meanwhile.
    if (key !== this.key) return;
    this.shownKey = key;
    if (error?.isReplaced) {
      if (expanded) closeExpanded();
      return loadRuns();
    }
    this.error = error;
    if (!error) Object.assign(this, { answers: found, extra, page });
    draw();
  }
}

const main = new Answers(), inDialog = new Answers();

/** Changes the view. What somebody did can be undone by going back. */
function go(change = {}, isQuiet = false) {
  problem = "";
  const isStrict = strict(change);
  Object.assign(state, change);
  update(!isQuiet, isStrict);
}

// An address says exactly what it is about; what somebody has just chosen may leave filters behind.
const strict = (change) => !change || Boolean(context?.gone.length && !["run", "account", "kind", ...context.gone.map(({ name }) => name)].some((name) => name in change));

function update(isNew, isStrict = true) {
  if (!runs.length) {
    // There is a place to bring some.
    context = null;
    state.page = offered().includes("data") ? "data" : "";
    if (isOwn()) bring(own[state.page]).catch(say);
    return draw();
  }
  context = settle(state, runs, { offered: offered(), isStrict });
  if (isNew || !context.gone.length) writeState(state, isNew);
  if (context.gone.length) return draw();
  if (isOwn()) bring(own[state.page]).catch(say);
  else main.load(state, { lens: state.lens, page: state.page }).catch(say);
  if (expanded) {
    expanded.context = settle(expanded.view, runs);
    inDialog.load(expanded.view, { lens: expanded.view.lens, widget: expanded.kind }).catch(say);
  }
  draw();
}

async function bring(page) {
  if (page.Part) return;
  page.Part = (await page.module())[page.part];
  draw();
}

// The search over everything, with ⌘K or Ctrl-K as well.
const find = async () => {
  if (document.querySelector("dialog[open]")) return;
  (await import("./finder.js")).find(runs, title, go);
};
if (!report) addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k") return;
  event.preventDefault();
  find().catch(say);
});

function say(error) {
  problem = error.message || String(error);
  draw();
}

// What has been dragged over becomes the period, in days; inside a day the graphs are zoomed.
const select = (view, change, account) => (from, to) => {
  const zone = clock(account.timeZone);
  const answer = (view === state ? main : inDialog).answers?.[0]?.data;
  const first = zone.text(from).slice(0, 10), last = zone.text(to).slice(0, 10);
  const clamp = (date) => (date < account.earliest ? account.earliest : date > account.today ? account.today : date);
  const period = first === last ? clamp(first) : `${clamp(first)}..${clamp(last)}`;
  const isAll = answer && answer.query.from.slice(0, 10) === first && (answer.query.granularity === "hour" || span(answer.query.from, answer.query.to) === span(`${first}T00:00:00`, `${last}T23:59:59`));
  if (answer?.query.granularity === "hour" || isAll) change({ zoom: `${Math.floor(from / 60_000) * 60}-${Math.ceil(to / 60_000) * 60}` });
  else change({ period, zoom: "" });
};

function Header() {
  const account = context?.account;
  const isGone = context?.gone.some(({ name }) => name === "run");
  return html`<div class="line">
      <h1>Model Analytics Dashboard</h1>
      <nav aria-label="Pages">${[["overview", "Overview"], ["", "Dashboard"], ...offered().filter((page) => own[page]).map((page) => [page, own[page].label])].map(([page, label]) => html`<a key=${page} href=${`?page=${page}`} aria-current=${state.page === page ? "page" : undefined} onClick=${(event) => { event.preventDefault(); go({ page, zoom: "" }); }}>${label}</a>`)}
        ${document.body.dataset.plan ? html`<a href=${document.body.dataset.plan}>Plan</a>` : null}</nav>
      <span class="space"></span>
      ${context && !isWhole() ? html`<${Select} label="Run" name="brief" options=${runs.map((run) => [run.id, title(run)])} value=${isGone ? "" : state.run} all=${isGone ? "choose" : ""} onMore=${find} onPick=${(run) => run && go({ run, ...fresh })} />
      ${!isGone && context.run.accounts.length > 1 && state.page !== "overview" ? html`<${Select} label="Account" name="brief" options=${context.run.accounts.map((entry) => [entry.account, entry.account])} value=${state.account} onMore=${find} onPick=${(name) => go({ account: name, zoom: "" })} />` : null}` : null}
      ${report ? html`<button type="button" onClick=${() => print()}>Print</button>` : html`<button type="button" id="find" title="Ctrl-K or ⌘K" aria-keyshortcuts="Control+K Meta+K" onClick=${() => find().catch(say)}><span aria-hidden="true">⌕</span> <span>Find</span></button>
      ${runs.length && !isGone && state.page !== "data" && (state.page !== "plans" || state.plan) ? html`<button type="button" id="report" class="later" title="Save this view as one file" onClick=${saveReport}>Report</button>` : null}
      <button id="refresh" type="button" title="Refresh: load the newest data" aria-label="Refresh" onClick=${reload}>↻</button><span id="loaded" class="note" role="status">${loaded}</span>`}
      <button id="theme" class="later" type="button" title="Light or dark" aria-label="Theme" onClick=${changeTheme}>◐</button>
    </div>
    ${context && !isWhole() && !isGone ? html`<div class="line">
      ${state.page === "overview" ? null : html`<div role="tablist" aria-label="Kind of model" id="tabs" onKeyDown=${tabKeys}>${kinds.map(([kind, label]) => html`<button key=${kind} type="button" role="tab" id=${`tab-${kind}`} aria-controls="widgets" aria-selected=${String(kind === state.kind)} tabIndex=${kind === state.kind ? 0 : -1} onClick=${() => pickKind(kind)}>${label}</button>`)}</div>`}
      <button type="button" id="sheet" aria-expanded=${String(isSheetOpen)} aria-controls="filters" onClick=${() => { isSheetOpen = !isSheetOpen; draw(); }}>Filters</button>
      <div id="filters" role="group" aria-label="Filters" class=${isSheetOpen ? "open" : ""}>${state.page === "overview"
        ? html`<${Filters} key="overview" view=${state} account=${account} models=${[]} onChange=${go} isTimeOnly />`
        : html`<${Filters} key="dashboard" view=${state} account=${account} models=${context.models} onChange=${go} />`}
        ${isSheetOpen ? html`<button type="button" id="closesheet" onClick=${() => { isSheetOpen = false; draw(); document.getElementById("sheet").focus(); }}>Close the filters</button>` : null}</div></div>` : null}`;
}

/** What the page is about, in words: [run, account, kind, model, version or provider]. */
const words = () => {
  const isAll = state.page === "overview";
  return [title(context.run), ...(isAll && context.run.accounts.length > 1 ? ["all accounts"] : [state.account]), ...(isAll ? [] : [kinds.find(([kind]) => kind === state.kind)[1],
    ...(state.kind === "external" ? [state.provider || "all providers"] : [state.model || "all models", ...(state.deployedAt ? [`deployed ${moment(state.deployedAt)}`] : []), state.version || "all versions"])])];
};
const shownPeriod = () => periodText(state.period, context.account, Date.parse(context.run.now));

/** A line above all figures: whose they are, and of when. It is the heading on paper. */
function About() {
  const { run, account } = context;
  const step = (by, label, text) => {
    const period = beside(state.period, account, Date.parse(run.now), by);
    return html`<button type="button" class="tool" aria-label=${label} title=${label} disabled=${!period} onClick=${() => go({ period, zoom: "" })}>${text}</button>`;
  };
  const others = runs.filter((entry) => entry.id !== state.run);
  return html`<section class="about bar" key="about" aria-label="What is shown">
    <div class="bar whose"><span class="what">${words().map((text, index) => html`<span key=${index}>${index ? text : html`<strong>${text}</strong>`}</span>`)}</span>
    <span class="when bar">${step(-1, "The period before", "◂")}<strong id="period">${shownPeriod()}</strong>${step(1, "The period after", "▸")}<span class="note">${account.timeZone}</span></span>
    ${state.zoom ? html`<button type="button" class="chip" id="unzoom" onClick=${() => go({ zoom: "" })}>${zoomText()} ✕</button>` : null}
    <span class="note" id="asof">up to ${moment(clock(account.timeZone).text(Date.parse(run.now)))}</span></div>
    <div class="bar steer">
    ${live && run.live ? html`<span id="live" class="bar"><button id="pause" type="button" disabled=${live.ended} onClick=${() => steer({ paused: !live.paused }).catch(say)}>${live.ended ? "Ended" : live.paused ? "Resume" : "Pause"}</button>
      <label>Speed <${Speed} value=${live.speed} /></label></span>` : null}
    ${others.length && !isOwn() && state.page !== "overview" ? html`<${Select} label="Compare with" options=${others.map((entry) => [entry.id, title(entry)])} name="later" value=${state.other} all="nothing" onPick=${(other) => go({ other })} />` : null}
    <${Objective} value=${state.objective} onPick=${(objective) => go({ objective })} />
    ${isOwn() || state.page === "overview" ? null : html`<div class="lens" role="group" aria-label="Lens">${[["", "Platform"], ["analysis", "Analysis"]].map(([lens, label]) => html`<button key=${lens} type="button" aria-pressed=${String(state.lens === lens)} onClick=${() => go({ lens })}>${label}</button>`)}</div>`}</div>
  </section>`;
}

const lost = { run: "This run is", other: "The run to compare with is", account: "This account is", model: "This model is", deployedAt: "A model of this name that was deployed then is", version: "This version is", provider: "This provider is" };

/** An address that names what is no longer there: nothing else is shown in its place. */
function Gone() {
  const [{ name, value }] = context.gone;
  return html`<section id="widgets" class="whole" tabIndex=${-1} aria-label="No longer here" aria-busy="false"><div class="widget gone" role="alert"><h2>${lost[name]} no longer here.</h2>
    <p><b>${name === "run" || name === "other" ? `${value.slice(0, 12)}${value.length > 12 ? "…" : ""}` : name === "deployedAt" ? moment(value) : value}</b>${name === "run" || name === "other" ? "" : ` is not in ${title(context.run)}${name === "account" ? "" : `, ${context.account.account}`}.`}</p>
    ${name === "run" ? html`<p>Choose one:</p><ul class="plain">${runs.slice(0, 20).map((run) => html`<li key=${run.id}><button type="button" class="link" onClick=${() => go({ run: run.id, ...fresh })}>${title(run)}</button></li>`)}</ul>`
      : html`<p><button type="button" onClick=${() => go({ [name]: "", ...(name === "model" ? { deployedAt: "", version: "" } : {}) })}>${name === "other" ? "Compare with nothing" : name === "account" ? `Show ${context.account.account}` : "Show it without this filter"}</button></p>`}</div></section>`;
}

/** The page's name in tabs and in the history. */
function pageTitle() {
  const page = state.page === "" ? "Dashboard" : state.page === "overview" ? "Overview" : own[state.page].label;
  const short = (text) => (text.length > 60 ? `${text.slice(0, 59)}…` : text);
  const of = !context || context.gone.length ? [] : state.page === "data" ? [state.scenario && (state.scenario === "new" ? "New scenario" : state.scenario)] : state.page === "plans" ? [state.plan || title(context.run)]
    : [title(context.run), state.page === "overview" ? "" : state.kind === "external" ? state.provider : state.model, state.version, shownPeriod().replace(/ \d{4}$/, "")];
  return [...of.filter(Boolean).map(short), page].join(" · ");
}

async function saveReport() {
  try { (await import("./report.js")).save(document.title, isWhole() ? [] : [...words(), `${shownPeriod()}, ${context.account.timeZone}`]); } catch (error) { say(error); }
}

function zoomText() {
  const zoom = zoomOf(state);
  if (!zoom) return "";
  const zone = clock(context.account.timeZone);
  const [from, to] = zoom.map((value) => moment(zone.text(value * 1000)));
  return `Zoomed: ${from.replace(/ \(.*$/, "")} – ${to.split(", ")[1]}`;
}

/** What p95 is to be at most, and why something else is not taken. */
function Objective({ value, onPick }) {
  const isWrong = value && !objectiveOf(value);
  return html`<label class="later"><span>Objective p95 ≤</span> <input type="text" id="objective" size="6" placeholder="15s" aria-label="Objective, p95 at most" aria-invalid=${isWrong ? "true" : undefined} ref=${(node) => { if (node && document.activeElement !== node && node.value !== value) node.value = value; }} onChange=${(event) => onPick(event.target.value.trim())} />${isWrong ? html`<span class="problem" role="alert">Write 15s, 800ms or 2min.</span>` : null}</label>`;
}

// Not over what is being typed.
const Speed = ({ value }) => html`<input id="speed" type="number" min="1" max="10000000" title="Simulated seconds per second" ref=${(node) => { if (node && document.activeElement !== node && node.value !== String(value)) node.value = value; }} onChange=${(event) => steer({ speed: event.target.value })} />`;

function tabKeys(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const next = kinds[(kinds.findIndex(([kind]) => kind === state.kind) + step + kinds.length) % kinds.length][0];
  pickKind(next);
  document.getElementById(`tab-${next}`).focus();
}

const pickKind = (kind) => go({ kind, model: "", deployedAt: "", version: "", provider: "" });


// Of versions laid over each other only their own lines are shown.
const laidOver = (kind, answers, extra, view) => (view.overlay && extra.versions && (kind === "latency" || kind === "requests") ? { drawn: [...extra.versions, ...answers.filter((answer) => answer.isOther)], figures: answers } : { drawn: answers, figures: answers });

// A clock that has gone on draws no graph again: only other answers, another view, or other colours do.
class Widget extends Component {
  seen({ source, view }) { return [source.answers, source.extra, JSON.stringify(view), isDark()]; }
  shouldComponentUpdate(next) { return this.seen(next).some((value, index) => value !== this.shown[index]); }
  render({ kind, source, view, onChange, onExpand, prefix, sync }) {
    this.shown = this.seen(this.props);
    const { answers, extra } = source;
    const { drawn } = laidOver(kind, answers, extra, view);
    return html`<${Panel} kind=${kind} answers=${answers} drawn=${drawn} extra=${{ ...extra, isDark: isDark() }} view=${{ ...view, zoom: zoomOf(view), objective: objectiveOf(view.objective) }} prefix=${prefix} sync=${sync} onChange=${onChange} onExpand=${onExpand} onSelect=${select(view, onChange, answers[0].account)} />`;
  }
}

function Page() {
  const message = [html`<div id="message" key="message" role="alert" hidden=${!problem}>${problem}</div>`, context && !context.gone.length && !isWhole() ? html`<${About} key="about" />` : null];
  if (context?.gone.length) return html`${message}<${Gone} />`;
  if (!runs.length && !isOwn()) return html`${message}<section id="widgets" tabIndex=${-1} aria-busy="false"><p class="empty">There are no runs to show.</p></section>`;
  if (isOwn()) {
    const { Part } = own[state.page];
    return html`${message}${Part ? html`<${Part} key=${state.page} view=${state} runs=${runs} run=${context?.run} account=${context?.account} title=${title} can=${can} abilities=${abilities} reading=${reading} isDark=${isDark()} onChange=${go} onReplaced=${loadRuns} />` : html`<section id="widgets" tabIndex=${-1} aria-busy="true"></section>`}`;
  }
  const isOverview = state.page === "overview";
  const isReady = main.answers && Boolean(main.page === "overview") === isOverview;
  const answer = isReady && !isOverview ? main.answers[0] : null;
  const objective = objectiveOf(state.objective);
  return html`${message}
    ${main.error ? html`<${Failure} error=${main.error} onAgain=${() => { forget(); reading++; update(false); }} />` : null}
    ${answer ? html`<${Cards} key="cards" answer=${answer} objective=${objective} />` : null}
    ${answer ? html`<${Lane} key="lane" answer=${answer} zoom=${zoomOf(state)} />` : null}
    ${answer && context.run.live && feed.Part ? html`<${feed.Part} key="happened" list=${happened} account=${state.account} onChange=${go} />` : null}
    <section id="widgets" key="widgets" class=${isOverview ? "whole" : state.lens} tabIndex=${-1} aria-label=${isOverview ? "All models" : "Widgets"} aria-busy=${String(main.isBusy)}>
      ${isReady && isOverview ? html`<${Overview} answers=${main.answers} run=${context.run} view=${state} objective=${objective} onChange=${go} />` : null}
      ${answer ? panelsOf(state.kind === answer.data.query.kind ? state.kind : answer.data.query.kind, state.lens, answer.data).filter((kind) => isListed(kind, main.extra)).filter((kind) => !needsAnalysis.has(kind) || main.extra.analysis || main.extra.problems?.analysis || state.lens).map((kind) => html`<${Widget} key=${kind} kind=${kind} source=${main} view=${state} onChange=${go} onExpand=${expand} sync="main" prefix="" />`) : null}
    </section>
    ${expanded ? html`<${Expanded} key="expanded" />` : null}`;
}
const needsAnalysis = new Set(["heat", "fine", "reasons"]);

/** A page in the page, with a view of its own. */
function Expanded() {
  const { view, kind } = expanded;
  const change = (more) => { Object.assign(expanded.view, more); update(false); };
  return html`<dialog id="expanded" aria-labelledby="expanded-title" ref=${(node) => { if (node && !node.open) node.showModal(); }} onClose=${() => { expanded = null; draw(); }}>
    <div class="bar"><h2 id="expanded-title">${titleOf(kind)}</h2><button type="button" id="close" aria-label="Close" onClick=${closeExpanded}>×</button></div>
    <div id="expanded-filters" role="group" aria-label="Filters of this widget"><${Filters} view=${view} account=${expanded.context.account} models=${expanded.context.models} onChange=${change} prefix="expanded-" />${view.zoom ? html`<button type="button" class="chip" onClick=${() => change({ zoom: "" })}>Whole period ✕</button>` : null}</div>
    ${inDialog.error ? html`<${Failure} error=${inDialog.error} onAgain=${() => { forget(); reading++; update(false); }} />` : null}
    <div id="expanded-widget" aria-busy=${String(inDialog.isBusy)}>${inDialog.answers ? html`<${Widget} kind=${kind} source=${inDialog} view=${view} onChange=${change} prefix="expanded-" />` : null}</div>
  </dialog>`;
}

function expand(kind) {
  expanded = { kind, view: { ...state }, context };
  Object.assign(inDialog, { key: "", shownKey: "", answers: null, error: null });
  update(false);
}

function closeExpanded() { document.getElementById("expanded")?.close(); }

function Footer() {
  return html`${unreadable.map(({ name, reason }) => html`<p key=${name}>${name} is not shown. ${reason}</p>`)}
    ${context && !context.gone.length && !isWhole() ? html`<span id="now">${context.run.name}: now is ${moment(clock(context.account.timeZone).text(Date.parse(context.run.now)))}, ${context.account.timeZone}.</span> ` : null}${report ? null : html`<a href="api/openapi.yaml">API</a>`}`;
}

// What stays in sight, or is scrolled to, stands below the header, as high as that is.
new ResizeObserver(([{ target }]) => document.documentElement.style.setProperty("--head", `${target.offsetHeight}px`)).observe(document.getElementById("top"));

let turn = 0;
function draw() {
  document.getElementById("top").className = isSheetOpen ? "open" : "";
  render(html`<${Header} />`, document.getElementById("top"));
  render(html`<${Page} />`, document.querySelector("main"));
  render(html`<${Footer} />`, document.getElementById("foot"));
  // For tests and others that wait for the page: it shows what was asked.
  document.title = pageTitle();
  if ((!runs.length && !isOwn()) || context?.gone.length || (isOwn() ? own[state.page].Part : main.shownKey && !main.isBusy && !(expanded && inDialog.isBusy))) document.body.dataset.shown = String(++turn);
}

async function reload(event) {
  const button = event.currentTarget;
  button.setAttribute("aria-busy", "true");
  try {
    await refresh();
    reading++;
    await loadRuns();
    // Also where nothing has changed.
    loaded = `Loaded again at ${new Date().toTimeString().slice(0, 8)}.`;
    draw();
  } catch (error) {
    say(error);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function changeTheme() {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  // Not kept where nothing may be kept.
  try { localStorage.theme = document.documentElement.dataset.theme; } catch { }
  draw();
  recolour();
}
// The same.
try { if (localStorage.theme) document.documentElement.dataset.theme = localStorage.theme; } catch { }
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { draw(); recolour(); });

// Paper is white.
let before;
addEventListener("beforeprint", () => { before = document.documentElement.dataset.theme; document.documentElement.dataset.theme = "light"; draw(); recolour(); });
addEventListener("afterprint", () => { if (before) document.documentElement.dataset.theme = before; else delete document.documentElement.dataset.theme; draw(); recolour(); });

addEventListener("popstate", () => { Object.assign(state, readState()); update(false); });

// What a dashboard's address is about is asked while the server says what else it can do.
function askAhead(runs) {
  if (report || state.page || !runs.length) return;
  const view = { ...state }, { run, gone } = settle(view, runs, { isStrict: true });
  if (!gone.length) for (const path of [dashboardPath(run.id, view), creditsPath(run.id, view)]) get(path).catch(() => {});
}

async function loadRuns() {
  if (!report) forget();
  const list = get("api/runs");
  list.then(askAhead).catch(() => {});
  [runs, unreadable, abilities] = await Promise.all([list, report ? [] : get("api/unreadable"), report ? abilities : import("./asking.js").then(({ learn }) => learn())]);
  update(false);
  if (can("jobs") && !isResumed) {
    isResumed = true;
    // What was started before the page was loaded goes on, and brings runs.
    import("./jobs.js").then(({ resume }) => resume(() => loadRuns().catch(say))).catch(say);
  }
}
let isResumed = false;

const pace = 4000;
// Once: every call would follow the live run once more.
async function start() {
  await loadRuns();
  if (!runs.some((run) => run.live)) return;
  let asked = 0, waiting;
  // New figures once in a while: data change, controls do not.
  const ask = () => {
    if (state.run !== "live" || waiting) return;
    waiting = setTimeout(async () => {
      [waiting, asked] = [undefined, Date.now()];
      try {
        forget();
        const run = await get("api/runs/live");
        runs = runs.map((entry) => (entry.id === run.id ? run : entry));
        update(false);
      } catch (error) {
        say(error);
      }
    }, Math.max(0, asked + pace - Date.now()));
  };
  const concerns = ({ account }) => state.page === "overview" || account === state.account;
  follow((status) => {
    const isNew = live?.now !== status.now;
    live = status;
    draw();
    // Where nothing has changed, the clock has all the same.
    if (isNew && (status.ended || Date.now() - asked > 5 * pace)) ask();
  }, (list) => {
    // A connection that was lost begins with what is known already.
    const last = happened[0]?.number ?? 0, fresh = list.filter(({ number }) => number > last);
    happened = [...fresh.reverse(), ...happened].slice(0, 300);
    draw();
    if (fresh.some(concerns)) ask();
  }, ({ buckets, more }) => (more || buckets.some(concerns)) && ask());
  bring(feed).catch(say);
}
// A module runs when the document has been parsed.
start().catch(say);

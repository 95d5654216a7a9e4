// Two runs, versions or periods against each other: their figures, their scenarios, and their graphs over each other.
import { get, dashboardPath, marksPath } from "./api.js";
import { isWindow, objectiveOf, periodBetween, periodText, presets } from "./state.js";
import { clock, number } from "./format.js";
import { Panel, panelsOf } from "./panels.js";
import { Dates, versionsOf } from "./filters.js";
import { Select } from "./parts.js";
import { Asking, send } from "./asking.js";
import { AgainstCards, AgainstTable } from "./against.js";

const { html, Component } = preact;
const dayLength = 86_400_000;
const relative = ["before", "week"];

/**
 * As long a period that ends where one begins, or a week before it. Hours are hours that pass, also where clocks change;
 * days are days of the account's clock, of which a last one that is not over is as long in both.
 */
export function earlier({ from, to, now, period, granularity, timeZone }, which) {
  const zone = clock(timeZone, from);
  const start = Date.parse(from), end = Math.min(Date.parse(to), Math.max(start, Date.parse(now)));
  const wall = (ms) => ms + zone.ahead(ms) * 60_000, isHourly = granularity === "hour";
  const isDates = period !== "24h" && !isWindow(period);
  const days = which === "week" ? 7 : Math.max(1, Math.ceil((wall(end) - wall(start)) / dayLength));
  const back = (ms) => zone.when(wall(ms) - days * dayLength);
  if (!isDates && which === "before") return periodBetween(start - (Date.parse(to) - start), start, zone, true);
  return periodBetween(back(start), isDates ? back(end) : back(start) + Date.parse(to) - start, zone, isHourly);
}
const at = (wall) => ((wall % dayLength) + dayLength) % dayLength;

// Moments of another period as those of this one: days lie on days of the account's clock, so that Monday lies on Monday;
// hours of a period that begins within a day on hours that have passed.
function mover(data, base) {
  const zone = clock(base.query.timeZone, base.query.from), own = clock(data.query.timeZone, data.query.from);
  const [from, to] = [data, base].map(({ query }) => Date.parse(query.from)), walls = [from + own.ahead(from) * 60_000, to + zone.ahead(to) * 60_000];
  const isByDay = at(walls[0]) === 0 && at(walls[1]) === 0;
  return isByDay ? (ms) => zone.when(ms + own.ahead(ms) * 60_000 + walls[1] - walls[0]) : (ms) => ms + to - from;
}

function moved(data, base, move) {
  if (data.query.from === base.query.from) return data;
  const zone = clock(base.query.timeZone, base.query.from);
  const put = (text) => zone.text(move(Date.parse(text)));
  const list = (points) => points.map((point) => ({ ...point, at: put(point.at) }));
  const query = { ...data.query, from: base.query.from, to: base.query.to, now: put(data.query.now) };
  return {
    ...data, query, latency: { ...data.latency, points: list(data.latency.points), buckets: list(data.latency.buckets) }, requests: { ...data.requests, points: list(data.requests.points) },
    ...(data.scaling ? { scaling: { ...data.scaling, points: list(data.scaling.points) } } : {}), ...(data.tokens ? { tokens: { ...data.tokens, points: list(data.tokens.points) } } : {}),
  };
}

// Deployments are moved as well: their maxima and ends belong to the graph.
function movedAccount(account, move) {
  const put = (text) => text && new Date(move(Date.parse(text))).toISOString();
  return { ...account, models: account.models.map((model) => ({ ...model, deployments: model.deployments.map((entry) => ({ ...entry, deployedAt: put(entry.deployedAt), undeployedAt: put(entry.undeployedAt) })) })) };
}

// The numbers of both scenarios, held against each other by their paths.
async function scenariosOf(own, other) {
  const [a, b] = await Promise.all([own, other].map(async (run) => {
    const { answer } = await send("GET", `api/runs/${encodeURIComponent(run.id)}/parameters?most=500`);
    return new Map(answer.parameters.map((entry) => [entry.path, entry.value ?? entry.default]));
  }));
  return [...new Set([...a.keys(), ...b.keys()])].filter((path) => a.get(path) !== b.get(path)).map((path) => ({ path, a: a.get(path), b: b.get(path) }));
}

/** What `workbench compare` says of two runs: every figure of every dashboard. It takes a while, so it is asked for. */
class Every extends Component {
  async open(event) {
    if (!event.target.open || this.state.outcome || this.state.isBusy) return;
    this.setState({ isBusy: true, problem: "" });
    const { own, other } = this.props;
    try { this.setState({ outcome: (await send("GET", `api/compare?${new URLSearchParams({ a: other.id, b: own.id })}`)).answer.outcome }); } catch (error) { this.setState({ problem: error.message }); }
    this.setState({ isBusy: false });
  }
  render(_, { outcome, problem, isBusy }) {
    const list = outcome?.differences || [];
    return html`<details class="widget every" onToggle=${(event) => this.open(event)}><summary>Every figure of every dashboard</summary>
      ${isBusy ? html`<p class="note" aria-busy="true">Comparing…</p>` : null}${problem ? html`<p class="problem" role="alert">${problem}</p>` : null}
      ${outcome ? html`<p>${outcome.total ? `${number(outcome.total)} differences in ${number(outcome.documents)} dashboards` : `No difference in ${number(outcome.documents)} dashboards`}; ${number(outcome.figures)} figures compared.</p>
        ${list.length ? html`<div class="table wide" tabIndex=${0} role="region" aria-label="Every difference"><table><thead><tr><th scope="col">Dashboard</th><th scope="col">Figure</th><th scope="col">${outcome.expected}</th><th scope="col">${outcome.actual}</th></tr></thead>
          <tbody>${list.slice(0, 300).map((entry, index) => html`<tr key=${index}><td>${entry.document}</td><th scope="row">${entry.path || entry.kind}</th><td>${entry.expected ?? "–"}</td><td>${entry.actual ?? "–"}</td></tr>`)}</tbody></table></div>` : null}` : null}
    </details>`;
  }
}

/** What of the scenarios differs, by path. */
function Scenarios({ list, names }) {
  return html`<article class="widget" aria-label="Scenarios"><div class="head"><h2>Scenarios</h2></div>
    ${!list ? html`<p class="note">One of the runs has no scenario: it was imported, or written by another program.</p>`
      : !list.length ? html`<p class="note">Both runs have the same scenario.</p>`
      : html`<div class="table wide" tabIndex=${0} role="region" aria-label="Scenarios, table"><table><thead><tr><th scope="col">Where</th><th scope="col">${names[0]}</th><th scope="col">${names[1]}</th></tr></thead>
        <tbody>${list.slice(0, 500).map(({ path, a, b }) => html`<tr key=${path}><th scope="row">${path}</th><td>${a ?? "–"}</td><td>${b ?? "–"}</td></tr>`)}</tbody></table></div>${list.length > 500 ? html`<p class="note">The first 500 of ${list.length}.</p>` : null}`}
  </article>`;
}

export class Compare extends Asking {
  /** The other side: run, account and view. */
  other({ view, runs, run }) {
    const other = runs.find((entry) => entry.id === view.other) || run;
    const account = other.accounts.find((entry) => entry.account === view.account) || other.accounts[0];
    const models = account.models.filter((model) => model.kind === view.kind);
    const model = models.some((entry) => entry.name === view.model) ? view.model : "";
    const deployedAt = models.some((entry) => entry.name === model && entry.deployedAt.includes(view.deployedAt)) ? view.deployedAt : "";
    const versions = versionsOf({ model, deployedAt: "" }, models);
    const version = versions.includes(view.otherVersion) ? view.otherVersion : other === run && view.otherVersion ? "" : versions.includes(view.version) && !view.otherVersion ? view.version : "";
    const provider = models.some((entry) => entry.provider === view.provider) ? view.provider : "";
    return { run: other, account, versions, view: { account: account.account, kind: view.kind, model, deployedAt: view.otherVersion ? "" : deployedAt, version, provider } };
  }

  // Whoever has not said what to compare with gets the same run in the period before.
  componentDidMount() {
    const { view, onChange } = this.props;
    if (!view.other && !view.otherVersion && !view.otherPeriod) onChange({ otherPeriod: "before" }, true);
    super.componentDidMount();
  }

  questions({ view, run, runs, reading }) {
    const other = this.other(this.props);
    return [run.id, run.now, other.run.id, view.account, view.kind, view.period, view.model, view.deployedAt, view.version, view.provider, other.view, view.otherPeriod, runs.length, reading];
  }

  async answer({ view, run, account, can }) {
    const other = this.other(this.props);
    const first = get(dashboardPath(run.id, view));
    const period = relative.includes(view.otherPeriod) ? earlier((await first).query, view.otherPeriod) : view.otherPeriod || view.period;
    const [data, marks, otherData, otherMarks, scenarios] = await Promise.all([
      first, get(marksPath(run.id, view.account)), get(dashboardPath(other.run.id, { ...other.view, period })), get(marksPath(other.run.id, other.account.account)),
      // The scenarios are a part of their own: without them the rest stands.
      can("scenario") && other.run !== run ? scenariosOf(run, other.run).then((list) => ({ list }), (error) => ({ problem: error.message })) : null,
    ]);
    const move = mover(otherData, data);
    return {
      scenarios, other, otherData, period,
      own: { data, marks, run, account, accountName: view.account },
      over: { data: moved(otherData, data, move), marks: otherMarks, run: other.run, account: movedAccount(other.account, move), accountName: other.account.account },
    };
  }

  /** What tells the sides apart, and no more. */
  names({ own, other, otherData, period }) {
    const { title, view } = this.props;
    const parts = [[], []];
    if (own.run !== other.run) { parts[0].push(title(own.run)); parts[1].push(title(other.run)); }
    if (view.version !== other.view.version) { parts[0].push(view.version || "all versions"); parts[1].push(other.view.version || "all versions"); }
    const text = (data, asked, of) => periodText(asked, of.account, Date.parse(data.query.now));
    const [a, b] = [text(own.data, view.period, own), text(otherData, period, other)];
    if (a !== b) { parts[0].push(a); parts[1].push(b); }
    return parts.map((list) => list.join(" · ") || title(own.run));
  }

  render({ view, runs, run, account, title, onChange }, { found, error, isBusy }) {
    const other = this.other(this.props);
    const kindOfPeriod = !view.otherPeriod ? "" : relative.includes(view.otherPeriod) ? view.otherPeriod : presets.some(([period]) => period === view.otherPeriod) ? view.otherPeriod : "dates";
    const names = found && this.names(found);
    const isItself = found && other.run === run && other.view.version === view.version && names[0] === names[1];
    // From the newest data of the other run; a date has to be one of its own.
    const pickPeriod = (period) => onChange({ otherPeriod: period !== "dates" ? period : found && /^[\d.-]+$/.test(found.period) ? found.period : account.today });
    return html`<section id="widgets" class="whole" tabIndex=${-1} aria-label="Compare" aria-busy=${String(isBusy)}>
      <div class="widget bar sources" role="group" aria-label="Compare with">
        <h2>Against</h2>
        <${Select} label="Other run" options=${runs.filter((entry) => entry !== run).map((entry) => [entry.id, title(entry)])} value=${view.other} all="the same run" onPick=${(id) => onChange({ other: id, ...(id || view.otherVersion || view.otherPeriod ? {} : { otherPeriod: "before" }) })} />
        ${view.kind === "external" ? null : html`<${Select} label="Other version" options=${other.versions.map((name) => [name, name])} value=${view.otherVersion} all=${view.version ? "the same version" : "all versions"} onPick=${(otherVersion) => onChange({ otherVersion })} />`}
        <${Select} label="Other period" options=${[["before", "the period before"], ["week", "a week before"], ...presets.map(([period, label]) => [period, label]), ["dates", "dates"]]} value=${kindOfPeriod} all="the same period" onPick=${pickPeriod} />
        ${kindOfPeriod === "dates" ? html`<${Dates} view=${{ period: view.otherPeriod }} account=${other.account} of=", of the other" prefix="other-" onChange=${({ period }) => onChange({ otherPeriod: period })} />` : null}
      </div>
      ${error ? html`<div class="failure" role="alert"><p>${error.message}</p><button type="button" onClick=${() => this.again()}>Try again</button></div>` : null}
      ${found && isItself ? html`<p class="empty">This is the same on both sides. Choose another run, version or period above.</p>` : null}
      ${found && !isItself ? html`
        ${found.own.data.requests.totalRequests && !found.otherData.requests.totalRequests ? html`<p class="widget" role="status">There is no request in ${names[1]} to compare with. Choose another run or period above.</p>` : null}
        <${AgainstCards} data=${found.own.data} base=${found.otherData} label=${`${names[0]} against ${names[1]}`} />
        <p class="note versus"><strong>${names[0]}</strong> in colour, against <strong>${names[1]}</strong>, grey and dashed${found.own.data.query.from === found.otherData.query.from ? "" : found.own.data.query.granularity === "hour" ? "; its hours are laid over these" : "; its days are laid over these"}.</p>
        <div class="widgets">
          ${panelsOf(view.kind, "").filter((kind) => kind !== "credits").map((kind) => html`<${Panel} key=${kind} kind=${kind} answers=${[found.own, { ...found.over, isOther: true, label: names[1] }]} extra=${{}} view=${{ ...view, zoom: null, objective: objectiveOf(view.objective), percentiles: kind === "latency" ? "1" : "" }} tools=${[]} isBrief sync="compare" onChange=${onChange} />`)}
          <${AgainstTable} data=${found.own.data} base=${found.otherData} names=${names} />
        </div>
        ${found.scenarios ? found.scenarios.problem ? html`<p class="note">The scenarios cannot be compared: ${found.scenarios.problem}</p>` : html`<${Scenarios} list=${found.scenarios.list} names=${names} />` : null}
        ${this.props.can("compare") && other.run !== run ? html`<${Every} key=${`${run.id} ${other.run.id}`} own=${run} other=${other.run} />` : null}` : null}
    </section>`;
  }
}

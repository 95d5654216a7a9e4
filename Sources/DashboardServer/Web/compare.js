// Two runs, versions or periods against each other: their figures, their scenarios, and their graphs over each other.
import { get, creditsPath, dashboardPath, marksPath } from "./api.js";
import { isWindow, periodBetween, periodText, presets } from "./state.js";
import { clock } from "./format.js";
import { Dates, versionsOf } from "./filters.js";
import { Failure, Fold, Select } from "./parts.js";
import { Asking } from "./asking.js";
import { apart, laidOver, Sides, Scenarios, Verdict, Findings } from "./against.js";

const { html, Component } = preact;
const dayLength = 86_400_000;
const relative = ["before", "week"];
// What is looked at is judged by the other.
const sidesOf = (own, other) => new URLSearchParams({ a: other.id, b: own.id });

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

/** What `workbench compare` says of two runs: every figure of every dashboard. It takes a while, so it is asked for. */
class Outcome extends Asking {
  questions({ path }) { return path; }
  answer({ path }) { return get(path); }
  render(_, { found, error }) {
    return found ? html`<${Verdict} outcome=${found.outcome} /><${Findings} outcome=${found.outcome} />` : error ? html`<p class="problem" role="alert">${error.message}</p>` : html`<p class="note" aria-busy="true">Comparing…</p>`;
  }
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
    // Without credits the rest stands, too.
    const spent = (id, of) => get(creditsPath(id, of)).then((credits) => ({ credits }), (error) => ({ problem: error.message }));
    const [data, marks, credits, otherData, otherMarks, otherCredits, scenarios] = await Promise.all([
      first, get(marksPath(run.id, view.account)), spent(run.id, view), get(dashboardPath(other.run.id, { ...other.view, period })), get(marksPath(other.run.id, other.account.account)), spent(other.run.id, { ...other.view, period }),
      // The scenarios are a part of their own: without them the rest stands.
      can("scenario") && other.run !== run ? get(`api/compare/scenarios?${sidesOf(run, other.run)}`).catch((error) => ({ problem: error.message })) : null,
    ]);
    const over = { ...otherCredits, data: otherData, marks: otherMarks, run: other.run, account: other.account, accountName: other.account.account };
    return { scenarios, period, version: other.view.version, own: { ...credits, data, marks, run, account, accountName: view.account }, other: over, over: laidOver(over, data) };
  }

  names({ own, other, version, period }) {
    const { title, view } = this.props;
    const both = (of) => [of(own), of(other)], text = (asked, { data, account }) => periodText(asked, account, Date.parse(data.query.now));
    return apart([both(({ run }) => title(run)), [view.version, version].map((name) => name || "all versions"), [text(view.period, own), text(period, other)]], title(own.run));
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
      ${error ? html`<${Failure} error=${error} onAgain=${() => this.again()} />` : null}
      ${found && isItself ? html`<p class="empty">This is the same on both sides. Choose another run, version or period above.</p>` : null}
      ${found && !isItself ? html`
        ${found.own.data.requests.totalRequests && !found.other.data.requests.totalRequests ? html`<p class="widget" role="status">There is no request in ${names[1]} to compare with. Choose another run or period above${other.run === run && view.period !== "24h" ? html`, or <button type="button" class="link" onClick=${() => onChange({ period: "24h", otherPeriod: "before" })}>compare the last 24 hours with the 24 before</button>` : ""}.</p>` : null}
        <${Sides} ...${found} names=${names} view=${view} onChange=${onChange} />
        ${found.scenarios ? found.scenarios.problem ? html`<p class="note">The scenarios cannot be compared: ${found.scenarios.problem}</p>` : html`<${Scenarios} list=${found.scenarios.scenario} names=${names} />` : null}
        ${this.props.can("compare") && other.run !== run ? html`<${Fold} key=${`${run.id} ${other.run.id}`} name="widget every" summary="Every figure of every dashboard" body=${() => html`<${Outcome} path=${`api/compare?${sidesOf(run, other.run)}`} />`} />` : null}` : null}
    </section>`;
  }
}

// The view is in the address, so that it can be sent as a link; going back undoes what changed it.
import { clock, span } from "./format.js";

export const presets = [
  ["24h", "24h"], ["7d", "7d"], ["30d", "30d"], ["90d", "90d"], ["this-month", "This month"],
  ["last-month", "Last month"], ["this-year", "This year"], ["last-year", "Last year"],
];
export const kinds = [["fineTuned", "Fine-tuned"], ["openSource", "Open-source"], ["external", "External"]];
/** A report has the first two. */
export const pages = ["", "overview", "compare", "whatif", "plans", "data"];
const names = ["page", "run", "other", "otherVersion", "otherPeriod", "set", "knobs", "scenario", "plan", "account", "kind", "period", "model", "deployedAt", "version", "provider", "lens", "percentiles", "reasons", "overlay", "by", "objective", "zoom", "search", "sort"];

export function readState() {
  const query = new URLSearchParams(location.search);
  return Object.fromEntries(names.map((name) => [name, query.get(name) || ""]));
}

/** Puts the view into the address: as a new entry of the history, or in the place of the last. */
export function writeState(state, isNew) {
  const query = new URLSearchParams();
  for (const name of names) if (state[name]) query.set(name, state[name]);
  const address = `${location.pathname}?${query}`;
  if (address === location.pathname + location.search) return;
  history[isNew ? "pushState" : "replaceState"](null, "", address);
}

/**
 * What a view is about. What is no longer there, `gone`, stays in an address that names it (`isStrict`), so that nobody
 * takes other figures for its; where somebody has just chosen another run or kind, such filters fall back to "all".
 */
export function settle(state, runs, { offered = pages, isStrict = false } = {}) {
  const gone = [];
  // A run that was replaced while it is looked at goes on under the identifier of what took its place.
  const current = (id) => runs.find((entry) => entry.id === id) || (id.length >= 8 && runs.find((entry) => entry.id.startsWith(id))) || runs.find((entry) => entry.replaces?.includes(id));
  if (!offered.includes(state.page)) state.page = "";
  // The list of all runs is about none of them, and a plan about its own.
  const isAbout = state.page !== "data" && !(state.page === "plans" && state.plan);
  const lose = (name, isLost = isStrict && isAbout) => { if (state[name] && isLost) gone.push({ name, value: state[name] }); else state[name] = ""; };
  const found = state.run && current(state.run), run = found || runs[0];
  if (state.run && !found) lose("run", isAbout);
  if (!gone.length) state.run = run.id;
  const other = state.other && current(state.other);
  if (other) state.other = other === run ? "" : other.id; else lose("other");
  const named = run.accounts.find((entry) => entry.account === state.account), account = named || run.accounts[0];
  if (!named && !gone.length) lose("account");
  if (!gone.length) state.account = account.account;
  const present = kinds.map(([kind]) => kind).filter((kind) => account.models.some((model) => model.kind === kind));
  if (!kinds.some(([kind]) => kind === state.kind)) state.kind = present[0] || "fineTuned";
  if (!state.period) state.period = "7d";
  if (state.lens !== "analysis") state.lens = "";
  if (!/^(model|version|hardware|use)$/.test(state.by)) state.by = "";
  if (!zoomOf(state)) state.zoom = "";
  if (state.kind === "external") Object.assign(state, { model: "", deployedAt: "", version: "" });
  else state.provider = "";
  const models = account.models.filter((model) => model.kind === state.kind);
  const alike = models.filter((model) => !state.model || model.name === state.model);
  if (!gone.length) {
    if (!alike.length) lose("model");
    if (alike.length && !alike.some((model) => model.deployedAt.includes(state.deployedAt))) lose("deployedAt");
    if (alike.length && !alike.some((model) => model.versions.includes(state.version))) lose("version");
    if (!models.some((model) => model.provider === state.provider)) lose("provider");
  }
  return { run, account, models, gone };
}

const dayLength = 86_400_000;
const msOf = (date) => Date.parse(`${date}T00:00:00Z`);
const dateOf = (ms) => new Date(ms).toISOString().slice(0, 10);
// An address may have anything in it.
const areInstants = (period) => period.split("..").every((text) => Number.isFinite(Date.parse(text)));
const areDates = (period) => /^\d{4}-\d\d-\d\d(\.\.\d{4}-\d\d-\d\d)?$/.test(period) && areInstants(period);
export const isWindow = (period) => /^\d{4}-.*T.*\.\./.test(period) && areInstants(period);

const isKnown = (period) => presets.some(([name]) => name === period) || areDates(period) || isWindow(period);

/** The dates of a period, first and last; `null` of one that begins or ends within a day. */
export function daysOf(period, today) {
  const now = msOf(today), [year, month] = today.split("-").map(Number);
  const days = /^(\d+)d$/.exec(period);
  if (days) return [dateOf(now - (days[1] - 1) * dayLength), today];
  if (period === "this-month") return [`${today.slice(0, 8)}01`, today];
  if (period === "last-month") return [dateOf(Date.UTC(year, month - 2, 1)), dateOf(Date.UTC(year, month - 1, 0))];
  if (period === "this-year") return [`${today.slice(0, 5)}01-01`, today];
  if (period === "last-year") return [`${year - 1}-01-01`, `${year - 1}-12-31`];
  if (!areDates(period)) return null;
  const [from, to = from] = period.split("..");
  return [from, to];
}

/** The first and the last instant, ms, of the 24 hours before a full hour, or of a window. */
export function windowOf(period, account, now) {
  if (isWindow(period)) return period.split("..").map((text) => Date.parse(text));
  const zone = clock(account.timeZone), hour = 3_600_000;
  const wall = now + zone.ahead(now) * 60_000;
  const end = now + (Math.ceil(wall / hour) * hour - wall);
  return [end - 24 * hour, end];
}

/** From one instant to another as a period: dates where it begins and ends at midnight of the account's clock. */
export function periodBetween(from, to, zone, isHourly) {
  const isMidnight = (ms) => zone.text(ms).slice(11, 19) === "00:00:00";
  const first = zone.text(from).slice(0, 10), last = zone.text(to - 1).slice(0, 10);
  if (isMidnight(from) && isMidnight(to) && isHourly === (first === last)) return first === last ? first : `${first}..${last}`;
  return [from, to].map((ms) => `${new Date(ms).toISOString().slice(0, 19)}Z`).join("..");
}

/** As long a stretch before (−1) or after a period; `null` where there is nothing. */
export function beside(period, account, now, step) {
  const { today, earliest } = account;
  if (!isKnown(period)) return null;
  const days = daysOf(period, today);
  const clipped = (from, to) => { const [a, b] = [from < earliest ? earliest : from, to > today ? today : to]; return a > b ? null : a === b ? a : `${a}..${b}`; };
  if (!days) {
    const zone = clock(account.timeZone);
    const [from, to] = windowOf(period, account, now), moved = [from, to].map((ms) => ms + step * (to - from));
    return zone.text(moved[0]).slice(0, 10) < earliest || (step > 0 && moved[0] >= now) ? null : periodBetween(...moved, zone, true);
  }
  const [from, to] = days, [year, month] = from.split("-").map(Number);
  // Months and years are not of one length.
  const ofMonth = (more) => [dateOf(Date.UTC(year, month - 1 + more, 1)), dateOf(Date.UTC(year, month + more, 0))];
  if (from.endsWith("-01") && (to === ofMonth(0)[1] || period === "this-month")) return clipped(...ofMonth(step));
  if (from.endsWith("-01-01") && (to === `${year}-12-31` || period === "this-year")) return clipped(`${year + step}-01-01`, `${year + step}-12-31`);
  const length = msOf(to) - msOf(from) + dayLength;
  return clipped(dateOf(msOf(from) + step * length), dateOf(msOf(to) + step * length));
}

/** A period for people: "2–8 Mar 2026", "7 Mar 15:00 – 8 Mar 15:00 2026". */
export function periodText(period, account, now) {
  if (!isKnown(period)) return period;
  const days = daysOf(period, account.today);
  const zone = clock(account.timeZone);
  if (days) return span(`${days[0]}T00:00:00`, `${dateOf(msOf(days[1]) + dayLength)}T00:00:00`);
  const window = windowOf(period, account, now), dates = daysOf(periodBetween(...window, zone, true), account.today);
  if (dates) return periodText(dates[0], account, now);
  const [from, to] = window.map((ms) => zone.text(ms)), hour = (text) => text.slice(11, 16), day = (text) => span(text, `${text.slice(0, 10)}T23:59:59`);
  return day(from) === day(to) ? `${day(from)}, ${hour(from)}–${hour(to)}` : `${day(from).replace(/ \d{4}$/, "")}, ${hour(from)} – ${day(to)}, ${hour(to)}`;
}

/** A stretch of the period that the graphs are zoomed to, in seconds; `null` for all of it. */
export function zoomOf(view) {
  const [from, to] = view.zoom.split("-").map(Number);
  return to > from ? [from, to] : null;
}

/** What p95 is to be at most: "15s", "800ms", "2.5" (seconds). */
export function objectiveOf(text) {
  const found = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|min)?\s*$/.exec(text);
  if (!found || !(Number(found[1]) > 0)) return null;
  const unit = found[2] || "s";
  return { value: Number(found[1]) * { ms: 1, s: 1000, min: 60_000 }[unit], label: `Objective p95 ≤ ${Number(found[1])} ${unit}` };
}

// The view is in the address, so that it can be sent as a link; going back undoes what changed it.
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

/** A filter that the account or kind does not have falls back to "all". */
export function settle(state, runs, offered = pages) {
  // A run that was replaced while it is looked at goes on under the identifier of what took its place.
  const current = (id) => runs.find((entry) => entry.id === id) || runs.find((entry) => entry.replaces?.includes(id));
  const run = current(state.run) || runs[0];
  state.run = run.id;
  state.other = current(state.other)?.id || "";
  if (state.other === run.id) state.other = "";
  const account = run.accounts.find((entry) => entry.account === state.account) || run.accounts[0];
  state.account = account.account;
  const present = kinds.map(([kind]) => kind).filter((kind) => account.models.some((model) => model.kind === kind));
  if (!kinds.some(([kind]) => kind === state.kind)) state.kind = present[0] || "fineTuned";
  if (!state.period) state.period = "7d";
  if (state.lens !== "analysis") state.lens = "";
  if (!offered.includes(state.page)) state.page = "";
  const models = account.models.filter((model) => model.kind === state.kind);
  const named = models.filter((model) => !state.model || model.name === state.model);
  if (!named.length) state.model = "";
  if (!named.some((model) => model.deployedAt.includes(state.deployedAt))) state.deployedAt = "";
  if (!named.some((model) => model.versions.includes(state.version))) state.version = "";
  if (!models.some((model) => model.provider === state.provider)) state.provider = "";
  if (state.kind === "external") Object.assign(state, { model: "", deployedAt: "", version: "" });
  else state.provider = "";
  return { run, account, models };
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

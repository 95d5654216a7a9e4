// What the server is asked. Answers of a question are kept until "Refresh"; a report brings its own.
const kept = new Map();
export const report = document.getElementById("answers");
let reported;

/** As `fetch`; a server that does not answer is said in words. */
export async function reach(path, options) {
  try { return await fetch(path, options); } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(`The server at ${location.host} does not answer. It was stopped, or the connection is gone: start it again with "workbench serve", then try again.`);
  }
}

async function answered(response) {
  const body = await response.json().catch(() => ({}));
  // 410: the run has been replaced; the list names the one that took its place.
  if (!response.ok) throw Object.assign(new Error(body.detail || response.statusText || `The server answered ${response.status}.`), { status: response.status, isReplaced: response.status === 410 });
  return body;
}

export async function get(path) {
  if (report) {
    reported ??= JSON.parse(report.textContent);
    if (!Object.hasOwn(reported, path)) throw new Error("The report does not hold this view. Serve the run to see it: workbench serve DIR");
    return reported[path];
  }
  if (!kept.has(path)) {
    const promise = reach(path, { headers: { Accept: "application/json" } }).then(answered);
    kept.set(path, promise);
    promise.catch(() => kept.get(path) === promise && kept.delete(path));
  }
  return kept.get(path);
}

/** What has been answered is asked again. */
export const forget = () => kept.clear();

export async function refresh() {
  await answered(await reach("api/refresh", { method: "POST" }));
  // After it: what was asked meanwhile may be of before.
  kept.clear();
}

const selection = (view) => {
  const query = new URLSearchParams({ account: view.account, kind: view.kind, period: view.period });
  for (const name of ["model", "deployedAt", "version", "provider"]) if (view[name]) query.set(name, view[name]);
  return query;
};
const of = (run, what, query) => `api/runs/${encodeURIComponent(run)}/${what}?${query}`;
export const dashboardPath = (run, view) => of(run, "dashboard", selection(view));
export const versionsPath = (run, view, most) => `${of(run, "dashboards", selection(view))}&by=version&most=${most}`;
export const analysisPath = (run, view) => of(run, "analysis", selection(view));
export const creditsPath = (run, view) => of(run, "credits", new URLSearchParams({ account: view.account, period: view.period }));
export const overviewsPath = (run, view) => of(run, "overviews", new URLSearchParams({ period: view.period }));
export const overviewPath = (run, view) => of(run, "overview", new URLSearchParams({ account: view.account, period: view.period }));
export const marksPath = (run, account) => of(run, "marks", new URLSearchParams({ account }));

/** The live run's clock, lists of what has happened in it since the last, and what figures have changed, as the server sends them. */
export function follow(onClock, onHappened, onBuckets) {
  const source = new EventSource("api/live/events");
  source.onmessage = (event) => onClock(JSON.parse(event.data));
  source.addEventListener("happened", (event) => onHappened(JSON.parse(event.data)));
  source.addEventListener("buckets", (event) => onBuckets(JSON.parse(event.data)));
}

export const steer = (settings) => reach(`api/live?${new URLSearchParams(settings)}`, { method: "POST" });

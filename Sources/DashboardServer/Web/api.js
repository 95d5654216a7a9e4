// What the server is asked. Answers of a question are kept until "Refresh".
const kept = new Map();

export async function get(path, fresh = false) {
  if (window.workbenchReport) return window.workbenchReport(path);
  if (fresh) kept.clear();
  if (!kept.has(path)) {
    const promise = fetch(path, { headers: { Accept: "application/json" } }).then(async (response) => {
      const body = await response.json();
      if (!response.ok) throw new Error(body.detail || response.statusText);
      return body;
    });
    kept.set(path, promise);
    promise.catch(() => kept.delete(path));
  }
  return kept.get(path);
}

export async function refresh() {
  kept.clear();
  const response = await fetch("api/refresh", { method: "POST" });
  if (!response.ok) throw new Error((await response.json()).detail);
}

export function dashboardPath(run, view) {
  const query = new URLSearchParams({ account: view.account, kind: view.kind, period: view.period });
  for (const name of ["model", "deployedAt", "version", "provider"]) if (view[name]) query.set(name, view[name]);
  return `api/runs/${encodeURIComponent(run)}/dashboard?${query}`;
}

export const marksPath = (run, account) => `api/runs/${encodeURIComponent(run)}/marks?${new URLSearchParams({ account })}`;

// The live run's clock, as the server sends it; and what the page may say about it.
export function follow(body) {
  const source = new EventSource("api/live/events");
  source.onmessage = (event) => body(JSON.parse(event.data));
}

export const steer = (settings) => fetch(`api/live?${new URLSearchParams(settings)}`, { method: "POST" });

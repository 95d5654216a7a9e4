// What takes long on the server: started here, watched, cancelled; each with a bar that says how far it is.
import { send } from "./asking.js";

const { html, Component } = preact;

const states = { waiting: "Waiting", running: "Running", done: "Done", failed: "Failed", cancelled: "Cancelled" };
export const isOver = (job) => ["done", "failed", "cancelled"].includes(job.state);

// Jobs belong to no page: a user who comes back, or loads the page again, finds what this tab has started and what is running.
const known = new Map(), watchers = new Set();
let whenDone = async () => {};
const kept = (value) => {
  // Not kept where nothing may be kept.
  try { if (value) sessionStorage.jobs = JSON.stringify(value); return JSON.parse(sessionStorage.jobs || "{}"); } catch { return {}; }
};

/** Jobs of some kinds, the newest first; each with what `start` was told of it, `about`. */
export const jobsOf = (...kinds) => [...known.values()].filter((job) => kinds.includes(job.kind)).reverse();
/** Calls `body` whenever a job has changed. Returns what ends that. */
export function watch(body) { watchers.add(body); return () => watchers.delete(body); }
const tell = () => watchers.forEach((body) => body());

export function dismiss(job) {
  known.delete(job.id);
  const { [job.id]: _, ...rest } = kept();
  kept(rest);
  tell();
}

function follow(job, about) {
  const take = async (now) => {
    const before = known.get(job.id);
    // First the list of runs, then the button that opens the new one.
    if (now.state === "done" && before && before.state !== "done") await whenDone({ ...now, about });
    known.set(job.id, { ...now, about });
    tell();
  };
  take(job);
  if (isOver(job)) return;
  const source = new EventSource(`api/jobs/${encodeURIComponent(job.id)}/events`);
  source.onmessage = (event) => {
    const now = JSON.parse(event.data);
    if (isOver(now)) source.close();
    take(now);
  };
  // The stream broke: the job may go on, and its last word is asked for.
  source.onerror = async () => {
    if (source.readyState === EventSource.CONNECTING) {
      known.set(job.id, { ...known.get(job.id), step: "The server does not answer: waiting for it" });
      return tell();
    }
    source.close();
    try { take((await send("GET", `api/jobs/${encodeURIComponent(job.id)}`)).answer); } catch (error) { take({ ...job, state: "failed", problem: { detail: error.status === 404 ? "The server was started again meanwhile and knows nothing of it. Start it once more." : error.message } }); }
  };
}

let latest;
/** Starts a job. `about`: what only this tab knows of it. */
export async function start(path, body, about = {}) {
  const { answer } = await send("POST", path, body);
  kept({ ...kept(), [answer.id]: about });
  latest = answer.id;
  follow(answer, about);
  return answer;
}

/** Finds the jobs there are. `onDone(job)` when one has been done. */
export async function resume(onDone) {
  whenDone = onDone;
  const { answer } = await send("GET", "api/jobs");
  const mine = kept();
  kept(Object.fromEntries(Object.entries(mine).filter(([id]) => answer.some((job) => job.id === id))));
  // It names the newest first.
  for (const job of [...answer].reverse()) if (!known.has(job.id) && (mine[job.id] || !isOver(job))) follow(job, mine[job.id]);
}

/** Cancels a job. One that the server no longer knows, or cannot be reached for, says so in its place. */
export async function cancel(job) {
  try {
    const { answer } = await send("DELETE", `api/jobs/${encodeURIComponent(job.id)}`);
    // The stream says the rest.
    if (!isOver(answer)) { known.set(job.id, { ...known.get(job.id), ...answer }); tell(); }
  } catch (error) {
    known.set(job.id, { ...known.get(job.id), notes: [`It could not be cancelled: ${error.message}`] });
    tell();
  }
}

/** A job's bar, its state in words, and what ends it. `children`: what can be done with the result. */
export class Progress extends Component {
  // Whoever has just started it sees it, wherever they have scrolled to.
  componentDidMount() {
    if (this.props.job.id !== latest) return;
    latest = undefined;
    this.base.scrollIntoView({ block: "nearest" });
  }
  render({ job, title, children, onForget }) {
    const share = Math.max(0, Math.min(1, job.state === "done" ? 1 : job.progress ?? 0));
    const text = job.state === "running" ? `${job.step || "Running"}, ${Math.floor(share * 100)} %` : states[job.state];
    return html`<div class=${`job ${job.state}`} role="group" aria-label=${title}>
      <div class="bar"><strong>${title}</strong><span class="note" role="status">${text}</span><span class="space"></span>
        ${isOver(job) ? html`${children}${onForget ? html`<button type="button" class="tool" aria-label=${`Dismiss, ${title}`} onClick=${onForget}>✕</button>` : null}` : html`<button type="button" onClick=${() => cancel(job)}>Cancel</button>`}</div>
      ${isOver(job) ? null : html`<progress max="1" value=${job.state === "waiting" ? undefined : share} aria-label=${`${title}, progress`}></progress>`}
      ${job.state === "failed" ? html`<p class="problem" role="alert">${job.problem?.detail || "It failed, and did not say why."}</p>` : null}
      ${(job.notes || []).map((note) => html`<p class="note" key=${note}>${note}</p>`)}
    </div>`;
  }
}

// What takes long on the server: started here, watched, cancelled; each with a bar that says how far it is.
import { send } from "./asking.js";

const { html, Component } = preact;

const states = { waiting: "Waiting", running: "Running", done: "Done", failed: "Failed", cancelled: "Cancelled" };
const isOver = (job) => ["done", "failed", "cancelled"].includes(job.state);

/** Starts a job, and follows it: `onChange(job)` with each word of it, the last with its result or problem. */
export async function start(path, body, onChange) {
  const { answer } = await send("POST", path, body);
  follow(answer, onChange);
  return answer;
}

/** Follows one until it is over. Returns what stops following. */
export function follow(job, onChange) {
  onChange(job);
  if (isOver(job)) return () => {};
  const source = new EventSource(`api/jobs/${encodeURIComponent(job.id)}/events`);
  source.onmessage = (event) => {
    const now = JSON.parse(event.data);
    if (isOver(now)) source.close();
    onChange(now);
  };
  // The stream broke: the job may go on, and its last word is asked for.
  source.onerror = async () => {
    if (source.readyState === EventSource.CONNECTING) return;
    source.close();
    try { onChange((await send("GET", `api/jobs/${encodeURIComponent(job.id)}`)).answer); } catch (error) { onChange({ ...job, state: "failed", problem: { detail: error.message } }); }
  };
  return () => source.close();
}

export const cancel = (job) => send("DELETE", `api/jobs/${encodeURIComponent(job.id)}`);

/** A job's bar, its state in words, and what ends it. `children`: what can be done with the result. */
export class Progress extends Component {
  render({ job, title, children, onForget }) {
    const share = Math.max(0, Math.min(1, job.state === "done" ? 1 : job.progress ?? 0));
    const text = job.state === "running" ? `${job.step || "Running"}, ${Math.floor(share * 100)} %` : states[job.state];
    return html`<div class=${`job ${job.state}`} role="group" aria-label=${title}>
      <div class="bar"><strong>${title}</strong><span class="note" role="status">${text}</span><span class="space"></span>
        ${isOver(job) ? html`${children}${onForget ? html`<button type="button" class="tool" aria-label=${`Dismiss, ${title}`} onClick=${onForget}>✕</button>` : null}` : html`<button type="button" onClick=${() => cancel(job).catch(() => {})}>Cancel</button>`}</div>
      ${isOver(job) ? null : html`<progress max="1" value=${job.state === "waiting" ? undefined : share} aria-label=${`${title}, progress`}></progress>`}
      ${job.state === "failed" ? html`<p class="problem" role="alert">${job.problem?.detail || "It failed, and did not say why."}</p>` : null}
      ${(job.notes || []).map((note) => html`<p class="note" key=${note}>${note}</p>`)}
    </div>`;
  }
}

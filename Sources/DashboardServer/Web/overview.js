// All models of the account beside each other, those in trouble first.
import { number, compact, duration, percent, credits, span } from "./format.js";
import { modelLabel } from "./graphs.js";
import { kinds } from "./state.js";
import { clock } from "./format.js";

const { html } = preact;

const columns = [
  ["trouble", "Model", null], ["requests", "Requests", (row) => row.all], ["rate", "Success rate", (row) => -(row.rate ?? 2)], ["p95", "p95", (row) => row.p95 ?? -1],
  ["replicas", "Replicas at peak", (row) => row.peakReplicas], ["credits", "Credits", (row) => row.deploymentCredits + row.fineTuningCredits],
];

// How bad a model is: failures weigh by their share and their number, latency by what it exceeds.
const trouble = (row, objective) => (row.all ? (row.failures / row.all) * Math.log10(10 + row.failures) : 0) + (objective && row.p95 > objective.value ? row.p95 / objective.value - 1 : 0);

// A small graph: requests as an area, failures as marks.
function Spark({ row }) {
  const [wide, high] = [140, 28];
  const most = Math.max(1, ...row.requests);
  const step = wide / row.requests.length;
  const points = row.requests.map((value, index) => `${(index + 0.5) * step},${high - 2 - (value / most) * (high - 6)}`);
  return html`<svg class="spark" viewBox=${`0 0 ${wide} ${high}`} width=${wide} height=${high} role="img" aria-label=${`Requests over the period, at most ${number(most)}`}>
    <polyline points=${points.join(" ")} fill="none" />
    ${row.failed.map((value, index) => (value ? html`<circle key=${index} cx=${(index + 0.5) * step} cy=${high - 3} r="2"><title>${number(value)} failed</title></circle>` : null))}
  </svg>`;
}

export function Overview({ answer, account, view, objective, onChange }) {
  const zone = clock(account.timeZone);
  const models = new Map(account.models.map((model) => [model.id, model]));
  const rows = answer.models.map((row) => {
    const all = row.successes + row.failures;
    return { ...row, all, rate: all ? row.successes / all : null, label: models.has(row.modelId) ? modelLabel(account, models.get(row.modelId), zone) : row.model };
  });
  const value = columns.find(([key]) => key === view.sort)?.[2];
  const found = rows.filter((row) => `${row.label} ${row.provider}`.toLowerCase().includes(view.search.toLowerCase()));
  found.sort((a, b) => (value ? value(b) - value(a) : trouble(b, objective) - trouble(a, objective)) || b.all - a.all || (a.label < b.label ? -1 : 1));
  const open = (row) => onChange({ page: "", kind: row.kind, model: row.kind === "external" ? "" : row.model, provider: row.kind === "external" ? row.provider : "", deployedAt: models.get(row.modelId) && account.models.filter((model) => model.name === row.model && model.kind === row.kind).length > 1 ? models.get(row.modelId).deployedAt[0] || "" : "", version: "", zoom: "" });
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
  const successes = sum("successes"), all = sum("all");
  return html`<section class="overview" aria-label="Overview">
    <div class="head"><h2>${answer.models.length} ${answer.models.length === 1 ? "model" : "models"} of ${account.account}</h2><span class="note">${span(answer.from, answer.to)}</span>
      <input type="search" id="search" placeholder="Find a model" aria-label="Find a model by name" value=${view.search} onInput=${(event) => onChange({ search: event.target.value }, true)} /></div>
    <dl class="figures">${[["requests", number(all)], ["success rate", all ? percent(successes / all) : "–"], ["peak replicas", `${number(answer.peakReplicas)} of ${number(answer.subscriptionMaxReplicas)} in the subscription`], ["credits", credits(sum("deploymentCredits") + sum("fineTuningCredits"))]].map(([label, text]) => html`<div key=${label}><dt>${label}</dt><dd>${text}</dd></div>`)}</dl>
    <div class="table overviewtable" tabIndex=${0} role="region" aria-label="Models"><table>
      <thead><tr>${columns.map(([key, label]) => html`<th scope="col" key=${key} aria-sort=${(view.sort || "trouble") === key ? "descending" : undefined}><button type="button" onClick=${() => onChange({ sort: key === "trouble" ? "" : key })}>${label}${(view.sort || "trouble") === key ? html` <span aria-hidden="true">${key === "trouble" ? "· trouble first" : "▾"}</span>` : ""}</button></th>`)}<th scope="col">Over the period</th></tr></thead>
      <tbody>${found.slice(0, 500).map((row) => html`<tr key=${row.modelId}>
        <td><button type="button" class="link" onClick=${() => open(row)}>${row.label}</button><small>${kinds.find(([kind]) => kind === row.kind)?.[1]}${row.provider ? ` · ${row.provider}` : ""}</small></td>
        <td title=${number(row.all)}>${compact(row.all)}</td>
        <td class=${row.failures ? "bad" : ""}>${row.rate === null ? "–" : percent(row.rate)}${row.failures ? html`<small>✕ ${number(row.failures)} failed</small>` : null}</td>
        <td>${duration(row.p95)}${objective && row.p95 !== null ? html`<small>${row.p95 <= objective.value ? "✓" : "✕"} ≤ ${duration(objective.value)}</small>` : null}</td>
        <td>${row.kind === "external" ? "–" : html`${number(row.peakReplicas)}<small>of ${number(row.maxReplicas)} configured</small>`}</td>
        <td>${credits(row.deploymentCredits + row.fineTuningCredits)}</td>
        <td><${Spark} row=${row} /></td></tr>`)}</tbody>
    </table>${found.length > 500 ? html`<p class="note">The first 500 of ${number(found.length)}: search for the others.</p>` : null}${found.length ? null : html`<p class="empty">No model has this in its name.</p>`}</div>
  </section>`;
}

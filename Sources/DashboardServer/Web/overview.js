// All models of all accounts beside each other, those in trouble first.
import { clock, compact, credits, duration, moment, number, percent, span } from "./format.js";
import { kinds } from "./state.js";

const { html, Component } = preact;

const columns = [
  ["trouble", "Model", null], ["account", "Account", null], ["requests", "Requests", (row) => row.all], ["rate", "Success rate", (row) => -(row.rate ?? 2)], ["p95", "p95", (row) => row.p95 ?? -1],
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

/** A model's line. It is drawn again only if it says something else. */
class Row extends Component {
  shouldComponentUpdate({ row, objective }) { return row !== this.props.row || objective?.value !== this.props.objective?.value; }
  render({ row, objective, isOne }) {
    return html`<tr>
      <td><button type="button" class="link" onClick=${() => this.props.onOpen(row)}>${row.label}</button><small>${kinds.find(([kind]) => kind === row.kind)?.[1]}${row.provider ? ` · ${row.provider}` : ""}</small></td>
      ${isOne ? null : html`<td>${row.account}</td>`}
      <td title=${number(row.all)}>${compact(row.all)}</td>
      <td class=${row.failures ? "bad" : ""}>${row.rate === null ? "–" : percent(row.rate)}${row.failures ? html`<small>✕ ${number(row.failures)} failed</small>` : null}</td>
      <td>${duration(row.p95)}${objective && row.p95 !== null ? html`<small>${row.p95 <= objective.value ? "✓" : "✕"} ≤ ${duration(objective.value, true)}</small>` : null}</td>
      <td class="wide">${row.kind === "external" || !row.maxReplicas ? "–" : html`${number(row.peakReplicas)}<small>of ${number(row.maxReplicas)} configured</small>`}</td>
      <td class="wide">${credits(row.spent)}</td>
      <td class="wide"><${Spark} row=${row} /></td></tr>`;
  }
}

const atOnce = 50;

// What is said of each model is the same until there is another answer.
const described = new WeakMap();
function rowsOf(answer, account) {
  if (described.get(answer)?.account === account) return described.get(answer);
  const zone = clock(account.timeZone);
  const models = new Map(account.models.map((model) => [model.id, model]));
  const alike = new Map();
  for (const { name, kind } of account.models) alike.set(`${kind} ${name}`, (alike.get(`${kind} ${name}`) || 0) + 1);
  const rows = answer.models.map((row) => {
    const all = row.successes + row.failures, model = models.get(row.modelId);
    const isAlike = alike.get(`${row.kind} ${row.model}`) > 1 && model?.deployedAt.length;
    const label = isAlike ? `${row.model} (deployed ${moment(zone.text(Date.parse(model.deployedAt[0])))})` : row.model;
    const spent = row.deploymentCredits + row.fineTuningCredits;
    return { ...row, spent: spent || account.subscriptionMaxReplicas || row.kind === "external" ? spent : null, account: account.account, all, rate: all ? row.successes / all : null, label, text: `${label} ${row.provider} ${account.account}`.toLowerCase(), deployedAt: isAlike ? model.deployedAt[0] : "" };
  });
  const found = { account, rows };
  described.set(answer, found);
  return found;
}

// Of all accounts together, the same list until there are other answers.
function together(answers, run) {
  const known = described.get(answers);
  if (known?.run === run) return known.rows;
  const accounts = new Map(run.accounts.map((account) => [account.account, account]));
  const rows = answers.flatMap((answer) => (accounts.has(answer.account) ? rowsOf(answer, accounts.get(answer.account)).rows : []));
  described.set(answers, { run, rows });
  return rows;
}

export class Overview extends Component {
  constructor() { super(); this.state = { most: atOnce }; }

  // A search leaves the order as it is.
  sorted(rows, sort, objective) {
    const key = `${sort} ${objective?.value}`;
    if (this.rows === rows && this.key === key) return this.order;
    const value = columns.find(([name]) => name === sort)?.[2] || ((row) => trouble(row, objective));
    const values = new Map(rows.map((row) => [row, value(row)]));
    [this.rows, this.key] = [rows, key];
    this.order = [...rows].sort((a, b) => (sort === "account" && a.account !== b.account ? (a.account < b.account ? -1 : 1) : 0) || values.get(b) - values.get(a) || b.all - a.all || (a.label < b.label ? -1 : 1));
    return this.order;
  }

  render({ answers, run, view, objective, onChange }, { most }) {
    const rows = together(answers, run), isOne = run.accounts.length === 1, [answer] = answers;
    const found = this.sorted(rows, view.sort, objective).filter((row) => row.text.includes(view.search.toLowerCase()));
    const open = (row) => onChange({ page: "", account: row.account, kind: row.kind, model: row.kind === "external" ? "" : row.model, provider: row.kind === "external" ? row.provider : "", deployedAt: row.deployedAt, version: "", zoom: "" });
    const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
    const successes = sum("successes"), all = sum("all");
    return html`<section class="overview" aria-label="Overview">
      <div class="head"><h2>${number(rows.length)} ${rows.length === 1 ? "model" : "models"} of ${isOne ? answer.account : `${number(answers.length)} ${answers.length === 1 ? "account" : "accounts"}`}</h2><span class="note">${span(answer.from, answer.to)}</span>
        <input type="search" id="search" placeholder=${isOne ? "Find a model" : "Find a model or account"} aria-label=${isOne ? "Find a model by name" : "Find a model or account by name"} value=${view.search} onInput=${(event) => onChange({ search: event.target.value }, true)} /></div>
      <dl class="figures">${[["requests", number(all)], ["success rate", all ? percent(successes / all) : "–"], ...(isOne ? [["peak replicas", answer.subscriptionMaxReplicas ? `${number(answer.peakReplicas)} of ${number(answer.subscriptionMaxReplicas)} in the subscription` : "–"]] : [["accounts with failures", `${number(new Set(rows.filter((row) => row.failures).map((row) => row.account)).size)} of ${number(answers.length)}`]]), ["credits", credits(rows.some(({ spent }) => spent !== null) ? sum("spent") : null)]].map(([label, text]) => html`<div key=${label}><dt>${label}</dt><dd>${text}</dd></div>`)}</dl>
      <div class="table overviewtable" tabIndex=${0} role="region" aria-label="Models"><table>
        <thead><tr>${columns.filter(([key]) => key !== "account" || !isOne).map(([key, label]) => html`<th scope="col" key=${key} class=${key === "replicas" || key === "credits" ? "wide" : ""} aria-sort=${(view.sort || "trouble") !== key ? undefined : key === "account" ? "ascending" : "descending"}><button type="button" onClick=${() => onChange({ sort: key === "trouble" ? "" : key })}>${label}${(view.sort || "trouble") === key ? html` <span aria-hidden="true">${key === "trouble" ? "· trouble first" : key === "account" ? "▴" : "▾"}</span>` : ""}</button></th>`)}<th scope="col" class="wide">Over the period</th></tr></thead>
        <tbody>${found.slice(0, most).map((row) => html`<${Row} key=${`${row.account} ${row.modelId}`} row=${row} isOne=${isOne} objective=${objective} onOpen=${open} />`)}</tbody>
      </table>${found.length > most ? html`<p class="note">The first ${number(most)} of ${number(found.length)}. <button type="button" onClick=${() => this.setState({ most: most + atOnce })}>Show more</button></p>` : null}${found.length ? null : html`<p class="empty">No model has this in its name.</p>`}</div>
    </section>`;
  }
}

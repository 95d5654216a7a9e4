// A file of another system as a run: it is uploaded, looked at, and its columns are told what they are by clicking on them.
import { send } from "./asking.js";
import { number } from "./format.js";
import { kinds } from "./state.js";
import { start, jobsOf, watch, dismiss, isOver, Progress } from "./jobs.js";

const { html, Component } = preact;

const endings = /^(end|ended|finished|completed)(_?at|_?time|_?timestamp)?$/i;
/** What a column may be: [name in the mapping, for people, words that give it away, whether every mapping has it]. */
const roles = [
  ["arrivedAt", "Arrival", /^(arriv|start|time|timestamp|created|date|request_?time|at$)/i, true], ["model", "Model", /^model(_?name)?$|deployment_?name/i, true], ["kind", "Kind", /^kind$|model_?type/i, true],
  ["version", "Version", /version|^deployment$/i], ["provider", "Provider", /provider|vendor/i], ["status", "Status", /^(status|state|outcome|result|success)/i], ["failureReason", "Failure reason", /err|reason(?!ing)/i],
  ["latency", "Latency", /latency|duration|elapsed|seconds$|_ms$/i], ["endedAt", "End", endings], ["firstTokenAt", "First token at", /first_?token_?(at|ts|timestamp)$|^completion_?start/i], ["firstToken", "Time to first token", /first_?token|ttft/i], ["startedAt", "Service start", /^(scheduled|dequeued|service_?start)/i], ["waiting", "Waiting time", /wait|queue/i],
  ["cachedInputTokens", "Cached input tokens", /cached.*tokens|cache_?read/i], ["reasoningTokens", "Reasoning tokens", /reasoning.*tokens/i],
  ["inputTokens", "Input tokens", /(input|prompt|context)_?(tokens|length)|tokens_?in/i], ["outputTokens", "Output tokens", /(output|completion|generated)_?(tokens|length)|tokens_?out/i],
  ["hardware", "Hardware", /^(hardware|gpu|accelerator)(_?(name|type))?$/i],
  ["session", "Session", /^(session|conversation)(_?id)?$/i], ["turn", "Session turn", /^turn(_?(no|number|index))?$/i], ["attempt", "Attempt", /^attempt(_?(no|number))?$/i], ["class", "Service class", /^(service|priority)_?class$/i],
  ["user", "User (kept as a hash)", /^user(_?(id|name))?$/i], ["adapter", "Adapter", /adapter|lora/i], ["prefix", "Prompt hashes", /^hash_ids$|^prefix_?hash(es)?$/i], ["cost", "Cost", /^cost(_?(usd|credits))?$/i],
  // Never guessed: a wrong one would leave rows out, or tear an account apart.
  ["id", "Row ID", /(?!)/], ["account", "Account of the row", /(?!)/],
];
const isInstant = (role) => ["arrivedAt", "startedAt", "firstTokenAt", "endedAt"].includes(role);
const isDuration = (role) => ["latency", "firstToken", "waiting"].includes(role);
const good = /^(ok|success|succeeded|true|200|done|completed?)$/i;

// Each column is one thing, and each thing one column: the first that looks like it.
function guess(columns) {
  const found = {};
  for (const [role, , pattern] of roles) {
    // A column that is empty says nothing.
    const column = columns.find(({ name, examples }) => pattern.test(name) && examples?.length && !Object.values(found).includes(name));
    if (column) found[role] = column.name;
  }
  // The arrival is the end minus the latency where nothing else says it.
  if (found.latency && found.endedAt && found.arrivedAt) delete found.endedAt;
  if (found.waiting) delete found.startedAt;
  if (found.firstToken) delete found.firstTokenAt;
  for (const role of ["waiting", "startedAt", "firstToken", "firstTokenAt"]) if (!found.latency && !found.endedAt) delete found[role];
  if (!found.inputTokens) delete found.cachedInputTokens;
  if (!found.outputTokens) delete found.reasoningTokens;
  return found;
}

// Where a file has the beginning and the end, they say in which unit it has the time between.
function unitBetween({ columns, rows }, map) {
  const [from, to, value] = [map.arrivedAt, columns.find(({ name }) => endings.test(name))?.name, map.latency].map((name) => columns.findIndex((column) => column.name === name));
  for (const row of rows) {
    const power = Math.log10((Date.parse(row[to]) - Date.parse(row[from])) / Number(row[value]));
    if (Math.abs(power - Math.round(power)) < 0.02) return { 3: "s", 0: "ms", "-3": "us" }[Math.round(power)];
  }
}

// A number since 1970 by its length; else ISO 8601.
const formatOf = (example) => (!/^\d+(\.\d+)?$/.test(example || "") ? "iso" : { 10: "s", 13: "ms", 16: "us", 19: "ns" }[example.split(".")[0].length] || "iso");
const unitOf = (name) => (/_us$|micro/i.test(name) ? "us" : /_s$|sec/i.test(name) ? "s" : "ms");

export class Import extends Component {
  constructor() { super(); this.state = { upload: null, sent: null, problem: "", errors: [] }; }
  componentDidMount() { this.unwatch = watch(() => this.setState({})); }
  componentWillUnmount() { this.unwatch(); this.drop(); }

  // XMLHttpRequest says how much has been sent; fetch does not.
  take(file) {
    if (!file) return;
    const most = this.props.abilities.limits?.uploadBytes;
    if (most && file.size > most) return this.setState({ problem: `The file has ${number(file.size)} bytes; at most ${number(most)} can be uploaded. "workbench import" takes any size.` });
    this.drop();
    const request = this.request = new XMLHttpRequest();
    request.open("POST", `api/uploads?${new URLSearchParams({ name: file.name })}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => this.setState({ sent: event.total ? event.loaded / event.total : 0 });
    request.onload = () => {
      let answer = {};
      // What is no JSON says nothing.
      try { answer = JSON.parse(request.responseText); } catch { }
      if (request.status !== 201) return this.setState({ sent: null, problem: answer.detail || `The server answered ${request.status}.` });
      const map = guess(answer.columns || []), unit = answer.columns && unitBetween(answer, map);
      const first = (role) => answer.columns?.find(({ name }) => name === map[role])?.examples?.[0];
      this.setState({
        sent: null, upload: answer, map, now: this.next(map), problem: answer.columns && !answer.rows.length ? "The file has no rows." : "", errors: [], name: answer.name.replace(/\.(gz|zst)$/, "").replace(/\.[a-z]+$/, ""),
        formats: Object.fromEntries(roles.filter(([role]) => isInstant(role)).map(([role]) => [role, formatOf(first(role))])), units: unit ? Object.fromEntries(["latency", "firstToken", "waiting"].filter((role) => !/(^|_)([mu]?s|min)$|milli|micro|sec/i.test(map[role])).map((role) => [role, unit])) : {}, kindOf: {}, constants: { kind: "openSource", model: "" }, bad: {}, account: "imported", zone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC", local: "",
      });
    };
    request.onerror = () => this.setState({ sent: null, problem: "The upload was interrupted. Choose the file again." });
    this.setState({ sent: 0, problem: "", upload: null });
    request.send(file);
  }

  // What was sent and has not become a run is of no use to anybody; the server takes away the rest itself.
  drop() {
    this.request?.abort();
    const job = jobsOf("import").find(({ id }) => id === this.job);
    if (this.state.upload && (!job || ["failed", "cancelled"].includes(job.state))) send("DELETE", `api/uploads/${encodeURIComponent(this.state.upload.upload)}`).catch(() => {});
  }

  // The first thing that no column is yet.
  next(map) { return (roles.find(([role, , , isNeeded]) => isNeeded && !map[role]) || roles.find(([role]) => !map[role]) || roles[0])[0]; }

  assign(column) {
    const { map, now, formats } = this.state;
    const changed = { ...map };
    const isOff = changed[now] === column.name;
    for (const [role, name] of Object.entries(changed)) if (name === column.name) delete changed[role];
    if (!isOff) changed[now] = column.name;
    this.setState({ map: changed, now: isOff ? now : this.next(changed), formats: isInstant(now) ? { ...formats, [now]: formatOf(column.examples?.[0]) } : formats });
  }

  valuesOf(role) {
    const { upload, map } = this.state;
    const index = upload.columns.findIndex(({ name }) => name === map[role]);
    return index < 0 ? [] : [...new Set([...(upload.columns[index].examples || []), ...upload.rows.map((row) => row[index])])].filter((value) => value !== "" && value !== null && value !== undefined).map(String).slice(0, 12);
  }

  isGood(value) { return this.state.bad[value] === undefined ? good.test(value) : !this.state.bad[value]; }

  /** The mapping, as `workbench schema mapping` describes it. */
  mapping() {
    const { map, formats, units, kindOf, constants, account, zone, local } = this.state;
    const columns = {};
    for (const [role] of roles) {
      const column = map[role];
      if (!column) continue;
      if (isInstant(role)) columns[role] = { column, ...(formats[role] === "iso" ? (local ? { zone: local } : {}) : { format: formats[role] }) };
      else if (isDuration(role)) columns[role] = { column, unit: units[role] || unitOf(column) };
      else if (role === "status") { const all = this.valuesOf("status"), success = all.filter((value) => this.isGood(value)); columns[role] = { column, ...(success.length ? { success } : { failure: all }) }; }
      else if (role === "kind") { const values = Object.fromEntries(this.valuesOf("kind").filter((value) => !kinds.some(([kind]) => kind === value)).map((value) => [value, kindOf[value] || "openSource"])); columns[role] = Object.keys(values).length ? { column, values } : column; }
      else columns[role] = column;
    }
    if (!map.kind) columns.kind = { constant: constants.kind };
    if (!map.model && constants.model) columns.model = { constant: constants.model };
    return { workbenchMapping: 1, account: { name: account, timeZone: zone }, columns };
  }

  async begin(event) {
    event.preventDefault();
    const { upload, name, account, zone } = this.state;
    this.setState({ problem: "", errors: [] });
    try {
      const job = await start("api/imports", { upload: upload.upload, name, ...(upload.kind === "otlp" ? { account, timeZone: zone } : { mapping: this.mapping() }) }, { title: `Import ${name}` });
      this.job = job.id;
    } catch (error) { this.setState({ problem: error.message, errors: error.errors || [] }); }
  }

  // What else has to be said of what a column is.
  details() {
    const { map, formats, units, kindOf, constants, local } = this.state;
    const set = (name, key) => (event) => this.setState({ [name]: { ...this.state[name], [key]: event.target.value } });
    const choice = (label, value, options, onChange) => html`<label key=${label}>${label} <select value=${value} onChange=${onChange}>${options.map(([key, text]) => html`<option key=${key} value=${key}>${text}</option>`)}</select></label>`;
    const instants = roles.map(([role]) => role).filter((role) => isInstant(role) && map[role]);
    const title = (role) => roles.find(([name]) => name === role)[1];
    return html`<div class="bar details">
      ${instants.map((role) => choice(`${title(role)} is`, formats[role], [["iso", "a date and time"], ["s", "seconds since 1970"], ["ms", "milliseconds since 1970"], ["us", "microseconds since 1970"], ["ns", "nanoseconds since 1970"]], set("formats", role)))}
      ${instants.some((role) => formats[role] === "iso") ? html`<label>Times without an offset are in <input type="text" size="16" placeholder="UTC" value=${local} onInput=${(event) => this.setState({ local: event.target.value.trim() })} /></label>` : null}
      ${roles.filter(([role]) => isDuration(role) && map[role]).map(([role, text]) => choice(`${text} in`, units[role] || unitOf(map[role]), [["us", "µs"], ["ms", "ms"], ["s", "s"], ["min", "min"]], set("units", role)))}
      ${map.status ? html`<span role="group" aria-label="Values of Status that mean success" class="bar">Success is ${this.valuesOf("status").map((value) => html`<label key=${value}><input type="checkbox" checked=${this.isGood(value)} onChange=${(event) => this.setState({ bad: { ...this.state.bad, [value]: !event.target.checked } })} /> ${value}</label>`)}</span>` : null}
      ${map.kind ? this.valuesOf("kind").filter((value) => !kinds.some(([kind]) => kind === value)).map((value) => choice(`Kind "${value}" is`, kindOf[value] || "openSource", kinds, set("kindOf", value)))
        : choice("All models are", constants.kind, kinds, set("constants", "kind"))}
      ${map.model ? null : html`<label>Model of all rows <input type="text" value=${constants.model} onInput=${set("constants", "model")} /></label>`}
    </div>`;
  }

  render({ onChange }, { upload, sent, problem, errors, map, now, name, account, zone, constants }) {
    const jobs = jobsOf("import");
    const isReady = upload && account && zone && name && (upload.kind === "otlp" || ((map.arrivedAt || (map.endedAt && map.latency)) && (map.model || constants.model)));
    const roleOf = (column) => roles.find(([role]) => map[role] === column.name);
    return html`<article class="widget" aria-label="Import" onDragOver=${(event) => event.preventDefault()} onDrop=${(event) => { event.preventDefault(); this.take(event.dataTransfer.files[0]); }}>
      <div class="head"><h2>Import</h2></div>
      <p class="note">A platform's export as CSV or NDJSON, or OpenTelemetry spans as OTLP in JSON; plain, .gz or .zst. Choose a file, or drop it here.</p>
      <label class="file"><span>File</span> <input type="file" aria-label="File to import" onChange=${(event) => this.take(event.target.files[0])} /></label>
      ${sent === null ? null : html`<progress max="1" value=${sent} aria-label="Upload, progress"></progress>`}
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : null}
      ${errors.length > 1 || (errors.length && errors[0].message !== problem) ? html`<ul class="plain problem">${errors.slice(0, 10).map((error, index) => html`<li key=${index}>${error.message || String(error)}</li>`)}</ul>` : null}
      ${upload ? html`<form onSubmit=${(event) => this.begin(event)}>
        ${upload.kind === "otlp" ? null : html`
          <p>Choose a field, then click on the column that holds it. Fields marked with * are required.</p>
          <div class="bar chips" role="radiogroup" aria-label="What the next column is">${roles.map(([role, text, , isNeeded]) => html`<label key=${role} class=${`chipbox ${map[role] ? "set" : ""}`}><input type="radio" name="role" checked=${role === now} onChange=${() => this.setState({ now: role })} />${text}${isNeeded ? " *" : ""}${map[role] ? html` <small>${map[role]}</small>` : null}</label>`)}</div>
          <div class="table preview" tabIndex=${0} role="region" aria-label="Preview of the file"><table>
            <thead><tr>${upload.columns.map((column) => html`<th scope="col" key=${column.name} class=${roleOf(column) ? "set" : ""}><button type="button" aria-pressed=${String(Boolean(roleOf(column)))} onClick=${() => this.assign(column)}>${column.name}<small>${roleOf(column)?.[1] || "not used"}</small></button></th>`)}</tr></thead>
            <tbody>${upload.rows.map((row, index) => html`<tr key=${index}>${upload.columns.map((column, place) => html`<td key=${column.name} class=${roleOf(column) ? "set" : ""} onClick=${() => this.assign(column)}>${row[place] ?? ""}</td>`)}</tr>`)}</tbody>
          </table></div>
          ${this.details()}`}
        <div class="bar"><label>Name of the run <input type="text" required value=${name} onInput=${(event) => this.setState({ name: event.target.value })} /></label>
          <label>Account <input type="text" required value=${account} onInput=${(event) => this.setState({ account: event.target.value })} /></label>
          <label>Time zone <input type="text" required value=${zone} onInput=${(event) => this.setState({ zone: event.target.value.trim() })} /></label>
          <button type="submit" class="main" disabled=${!isReady || jobs.some((job) => job.about && !isOver(job))}>Import</button></div>
        ${upload.kind === "otlp" ? null : html`<details><summary>The mapping, for "workbench import table"</summary><pre>${JSON.stringify(this.mapping(), null, 2)}</pre></details>`}
      </form>` : null}
      ${jobs.map((job) => html`<${Progress} key=${job.id} job=${job} title=${job.about?.title || `Import ${job.title}`} onForget=${() => dismiss(job)}>${job.result?.run ? html`<span class="note">${number(job.result.requests)} ${job.result.requests === 1 ? "request" : "requests"}${job.result.rejects?.count ? `, ${number(job.result.rejects.count)} rows rejected` : ""}</span><button type="button" onClick=${() => onChange({ page: "", run: job.result.run, zoom: "", kind: "", period: "" })}>Open it</button>` : null}<//>
        ${job.result?.rejects?.count ? html`<details key=${`${job.id} rejects`}><summary>Rows that were rejected</summary><ul class="plain">${[...Object.entries(job.result.rejects.kinds || {}).map(([kind, count]) => `${number(count)}: ${kind}`), ...(job.result.rejects.examples || [])].slice(0, 20).map((text, index) => html`<li key=${index}>${typeof text === "string" ? text : JSON.stringify(text)}</li>`)}</ul></details>` : null}`)}
    </article>`;
  }
}

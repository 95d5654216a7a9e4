// What a page of its own asks the server, and what it shows meanwhile.
import { reach } from "./api.js";

const { html, Component } = preact;

/**
 * A part of the page that asks. Its class has `questions(props)`, a key that says what is asked, and `answer(props)`,
 * which gets it. `state.found` is the newest answer; the one before it stays until then.
 */
export class Asking extends Component {
  constructor() { super(); this.state = { found: null, error: null, isBusy: true }; }

  componentDidMount() { this.ask(); }
  componentDidUpdate() { this.ask(); }
  componentWillUnmount() { this.key = null; }

  /** Asks again what was asked. */
  again() { this.key = undefined; this.ask(); }

  async ask() {
    const key = JSON.stringify(this.questions(this.props));
    if (key === this.key) return;
    this.key = key;
    if (!this.state.isBusy) this.setState({ isBusy: true });
    let found = null, error = null;
    try { found = await this.answer(this.props); } catch (reason) { error = reason; }
    // A newer question was asked meanwhile, or nobody is waiting any longer.
    if (key !== this.key) return;
    this.setState({ found: error ? this.state.found : found, error, isBusy: false });
    if (error?.isReplaced) this.props.onReplaced?.();
  }
}

/** Something other than a question: `method`, a body (an object is sent as JSON), and a signal that ends it. */
export async function send(method, path, body, { signal, headers } = {}) {
  const isRaw = body === undefined || body instanceof Blob || typeof body === "string";
  const response = await reach(path, { method, signal, headers: { Accept: "application/json", ...(isRaw ? {} : { "Content-Type": "application/json" }), ...headers }, body: isRaw ? body : JSON.stringify(body) });
  const isJSON = /json/.test(response.headers.get("Content-Type") || "");
  const answer = isJSON ? await response.json() : await response.text();
  if (!response.ok) throw Object.assign(new Error(answer.detail || response.statusText || `The server answered ${response.status}.`), { status: response.status, isReplaced: response.status === 410, errors: answer.errors, parameter: answer.parameter, version: response.headers.get("ETag") });
  return { answer, version: response.headers.get("ETag") };
}

// What only a server that may change something does, and what else each needs. Every server reads.
const reading = ["scenario", "compare"], changing = { jobs: "", "what-if": "", check: "", validate: "", expect: "", fixture: "", export: "", scenarios: "scenarios", keep: "keep", imports: "keep", delete: "keep", plans: "keep" };

/** The server's abilities, with `verbs`, what the page may do with them. */
export async function learn() {
  const abilities = (await send("GET", "api/abilities")).answer;
  return { ...abilities, verbs: [...reading, ...Object.keys(changing).filter((verb) => abilities.change && (!changing[verb] || abilities[changing[verb]]))] };
}

/** A name that is asked for: the field has the focus, Enter takes it, Escape does not. */
export class Naming extends Component {
  componentDidMount() { this.base.querySelector("input").focus(); }
  render({ verb, onName, onCancel, ...more }) {
    return html`<form class="bar" onKeyDown=${(event) => { if (event.key === "Escape") onCancel(); }} onSubmit=${(event) => { event.preventDefault(); onName(event.target.elements.name.value.trim()); }}>
      <label>Name <input name="name" type="text" size="14" ...${more} /></label><button type="submit">${verb}</button><button type="button" onClick=${onCancel}>Cancel</button></form>`;
  }
}

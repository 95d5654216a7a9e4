// What a page of its own asks the server, and what it shows meanwhile.
const { Component } = preact;

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
    // A newer question was asked meanwhile, or nobody waits any more.
    if (key !== this.key) return;
    this.setState({ found: error ? this.state.found : found, error, isBusy: false });
    if (error?.isReplaced) this.props.onReplaced?.();
  }
}

// A plan's page of its own: as a file that needs nothing else, or served with its variants' dashboards side by side.
import { element } from "./parts.js";
import { Panel, panelsOf } from "./panels.js";
import { PlanView } from "./planview.js";

const { html, render } = preact;
const main = document.getElementById("main");
const embedded = document.getElementById("plan-data");
const found = embedded ? JSON.parse(embedded.textContent) : await (await fetch("plan.json")).json();
const { plan } = found;

const reading = plan.isDeterministic
  ? `Nothing of this plan is drawn at random: one replication says all, and figures have no intervals; ${plan.warmUp.text}.`
  : `Every variant was simulated on the same random numbers, replication by replication; ${plan.warmUp.text}. An estimate ± half width is an interval that contains the true value in ${plan.confidence * 100} % of such experiments. Means have Student's interval over replications, quantiles one by sectioning. Differences are paired: where they vary less than both variants apart, the pairing has paid (“variance ÷ 2” says by how much). A difference whose interval contains 0 is not shown to be one.`;
const choosing = "The best was selected by a feasibility test of each objective (Batur and Kim 2010) and the procedure KN (Kim and Nelson 2001): variants get replications only while they are in the race, so intervals of those that left early are wider. The stated probability holds for differences beyond the indifference given.";

const view = element("div", {});
main.append(view);
render(html`<div><${PlanView} ...${found} isFile=${true} isWhole=${true} />
  <section aria-label="How to read this"><h2>How to read this</h2><p>${reading}</p>${plan.choice && !plan.isDeterministic ? html`<p>${choosing}</p>` : null}
    <p>Made by:</p><pre>${plan.command}</pre><p class="note">${plan.program}</p></section></div>`, view);

// Served, the variants' own dashboards stand beside each other.
async function dashboards() {
  const runs = await (await fetch("api/runs")).json();
  const section = element("section", { "aria-label": "Dashboards" }, element("h2", {}, "Dashboards side by side"));
  const columnsOfRuns = element("div", { className: "sides" });
  section.append(columnsOfRuns);
  main.append(section);
  for (const run of runs.slice(0, 8)) {
    const account = run.accounts[0];
    const kind = ["openSource", "fineTuned", "external"].find((entry) => account.models.some((model) => model.kind === entry));
    const query = new URLSearchParams({ account: account.account, kind, period: "7d" });
    const data = await (await fetch(`api/runs/${encodeURIComponent(run.id)}/dashboard?${query}`)).json();
    const marks = await (await fetch(`api/runs/${encodeURIComponent(run.id)}/marks?${new URLSearchParams({ account: account.account })}`)).json();
    const column = element("div", {}, element("h3", {}, element("a", { href: `./?run=${encodeURIComponent(run.id)}` }, run.name)), element("div", {}));
    const answers = [{ data, marks, run, account, accountName: account.account }];
    render(panelsOf(kind, "").filter((panel) => panel !== "credits").map((panel) => html`<${Panel} key=${panel} kind=${panel} answers=${answers} extra=${{}} view=${{ percentiles: panel === "latency" ? "1" : "" }} prefix=${`${run.id}-`} sync="sides" onChange=${() => {}} />`), column.lastChild);
    columnsOfRuns.append(column);
  }
}
if (!embedded) await dashboards();
main.setAttribute("aria-busy", "false");

// What a plan has found: the recommendation first, one table of the variants, the minimised metric in a graph of its own.
import { Figure, rows, plot } from "./figures.js";
import { estimate, reduction } from "./format.js";

const { html, Component } = preact;
const most = 60;

const said = (metric, unit, isSigned) => (metric ? estimate(metric.value, metric.halfWidth, unit, isSigned) : "–");
/** The unit of a metric of which only the name is known. */
export const unitOf = (name) => (/^(latency|ttft|tpot|itl|waiting)\./.test(name) ? "ms" : /^(failureRate|utilisation|timeAtLimit|cacheHitRate|kvUtil)/.test(name) ? "share" : /^credits/.test(name) ? "credits" : /^replicaHours/.test(name) ? "hours" : /^throughput/.test(name) ? "/s" : "");

/** A graph as a card. */
export const Card = ({ title, note, draw }) => html`<article class="widget"><h3>${title}</h3><p class="note">${note}</p><div class="holder"><${Figure} draw=${draw} label=${`${title}. ${note}`} /></div></article>`;

/** Replicas of a variant over the period, and those that the ideal bound needs. */
function replicas({ variant, series, underObjectives }) {
  const from = Date.parse(series.from), x = series.ran.map((_, index) => from + (index + 0.5) * series.seconds * 1000);
  const lines = [{ label: "ran", x, y: series.ran, colour: "latency" }, { label: "ideal bound", x, y: series.needed, colour: "success" }];
  if (series.neededUnderObjectives) lines.push({ label: "under objectives", x, y: series.neededUnderObjectives, colour: "high", line: "dashed" });
  const every = series.seconds < 3600 ? "quarter of an hour" : series.seconds < 86400 ? "hour" : "day";
  const limits = underObjectives ? ` Under ${underObjectives.levels.join(", ")}: ${underObjectives.batches.map(({ deployment, batch, of }) => `${batch} of ${of} requests at once on ${deployment}`).join(", ")}.` : "";
  return html`<${Card} key=${`replicas ${variant}`} title=${`Replicas of ${variant}`} note=${`Average of each ${every} of the first replication, UTC: those that ran, and those that a perfect autoscaler needs.${limits}`} draw=${plot(lines, { x: { isDate: true }, y: { title: "replicas", unit: "count" } })} />`;
}

/** With which probability an objective is violated in each week to come. */
function outlook(growth, best) {
  const lines = growth.variants.map(({ variant, weeks }) => ({ label: variant === best ? `★ ${variant}` : variant, x: weeks.map(({ date }) => Date.parse(date)), y: weeks.map(({ probability }) => probability), colour: variant === best ? "success" : "latency", hasPoints: true,
    names: weeks.map(({ date, lower, upper }) => (lower === undefined ? date : `${date} (${Math.round(lower * 100)} % to ${Math.round(upper * 100)} %)`)) }));
  return html`<${Card} title="When growth breaks an objective" note=${`Probability that an objective is violated in a period like the scenario's that begins then. Growth: ${growth.growth}.`} draw=${plot(lines, { x: { isDate: true }, y: { title: "probability", unit: "share", least: 0, most: 1 } })} />`;
}

/** Of a path's end as much as tells what it is. */
const ending = (path) => path.split(".").slice(-2).join(".");

export class PlanView extends Component {
  constructor({ isWhole = false }) { super(); this.state = { isWhole }; }

  render({ plan, words, columns, onOpen, isFile = false, headings: Heading = "h2" }, { isWhole }) {
    const best = plan.choice?.best;
    const shown = plan.variants.slice(0, most);
    const label = (variant) => `${variant.name === best ? "★ " : ""}${variant.name}${variant.alsoNamed?.length ? ` (${variant.alsoNamed.join("; ")})` : ""}`;
    const verdict = (variant) => (variant.brokenLevel ? `✕ violates ${variant.brokenLevel}` : variant.feasibility === "feasible" ? "✓ met" : "undecided");
    const kept = ({ levels = [] }) => { const broken = levels.find(({ isKept }) => isKept === false); return broken ? `✕ violates ${broken.level}${broken.model ? ` of ${broken.model}` : ""}` : levels.length ? "✓ met" : ""; };
    const objectiveOn = (metric) => columns.find(({ name }) => name === metric)?.objective;
    const graph = ({ name, unit }) => html`<${Card} key=${name} title=${name} note=${`${plan.isDeterministic ? "Of each variant; nothing is drawn at random" : `Estimate and ${plan.confidence * 100} % interval of each variant`}${objectiveOn(name) ? `; objective: ${objectiveOn(name)}` : ""}.`}
      draw=${rows(shown.filter((variant) => variant.metrics[name]).map((variant) => ({ label: label(variant), value: variant.metrics[name].value, half: variant.metrics[name].halfWidth ?? 0, colour: variant.name === best ? "success" : variant.brokenLevel ? "failure" : "latency" })), { unit })} />`;
    const goal = columns.find(({ name }) => name === plan.choice?.objective) || columns[0];
    const judged = columns.filter((column) => column !== goal && objectiveOn(column.name));
    const others = columns.filter((column) => column !== goal && !judged.includes(column));
    const cost = plan.choice?.minimizes ? plan.choice.objective : "credits";
    const latency = columns.map(({ name }) => name).find((name) => name.startsWith("latency.") && objectiveOn(name)) || "latency.p95";
    const points = plan.variants.filter((variant) => variant.metrics[cost] && variant.metrics[latency]);
    const front = points.filter((variant) => variant.isOnParetoFront).sort((a, b) => a.metrics[cost].value - b.metrics[cost].value);
    const of = (list, more) => ({ x: list.map((variant) => variant.metrics[cost].value), y: list.map((variant) => variant.metrics[latency].value), names: list.map(label), ...more });
    return html`<div class="planview">
      <section class="widget" aria-label="Recommendation"><${Heading}>${plan.scenario}</${Heading}>${plan.description ? html`<p class="note">${plan.description}</p>` : null}
        ${words.map((text, index) => html`<p key=${index} class=${index === 0 && plan.choice ? "lead" : ""}>${text}</p>`)}
        ${plan.warnings.map((text) => html`<p class="note" key=${text}>${text}</p>`)}</section>
      <section class="widget" aria-label="Variants"><${Heading}>Variants</${Heading}>
        <div class="table wide" tabIndex=${0} role="region" aria-label="Variants, table"><table class="variants">
          <thead><tr><th scope="col">Variant</th>${columns.map((column) => html`<th scope="col" key=${column.name}>${column.name}</th>`)}${plan.choice ? html`<th scope="col">Objectives</th>` : null}<th scope="col">Replications</th></tr></thead>
          <tbody>${shown.map((variant, index) => html`<tr key=${variant.name} class=${variant.name === best ? "best" : ""}>
            <th scope="row">${onOpen && variant.overrides?.length ? html`<button type="button" class="link" title="Open in What-if" onClick=${() => onOpen(variant)}>${label(variant)}</button>` : label(variant)}</th>
            ${columns.map(({ name, unit }) => html`<td key=${name}>${said(variant.metrics[name], unit)}${index > 0 && variant.differences[name] ? html`<small>${said(variant.differences[name], unit, true)}</small>` : null}${index > 0 && variant.varianceReduction?.[name] ? html`<small title="By how much common random numbers reduce the variance of the difference">variance ${reduction(variant.varianceReduction[name])}</small>` : null}</td>`)}
            ${plan.choice ? html`<td class=${variant.brokenLevel ? "bad" : ""}>${verdict(variant)}</td>` : null}<td>${variant.replications}</td></tr>
            ${(variant.cases || []).map((own) => html`<tr class="case" key=${`${variant.name} ${own.name}`}><th scope="row">in case ${own.name}</th>
              ${columns.map(({ name, unit }) => html`<td key=${name}>${said(own.metrics[name], unit)}</td>`)}
              ${plan.choice ? html`<td class=${(own.levels || []).some(({ isKept }) => isKept === false) ? "bad" : ""}>${kept(own)}</td>` : null}<td></td></tr>`)}`)}</tbody>
        </table></div>
        <p class="note">Small: the difference to ${shown[0]?.name ?? "the base"}.${plan.cases ? " Figures of a variant are the mean over the cases, by their weights." : ""}${plan.variants.length > most ? ` The first ${most} of ${plan.variants.length}; plan.json has all.` : ""}</p></section>
      <section aria-label="Graphs"><div class="widgets">
        ${goal ? graph(goal) : null}
        ${judged.map(graph)}
        ${points.length > 2 ? html`<${Card} title="Cost against latency" note="The line joins the Pareto front: variants that no other beats in both." draw=${plot([
          of(front, { label: "Pareto front", colour: "high", line: "dotted" }),
          of(points, { label: "variants", isPoints: true, colour: "latency", colours: points.map((variant) => (variant.name === best ? "success" : "latency")), halfX: points.map((variant) => variant.metrics[cost].halfWidth ?? 0), halfY: points.map((variant) => variant.metrics[latency].halfWidth ?? 0) }),
        ], { x: { title: cost, unit: unitOf(cost) }, y: { title: latency, unit: "ms", isZero: false }, height: 380 })} />` : null}
        ${plan.ideal.length ? html`<${Card} title="Replica-hours, and the ideal bound" note="What a perfect, instantaneous autoscaler would need for the same arrivals of the first replication." draw=${rows(plan.ideal.flatMap(({ variant, replicaHours, bound }) => [{ label: variant, value: replicaHours, colour: "latency" }, { label: "ideal bound", value: bound.replicaHours, colour: "success" }]), { unit: "replica-hours", isBar: true })} />` : null}
        ${plan.ideal.filter(({ series }) => series).map(replicas)}
        ${plan.growth ? outlook(plan.growth, best) : null}
        ${plan.sensitivity ? html`<${Card} title=${`What moves ${plan.sensitivity.metric}`} note="Each input from its low to its high end, all others as in the base; with the interval of the difference." draw=${rows(plan.sensitivity.influences.filter(({ swing }) => swing).map(({ path, low, high, swing }) => ({ label: `${ending(path)} ${low} … ${high}`, value: swing.value, half: swing.halfWidth ?? 0, colour: "latency" })), { isBar: true })} />` : null}
        ${plan.sensitivity?.sobol.length ? html`<${Card} title="First-order Sobol indices" note=${`The share of the variance of ${plan.sensitivity.metric} that each input explains by itself, ± 2 standard errors; ${plan.sensitivity.sobolRuns} runs.`} draw=${rows(plan.sensitivity.sobol.map(({ path, index, standardError }) => ({ label: ending(path), value: index, half: 2 * standardError, colour: "top" })), { isBar: true })} />` : null}
        ${isWhole ? others.map(graph) : null}</div>
        ${others.length && !isFile ? html`<p><button type="button" aria-expanded=${String(isWhole)} onClick=${() => this.setState({ isWhole: !isWhole })}>${isWhole ? "Only the metrics that decide" : `${others.length} other figures as graphs`}</button></p>` : null}</section>
      ${isFile ? null : html`<details><summary>The same by the command line</summary><pre>${plan.command}</pre></details>`}
    </div>`;
  }
}

// Figures to graphs: what a chart is given. Times are seconds since 1970; labels are in the account's zone.
import { clock, moment, stretch, number, duration, percent, span, credits, length, quantity } from "./format.js";

export const second = (at) => Date.parse(at) / 1000;
export const bucketSeconds = (data) => (data.query.granularity === "hour" ? 3600 : 86_400);

/** Of versions beside each other: one has the same colour and the same mark in every panel. Lines are solid: dashed are limits and the other run. */
export const shades = ["latency", "second", "third", "fourth", "fifth", "sixth"];
const shapes = ["disc", "square", "triangle", "diamond", "wedge", "plus"];
const reds = ["failure", "failure2", "failure3", "failure4", "failure5", "failure"];
/** Of parts that are stacked: told apart in lightness as well. */
export const parts = ["latency", "amber", "violet", "teal", "pink", "other"];
// The order of an answer of one version begins at 1; of the whole it is 0.
const place = (order) => (order ? (order - 1) % shades.length : 0);
const markOf = (order) => (order ? shapes[place(order)] : undefined);

/** The time axis of a graph: of a query, or of an answer of the analysis or of credits. */
export const frame = ({ from, to, timeZone }, zoom) => ({ range: zoom || [second(from), second(to)], clock: clock(timeZone, from) });

// Each point stands in the middle of its bucket, of what of it lies in the period: { from, to }; without one, at its
// beginning. Buckets that do not follow each other are not joined: a null between them.
export function bucketLine(points, lasts, value, period) {
  const [from, to] = period ? [second(period.from), second(period.to)] : [];
  const middle = (start) => (period ? (Math.max(start, from) + Math.min(start + lasts, Math.max(to, start + 1))) / 2 : start);
  let before = null;
  const x = [], y = [], at = [];
  points.forEach((point) => {
    const start = second(point.at), here = middle(start);
    // A day on which clocks change is an hour longer.
    if (before !== null && start - before > lasts * 1.05 + 1) { x.push(x[x.length - 1] + lasts); y.push(null); at.push(""); }
    x.push(here); y.push(value(point)); at.push(point.at);
    before = start;
  });
  return { x, y, at };
}

// The same as steps: the last one lasts as long as its bucket.
function stairs(points, lasts, value) {
  const line = bucketLine(points, lasts, value);
  const last = points.at(-1);
  if (last) { line.x.push(second(last.at) + lasts); line.y.push(value(last)); line.at.push(last.at); }
  return line;
}

const period = (data) => span(data.query.from, data.query.now < data.query.to ? data.query.now : data.query.to);
export const compared = (label, other) => (other ? `${label}, ${other}` : label);
export const look = (other, colour, line = "solid") => (other ? { colour: "other", line: "dashed", width: 1.5 } : { colour, line });

/** The line of an objective, where one is given. */
export const objectiveLimits = (objective) => (objective ? [{ ...objective, colour: "limit" }] : []);

// Values as uPlot's joined list has them: by their time.
function lookup(u, entry, index, place) {
  const time = u.data[0][place];
  entry.places ??= new Map(entry.x.map((x, spot) => [x, spot]));
  return entry.places.get(time);
}

/** The text at an instant: rows of the series there, and `more` that is of all. A point of a bucket says from when to when it is. */
export const hoverOf = (series, describe, title, more) => (x, at, u) => {
  const rows = [];
  let when = null;
  series.forEach((entry, index) => {
    const place = at(index);
    if (place === null || place === undefined) return;
    const spot = lookup(u, entry, index, place);
    if (spot === undefined || entry.y[spot] === null || entry.y[spot] === undefined) return;
    const found = describe(entry, spot, x);
    if (!found) return;
    rows.push(...found.map((row) => ({ colour: entry.colour, ...row })));
    when ??= entry.at?.[spot] && (entry.lasts ? stretch(entry.at[spot], entry.lasts) : moment(entry.at[spot]));
  });
  if (!rows.length) return null;
  return { title: title ? title(x, when) : when, rows: [...rows, ...(more || [])] };
};

/** The latency that the platform shows: a point per request, or each day's average; or quantiles of each bucket. */
export function latency(answers, { percentiles, zoom, objective }) {
  const data = answers[0].data;
  const lasts = bucketSeconds(data);
  const series = [];
  answers.forEach(({ data, label, isOther, order = 0 }) => {
    const widget = data.latency;
    if (percentiles) {
      const kinds = isOther || answers.length > 1 && order ? ["p95"] : ["p50", "p95", "p99"];
      for (const key of kinds) {
        const colour = key === "p50" ? "latency" : key === "p95" ? "high" : "top";
        series.push({ ...bucketLine(widget.buckets, lasts, (point) => point[key], data.query), label: compared(key, label), ...look(isOther, order ? shades[place(order)] : colour), marker: isOther ? undefined : markOf(order), lasts });
      }
      return;
    }
    const each = widget.mode === "perRequest";
    const name = each ? "Latency" : "Average Latency";
    if (!each) {
      series.push({ ...bucketLine(widget.points, lasts, (point) => point.latency, data.query), label: compared(name, label), ...look(isOther, shades[place(order)]), marker: isOther ? undefined : markOf(order), requests: widget.points, lasts });
      return;
    }
    // Requests far apart are not joined: nothing was deployed, or nobody asked.
    const far = data.query.granularity === "hour" ? 3700 : 22_000;
    const x = [], y = [], at = [];
    widget.points.forEach((point) => {
      let here = second(point.at);
      // Requests at one instant have a place of their own each.
      if (x.length && here <= x[x.length - 1]) here = x[x.length - 1] + 1e-5;
      else if (x.length && here - x[x.length - 1] > far) { x.push(x[x.length - 1] + 1e-5); y.push(null); at.push(""); }
      x.push(here); y.push(point.latency); at.push(point.at);
    });
    // Two walls of extremes on each other say nothing: averages do.
    if (!widget.thinned || !(isOther || order)) series.push({ x, y, at, label: compared(name, label), kind: "requests", width: 1, points: widget.points.length > 200 ? undefined : "all", ...look(isOther, shades[place(order)]), marker: isOther ? undefined : markOf(order) });
    if (widget.thinned) series.push({ ...stairs(widget.buckets, lasts, (point) => point.average), label: compared("Average", label), kind: "steps", lasts, ...look(isOther, order ? shades[place(order)] : "high"), marker: isOther ? undefined : markOf(order), width: 2 });
  });
  // Of a single request the very milliseconds, as the platform has them.
  const more = ({ kind, requests, at, y }, spot) => (kind === "requests" ? ` (${number(y[spot])} ms)` : requests ? ` of ${number(requests.find((point) => point.at === at[spot])?.requests)}` : "");
  const describe = (entry, spot) => [{ label: entry.label, value: duration(entry.y[spot]) + more(entry, spot) }];
  return {
    ...frame(data.query, zoom), series, axes: { y: { title: "Latency", format: "duration" } },
    limits: objectiveLimits(objective),
    hover: hoverOf(series, describe, null, whose(answers[0])),
  };
}

// Which model, where one is selected: with its deployment where others have its name, and its version.
function whose({ account, data: { query, timeZone } }) {
  if (!account || !query.model) return [];
  const found = account.models.filter((model) => model.kind === query.kind && model.name === query.model && (!query.deployedAt || model.deployedAt.some((at) => Date.parse(at) === Date.parse(query.deployedAt))));
  const zone = clock(query.timeZone || timeZone, query.from);
  const name = found.length === 1 ? modelLabel(account, found[0], zone) : `${query.model}${found.length > 1 ? ` (${found.length} models)` : ""}`;
  return [{ label: "Model", value: query.version ? `${name} · ${query.version}` : name, colour: null }];
}

/** Two lines: successes on the left axis, failures with a marker each on their own axis at the right. */
export function requests(answers, { zoom }) {
  const data = answers[0].data;
  const lasts = bucketSeconds(data);
  const series = [];
  answers.forEach(({ data, label, isOther, order = 0 }) => {
    const { points, totalSuccesses, totalFailures } = data.requests;
    const add = (key, name, colour, total, more) => series.push({
      ...bucketLine(points, lasts, (point) => point[key], data.query), label: compared(name, label), lasts, source: points, total, period: period(data), ...look(isOther, colour), ...more,
    });
    add("successes", "Successful", order ? shades[place(order)] : "success", totalSuccesses, isOther ? {} : { width: 2.5, marker: markOf(order) });
    add("failures", "Failed", reds[place(order)], totalFailures, { scale: "right", points: "some", width: 1.5, marker: order ? `hollow ${markOf(order)}` : "cross" });
  });
  const rates = ({ successes, failures }) => [["Success rate", successes], ["Failure rate", failures]].map(([label, part]) => ({ label, value: percent(part / (successes + failures)), colour: null }));
  const describe = (entry, spot) => {
    const rows = [{ label: entry.label, value: number(entry.y[spot]) }, { label: `total, ${entry.period}`, value: number(entry.total), colour: null }];
    if (entry.scale === "right") rows.push(...rates(entry.source.find((point) => point.at === entry.at[spot])));
    return rows;
  };
  return {
    ...frame(data.query, zoom), series,
    axes: { y: { title: "Number of Requests", format: "count", least: 5 }, right: failed },
    hover: hoverOf(series, describe, null, whose(answers[0])),
  };
}

// Failures keep to the lower two fifths of the graph.
const failed = { title: "Failed", format: "count", colour: "failure", least: 4, share: 0.4 };

/** The bucket in which now is, of a graph of a live run; of one without buckets none. */
export function unfinished({ series, clock: zone }, { query, isLive }) {
  const lasts = series.find((entry) => entry.lasts)?.lasts;
  const now = second(query.now), to = second(query.to);
  if (!isLive || !lasts || now > to) return null;
  // Buckets begin where the account's clock shows whole ones.
  const ahead = zone.ahead(now * 1000) * 60;
  const local = Math.floor((now + ahead) / lasts) * lasts;
  const start = lasts < 86_400 ? local - ahead : zone.when(local * 1000) / 1000;
  return now > start ? [Math.max(start, second(query.from)), Math.min(start + lasts, to)] : null;
}

/** When versions were deployed: [[from, to], …] in seconds, and their maxima. */
function deploymentsOf(account) {
  const found = new Map();
  for (const model of account.models) {
    for (const entry of model.deployments) {
      const key = `${model.id}/${entry.version}`;
      if (!found.has(key)) found.set(key, { model, version: entry.version, all: [] });
      if (entry.deployedAt) found.get(key).all.push({ from: second(entry.deployedAt), to: entry.undeployedAt ? second(entry.undeployedAt) : Infinity, most: entry.maxReplicas });
    }
  }
  return found;
}

/** A model's name, with its deployment where others have the same. */
export function modelLabel(account, model, zone) {
  const alike = account.models.filter((other) => other.name === model.name && other.kind === model.kind);
  return alike.length > 1 && model.deployedAt.length ? `${model.name} (deployed ${moment(zone.text(Date.parse(model.deployedAt[0])))})` : model.name;
}

/** The replicas of each version as a step graph: from its deployment to its undeployment. */
export function scaling(answers, { zoom, isolated, everything, lens }, accountOf, marks) {
  const data = answers[0].data;
  const shapes = [];
  answers.forEach(({ data, label, isOther }, which) => {
    const account = accountOf(which);
    const zone = clock(data.query.timeZone, data.query.from);
    const deployments = deploymentsOf(account);
    const from = second(data.query.from), end = Math.min(second(data.query.now), second(data.query.to));
    const groups = new Map();
    for (const point of data.scaling.points) {
      const key = `${point.modelId}/${point.version}`;
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(point);
    }
    for (const [key, points] of groups) {
      const known = deployments.get(key);
      const model = known?.model || account.models.find((entry) => entry.id === points[0].modelId);
      const isDeployed = (x) => !known || known.all.some((stretch) => stretch.from <= x && x < stretch.to);
      const x = [], y = [], at = [], source = [];
      const put = (moment, value, point) => {
        if (x.length && moment <= x[x.length - 1]) moment = x[x.length - 1] + 1e-4;
        x.push(moment); y.push(value); at.push(point?.at || ""); source.push(point || null);
      };
      points.forEach((point, index) => {
        const here = second(point.at);
        const isNothing = point.replicas === 0 && !isDeployed(here);
        if (!y.length || y[y.length - 1] === null) if (here > from && point.replicas > 0) put(here - 1e-4, 0);
        put(here, point.replicas, point);
        if (isNothing) { put(here + 1e-4, null); return; }
        // Nothing is left at the undeployment, which may be later than the last replica.
        const next = points[index + 1] ? second(points[index + 1].at) : end;
        if (point.replicas === 0 && known) {
          const stop = Math.max(...known.all.filter((stretch) => stretch.from <= here).map((stretch) => stretch.to));
          if (stop < next) { put(stop, 0); put(stop + 1e-4, null); return; }
        }
        if (index === points.length - 1 && end > here) put(end, point.replicas, null);
      });
      const values = y.filter((value) => value !== null);
      shapes.push({ key: `${which}:${key}`, x, y, at, source, kind: "steps", isOther, model: model ? modelLabel(account, model, zone) : `model ${points[0].modelId}`, name: model?.name, order: [account.models.indexOf(model), model?.versions.indexOf(points[0].version) ?? 0], version: points[0].version, label: compared(model ? `${modelLabel(account, model, zone)} · ${points[0].version}` : points[0].version, label), now: values.at(-1) ?? 0, most: Math.max(...values, 0), known });
    }
  });
  shapes.sort((a, b) => Number(Boolean(a.isOther)) - Number(Boolean(b.isOther)) || b.most - a.most || (a.label < b.label ? -1 : 1));
  const most = (list) => (everything || list.length <= 6 ? list.length : 5);
  const chosen = isolated?.size ? shapes.filter((entry) => isolated.has(entry.key)) : shapes;
  const series = chosen.slice(0, most(chosen));
  // Isolating some changes no colours.
  paint(shapes.slice(0, most(shapes)), series, accountOf(0), data.query);
  const drawn = new Set(series);
  shapes.forEach((entry) => { entry.fill = entry === shapes[0] && !entry.isOther; });
  // The platform has maxima on single days only.
  const isDay = data.scaling.maxReplicas !== null, isLimited = isDay || lens === "analysis";
  // Of more than can be told apart the maxima stand in the table.
  const isListed = isLimited && series.length < chosen.length;
  const legend = shapes.map((entry) => ({
    key: entry.key, label: entry.label, now: number(entry.now), most: number(entry.most), isDrawn: drawn.has(entry),
    ...(isListed ? { limit: entry.known ? number(Math.max(...entry.known.all.map((stretch) => stretch.most))) : "–" } : {}),
    ...(entry.colour ? { colour: entry.colour, line: entry.line, marker: entry.marker } : { colour: "other", line: "solid" }),
  }));
  if (chosen.length > series.length) series.push(others(chosen.slice(series.length)));
  const zone = clock(data.query.timeZone, data.query.from), limits = [];
  if (isLimited && !isListed) {
    const from = second(data.query.from), to = second(data.query.to);
    const seen = new Set();
    for (const entry of series.filter((shape) => !shape.isOther && shape.known)) {
      for (const stretch of entry.known.all) {
        if (stretch.to <= from || stretch.from >= to) continue;
        const name = `Max replicas ${stretch.most} · ${chosen.length > 1 ? entry.label : entry.version}`;
        if (!seen.has(name)) limits.push({ value: stretch.most, label: name, colour: "limit", line: isDay ? "solid" : "dashed", from: Math.max(stretch.from, from), to: Math.min(stretch.to, to), isMaximum: true });
        seen.add(name);
      }
    }
  }
  const subscription = data.account.subscriptionMaxReplicas;
  if (subscription) limits.push({ value: subscription, label: `Account's subscription: ${subscription} replicas`, colour: "account", isSubscription: true });
  const describe = (entry, spot, x) => {
    const point = entry.source?.slice(0, spot + 1).findLast((candidate) => candidate);
    return [
      { label: entry.model ? `${entry.model} · ${entry.version}` : entry.label, value: `${number(entry.y[spot])} ${entry.y[spot] === 1 ? "replica" : "replicas"}` },
      ...(point?.hardware ? [{ label: "Hardware", value: point.hardware, colour: null }] : []),
    ];
  };
  const [from, to] = [second(data.query.from), second(data.query.to)];
  const short = marks.cutShort.filter((mark) => {
    const here = second(mark.at);
    return here >= from && here < to && (!data.query.model || mark.model === data.query.model) && (!data.query.version || mark.version === data.query.version);
  }).filter((mark) => series.some((entry) => !entry.isOther && entry.version === mark.version && entry.name === mark.model && entry.x[0] <= second(mark.at) && second(mark.at) <= entry.x.at(-1)));
  const peak = Math.max(0, ...series.flatMap((entry) => entry.y.filter((value) => value !== null)));
  return {
    ...frame(data.query, zoom), series, legend, limits,
    axes: { y: { title: "Number of Replicas", format: "exact", least: 1.04, max: isDay && data.scaling.maxReplicas ? Math.max(data.scaling.maxReplicas, peak) * 1.04 : null } },
    marks: short.map((mark) => ({ x: second(mark.at), y: mark.replicas, colour: "high", text: mark })),
    hover: (x, at, u) => {
      const found = hoverOf(series, describe, () => moment(zone.text(x * 1000)))(x, at, u);
      const near = short.find((mark) => Math.abs(u.valToPos(second(mark.at), "x") - u.valToPos(x, "x")) < 6);
      if (found && near) found.rows.push({ label: `✕ ${near.version} cut short by`, value: near.limitedBy, colour: "high" });
      return found;
    },
  };
}

// Colours and marks of versions: those that they have where versions are laid over each other, if nobody has them yet.
function paint(first, later, account, query) {
  const isMeant = (model) => model.kind === query.kind && (!query.model || model.name === query.model) && (!query.deployedAt || model.deployedAt.some((at) => Date.parse(at) === Date.parse(query.deployedAt)));
  const versions = [...new Set(account.models.filter(isMeant).flatMap((model) => model.versions))];
  const taken = new Set();
  const byOrder = (a, b) => a.order[0] - b.order[0] || a.order[1] - b.order[1];
  const own = [first, later.filter((entry) => !first.includes(entry))].flatMap((list) => list.filter((entry) => !entry.isOther).sort(byOrder));
  for (const entry of own) {
    let index = own.length > 1 ? Math.max(0, versions.indexOf(entry.version)) % shades.length : 0;
    for (let tries = 0; taken.has(index) && tries < shades.length; tries++) index = (index + 1) % shades.length;
    taken.add(index);
    Object.assign(entry, look(false, shades[index]), { marker: own.length > 1 ? shapes[index] : undefined });
  }
  for (const entry of [...first, ...later]) if (entry.isOther) Object.assign(entry, look(true));
}

// Many small ones as one: the sum.
function others(list) {
  const times = [...new Set(list.flatMap((entry) => entry.x))].sort((a, b) => a - b);
  const places = list.map(() => -1);
  const y = times.map((time) => list.reduce((sum, entry, index) => {
    while (places[index] + 1 < entry.x.length && entry.x[places[index] + 1] <= time) places[index]++;
    return sum + (places[index] >= 0 ? entry.y[places[index]] ?? 0 : 0);
  }, 0));
  return { x: times, y, at: times.map(() => ""), label: `${list.length} others`, kind: "steps", colour: "other", line: "solid" };
}

/** Bars of input tokens with output tokens on them, in thousands. */
/** Parts of a whole in bars on each other; the first is drawn lowest. */
function stacked(entries, x, at, lasts, colourOf) {
  const sums = x.map(() => 0);
  const series = entries.map(({ label, values, title }, index) => {
    values.forEach((value, place) => { sums[place] += value; });
    return { x, at, y: values, stack: [...sums], label, title, lasts, kind: "bars", colour: colourOf(index) };
  });
  // The highest is drawn first, the others over it.
  return series.reverse();
}

/** Credits of each bucket by model, version, hardware or use. */
export function creditBars(answer, by, zoom, account) {
  // Models of one name are told apart.
  const labels = new Map(), zone = clock(answer.timeZone, answer.from);
  const modelOf = ({ modelId, model }) => {
    if (!labels.has(modelId)) labels.set(modelId, ((found) => (found ? modelLabel(account, found, zone) : model))(account?.models.find((other) => other.id === modelId)));
    return labels.get(modelId);
  };
  const name = {
    model: modelOf, version: (entry) => (entry.version ? `${modelOf(entry)} · ${entry.version}` : `${modelOf(entry)} (fine-tuning)`),
    hardware: (entry) => entry.hardware || "–", use: (entry) => (entry.use === "deployment" ? "Deployment" : "Fine-tuning"),
  }[by];
  const groups = new Map();
  for (const entry of answer.entries) {
    const key = name(entry);
    if (!groups.has(key)) groups.set(key, { label: key, credits: 0, hours: 0, values: answer.starts.map(() => 0) });
    const group = groups.get(key);
    group.credits += entry.credits;
    group.hours += entry.replicaHours || 0;
    entry.parts.forEach((value, index) => { group.values[index] += value; });
  }
  const sorted = [...groups.values()].sort((a, b) => b.credits - a.credits);
  const drawn = sorted.slice(0, sorted.length > 6 ? 5 : 6);
  if (sorted.length > drawn.length) {
    const rest = sorted.slice(drawn.length);
    drawn.push({ label: `${rest.length} others`, values: answer.starts.map((_, index) => rest.reduce((sum, group) => sum + group.values[index], 0)) });
  }
  const lasts = answer.granularity === "hour" ? 3600 : 86_400;
  const series = stacked(drawn, answer.starts.map(second), answer.starts, lasts, (index) => parts[Math.min(index, parts.length - 1)]);
  return {
    groups: sorted,
    spec: {
      ...frame(answer, zoom), series,
      axes: { y: { title: "Credits", format: "credits" } },
      hover: hoverOf(series, (entry, spot) => (entry.y[spot] ? [{ label: entry.label, value: credits(entry.y[spot]) }] : null)),
    },
  };
}

// Pale to dark on white; the other way round in the dark.
const light = ["#dbeafe", "#bfdbfe", "#93c5fd", "#60a5fa", "#3b82f6", "#2563eb", "#1d4ed8", "#1e40af", "#25277f", "#1e1b4b"];
const dark = ["#10233f", "#12305c", "#153f7c", "#1a519f", "#2166c2", "#3580de", "#579bee", "#85b8f6", "#b5d5fb", "#e0effe"];

/** How latency is distributed over time: colour says how many; quantiles lie over it. */
export function heatMap(answer, { zoom, objective, isDark }) {
  const buckets = answer.buckets.filter((bucket) => bucket.successes > 0);
  let most = 1;
  const columns = buckets.map((bucket) => {
    for (let index = 1; index < bucket.heat.length; index += 2) most = Math.max(most, bucket.heat[index]);
    return { x: second(bucket.at), cells: bucket.heat };
  });
  const { bucketSeconds: lasts, rows } = answer;
  const line = (key, colour) => ({ ...bucketLine(buckets, lasts, (bucket) => bucket[key], answer), label: key, colour, width: key === "p95" ? 2 : 1.5, lasts });
  const series = [line("p50", "text"), line("p95", "high"), line("p99", "top")];
  // The few fastest requests, a thousandth, would take half of the height.
  const counts = rows.map(() => 0);
  for (const { cells } of columns) for (let index = 0; index < cells.length; index += 2) counts[cells[index]] += cells[index + 1];
  const all = counts.reduce((sum, count) => sum + count, 0);
  let least = 0;
  for (let sum = counts[0] || 0; sum < all / 1000 && least < rows.length - 2; sum += counts[least]) least++;
  // Of latencies that are all alike as much that there is something to read them by.
  const alike = rows.at(-1) / rows[least] < 4 ? 2 : 1;
  const ends = rows.length ? [Math.max((rows[least] * 0.9) / alike, 0.01), Math.max(rows.at(-1) * alike, objective ? objective.value * 1.2 : 0) * 1.1] : [1, 1000];
  return {
    ...frame(answer, zoom), series, log: ends,
    axes: { y: { title: "Latency", format: "duration" } },
    heat: { columns, rows, lasts, most, ramp: isDark ? dark : light },
    limits: objectiveLimits(objective),
    hover: (when, at, u) => {
      const bucket = buckets.find((candidate) => second(candidate.at) <= when && when < second(candidate.at) + lasts);
      if (!bucket) return null;
      const result = { title: stretch(bucket.at, lasts), rows: [{ label: "Successful requests", value: number(bucket.successes), colour: null }, ...series.map((entry) => ({ label: entry.label, value: duration(bucket[entry.label]), colour: entry.colour }))] };
      const value = u.cursor.top >= 0 ? u.posToVal(u.cursor.top, "y") : null;
      const row = value === null ? -1 : rows.findIndex((least, index) => least <= value && value < (rows[index + 1] ?? 0));
      const place = bucket.heat.findIndex((cell, index) => index % 2 === 0 && cell === row);
      if (row >= 0) result.rows.push({ label: `${duration(rows[row])} to ${duration(rows[row + 1])}`, value: `${number(place < 0 ? 0 : bucket.heat[place + 1])} requests`, colour: null });
      return result;
    },
  };
}

/** Successes and failures of finer buckets, and those of a base: { analysis, label }. */
export function fineRequests(answer, { zoom }, base) {
  const own = (key, label, more, of = answer) => ({ ...bucketLine(of.buckets, of.bucketSeconds, (bucket) => bucket[key], of), lasts: of.bucketSeconds, label, ...more });
  const series = [
    own("successes", "Successful", { colour: "success", fill: true, width: 2.5 }), own("failures", "Failed", { colour: "failure", scale: "right", points: "some", width: 1.5, marker: "cross" }),
    ...(base ? [own("successes", compared("Successful", base.label), look(true), base.analysis), own("failures", compared("Failed", base.label), { ...look(true), scale: "right", line: "dotted" }, base.analysis)] : []),
  ];
  const describe = (entry, spot) => [{ label: entry.label, value: number(entry.y[spot]) }];
  return {
    ...frame(answer, zoom), series,
    axes: { y: { title: "Number of Requests", format: "count", least: 5 }, right: failed },
    hover: hoverOf(series, describe),
  };
}

/** Two figures of each bucket: the first on the left axis, the second on the right. */
function pair(answer, { zoom }, entries, axes) {
  const series = entries.map(({ of, ...look }, index) => ({ ...bucketLine(answer.buckets, answer.bucketSeconds, of, answer), lasts: answer.bucketSeconds, width: index ? 1.5 : 2, ...(index ? { scale: "right" } : {}), ...look }));
  return { ...frame(answer, zoom), series, axes, hover: hoverOf(series, (entry, spot) => ((entry.y[spot] ?? null) === null ? null : [{ label: entry.label, value: entry.text(entry.y[spot]) }])) };
}

/** Average times to first token and per output token, where they are known. */
export const tokenTimes = (answer, view) => pair(answer, view,
  [{ of: (bucket) => bucket.firstToken, label: "To the first token", colour: "high", text: duration }, { of: (bucket) => bucket.perOutputToken, label: "Per output token", colour: "top", text: duration }],
  { y: { title: "To First Token", format: "duration" }, right: { title: "Per Output Token", format: "duration" } });

const perSecond = (value) => quantity(value, "/s"), aSecond = (key) => (bucket) => (bucket.seconds > 0 ? bucket[key] / bucket.seconds : null);
/** Output tokens a second, and answers, which keep to the lower half: where answers are alike both lines have one shape. */
export const throughput = (answer, view) => pair(answer, view,
  [{ of: aSecond("outputTokens"), label: "Output tokens", colour: "output", text: perSecond }, { of: aSecond("successes"), label: "Answers", colour: "success", text: perSecond }],
  { y: { title: "Output Tokens", format: "rate" }, right: { title: "Answers", format: "rate", share: 0.5 } });

/** The share of KV blocks in use, and preemptions, which keep to the lower half. */
export const kvCache = (answer, view) => pair(answer, view,
  [{ of: (bucket) => bucket.kvUtilisation, label: "Utilisation", colour: "high", text: percent }, { of: (bucket) => bucket.preemptions, label: "Preemptions", colour: "failure", text: number }],
  { y: { title: "KV Cache in Use", format: "share" }, right: { title: "Preemptions", format: "count", least: 5, share: 0.5 } });

/** Failures by reason over time, in bars on each other. */
export function reasons(answer, { zoom }) {
  const totals = {};
  for (const bucket of answer.buckets) for (const [reason, count] of Object.entries(bucket.reasons)) totals[reason] = (totals[reason] || 0) + count;
  const names = Object.keys(totals).sort((a, b) => totals[b] - totals[a]);
  const buckets = answer.buckets.filter((bucket) => bucket.failures > 0);
  const palette = ["failure", ...parts.slice(1)];
  const series = stacked(names.map((reason) => ({ label: reason, values: buckets.map((bucket) => bucket.reasons[reason] || 0) })), buckets.map((bucket) => second(bucket.at)), buckets.map((bucket) => bucket.at), answer.bucketSeconds, (index) => palette[Math.min(index, palette.length - 1)]);
  return {
    totals, spec: {
      ...frame(answer, zoom), series,
      axes: { y: { title: "Failed", format: "count", least: 4 } },
      hover: hoverOf(series, (entry, spot) => (entry.y[spot] ? [{ label: entry.label, value: number(entry.y[spot]) }] : null)),
    },
  };
}

const relevant = (data) => (incident) => {
  const { kind, model, provider, from, to } = data.query;
  // A provider's trouble is for external models; a model's for its own tab and filter; the rest for all.
  if (incident.provider && (kind !== "external" || (provider && provider !== incident.provider))) return false;
  if (incident.model && (incident.modelKind !== kind || (model && model !== incident.model))) return false;
  return Date.parse(incident.to) >= Date.parse(from) && Date.parse(incident.from) < Date.parse(to);
};

/** Incidents of a view, as bands in seconds. */
export const incidents = (data, marks) => marks.incidents.filter(relevant(data)).map((incident) => ({ ...incident, start: second(incident.from), end: second(incident.to) }));

export const withBands = (spec, bands) => ({ ...spec, bands: bands.map(({ start, end, kind }) => ({ from: start, to: end, colour: "failure", label: kind })) });
export const lengthOf = ({ start, end }) => length((end - start) * 1000);

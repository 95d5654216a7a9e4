// Finer buckets than the platform's, of what is simulated and of its base.
import { clock, duration, number } from "./format.js";
import { second, compared, look, hoverOf, bucketLine } from "./graphs.js";
import { panels, bucketName } from "./panels.js";

/** Quantiles of latency in finer buckets; of a base p95 beside them. `base`: { analysis, label }. */
function fineLatency(answer, { zoom, objective }, base) {
  const own = (of, key) => ({ ...bucketLine(of.buckets.filter((bucket) => bucket.successes > 0), of.bucketSeconds, (bucket) => bucket[key], of), lasts: of.bucketSeconds });
  const series = [
    { ...own(answer, "p50"), label: "p50", colour: "latency", width: 1.5 }, { ...own(answer, "p95"), label: "p95", colour: "high" }, { ...own(answer, "p99"), label: "p99", colour: "top", width: 1.5 },
    ...(base ? [{ ...own(base.analysis, "p95"), label: compared("p95", base.label), ...look(true) }] : []),
  ];
  return {
    range: zoom || [second(answer.from), second(answer.to)], clock: clock(answer.timeZone, answer.from), series, axes: { y: { title: "Latency", format: "duration" } },
    limits: objective ? [{ value: objective.value, label: objective.label, colour: "limit" }] : [],
    hover: hoverOf(series, (entry, spot) => [{ label: entry.label, value: duration(entry.y[spot]) }]),
  };
}

// A column of a base's buckets beside a table of one's own.
function withBase([head, ...rows], base, value, name) {
  if (!base) return [head, ...rows];
  const found = new Map(base.analysis.buckets.map((bucket) => [bucket.at, value(bucket)]));
  return [[...head, `${name}, ${base.label}`], ...rows.map((row) => [...row, found.get(row[0]) ?? null])];
}

panels.quantiles = {
  title: "Latency", needs: "analysis",
  tip: "Half of the successful requests of each bucket were at most as slow as p50 says, 95 % as p95, 99 % as p99.",
  isThere: (_, extra) => extra.analysis.buckets.some((bucket) => bucket.successes > 0),
  figures: ({ data: { latency } }, _, extra) => [...["p50", "p95", "p99"].map((key) => [key, duration(latency.summary[key]), `${number(latency.summary[key])} ms`]), ["buckets of", bucketName(extra.analysis)]],
  rows: (_, __, { analysis, base }) => withBase([["time", "requests", "p50", "p95", "p99"], ...analysis.buckets.map((b) => [b.at, b.successes, b.p50, b.p95, b.p99])], base, (b) => b.p95, "p95"),
  json: (_, { analysis }) => analysis.buckets.map(({ at, successes, p50, p95, p99 }) => ({ at, successes, p50, p95, p99 })),
  graph: (_, view, extra) => ({ spec: fineLatency(extra.analysis, view, extra.base) }),
  tools: [],
};

const { rows } = panels.fine;
panels.fine.rows = (answer, view, extra) => withBase(withBase(rows(answer, view, extra), extra.base, (bucket) => bucket.successes, "successes"), extra.base, (bucket) => bucket.failures, "failures");

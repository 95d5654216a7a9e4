// Graphs of what external models used, and what it cost.
import { number, credits } from "./format.js";
import { second, bucketSeconds, frame, compared, look, hoverOf } from "./graphs.js";

export function tokens(answers, { zoom }) {
  const data = answers[0].data;
  const lasts = bucketSeconds(data);
  const series = [];
  answers.forEach(({ data, label, isOther }) => {
    const points = data.tokens.points;
    const own = (value, middle = 0) => ({ x: points.map((point) => second(point.at) + middle), at: points.map((point) => point.at), y: points.map(value), lasts, source: points });
    const inputs = own((point) => point.inputTokens / 1000), outputs = own((point) => point.outputTokens / 1000);
    if (isOther) {
      // Lines at the tops of what would be its bars.
      const top = (name, value, stack) => ({ ...own(value, lasts / 2), stack: points.map(stack), label: compared(name, label), ...look(true) });
      series.push(top("Output tokens", (point) => point.outputTokens / 1000, (point) => (point.inputTokens + point.outputTokens) / 1000), { ...top("Input tokens", (point) => point.inputTokens / 1000, (point) => point.inputTokens / 1000), line: "dotted" });
      return;
    }
    // The sum first: input tokens are drawn over its lower part.
    series.push({ ...outputs, stack: points.map((point) => (point.inputTokens + point.outputTokens) / 1000), label: compared("Output tokens", label), kind: "bars", colour: "output" });
    series.push({ ...inputs, label: compared("Input tokens", label), kind: "bars", colour: "input" });
  });
  const describe = (entry, spot) => [{ label: entry.label, value: number(entry.label.startsWith("Input") ? entry.source[spot].inputTokens : entry.source[spot].outputTokens) }];
  return { ...frame(data.query, zoom), series, axes: { y: { title: "Number of Tokens (in K)", format: "exact" } }, hover: hoverOf(series, describe) };
}

export function cost(answers, { zoom }) {
  const lasts = bucketSeconds(answers[0].data);
  const series = answers.filter(({ data }) => data.cost).map(({ data: { cost: { points } }, label, isOther }) => ({
    x: points.map((point) => second(point.at) + (isOther ? lasts / 2 : 0)), at: points.map((point) => point.at), y: points.map((point) => point.cost), lasts,
    label: compared("Cost", label), ...(isOther ? look(true) : { kind: "bars", colour: "output" }),
  }));
  return { ...frame(answers[0].data.query, zoom), series, axes: { y: { title: "Cost", format: "credits" } }, hover: hoverOf(series, (entry, spot) => [{ label: entry.label, value: credits(entry.y[spot]) }]) };
}

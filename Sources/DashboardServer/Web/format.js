// One formatter for every page: durations, counts, credits, shares, instants, and cells of CSV files.
export const none = "–";
const missing = (value) => value === null || value === undefined || Number.isNaN(value);
// A format is made once: making one takes longer than using it a hundred times.
const made = new Map();
const written = (value, key, options) => {
  if (!made.has(key)) made.set(key, new Intl.NumberFormat("en", { signDisplay: "negative", ...options }));
  return made.get(key).format(value);
};
const digits = (value, most, least = 0) => written(value, `${most} ${least}`, { maximumFractionDigits: most, minimumFractionDigits: least });
const significant = (value, least) => written(value, `s${least}`, { maximumSignificantDigits: 3, minimumSignificantDigits: least });
// Three significant digits, never an exponent.
const three = (value) => {
  const size = Math.abs(value);
  return size >= 100 ? digits(value, 0) : size >= 10 ? digits(value, 1) : size >= 1 ? digits(value, 2) : significant(value, 1);
};

// The same with the noughts that say that there are three.
const padded = (value) => {
  const size = Math.abs(value);
  return size >= 99.95 || size < 1 ? three(value) : digits(value, size >= 9.995 ? 1 : 2, size >= 9.995 ? 1 : 2);
};

/** Exact, with separators of thousands. */
export const number = (value) => (missing(value) ? none : digits(value, 4));

/** Three digits and a unit from ten thousand on; the exact number belongs in a title or a table. */
export function compact(value, isTick) {
  if (missing(value)) return none;
  const size = Math.abs(value);
  if (size < 10_000) return digits(value, Number.isInteger(value) ? 0 : 2);
  const [factor, unit] = size < 999_500 ? [1e3, "K"] : size < 999_500_000 ? [1e6, "M"] : [1e9, "B"];
  return `${(isTick ? three : padded)(value / factor)} ${unit}`;
}

// The unit in which people say so many milliseconds.
const durationUnit = (size) => (size < 999.5 ? [1, "ms"] : size < 119_950 ? [1e3, "s"] : size < 7_197_000 ? [6e4, "min"] : size < 172_728_000 ? [3.6e6, "h"] : [8.64e7, "days"]);

/** Milliseconds, in the unit that people say; on axes without noughts at the end. */
export function duration(value, isTick) {
  if (missing(value)) return none;
  const size = Math.abs(value);
  if (size === 0) return "0 ms";
  const [factor, unit] = durationUnit(size);
  return `${(isTick || unit === "ms" ? three : padded)(value / factor)} ${unit}`;
}

// What a number of a unit is divided by to be said, and the word after it. Of shares 1 is all; "%" are hundredths already.
function saidIn(size, unit) {
  if (unit === "ms" || unit === "s") { const [factor, word] = durationUnit(unit === "s" ? size * 1000 : size); return [unit === "s" ? factor / 1000 : factor, ` ${word}`]; }
  if (unit === "share") return [0.01, " %"];
  if (unit === "%") return [1, " %"];
  if (unit === "h" || unit === "hours") return [1, " h"];
  const [factor, word] = size < 10_000 ? [1, ""] : size < 999_500 ? [1e3, " K"] : size < 999_500_000 ? [1e6, " M"] : [1e9, " B"];
  return [factor, unit === "/s" ? `${word}/s` : word];
}

/** A number of any unit, to three digits: ms, s, share, %, h or hours, credits, or none. On axes without noughts at the end. */
export function quantity(value, unit = "", isTick = false) {
  if (missing(value)) return none;
  if (unit === "ms") return duration(value, isTick);
  if (unit === "s") return duration(value * 1000, isTick);
  if (unit === "share" && !isTick) return percent(value);
  if (unit === "credits" && !isTick) return credits(value);
  const size = Math.abs(value), [factor, word] = saidIn(size, unit);
  // Whole numbers below ten thousand are exact.
  return `${size < 10_000 && Number.isInteger(value) && factor === 1 ? digits(value, 0) : value === 0 ? "0" : (isTick ? three : padded)(value / factor)}${word}`.replace("-", "−");
}

/** A value and half of its interval in one unit: the half to two digits, the value as far as it goes: "14.67 ± 0.17 s". */
export function estimate(value, half, unit = "", isSigned = false) {
  if (missing(value)) return none;
  const sign = (text) => (isSigned && value > 0 ? `+${text}` : text).replace("-", "−");
  if (!(half > 0) || half < Math.abs(value) * 1e-9) return sign(quantity(value, unit));
  const [factor, word] = saidIn(Math.max(Math.abs(value), half), unit);
  const exponent = Math.floor(Math.log10(half / factor)) - 1;
  // 0.0996 to two digits is 0.10.
  const places = Math.max(0, -(Number((half / factor).toPrecision(2)) >= 10 ** (exponent + 2) ? exponent + 1 : exponent));
  const step = 10 ** Math.max(0, exponent);
  const rounded = (number) => digits(Math.round(number / factor / step) * step, places, places);
  return sign(`${places > 0 ? digits(value / factor, places, places) : rounded(value)} ± ${places > 0 ? digits(half / factor, places, places) : rounded(half)}${word}`);
}

/** How many times less: "variance ÷ 1.42"; what is not less is said so. */
export const reduction = (factor) => (missing(factor) ? none : factor >= 1 ? `÷ ${padded(factor)}` : `× ${padded(1 / factor)}`);

/** Credits: two digits after the point, three significant ones below 1. */
export const credits = (value) => (missing(value) ? none : value !== 0 && Math.abs(value) < 1 ? significant(value, 3) : digits(value, 2, 2));

/** A share as a percentage: what is not all never reads 100 %, what is not nothing never 0 %. */
export function percent(share) {
  if (missing(share)) return none;
  if (share === 0 || share === 1) return `${share * 100} %`;
  const value = share * 100;
  for (let places = 2; places <= 6; places++) {
    const text = digits(value, places, places === 2 ? 2 : 0);
    if (Number(text) !== 100 && Number(text) !== 0) return `${text} %`;
  }
  return value > 50 ? "> 99.999999 %" : "< 0.000001 %";
}

/** Tokens in thousands; the unit stands in the title. */
export const thousands = (value) => (missing(value) ? none : digits(value / 1000, value < 1e6 ? 1 : 0));

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
export const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const parsed = (at) => /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(Z|[+-]\d{2}:\d{2}(?::\d{2})?))?$/.exec(at);
const offset = (text) => (text === "Z" || /^[+-]00:00(:00)?$/.test(text) ? "UTC" : `UTC${text[0] === "-" ? "−" : "+"}${text.slice(1).replace(/^0/, "").replace(/:00$/, "").replace(/:00$/, "")}`);

/** A date: "Wed 4 Mar 2026". */
export function day(at) {
  const found = parsed(at);
  if (!found) return at;
  const [, year, month, date] = found;
  const weekday = new Date(Date.UTC(Number(year), month - 1, date)).getUTCDay();
  return `${days[weekday]} ${Number(date)} ${months[month - 1]} ${Number(year)}`;
}

/** An instant in the words of its own zone: "Wed 4 Mar 2026, 10:00 (UTC−5)". */
export function moment(at) {
  const found = parsed(at);
  if (!found || !found[4]) return found ? day(at) : at;
  const [, , , , hour, minute, second, zone] = found;
  return `${day(at)}, ${hour}:${minute}${second === "00" ? "" : `:${second}`} (${offset(zone)})`;
}

/** A bucket, by its beginning and the seconds that it lasts: "Wed 4 Mar 2026, 14:00–15:00 (UTC−5)"; of a day its date. */
export function stretch(at, seconds) {
  const found = parsed(at);
  if (!found || !found[4] || seconds >= 86_400) return day(at);
  const [, , , , hour, minute, , zone] = found;
  const end = Number(hour) * 60 + Number(minute) + seconds / 60;
  const two = (value) => String(Math.floor(value)).padStart(2, "0");
  return `${day(at)}, ${hour}:${minute}–${two(end > 1440 ? (end / 60) % 24 : end / 60)}:${two(end % 60)} (${offset(zone)})`;
}

/** From when to when, as dates: "2–8 Mar 2026". The end is the first instant that is not in it. */
export function span(from, to) {
  const end = new Date(Date.parse(`${to.slice(0, 19)}Z`) - 1).toISOString();
  const [a, b] = [parsed(from.slice(0, 10)), parsed(end.slice(0, 10))];
  if (!a || !b) return `${from} – ${to}`;
  const [first, last] = [a, b].map(([, year, month, date]) => [Number(date), months[month - 1], Number(year)]);
  if (from.slice(0, 10) === end.slice(0, 10)) return `${first.join(" ")}`;
  if (first[1] === last[1] && first[2] === last[2]) return `${first[0]}–${last.join(" ")}`;
  return first[2] === last[2] ? `${first[0]} ${first[1]} – ${last.join(" ")}` : `${first.join(" ")} – ${last.join(" ")}`;
}

/** How long, ms: "2 h 10 min". */
export function length(ms) {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return duration(ms);
  const parts = [[Math.floor(minutes / 1440), "days"], [Math.floor(minutes / 60) % 24, "h"], [minutes % 60, "min"]].filter(([many]) => many);
  return parts.slice(0, 2).map(([many, unit]) => `${many} ${many === 1 && unit === "days" ? "day" : unit}`).join(" ");
}

// Clocks of zones that the browser knows are made once: making one takes longer than asking it a hundred times.
const clocks = new Map();

/** Of an account: instants by its clock, by the browser's time zones; by one offset if the browser does not know the zone. */
export function clock(zone, sample) {
  if (clocks.has(zone)) return clocks.get(zone);
  let format;
  try {
    format = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric", era: "short" });
  // Data sets may bring zones of their own.
  } catch { }
  const fixed = () => {
    const found = /([+-])(\d{2}):(\d{2})(?::\d{2})?$/.exec(sample || "");
    return found ? (found[1] === "-" ? -1 : 1) * (found[2] * 60 + Number(found[3])) : 0;
  };
  const known = new Map();
  // Minutes that the local clock is ahead; it changes on quarters of an hour only.
  const ahead = (ms) => {
    if (!format) return fixed();
    const quarter = Math.floor(ms / 900_000);
    if (!known.has(quarter)) {
      const parts = Object.fromEntries(format.formatToParts(quarter * 900_000).map(({ type, value }) => [type, value]));
      const local = Date.UTC(Number(parts.year), parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
      known.set(quarter, Math.round((local - quarter * 900_000) / 60_000));
    }
    return known.get(quarter);
  };
  const two = (value) => String(value).padStart(2, "0");
  const found = {
    ahead,
    /** RFC 3339 with the account's offset. */
    text(ms) {
      const minutes = ahead(ms);
      const local = new Date(ms + minutes * 60_000).toISOString().slice(0, 19);
      return minutes === 0 ? `${local}Z` : `${local}${minutes < 0 ? "-" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
    },
    /** The instant, ms, at which the account's clock shows a time, given as if it were UTC. */
    when(local) {
      const guess = local - ahead(local) * 60_000;
      return local - ahead(guess) * 60_000;
    },
  };
  if (format) clocks.set(zone, found);
  return found;
}

// A cell of a CSV file. A spreadsheet takes text that begins like a formula for one: an apostrophe keeps a name a name.
export const csv = (value) => { const text = typeof value === "string" && /^[\s\uFEFF\u00AD\u200B-\u200F\u2028-\u202E\u2060-\u2064\u206A-\u206F]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/.test(value) ? `'${value}` : String(value ?? ""); return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text; };

// The time axis: ticks where an account's clock shows full hours, midnights and first days of months.
import { months } from "./format.js";

const hour = 3_600_000;
const steps = [60_000, 300_000, 900_000, 1_800_000, hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour, 24 * hour, 48 * hour, 7 * 24 * hour, 14 * 24 * hour];
const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** Ticks between two instants, ms, at least this far apart: [[ms, label], …]. */
export function ticks(from, to, apart, clock) {
  const local = (ms) => ms + clock.ahead(ms) * 60_000;
  const step = steps.find((size) => size >= apart);
  const found = [];
  const add = (wall, label) => {
    const ms = clock.when(wall);
    // An hour that the clock skips is shown by none.
    if (ms >= from && ms <= to && local(ms) === wall) found.push([ms, label]);
  };
  if (!step) {
    const count = [1, 2, 3, 6, 12].find((size) => size * 30 * 24 * hour >= apart) || 12;
    const first = new Date(local(from));
    for (let month = Math.floor(first.getUTCMonth() / count) * count; ; month += count) {
      const wall = Date.UTC(first.getUTCFullYear(), month, 1);
      if (clock.when(wall) > to) break;
      const date = new Date(wall);
      add(wall, date.getUTCMonth() === 0 ? String(date.getUTCFullYear()) : months[date.getUTCMonth()]);
    }
    return found;
  }
  // Weeks begin on Mondays.
  const origin = step >= 7 * 24 * hour ? Date.UTC(1970, 0, 5) : 0;
  for (let wall = origin + Math.ceil((local(from) - origin) / step) * step; wall <= local(to) + 2 * hour; wall += step) {
    const date = new Date(wall);
    const isMidnight = wall % (24 * hour) === 0;
    const two = (value) => String(value).padStart(2, "0");
    const label = !isMidnight ? `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`
      : step < 48 * hour ? `${weekdays[date.getUTCDay()]} ${date.getUTCDate()} ${months[date.getUTCMonth()]}` : `${date.getUTCDate()} ${months[date.getUTCMonth()]}`;
    add(wall, label);
  }
  return found;
}

/** Tick distances of an axis of whole numbers, of durations in ms, and of any numbers. */
const decades = (from, to, digits) => {
  const list = [];
  for (let power = from; power <= to; power++) for (const digit of digits) list.push(digit * 10 ** power);
  return list;
};
export const increments = {
  whole: decades(0, 15, [1, 2, 5]),
  duration: [...decades(-3, 2, [1, 2, 5]), 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 43_200_000, 86_400_000, ...decades(8, 14, [1.728, 8.64])],
  any: decades(-9, 15, [1, 2, 5]),
};

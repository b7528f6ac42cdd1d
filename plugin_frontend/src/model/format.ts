/** Numbers and times as people read them. */

/** About three significant digits, without noise: "0.83", "1.2e-5", "1,240". */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e6) return whole(value).replace("-", "−");
  const text =
    size < 1e-3 || size >= 1e6
      ? value.toExponential(1)
      : size >= 1000
        ? whole(Math.round(value))
        : value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
  return text.replace("-", "−");
}

/** Format a number of an axis whose ticks are `distance` apart. */
export function tickText(value: number, distance: number): string {
  if (Math.abs(value) >= 1e5 || distance < 1e-4) return number(value);
  const digits = Math.max(0, Math.ceil(-Math.log10(distance) - 1e-9));
  return value
    .toFixed(digits)
    .replace(/^-(?=0\.?0*$)/, "")
    .replace("-", "−");
}

export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return "–";
  const value = 100 * share;
  if (value === 0 || value === 100) return `${value}%`;
  if (value > 0 && value < 0.05) return "<0.1%";
  return `${value < 10 ? value.toFixed(1) : Math.round(value)}%`;
}

// Cached: `toLocaleString` makes a new one each time, which shows where many numbers follow a pointer.
const english = new Intl.NumberFormat("en-US");

export const whole = (value: number) => english.format(value);

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${whole(count)} ${count === 1 ? one : many}`;
}

/** Return a text that begins with a capital letter. */
export const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** "1st", "12th", "23rd". */
export function nth(count: number): string {
  const teen = Math.floor((count % 100) / 10) === 1;
  return `${whole(count)}${(teen ? undefined : ["", "st", "nd", "rd"][count % 10]) || "th"}`;
}

/** Shorten a list of numbers by ranges: "0–5, 9"; after `room` parts "…". */
export function numberRanges(list: readonly number[], room = 8): string {
  const parts: number[][] = [];
  for (const value of list) {
    const last = parts.at(-1);
    if (last?.at(-1) === value - 1) last.push(value);
    else parts.push([value]);
  }
  const texts = parts.map((part) =>
    part.length > 2 ? `${part[0]}–${part.at(-1)}` : part.join(", "),
  );
  return texts.slice(0, room).join(", ") + (texts.length > room ? " …" : "");
}

/** "4 s", "12 min", "3 h", "5 days". */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}

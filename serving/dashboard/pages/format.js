// Formats numbers, money and times in the browser's locale. Times are in the chosen time zone.

let zone = localStorage.getItem("zone") === "utc" ? "UTC" : undefined;
const made = new Map();

/** Returns a formatter from a cache, because creating one is expensive. */
function formatter(kind, options) {
  const key = kind.name + JSON.stringify(options);
  if (!made.has(key)) made.set(key, new kind(undefined, options));
  return made.get(key);
}

export const isUtc = () => zone === "UTC";

export function setUtc(utc) {
  zone = utc ? "UTC" : undefined;
  localStorage.setItem("zone", utc ? "utc" : "local");
}

/** The name of the time zone in use. */
export const zoneName = () => zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;

export function number(value, digits = 0) {
  if (value === null || value === undefined) return "–";
  return formatter(Intl.NumberFormat, { maximumFractionDigits: digits }).format(value);
}

/** Formats a count with its noun, for example `2 players`. */
export const several = (count, thing) => `${number(count)} ${thing}${count === 1 ? "" : "s"}`;

/** The most digits after the point that `exact` shows; a mean can have more. */
const FRACTION_MAX = 6;

/** Formats the text of a number without converting it to a double, so that no digit is lost. */
export function exact(text) {
  if (text === null || text === undefined) return "–";
  const fraction = String(text).match(/\.(\d+)$/)?.[1].length ?? 0;
  const digits = Math.min(fraction, FRACTION_MAX);
  const shown = fraction > FRACTION_MAX ? {} : { minimumFractionDigits: digits };
  return formatter(Intl.NumberFormat, { ...shown, maximumFractionDigits: digits }).format(text);
}

export function compact(value) {
  return formatter(Intl.NumberFormat, { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

export function percent(share, digits = 1) {
  if (share === null || share === undefined) return "–";
  return formatter(Intl.NumberFormat, { style: "percent", maximumFractionDigits: digits }).format(share);
}

/**
 * Formats a decimal string as an amount in a currency. The string is not converted to a number, because a number could
 * be rounded.
 */
export function money(text, currency) {
  if (text === null || text === undefined) return "–";
  if (!/^[A-Z]{3}$/.test(currency)) return `${text} ${currency}`;
  return formatter(Intl.NumberFormat, {
    style: "currency",
    currency,
    maximumFractionDigits: 4,
    minimumFractionDigits: (text.split(".")[1] ?? "").length,
  }).format(text);
}

function at(options, value) {
  const time = typeof value === "number" ? value : Date.parse(value);
  return Number.isFinite(time)
    ? formatter(Intl.DateTimeFormat, { ...options, timeZone: zone }).format(time)
    : "–";
}

export const clock = (value) => at({ hour: "2-digit", minute: "2-digit", second: "2-digit" }, value);
export const minute = (value) => at({ hour: "2-digit", minute: "2-digit" }, value);
export const moment = (value) => at({ dateStyle: "medium", timeStyle: "medium" }, value);
/** Replaces each UTC time in a text from a record with the same time in the user's locale and the chosen time zone. */
export const withLocalTimes = (text) => text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, moment);
/** Formats a time as ISO 8601 in UTC, for files. */
export const iso = (value) => (value === null || value === undefined ? "" : new Date(value).toISOString());

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 60) return `${number(seconds, seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${number(minutes)} min ${number(Math.floor(seconds % 60))} s`;
  return `${number(Math.floor(minutes / 60))} h ${number(minutes % 60)} min`;
}

// Creates CSV files from tables.

import { h } from "./dom.js";

/** Formats a cell. Adds an apostrophe before a text that a spreadsheet would run as a formula. */
function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) && !/^-?\d+(\.\d+)?$/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Returns the content of a CSV file (RFC 4180). */
export function csv(columns, rows) {
  const lines = [columns.map((column) => cell(column.name))];
  for (const row of rows) lines.push(columns.map((column) => cell(column.value(row))));
  return `${lines.map((line) => line.join(",")).join("\r\n")}\r\n`;
}

/** Downloads a table as a CSV file. */
export function download(title, columns, rows) {
  const address = URL.createObjectURL(new Blob([csv(columns, rows)], { type: "text/csv" }));
  const name = title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  h("a", { href: address, download: `${name}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

// Creates panels and headline numbers. A panel has a title, usually a chart, and a table that can be downloaded as CSV.

import { draw } from "./chart.js";
import { download } from "./csv.js";
import { empty, h, put } from "./dom.js";

/** The number of table rows on the page. The CSV file contains all rows. */
const ROWS_SHOWN = 200;

/**
 * Creates a table. `columns` is `[{name, value(row), text(row)?, cell(row)?, number?}]`. The page shows `cell`, or else
 * `text`, or else `value`; the CSV file contains `value`.
 */
export function table(columns, rows, caption) {
  const cell = (column, row) =>
    h(
      "td",
      { class: column.number ? "number" : null },
      column.cell?.(row) ?? column.text?.(row) ?? column.value(row) ?? "–",
    );
  const head = columns.map((column) =>
    h("th", { scope: "col", class: column.number ? "number" : null }, column.name),
  );
  const body = rows.slice(0, ROWS_SHOWN).map((row) =>
    h(
      "tr",
      {},
      columns.map((column) => cell(column, row)),
    ),
  );
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", { class: "hidden" }, caption),
      h("thead", {}, h("tr", {}, head)),
      h("tbody", {}, body),
    ),
    rows.length > ROWS_SHOWN &&
      h("p", { class: "note" }, `The first ${ROWS_SHOWN} of ${rows.length} rows; the CSV file has all.`),
  );
}

/** Replaces a table and restores its scroll position. */
function replace(place, columns, rows, title) {
  const { scrollTop = 0, scrollLeft = 0 } = place.querySelector(".scroll") ?? {};
  put(place, table(columns, rows, title));
  place.querySelector(".scroll").scrollTo(scrollLeft, scrollTop);
}

/** Creates a panel with a chart. `show` sets its data. A `note` given to `show` replaces the text below the title. */
export function panel(title, note, size = "") {
  const chart = draw(title);
  const about = h("p", { class: "note" }, note);
  const place = h("div", { class: "table-place" });
  const file = h(
    "button",
    { type: "button", class: "quiet", onclick: () => shown && download(title, shown.columns, shown.rows) },
    "CSV",
  );
  const details = h("details", { class: "data", ontoggle: () => fill() }, h("summary", {}, "Table"), place);
  const nothing = h("div", { hidden: true });
  const element = h(
    "section",
    { class: `panel ${size}` },
    h("header", {}, h("h2", {}, title), file),
    about,
    chart.element,
    nothing,
    details,
  );
  let shown = null;
  if (!chart.works) details.open = true;

  function fill() {
    if (details.open && shown) replace(place, shown.columns, shown.rows, title);
  }

  return {
    element,
    show({ option, columns, rows, nothing: [what, todo] = ["No data yet"], note: newNote, height }) {
      shown = { columns, rows };
      const some = rows.length > 0;
      nothing.hidden = some;
      if (!some) put(nothing, empty(what, todo));
      details.hidden = file.hidden = !some;
      if (newNote) put(about, newNote);
      chart.show(some ? option : null, height);
      fill();
    },
    close: chart.close,
  };
}

/** Creates a panel without a chart. The caller fills `body`. */
export function plain(title, note, size = "") {
  const body = h("div", {});
  const file = h("button", { type: "button", class: "quiet", hidden: true }, "CSV");
  let rows = [];
  let columns = [];
  file.addEventListener("click", () => download(title, columns, rows));
  const element = h(
    "section",
    { class: `panel ${size}` },
    h("header", {}, h("h2", {}, title), file),
    note && h("p", { class: "note" }, note),
    body,
  );
  return {
    element,
    body,
    /** Sets the columns and rows of the CSV file. */
    offer(of, all) {
      [columns, rows, file.hidden] = [of, all, all.length === 0];
    },
    /** Shows rows as a table, or a message if there are none. */
    rows(of, all, [what, todo]) {
      this.offer(of, all);
      if (all.length) replace(body, of, all, title);
      else put(body, empty(what, todo));
    },
    close() {},
  };
}

/** Creates a headline number. */
export function stat(name, value, note, tone = "") {
  return h(
    "div",
    { class: `stat ${tone}` },
    h("span", { class: "name" }, name),
    h("strong", {}, value),
    note && h("span", { class: "note" }, note),
  );
}

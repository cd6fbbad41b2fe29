// Explore: the latest rows of any derived topic, and charts of its numbers.

import { download } from "./csv.js";
import { h, keyed, put } from "./dom.js";
import { clock, exact, moment, several } from "./format.js";
import { authorization } from "./get.js";
import { panel, plain } from "./panel.js";
import { address, go, place } from "./place.js";
import { showSeries } from "./series.js";

const MEASURES_MAX = 6;
const FILTERS_MAX = 10;

export function explore() {
  const controls = h("div", { class: "controls" });
  const about = h("p", { class: "note" });
  const list = h("ul", { class: "ids" });
  const kinds = plain("Columns", "", "wide");
  const charts = h("div", { class: "grid wide" });
  const rows = plain("Latest rows", "", "wide");
  const file = h(
    "button",
    { type: "button", class: "quiet", id: "rows-csv", onclick: save },
    "CSV of all rows",
  );
  rows.element.querySelector("header").append(file);
  const element = h(
    "div",
    { class: "view" },
    h("section", { class: "panel" }, h("header", {}, h("h2", {}, "Explore")), controls, about, list),
    charts,
    rows.element,
    kinds.element,
  );
  const open = new Map();
  let built = "";

  return {
    element,
    update(answer) {
      const to = place();
      const { topics, explored } = answer.data;
      if (explored && explored.topic !== to.topic) return; // The answer to the previous address.
      if (chooseMeasure(explored, to)) return;
      const signature = JSON.stringify([to, topics, explored?.columns]);
      if (built !== signature) {
        built = signature;
        build(controls, topics, explored, to);
      }
      put(about, explored && facts(explored));
      put(list, !explored && topics.map(topicLink));
      rows.element.hidden = kinds.element.hidden = !explored;
      keyed(
        charts,
        explored?.charts ?? [],
        (chart) => chart.measure,
        (chart) => chartOf(chart, open),
      );
      for (const chart of explored?.charts ?? []) {
        const note = to.split ? `By ${to.split}.` : "";
        showSeries(open.get(chart.measure), { ...answer, explored, chart, bars: to.chart === "bars", note });
      }
      if (explored) tables(rows, kinds, explored, file);
    },
    close() {
      for (const chart of open.values()) chart.close();
    },
  };
}

const topicLink = (topic) =>
  h("li", {}, h("a", { class: "chip", href: address({ ...place(), topic }) }, topic));

/** Selects the first measure if the address contains none. Returns whether the address has changed. */
function chooseMeasure(explored, to) {
  if (!explored || to.measure.length) return false;
  const measures = explored.columns.filter((column) => column.is_measure);
  const first = measures.find((column) => column.is_additive) ?? measures[0];
  if (first) go({ measure: [first.name] }, true);
  return Boolean(first);
}

function chartOf(chart, open) {
  const made = open.get(chart.measure) ?? panel(chart.measure, "", "wide");
  open.set(chart.measure, made);
  return { element: made.element, update() {} };
}

/** Returns what must be known about the rows: how many there are, and which are not shown. */
function facts(explored) {
  const parts = [];
  if (explored.last_error) parts.push(`Cannot read ${explored.topic}: ${explored.last_error}.`);
  if (explored.filling) parts.push("Loading the topic\u2026");
  parts.push(`${several(explored.matching, "row")} in this time span.`);
  if (explored.dropped)
    parts.push("Only the latest rows of the topic are in memory; older ones are left out.");
  if (explored.incomplete) parts.push("Some columns are left out, because there are too many.");
  const line = h("span", {}, parts.join(" "));
  if (!explored.unreadable) return line;
  const unreadable = h(
    "span",
    { class: "warn badge", id: "unreadable" },
    `${several(explored.unreadable, "unreadable row")}`,
  );
  return [line, " ", unreadable, ` The latest: ${explored.last_unreadable}.`];
}

function build(controls, topics, explored, to) {
  const focus = document.activeElement?.id;
  const columns = explored?.columns ?? [];
  const keys = columns.filter((column) => column.is_key).map((column) => column.name);
  put(
    controls,
    h(
      "div",
      { class: "filters" },
      choice("Topic", "topic", ["", ...topics], to.topic, (topic) =>
        go({ topic, measure: [], split: null, filter: [] }),
      ),
      explored && choice("Split by", "split", ["", ...keys], to.split, (split) => go({ split })),
      explored &&
        choice("Chart", "chart", ["lines", "bars"], to.chart ?? "lines", (chart) =>
          go({ chart: chart === "bars" ? chart : null }),
        ),
    ),
    explored && measures(columns, to),
    explored && filters(explored, to),
  );
  if (focus) document.getElementById(focus)?.focus();
}

function choice(title, id, values, chosen, onchoice) {
  const known = chosen && !values.includes(chosen) ? [...values, chosen] : values;
  const option = (value) =>
    h(
      "option",
      { value, selected: value === (chosen ?? "") },
      value || (id === "topic" ? "Choose\u2026" : "nothing"),
    );
  return h(
    "label",
    {},
    h("span", {}, title),
    h(
      "select",
      { id: `explore-${id}`, onchange: (event) => onchoice(event.target.value) },
      known.map(option),
    ),
  );
}

function measures(columns, to) {
  const names = columns.filter((column) => column.is_measure).map((column) => column.name);
  const all = [...names, ...to.measure.filter((name) => !names.includes(name))];
  const toggle = (name, is) =>
    go({ measure: is ? to.measure.filter((other) => other !== name) : [...to.measure, name] });
  const button = (name) => {
    const is = to.measure.includes(name);
    return h(
      "button",
      {
        type: "button",
        id: `measure-${name}`,
        class: is ? "chip" : "chip off",
        "aria-pressed": String(is),
        disabled: is ? to.measure.length === 1 : to.measure.length >= MEASURES_MAX,
        onclick: () => toggle(name, is),
      },
      is ? `\u2713 ${name}` : name,
    );
  };
  return h(
    "div",
    { class: "filters", role: "group", "aria-label": "Measures" },
    h("span", { class: "note" }, "Measures"),
    all.length ? all.map(button) : h("span", { class: "note" }, "This topic has no numbers yet."),
  );
}

function filters(explored, to) {
  const names = explored.columns.map((column) => column.name).filter((name) => !name.includes("="));
  const column = h(
    "select",
    { id: "filter-column", "aria-label": "Column of the new filter" },
    names.map((name) => h("option", { value: name }, name)),
  );
  const values = h("datalist", { id: "filter-values" });
  const value = h("input", {
    id: "filter-value",
    list: "filter-values",
    placeholder: "value",
    autocomplete: "off",
    "aria-label": "Value of the new filter; empty for rows without a value",
  });
  const suggest = () => {
    const index = 2 + explored.columns.findIndex(({ name }) => name === column.value);
    const known = new Set(explored.rows.map((row) => row[index]).filter((text) => text !== null));
    put(
      values,
      [...known].sort().map((text) => h("option", { value: text })),
    );
  };
  column.addEventListener("change", suggest);
  suggest();
  const form = h(
    "form",
    { class: "filters" },
    h("span", { class: "note" }, "Filters"),
    to.filter.map((filter) =>
      h(
        "button",
        {
          type: "button",
          class: "chip",
          title: "Remove this filter",
          onclick: () => go({ filter: to.filter.filter((other) => other !== filter) }),
        },
        `${filter.replace("=", " = ")} \u2715`,
      ),
    ),
    column,
    value,
    values,
    h("button", { type: "submit", disabled: to.filter.length >= FILTERS_MAX }, "Add filter"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const filter = `${column.value}=${value.value}`;
    if (!to.filter.includes(filter)) go({ filter: [...to.filter, filter] });
  });
  return form;
}

/** Returns the columns of the table of rows. Files contain the exact texts. */
function columnsOf(explored) {
  const time = (name, index) => ({ name, value: (row) => row[index], text: (row) => moment(row[index]) });
  const columns = explored.columns.map(({ name, is_measure }, index) => ({
    name,
    number: is_measure,
    value: (row) => row[index + 2],
    text: (row) => (is_measure ? plainNumber(row[index + 2]) : row[index + 2]),
  }));
  const revision = explored.columns.length + 2;
  return [
    time("window_start", 0),
    time("window_end", 1),
    ...columns,
    { name: "revision", number: true, value: (row) => row[revision] },
  ];
}

/** Formats a number with all its digits; other texts stay as they are. */
const plainNumber = (text) => (/^-?\d+(\.\d{1,6})?$/.test(text ?? "") ? exact(text) : text);

function tables(rows, kinds, explored, file) {
  file.hidden = !explored.matching;
  rows.rows(columnsOf(explored), explored.rows, ["No rows in this time span", "Choose a longer time."]);
  rows.offer([], []);
  kinds.rows(
    [
      { name: "column", value: (column) => column.name },
      { name: "type", value: (column) => column.type },
      { name: "can be plotted", value: (column) => (column.is_measure ? "yes" : "no") },
      { name: "can be added", value: (column) => (column.is_additive ? "yes" : "no") },
    ],
    explored.columns,
    ["No columns yet"],
  );
}

/** Downloads all rows of the time span that match the filters. */
async function save({ target }) {
  const { query, topic } = place();
  target.disabled = true;
  try {
    const response = await fetch(`api/explore/rows${query}`, { headers: authorization(), cache: "no-store" });
    if (!response.ok) throw new Error(`the dashboard answered ${response.status}`);
    const { explored } = (await response.json()).data;
    download(topic, columnsOf(explored), explored.rows);
    put(target, "CSV of all rows");
  } catch (error) {
    put(target, `CSV failed at ${clock(Date.now())}: ${error.message}. Try again`);
  } finally {
    target.disabled = false;
  }
}

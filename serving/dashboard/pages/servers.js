// Servers: a tile for each server, and a timeline of alerts.

import { spans } from "./chart.js";
import { empty, h, keyed, put } from "./dom.js";
import { clock, iso, moment, number, several } from "./format.js";
import { panel, plain, stat } from "./panel.js";
import { spark } from "./spark.js";

const STATUS = {
  healthy: ["good", "●"],
  degraded: ["warn", "◆"],
  critical: ["bad", "▲"],
  silent: ["bad", "■"],
};
/** Returns the status to show for a server. A silent server is shown as silent, because its last report is outdated. */
const statusOf = (row) => (row.open.includes("silent") ? "silent" : row.status);
/** The limit for the rows of the timeline. The table below it contains all alerts. */
const ROWS_DRAWN = 24;
const TONE = { cpu: "line-1", memory: "line-4", latency: "line-2", silent: "line-5" };

export function servers() {
  const stats = h("div", { class: "stats" });
  const tiles = plain(
    "Servers",
    "Latest window, unhealthy servers first. Bars show the mean load, marks the maximum.",
    "wide",
  );
  const list = h("div", { class: "tiles" });
  const none = h("div", {});
  tiles.body.append(list, none);
  const timeline = panel("Server alerts", "From opening to closing.", "wide");
  const element = h("div", { class: "view" }, stats, tiles.element, timeline.element);
  return {
    element,
    update(answer) {
      const { data } = answer;
      const count = (status) => data.tiles.filter((tile) => statusOf(tile) === status).length;
      put(
        stats,
        Object.keys(STATUS).map((status) =>
          stat(
            status[0].toUpperCase() + status.slice(1),
            number(count(status)),
            `of ${number(data.tiles.length)} servers`,
            count(status) && status !== "healthy" ? STATUS[status][0] : "",
          ),
        ),
        stat(
          "Open alerts",
          number(data.alerts.filter((alert) => !alert.closed_at).length),
          `${number(data.alerts.length + data.alerts_left_out)} in this span`,
        ),
      );
      keyed(list, data.tiles, (row) => row.server, tile);
      put(
        none,
        data.tiles.length
          ? data.tiles_left_out > 0 &&
              h("p", { class: "note" }, `${number(data.tiles_left_out)} healthy servers are left out.`)
          : empty(
              "No server reported in this span",
              "Run `make start`, or post server metrics to the web API.",
            ),
      );
      tiles.offer(COLUMNS, data.tiles);
      alerts(timeline, answer);
    },
    close: timeline.close,
  };
}

const COLUMNS = [
  ...["server", "region", "server_type", "status"].map((name) => ({ name, value: (row) => row[name] })),
  { name: "open alerts", value: (row) => row.open.join(" ") },
  { name: "window", value: (row) => iso(row.window_start) },
  ...["cpu_mean", "cpu_max", "memory_mean", "memory_max", "p50_ms", "p95_ms", "p99_ms", "samples"].map(
    (name) => ({ name, value: (row) => row[name] }),
  ),
];

function meter(name, mean, max) {
  const bar = h("span", { class: "meter-bar" });
  bar.style.width = `${Math.min(100, mean)}%`;
  const mark = h("span", { class: "meter-mark" });
  mark.style.left = `${Math.min(100, max)}%`;
  const tone = mean > 90 ? "bad" : mean > 80 ? "warn" : "good";
  return h(
    "div",
    { class: `meter ${tone}` },
    h("span", { class: "name" }, name),
    h("span", { class: "track" }, bar, mark),
    h("span", { class: "value" }, `${number(mean, 0)} %`),
  );
}

function tile() {
  const element = h("article", { class: "tile" });
  return {
    element,
    update(row) {
      const status = statusOf(row);
      const [tone, mark] = STATUS[status];
      element.className = `tile ${row.open.length ? "bad" : tone}`;
      put(
        element,
        h("header", {}, h("h3", {}, row.server), h("span", { class: `badge ${tone}` }, `${mark} ${status}`)),
        h("p", { class: "note" }, `${row.region} · ${row.server_type}`),
        h(
          "p",
          { class: "open" },
          row.open
            .filter((name) => name !== "silent")
            .map((name) => h("span", { class: "badge bad" }, `▲ ${name}`)),
        ),
        meter("CPU", row.cpu_mean, row.cpu_max),
        meter("Memory", row.memory_mean, row.memory_max),
        h(
          "dl",
          { class: "quantiles" },
          [
            ["p50", row.p50_ms],
            ["p95", row.p95_ms],
            ["p99", row.p99_ms],
          ].map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, `${number(value, 0)} ms`))),
        ),
        spark(row.p95, `Latency p95 over the span, now ${number(row.p95_ms, 0)} ms`, 220, 34),
        h("p", { class: "note" }, `${clock(row.window_start)} · ${several(row.samples, "report")}`),
      );
    },
  };
}

const closing = (alert) => (alert.closed_at ? moment(alert.closed_at) : "still open");

function alerts(timeline, { data, from, to }) {
  const name = (alert) => `${alert.server_id} · ${alert.condition}`;
  const names = [...new Set(data.alerts.map(name))]
    .sort((a, b) => a.localeCompare(b, undefined, { numeric: true }))
    .slice(0, ROWS_DRAWN);
  const bars = data.alerts
    .filter((alert) => names.includes(name(alert)))
    .map((alert) => ({
      row: names.indexOf(name(alert)),
      from: Date.parse(alert.opened_at),
      to: alert.closed_at ? Date.parse(alert.closed_at) : to,
      tone: TONE[alert.condition] ?? "line-6",
      about: [name(alert), alert.reason, `${moment(alert.opened_at)} – ${closing(alert)}`].join("\n"),
    }));
  timeline.show({
    option: spans(names, bars, { from, to }),
    columns: [
      { name: "Server", value: (row) => row.server_id },
      { name: "Condition", value: (row) => row.condition },
      { name: "Opened", value: (row) => iso(row.opened_at), text: (row) => moment(row.opened_at) },
      {
        name: "Closed",
        value: (row) => iso(row.closed_at),
        text: closing,
      },
      { name: "Value", number: true, value: (row) => row.value, text: (row) => number(row.value, 1) },
      {
        name: "Threshold",
        number: true,
        value: (row) => row.threshold,
        text: (row) => number(row.threshold, 1),
      },
      { name: "Reason", value: (row) => row.reason },
    ],
    rows: data.alerts,
    nothing: ["No alerts in this span", "Choose a longer time to look further back."],
    height: Math.max(120, 60 + names.length * 30),
  });
}

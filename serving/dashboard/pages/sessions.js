// Sessions: their lengths, and the times at which they start and end.

import { columnsOf, lines } from "./chart.js";
import { h, put } from "./dom.js";
import { duration, iso, moment, number } from "./format.js";
import { panel, stat } from "./panel.js";

const NOTHING = [
  "No session ended in this span",
  "A session ends once its player is silent for the `gap` of the dataflow file, a minute in the shipped one. " +
    "Choose a longer time.",
];

export function sessions() {
  const stats = h("div", { class: "stats" });
  const lengths = panel(
    "Length of sessions",
    "Sessions that ended in this span, by the time from their first event to their last.",
  );
  const flow = panel("Starts and ends", "Ended sessions only: sessions that are still open are not counted.");
  const grid = h("div", { class: "grid" }, lengths.element, flow.element);
  return {
    element: h("div", { class: "view" }, stats, grid),
    update({ data, from, to }) {
      put(stats, summary(data));
      byLength(lengths, data);
      overTime(flow, data, from, to);
    },
    close() {
      for (const part of [lengths, flow]) part.close();
    },
  };
}

function summary(data) {
  const ended = data.sessions;
  const platforms = Object.entries(data.platforms).sort((a, b) => b[1] - a[1]);
  return [
    stat("Sessions ended", number(ended)),
    stat("Median length", duration(data.median_s)),
    stat("90th percentile", duration(data.p90_s)),
    stat("Events per session", ended ? number(data.events / ended, 1) : "–"),
    stat("Levels completed per session", ended ? number(data.level_completes / ended, 2) : "–"),
    stat(
      "Busiest platform",
      platforms.length ? platforms[0][0] : "–",
      platforms.map(([name, count]) => `${name} ${number(count)}`).join(", "),
    ),
  ];
}

function byLength(lengths, data) {
  const rows = data.lengths.map((row) => ({
    ...row,
    name: row.to_s === null ? `from ${short(row.from_s)}` : `${short(row.from_s)} – ${short(row.to_s)}`,
    value: row.sessions,
  }));
  lengths.show({
    option: columnsOf(rows),
    columns: [
      { name: "Length", value: (row) => row.name },
      { name: "Sessions", number: true, value: (row) => row.sessions, text: (row) => number(row.sessions) },
    ],
    rows: data.sessions ? rows : [],
    nothing: NOTHING,
    height: 300,
  });
}

function overTime(flow, data, from, to) {
  const times = data.times.map((time, index) => ({
    time,
    starts: data.starts[index],
    ends: data.ends[index],
  }));
  const series = [
    { name: "starts", values: data.starts, area: true },
    { name: "ends", values: data.ends },
  ];
  flow.show({
    option: lines(data.times, series, { from, to, whole: true }),
    columns: [
      { name: "Time", value: (row) => iso(row.time), text: (row) => moment(row.time) },
      { name: "Starts", number: true, value: (row) => row.starts },
      { name: "Ends", number: true, value: (row) => row.ends },
    ],
    rows: times.some((row) => row.starts || row.ends) ? times.reverse() : [],
    nothing: NOTHING,
    height: 300,
  });
}

const short = (seconds) =>
  seconds < 60
    ? `${number(seconds)} s`
    : seconds < 3600
      ? `${number(seconds / 60)} min`
      : `${number(seconds / 3600)} h`;

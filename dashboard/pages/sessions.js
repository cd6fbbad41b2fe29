// Sessions: how long players stay, and when they come and go.

import { columnsOf, lines } from "/chart.js";
import { h, put } from "/dom.js";
import { duration, iso, moment, number } from "/format.js";
import { figure, panel } from "/panel.js";

const NOTHING = ["No session ended in this span", "A session is over when its player was silent for the gap of the map: a minute here. Look at a longer time."];

export function sessions() {
  const figures = h("div", { class: "figures" });
  const lengths = panel("Length of sessions", "Sessions that ended in the span, by the time from their first event to their last.");
  const flow = panel("Starts and ends", "A session is known when it is over: starts of sessions that still go on are not there yet.");
  const element = h("div", { class: "view" }, figures, h("div", { class: "grid" }, lengths.element, flow.element));
  return {
    element,
    update({ data, from, to }) {
      const ended = data.sessions;
      const platforms = Object.entries(data.platforms).sort((a, b) => b[1] - a[1]);
      put(figures, figure("Sessions ended", number(ended)), figure("Median length", duration(data.median_s)), figure("Nine of ten are shorter than", duration(data.p90_s)),
        figure("Events a session", ended ? number(data.events / ended, 1) : "–"), figure("Levels completed a session", ended ? number(data.level_completes / ended, 2) : "–"),
        figure("Busiest platform", platforms.length ? platforms[0][0] : "–", platforms.map(([name, count]) => `${name} ${number(count)}`).join(", ")));
      const rows = data.lengths.map((row) => ({ ...row, name: row.to_s === null ? `from ${short(row.from_s)}` : `${short(row.from_s)} – ${short(row.to_s)}`, value: row.sessions }));
      lengths.show({
        option: columnsOf(rows),
        columns: [{ name: "Length", value: (row) => row.name }, { name: "Sessions", number: true, value: (row) => row.sessions, text: (row) => number(row.sessions) }],
        rows: ended ? rows : [],
        nothing: NOTHING,
        height: 300,
      });
      const times = data.times.map((time, index) => ({ time, starts: data.starts[index], ends: data.ends[index] }));
      flow.show({
        option: lines(data.times, [{ name: "starts", values: data.starts, area: true }, { name: "ends", values: data.ends }], { from, to, whole: true }),
        columns: [{ name: "Time", value: (row) => iso(row.time), text: (row) => moment(row.time) }, { name: "Starts", number: true, value: (row) => row.starts }, { name: "Ends", number: true, value: (row) => row.ends }],
        rows: times.some((row) => row.starts || row.ends) ? times.reverse() : [],
        nothing: NOTHING,
        height: 300,
      });
    },
    close: () => [lengths, flow].forEach((part) => part.close()),
  };
}

const short = (seconds) => (seconds < 60 ? `${number(seconds)} s` : seconds < 3600 ? `${number(seconds / 60)} min` : `${number(seconds / 3600)} h`);

// Draws the charts of the pages Explore and Pinned.

import { lines, palette } from "./chart.js";
import { compact, exact, moment } from "./format.js";

/**
 * Shows a chart of one measure in a panel. `explored` is what the server sends about a topic, and `chart` is one of its
 * charts. `note` is shown before the chart's own notes.
 */
export function showSeries(panel, { explored, chart, from, to, bars, note }) {
  const { times } = explored;
  const column = explored.columns.find(({ name }) => name === chart.measure);
  const some = times
    .map((time, index) => ({ time, index }))
    .filter(({ index }) => chart.series.some((line) => line.values[index] !== null));
  panel.show({
    option: lines(times, placed(explored, chart), {
      from: Math.min(from, times[0] ?? from),
      to,
      format: exact,
      axis: compact,
      texts: true,
      bars,
      stack: bars && Boolean(column?.is_additive),
    }),
    columns: [
      {
        name: "Time",
        value: ({ time }) => new Date(time).toISOString(),
        text: ({ time }) => moment(time),
      },
      ...chart.series.map((line) => ({
        name: line.name,
        number: true,
        value: ({ index }) => line.values[index],
        text: ({ index }) => exact(line.values[index]),
      })),
    ],
    rows: some.reverse(),
    nothing: nothing(explored, chart, column),
    note: [note, ...chart.notes.map((text) => ` ${text}`)],
  });
}

/** Returns the lines of a chart. A name that occurs in several charts of a topic has the same colour in each. */
function placed({ charts }, chart) {
  const names = [...new Set(charts.flatMap(({ series }) => series.map(({ name }) => name)))].sort();
  if (names.length > palette().length) return chart.series;
  return chart.series.map((line) => ({ ...line, place: names.indexOf(line.name) }));
}

/** Returns why there is nothing to plot, and what to do. */
function nothing(explored, chart, column) {
  if (explored.filling) return ["Loading the topic\u2026"];
  if (explored.last_error) return [`Cannot read ${explored.topic}`, explored.last_error];
  if (!explored.matching && explored.records)
    return ["No rows in this time span", "Choose a longer time, or remove a filter."];
  if (!explored.records) return ["No rows yet", "Rows appear when the first window has closed."];
  if (!column) return [`No column ${chart.measure}`, "Choose another measure."];
  return ["Nothing to plot", "No row has a number in this column, or its values cannot be added."];
}

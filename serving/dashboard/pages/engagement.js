// Engagement: players by platform, level and map, level completion, and stuck players.

import { heat, lines } from "./chart.js";
import { empty, h, keyed, put } from "./dom.js";
import { clock, duration, iso, moment, number, percent, several } from "./format.js";
import { panel, plain } from "./panel.js";
import { address, place } from "./place.js";

const NOTHING = [
  "No players in this span",
  "Run `make start` or post player events, or choose another game or a longer time.",
];

export function engagement() {
  const players = panel(
    "Active players",
    "Mean distinct players per window, by platform. A player on two platforms counts for both.",
    "wide",
  );
  const active = panel("Players by level and map", "Mean distinct players, over windows with at least one.");
  const completed = panel(
    "Completion by level and map",
    "Share of each window's sessions that completed the level.",
  );
  const stuck = plain(
    "Stuck hotspots",
    "Where players stay long without completing the level. Open a row for their names.",
    "wide",
  );
  const list = h("div", { class: "spots" });
  const none = h("div", {});
  stuck.body.append(list, none);
  const element = h(
    "div",
    { class: "view grid" },
    [players, active, completed, stuck].map((part) => part.element),
  );
  return {
    element,
    update(answer) {
      over(players, answer);
      cells(active, completed, answer.data.cells, answer);
      const { stuck: spots } = answer.data;
      keyed(list, spots, (spot) => [spot.game, spot.level, spot.map].join("\n"), hotspot);
      put(
        none,
        spots.length
          ? null
          : empty(
              "No stuck players",
              "Players appear here after two minutes and thirty events without completing a level.",
            ),
      );
      const all = spots.flatMap((spot) => spot.players.map((player) => ({ ...spot, ...player })));
      stuck.offer(
        [
          { name: "Game", value: (row) => row.game },
          { name: "Level", value: (row) => row.level },
          { name: "Map", value: (row) => row.map },
          { name: "Player", value: (row) => row.player },
          { name: "Since", value: (row) => iso(row.since) },
          { name: "Seconds", value: (row) => row.seconds },
          { name: "Events", value: (row) => row.events },
        ],
        all,
      );
    },
    close() {
      for (const part of [players, active, completed]) part.close();
    },
  };
}

function over(players, { data, from, to }) {
  const platforms = Object.entries(data.platforms);
  const series = [
    { name: "all platforms", values: data.players, area: true, bold: true },
    ...platforms.map(([name, values]) => ({ name, values })),
  ];
  const rows = data.times
    .map((time, index) => ({ time, index }))
    .filter(({ index }) => data.players[index] !== null)
    .reverse();
  players.show({
    option: lines(data.times, series, { from, to, format: (value) => number(value, 1) }),
    columns: [
      { name: "Time", value: (row) => iso(row.time), text: (row) => moment(row.time) },
      ...series.map(({ name, values }) => ({
        name,
        number: true,
        value: (row) => values[row.index],
        text: (row) => number(values[row.index], 1),
      })),
    ],
    rows,
    nothing: NOTHING,
    height: 300,
  });
}

/** The maximum number of rows, and of columns, of a heat map. The table below the map lists more. */
const ROWS_DRAWN = 30;

const ordered = (names) =>
  [...new Set(names)].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));

const count = (name, field) => ({
  name,
  number: true,
  value: (cell) => cell[field],
  text: (cell) => number(cell[field]),
});

const CELLS = [
  {
    name: "Level",
    value: (cell) => cell.level,
    cell: (cell) => h("a", { href: address({ ...place(), game: cell.game, level: cell.level }) }, cell.level),
  },
  { name: "Map", value: (cell) => cell.map },
  {
    name: "Players",
    number: true,
    value: (cell) => cell.active_players,
    text: (cell) => number(cell.active_players, 1),
  },
  {
    name: "Completion",
    number: true,
    value: (cell) => cell.completion_rate,
    text: (cell) => percent(cell.completion_rate),
  },
  count("Sessions", "sessions"),
  count("Completing", "completing_sessions"),
  count("Events", "events"),
];

function cells(active, completed, cells, { games, data }) {
  // A heat map shows the levels of only one game: the chosen game, or else the busiest one.
  const busiest = cells[0]?.game;
  const drawn = cells.filter((cell) => cell.game === busiest);
  const rows = ordered(drawn.map((cell) => cell.level)).slice(0, ROWS_DRAWN);
  const columns = ordered(drawn.map((cell) => cell.map)).slice(0, ROWS_DRAWN);
  const map = (field, format) => {
    const points = drawn
      .filter((cell) => cell[field] !== null)
      .map((cell) => [columns.indexOf(cell.map), rows.indexOf(cell.level), cell[field]])
      .filter(([x, y]) => x >= 0 && y >= 0);
    return heat(columns, rows, points, format, Math.max(...drawn.map((cell) => cell[field] ?? 0)));
  };
  const shared = {
    columns: [...(games.length > 1 ? [{ name: "Game", value: (cell) => cell.game }] : []), ...CELLS],
    rows: cells,
    nothing: NOTHING,
    height: Math.max(190, 80 + rows.length * 34),
  };
  const chosen =
    drawn.length < cells.length
      ? ` The chart shows ${busiest}, the busiest game; choose another above. The table has all games.`
      : "";
  const left = data.cells_left_out ? ` The ${number(data.cells_left_out)} quietest are left out.` : "";
  active.show({
    ...shared,
    option: map("active_players", (value) => number(value, 1)),
    note: `Mean distinct players, over windows with at least one.${chosen}${left}`,
  });
  completed.show({
    ...shared,
    option: map("completion_rate", (value) => percent(value, 0)),
    note: `Share of each window's sessions that completed the level.${chosen}`,
  });
}

function hotspot() {
  const summary = h("summary", {});
  const body = h("div", {});
  const element = h("details", { class: "spot" }, summary, body);
  return {
    element,
    update(spot) {
      put(
        summary,
        h("strong", {}, `${spot.level} · ${spot.map}`),
        h("span", { class: "note" }, spot.game),
        h("span", { class: "badge warn" }, `◆ ${several(spot.count, "player")}`),
      );
      const player = (row) =>
        h(
          "li",
          {},
          h("strong", {}, row.player),
          ` ${duration(row.seconds)}, ${number(row.events)} events, since ${clock(row.since)}`,
        );
      put(
        body,
        h("ul", { class: "people" }, spot.players.map(player)),
        spot.count > spot.players.length &&
          h("p", { class: "note" }, `and ${number(spot.count - spot.players.length)} more`),
      );
    },
  };
}

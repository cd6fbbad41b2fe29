// Engagement: who plays when and where, how much of it is completed, and who is stuck.

import { heat, lines } from "/chart.js";
import { empty, h, keyed, put } from "/dom.js";
import { clock, duration, iso, moment, number, percent, several } from "/format.js";
import { panel, plain } from "/panel.js";
import { address, place } from "/place.js";

const NOTHING = ["Nobody played in this span", "Run `make start` or post player events; or choose another game or a longer time."];

export function engagement() {
  const players = panel("Active players", "Mean distinct players of a window, by platform. A player on two platforms counts for both.", "wide");
  const active = panel("Players by level and map", "Mean distinct players of the windows in which anybody was there.");
  const completed = panel("Completion by level and map", "Sessions that completed the level, of the sessions of each window.");
  const stuck = plain("Stuck hotspots", "Where players stay long without completing; open a row for who they are.", "wide");
  const list = h("div", { class: "spots" });
  const none = h("div", {});
  stuck.body.append(list, none);
  const element = h("div", { class: "view grid" }, [players, active, completed, stuck].map((part) => part.element));
  return {
    element,
    update(answer) {
      over(players, answer);
      cells(active, completed, answer.data.cells, answer);
      const { stuck: spots } = answer.data;
      keyed(list, spots, (spot) => [spot.game, spot.level, spot.map].join("\n"), hotspot);
      put(none, spots.length ? null : empty("Nobody is stuck", "A visit of two minutes and thirty events without completing the level shows up here."));
      const all = spots.flatMap((spot) => spot.players.map((player) => ({ ...spot, ...player })));
      stuck.offer([
        { name: "Game", value: (row) => row.game }, { name: "Level", value: (row) => row.level }, { name: "Map", value: (row) => row.map },
        { name: "Player", value: (row) => row.player }, { name: "Since", value: (row) => iso(row.since) }, { name: "Seconds", value: (row) => row.seconds }, { name: "Events", value: (row) => row.events },
      ], all);
    },
    close: () => [players, active, completed].forEach((part) => part.close()),
  };
}

function over(players, { data, from, to }) {
  const platforms = Object.entries(data.platforms);
  const series = [{ name: "all platforms", values: data.players, area: true, bold: true }, ...platforms.map(([name, values]) => ({ name, values }))];
  const rows = data.times.map((time, index) => ({ time, index })).filter(({ index }) => data.players[index] !== null).reverse();
  players.show({
    option: lines(data.times, series, { from, to, format: (value) => number(value, 1) }),
    columns: [{ name: "Time", value: (row) => iso(row.time), text: (row) => moment(row.time) }, ...series.map(({ name, values }) => ({ name, number: true, value: (row) => values[row.index], text: (row) => number(values[row.index], 1) }))],
    rows,
    nothing: NOTHING,
    height: 300,
  });
}

/** More rows than this are read in the table. */
const ROWS_DRAWN = 30;

const ordered = (names) => [...new Set(names)].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));

function cells(active, completed, cells, { games, data }) {
  // The levels of two games are not one picture: the busiest game is shown until one is chosen.
  const busiest = cells[0]?.game;
  const drawn = cells.filter((cell) => cell.game === busiest);
  const [rows, columns] = [ordered(drawn.map((cell) => cell.level)).slice(0, ROWS_DRAWN), ordered(drawn.map((cell) => cell.map)).slice(0, ROWS_DRAWN)];
  const points = (value) => drawn.filter((cell) => value(cell) !== null).map((cell) => [columns.indexOf(cell.map), rows.indexOf(cell.level), value(cell)]).filter(([x, y]) => x >= 0 && y >= 0);
  const table = [
    ...(games.length > 1 ? [{ name: "Game", value: (cell) => cell.game }] : []),
    { name: "Level", value: (cell) => cell.level, cell: (cell) => h("a", { href: address({ ...place(), game: cell.game, level: cell.level }) }, cell.level) },
    { name: "Map", value: (cell) => cell.map },
    { name: "Players", number: true, value: (cell) => cell.active_players, text: (cell) => number(cell.active_players, 1) },
    { name: "Completion", number: true, value: (cell) => cell.completion_rate, text: (cell) => percent(cell.completion_rate) },
    { name: "Sessions", number: true, value: (cell) => cell.sessions, text: (cell) => number(cell.sessions) },
    { name: "Completing", number: true, value: (cell) => cell.completing_sessions, text: (cell) => number(cell.completing_sessions) },
    { name: "Events", number: true, value: (cell) => cell.events, text: (cell) => number(cell.events) },
  ];
  const shared = { columns: table, rows: cells, nothing: NOTHING, height: Math.max(190, 80 + rows.length * 34) };
  const chosen = drawn.length < cells.length ? ` Drawn: ${busiest}, the busiest; choose a game above for another, the table has all.` : "";
  const left = data.cells_left_out ? ` The ${number(data.cells_left_out)} quietest are left out.` : "";
  const most = Math.max(...drawn.map((cell) => cell.active_players ?? 0));
  active.show({ ...shared, option: heat(columns, rows, points((cell) => cell.active_players), (value) => number(value, 1), most), note: `Mean distinct players of the windows in which anybody was there.${chosen}${left}` });
  const best = Math.max(...drawn.map((cell) => cell.completion_rate ?? 0));
  completed.show({ ...shared, option: heat(columns, rows, points((cell) => cell.completion_rate), (value) => percent(value, 0), best), note: `Sessions that completed the level, of the sessions of each window.${chosen}` });
}

function hotspot() {
  const summary = h("summary", {});
  const body = h("div", {});
  const element = h("details", { class: "spot" }, summary, body);
  return {
    element,
    update(spot) {
      put(summary, h("strong", {}, `${spot.level} · ${spot.map}`), h("span", { class: "note" }, spot.game), h("span", { class: "badge warn" }, `◆ ${several(spot.count, "player")}`));
      const player = (row) => h("li", {}, h("strong", {}, row.player), ` ${duration(row.seconds)}, ${number(row.events)} events, since ${clock(row.since)}`);
      put(body, h("ul", { class: "people" }, spot.players.map(player)), spot.count > spot.players.length && h("p", { class: "note" }, `and ${number(spot.count - spot.players.length)} more`));
    },
  };
}

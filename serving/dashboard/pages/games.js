// The cards of the games: each shows the name, genre and cover of the catalogue, and the game's latest numbers.

import { h, keyed, put, svg } from "./dom.js";
import { clock, money, number, several } from "./format.js";
import { get } from "./get.js";
import { address, place } from "./place.js";
import { spark } from "./spark.js";

/** The games of the catalogue: `{id, name, genre, has_cover}`. Kept for the next time the page is opened. */
let catalogue = [];

/** The heights of a cover that is 320 wide: beside covers of the catalogue, and if there is no catalogue. */
const [TALL, FLAT] = [180, 96];

/** Creates the cards. `update` sets the summaries of the games in the view. */
export function gameCards() {
  const element = h("div", { class: "cards" });
  let shown = null;
  function update(summaries) {
    shown = summaries;
    element.classList.toggle("tall", catalogue.length > 0);
    keyed(element, itemsOf(summaries), (item) => item.key, card);
  }
  get("api/games").then((answer) => {
    if (answer) catalogue = answer.games;
    if (shown) update(shown);
  });
  return { element, update };
}

/**
 * Returns what each card shows: `about` is the game in the catalogue, `summary` its summary in the view. The games of
 * the catalogue come first, in its order, so that their cards stay in their places. `key` changes with the catalogue.
 */
function itemsOf(summaries) {
  const others = new Map(summaries.map((summary) => [summary.game, summary]));
  const chosen = place().game;
  const items = [];
  for (const about of catalogue) {
    const summary = others.get(about.id);
    others.delete(about.id);
    if (!chosen || chosen === about.id) items.push({ id: about.id, about, summary });
  }
  for (const [id, summary] of others) items.push({ id, about: { name: id }, summary });
  const height = catalogue.length ? TALL : FLAT;
  return items.map((item) => ({ ...item, height, key: JSON.stringify([item.id, item.about, height]) }));
}

function cover({ id, about, height }) {
  if (!about.has_cover) return placeholder(id, about.name, height);
  return h("img", {
    class: "cover",
    src: `covers/${encodeURIComponent(id)}.svg`,
    alt: "",
    width: 320,
    height,
    onerror: (event) => event.target.replaceWith(placeholder(id, about.name, height)),
  });
}

/** Generates a cover picture with the initials of a name. The same id gives the same picture. */
function placeholder(id, name, height) {
  let seed = 7;
  for (const letter of id) seed = (seed * 31 + letter.codePointAt(0)) >>> 0;
  const hue = seed % 360;
  const picture = svg("svg", {
    class: "cover",
    viewBox: `0 0 320 ${height}`,
    preserveAspectRatio: "xMidYMid slice",
    "aria-hidden": "true",
  });
  picture.append(svg("rect", { width: 320, height, fill: `hsl(${hue} 55% 30%)` }));
  for (let index = 0; index < 7; index += 1) {
    seed = (seed * 1664525 + 1013904223) >>> 0;
    const shape = {
      cx: (seed >>> 8) % 320,
      cy: (seed >>> 16) % height,
      r: 18 + ((seed >>> 4) % 46),
      fill: `hsl(${(hue + 24 * index) % 360} 65% ${34 + index * 4}%)`,
      opacity: 0.55,
    };
    picture.append(svg("circle", shape));
  }
  const initials = name
    .split(/[\s_-]+/)
    .map((word) => [...word][0] ?? "")
    .slice(0, 2)
    .join("")
    .toUpperCase();
  picture.append(svg("text", { x: 300, y: height - 24, "text-anchor": "end", class: "initials" }, initials));
  return picture;
}

function card(item) {
  const { id, about } = item;
  const body = h("div", { class: "card-body" });
  const element = h("a", { class: "card", title: about.name === id ? null : id }, cover(item), body);
  return {
    element,
    update({ summary }) {
      element.setAttribute("href", address({ ...place(), view: "engagement", game: id }));
      put(
        body,
        h("div", {}, h("h2", {}, about.name), about.genre && h("p", { class: "note" }, about.genre)),
        summary ? numbers(summary) : h("p", { class: "headline" }, "No events yet"),
      );
    },
  };
}

function numbers(summary) {
  return [
    h(
      "div",
      { class: "headline" },
      h("strong", {}, number(summary.active_players)),
      h("span", {}, "active players"),
    ),
    spark(summary.players, `Active players over the span, now ${summary.active_players}`),
    h(
      "dl",
      {},
      h("dt", {}, "Revenue"),
      h("dd", { class: "money" }, revenue(summary)),
      h("dt", {}, "Alerts"),
      h("dd", {}, alerts(summary)),
      h("dt", {}, "Window"),
      h("dd", {}, windowOf(summary)),
    ),
  ];
}

function revenue(summary) {
  const paid = summary.revenue.slice(0, 3).map((row) => h("span", {}, money(row.net, row.currency)));
  const more = summary.revenue.length - paid.length;
  return [paid.length ? paid : "–", more > 0 && h("span", { class: "note" }, `+ ${more} more`)];
}

function alerts(summary) {
  const high = summary.fraud_alerts_high;
  const fraud = summary.fraud_alerts
    ? h(
        "span",
        { class: high ? "badge bad" : "badge warn" },
        `▲ ${number(summary.fraud_alerts)} fraud`,
        high ? ` (${number(high)} high)` : "",
      )
    : h("span", { class: "badge good" }, "● no fraud alerts");
  const stuck = summary.stuck_players;
  return [fraud, stuck > 0 && h("span", { class: "badge info" }, `◆ ${number(stuck)} stuck`)];
}

function windowOf(summary) {
  if (!summary.window_start) return "–";
  const counts = [several(summary.sessions, "session"), several(summary.events, "event")];
  // Non-breaking spaces keep each number beside its noun.
  return [clock(summary.window_start), ...counts.map((count) => count.replaceAll(" ", "\u00a0"))].join(" · ");
}

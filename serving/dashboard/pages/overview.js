// Overview: a card for each game, the state of the servers, and the latest alerts.

import { empty, h, keyed, put, svg } from "./dom.js";
import { clock, money, number, several, withLocalTimes } from "./format.js";
import { plain, stat } from "./panel.js";
import { address, place } from "./place.js";

/** Draws a line without axes. `label` describes it to screen readers. */
export function spark(values, label, width = 240, height = 44) {
  // Drops unknown values at both ends, because the last windows may still be open.
  const first = values.findIndex((value) => value !== null);
  values = first < 0 ? [] : values.slice(first, values.findLastIndex((value) => value !== null) + 1);
  const known = values.filter((value) => value !== null);
  const max = Math.max(1, ...known);
  // The value axis starts at 80 % of the maximum or lower, so that small changes of large values look small.
  const min = Math.min(...known, max * 0.8);
  const step = width / Math.max(1, values.length - 1);
  let path = "";
  let pen = false;
  values.forEach((value, index) => {
    if (value === null) {
      pen = false;
      return;
    }
    const y = height - 3 - ((value - min) / (max - min)) * (height - 8);
    path += `${pen ? "L" : "M"}${(index * step).toFixed(1)} ${y.toFixed(1)}`;
    pen = true;
  });
  return svg(
    "svg",
    {
      class: "spark",
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": label,
    },
    svg("path", { d: path, fill: "none", "vector-effect": "non-scaling-stroke" }),
  );
}

/** Generates a cover picture from a name. The same name gives the same picture. */
function cover(name) {
  let seed = 7;
  for (const letter of name) seed = (seed * 31 + letter.codePointAt(0)) >>> 0;
  const hue = seed % 360;
  const picture = svg("svg", {
    class: "cover",
    viewBox: "0 0 320 96",
    preserveAspectRatio: "xMidYMid slice",
    "aria-hidden": "true",
  });
  picture.append(svg("rect", { width: 320, height: 96, fill: `hsl(${hue} 55% 30%)` }));
  for (let index = 0; index < 7; index += 1) {
    seed = (seed * 1664525 + 1013904223) >>> 0;
    const shape = {
      cx: (seed >>> 8) % 320,
      cy: (seed >>> 16) % 96,
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
  picture.append(svg("text", { x: 300, y: 72, "text-anchor": "end", class: "initials" }, initials));
  return picture;
}

function card(first) {
  const body = h("div", { class: "card-body" });
  const element = h("a", { class: "card" }, cover(first.game), body);
  return {
    element,
    update(game) {
      element.setAttribute("href", address({ ...place(), view: "engagement", game: game.game }));
      const paid = game.revenue.slice(0, 3).map((row) => h("span", {}, money(row.net, row.currency)));
      const alerts = game.fraud_alerts
        ? h(
            "span",
            { class: game.fraud_alerts_high ? "badge bad" : "badge warn" },
            `▲ ${number(game.fraud_alerts)} fraud`,
            game.fraud_alerts_high ? ` (${number(game.fraud_alerts_high)} high)` : "",
          )
        : h("span", { class: "badge good" }, "● no fraud alerts");
      put(
        body,
        h("h2", {}, game.game),
        h(
          "div",
          { class: "headline" },
          h("strong", {}, number(game.active_players)),
          h("span", {}, "active players"),
        ),
        spark(game.players, `Active players over the span, now ${game.active_players}`),
        h(
          "dl",
          {},
          h("dt", {}, "Revenue"),
          h(
            "dd",
            { class: "money" },
            paid.length ? paid : "–",
            game.revenue.length > 3 && h("span", { class: "note" }, `+ ${game.revenue.length - 3} more`),
          ),
          h("dt", {}, "Alerts"),
          h(
            "dd",
            {},
            alerts,
            game.stuck_players > 0 &&
              h("span", { class: "badge info" }, `◆ ${number(game.stuck_players)} stuck`),
          ),
          h("dt", {}, "Window"),
          h("dd", {}, windowOf(game)),
        ),
      );
    },
  };
}

function windowOf(game) {
  if (!game.window_start) return "–";
  const counts = [several(game.sessions, "session"), several(game.events, "event")];
  return [clock(game.window_start), ...counts].join(" · ");
}

const MARKS = { high: ["bad", "▲"], medium: ["warn", "◆"], low: ["info", "●"] };

/** Returns the address of the view that shows the details of an alert. */
function detailsOf({ kind, game, subject }) {
  const here = { last: place().last };
  if (kind === "fraud") return address({ ...here, view: "fraud", game, user: subject });
  if (kind === "stuck") return address({ ...here, view: "engagement", game });
  return address({ ...here, view: "servers" });
}

function recentAlert() {
  const element = h("li", {});
  let shown = "";
  return {
    element,
    update(alert) {
      const next = JSON.stringify([alert, clock(alert.time)]);
      if (shown === next) return;
      shown = next;
      const [tone, mark] = MARKS[alert.severity];
      put(
        element,
        h("time", {}, clock(alert.time)),
        h("span", { class: `badge ${tone}` }, `${mark} ${alert.kind}`),
        h("a", { href: detailsOf(alert) }, `${alert.name} · ${alert.subject}`),
        h("span", { class: "reason" }, withLocalTimes(alert.reason)),
        h("span", { class: "note" }, alert.game ?? ""),
      );
    },
  };
}

export function overview() {
  const stats = h("div", { class: "stats" });
  const cards = h("div", { class: "cards" });
  const nothing = h("div", { hidden: true });
  const news = plain("Latest alerts", "All games and servers. Each links to its view.");
  const list = h("ol", { class: "news" });
  const quiet = h("div", {});
  news.body.append(list, quiet);
  const element = h("div", { class: "view" }, stats, cards, nothing, news.element);
  return {
    element,
    update({ data }) {
      put(stats, totals(data));
      keyed(cards, data.games, (game) => game.game, card);
      keyed(
        list,
        data.latest,
        (alert) => [alert.kind, alert.name, alert.subject, alert.time].join("\n"),
        recentAlert,
      );
      put(
        quiet,
        data.latest.length === 0 &&
          empty("No alerts", "Alerts about fraud, servers and stuck players appear here within seconds."),
      );
      nothing.hidden = data.games.length > 0;
      put(
        nothing,
        empty(
          "No game sent events in this span",
          "Run `make start`, or post events to the web API. A window appears a few seconds after it ends. " +
            "Choose a longer time to look further back.",
        ),
      );
    },
    close() {},
  };
}

function totals({ games, servers, window_ms: windowMs }) {
  const total = (name) => games.reduce((sum, game) => sum + game[name], 0);
  const seconds = windowMs / 1000 || 1;
  return [
    stat(
      "Active players",
      number(total("active_players")),
      windowMs ? `in the latest ${number(seconds)} s` : null,
    ),
    stat("Events per second", number(total("events") / seconds, 1), "from players, in the same time"),
    stat(
      "Fraud alerts",
      number(total("fraud_alerts")),
      `${number(total("fraud_alerts_high"))} of high severity`,
      total("fraud_alerts_high") ? "bad" : "",
    ),
    stat("Stuck players", number(total("stuck_players")), "in this span"),
    serverStat(servers),
  ];
}

function serverStat(servers) {
  const unhealthy = servers.degraded + servers.critical + servers.silent;
  const details = [
    servers.critical && `${number(servers.critical)} critical`,
    servers.silent && `${number(servers.silent)} silent`,
    several(servers.alerts_open, "open alert"),
  ].filter(Boolean);
  let tone = servers.healthy ? "good" : "";
  if (unhealthy) tone = "warn";
  if (servers.critical || servers.silent || servers.alerts_open) tone = "bad";
  const share = `${number(servers.healthy)} / ${number(servers.healthy + unhealthy)}`;
  return stat("Healthy servers", share, details.join(", "), tone);
}

// Overview: a card for each game, the state of the servers, and the latest alerts.

import { empty, h, keyed, put } from "./dom.js";
import { clock, number, several, withLocalTimes } from "./format.js";
import { gameCards } from "./games.js";
import { plain, stat } from "./panel.js";
import { address, place } from "./place.js";

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
  const cards = gameCards();
  const nothing = h("div", { hidden: true });
  const news = plain("Latest alerts", "All games and servers. Each links to its view.");
  const list = h("ol", { class: "news" });
  const quiet = h("div", {});
  news.body.append(list, quiet);
  const element = h("div", { class: "view" }, stats, cards.element, nothing, news.element);
  return {
    element,
    update({ data }) {
      put(stats, totals(data));
      cards.update(data.games);
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

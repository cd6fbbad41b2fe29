// Fraud: alerts over time, and the list of alerts with their evidence.

import { lines } from "./chart.js";
import { empty, h, keyed, put } from "./dom.js";
import { clock, iso, moment, money, number, percent, withLocalTimes } from "./format.js";
import { panel, plain, stat } from "./panel.js";
import { address, go, place } from "./place.js";

const RULES = [
  "velocity",
  "amount-spike",
  "card-testing",
  "refund-abuse",
  "multi-currency",
  "multi-platform",
  "transaction-conflict",
];
const SEVERITIES = ["high", "medium", "low"];
const TONE = { high: ["bad", "▲"], medium: ["warn", "◆"], low: ["info", "●"] };
/** The number of alerts that are listed at first, and that each click adds. It keeps the page short on a phone. */
const LISTED = 20;
/** The fields of the evidence that contain amounts of money. */
const MONEY = ["amount", "mean", "limit", "small", "large"];

export function fraud() {
  const stats = h("div", { class: "stats" });
  const over = panel("Alerts over time", "By rule, at the time of the event that raised the alert.", "wide");
  const feed = alertList();
  const element = h("div", { class: "view" }, stats, over.element, feed.element);
  return {
    element,
    update({ data, from, to }) {
      const here = place();
      put(stats, counts(data, here));
      chart(over, data, from, to);
      feed.update(data, here);
    },
    close: over.close,
  };
}

function counts({ alerts, alerts_left_out: left }, here) {
  const count = (severity) => alerts.filter((alert) => alert.severity === severity).length;
  const users = new Set(alerts.map((alert) => `${alert.game_id}\n${alert.user_id}`));
  return [
    stat(
      "Alerts",
      number(alerts.length + left),
      here.user ? `all kept alerts of ${here.user}` : "in this span",
    ),
    stat("High", number(count("high")), "score from 0.8", count("high") ? "bad" : ""),
    stat("Medium", number(count("medium")), "from 0.6"),
    stat("Low", number(count("low")), "below 0.6"),
    stat("Users", number(users.size)),
  ];
}

const COLUMNS = [
  { name: "Time", value: (row) => iso(row.window_end) },
  { name: "Game", value: (row) => row.game_id },
  { name: "User", value: (row) => row.user_id },
  { name: "Rule", value: (row) => row.rule },
  { name: "Severity", value: (row) => row.severity },
  { name: "Score", value: (row) => row.score },
  { name: "Reason", value: (row) => row.reason },
  { name: "Transactions", value: (row) => row.transaction_ids.join(" ") },
];

/** Creates the panel with the filters and the alerts that match them. */
function alertList() {
  const feed = plain(
    "Alerts",
    "Latest first. Open an alert for its evidence; its user links to all kept alerts of the user.",
    "wide",
  );
  const filters = h("div", { class: "filters" });
  const list = h("div", { class: "feed" });
  const more = h("button", { type: "button", class: "more", hidden: true });
  const none = h("div", {});
  feed.body.append(filters, list, more, none);
  let [listed, of] = [LISTED, ""];
  let shown = [];
  const draw = () => {
    keyed(list, shown.slice(0, listed), (alert) => alert.alert_id, entry);
    more.hidden = shown.length <= listed;
    put(more, `Show ${number(Math.min(LISTED, shown.length - listed))} more of ${number(shown.length)}`);
  };
  more.addEventListener("click", () => {
    listed += LISTED;
    draw();
  });
  return {
    element: feed.element,
    update(data, here) {
      const fits = (alert) =>
        (!here.rule || alert.rule === here.rule) && (!here.severity || alert.severity === here.severity);
      shown = data.alerts.filter(fits);
      choose(filters, here);
      if (of !== location.hash) [listed, of] = [LISTED, location.hash];
      draw();
      put(none, shown.length === 0 && empty(...nothingOf(data)), leftOut(data));
      feed.offer(COLUMNS, shown);
    },
  };
}

const nothingOf = (data) =>
  data.alerts.length ? ["No alert matches the filters", "Choose another rule or severity."] : NO_ALERTS;

const leftOut = ({ alerts_left_out: left }) =>
  left > 0 &&
  h("p", { class: "note" }, `${number(left)} older alerts are not listed. Choose a shorter, earlier time.`);

const NO_ALERTS = ["No alerts in this span", "Choose a longer time to look further back."];

function chart(over, data, from, to) {
  const rules = Object.entries(data.rules);
  const rows = data.times
    .map((time, index) => ({ time, index }))
    .filter(({ index }) => rules.some(([, counts]) => counts[index] > 0))
    .reverse();
  over.show({
    option: lines(
      data.times,
      rules.map(([name, values]) => ({ name, values })),
      { from, to, whole: true, stack: true, bars: true },
    ),
    columns: [
      { name: "Time", value: (row) => iso(row.time), text: (row) => moment(row.time) },
      ...rules.map(([name, counts]) => ({ name, number: true, value: (row) => counts[row.index] })),
    ],
    rows,
    nothing: NO_ALERTS,
    height: 240,
  });
}

function choose(filters, here) {
  const option = (chosen) => (name) => h("option", { value: name, selected: name === chosen }, name);
  const select = (name, all, names) =>
    h(
      "select",
      { id: `filter-${name}`, onchange: (event) => go({ [name]: event.target.value || null }) },
      h("option", { value: "" }, all),
      names.map(option(here[name])),
    );
  const focus = document.activeElement?.id;
  const state = `${here.rule}|${here.severity}`;
  if (filters.state === state) return;
  filters.state = state;
  put(
    filters,
    h("label", {}, h("span", {}, "Rule"), select("rule", "All rules", RULES)),
    h("label", {}, h("span", {}, "Severity"), select("severity", "All severities", SEVERITIES)),
  );
  if (focus?.startsWith("filter-")) document.getElementById(focus)?.focus();
}

function entry() {
  const summary = h("summary", {});
  const body = h("div", { class: "evidence" });
  let current = null;
  const element = h("details", { class: "alert", ontoggle: () => fill() }, summary, body);
  function fill() {
    if (element.open && current) put(body, evidence(current));
  }
  return {
    element,
    update(alert) {
      if (current?.revision === alert.revision && summary.zone === clock(alert.window_end)) return;
      current = alert;
      summary.zone = clock(alert.window_end);
      const [tone, mark] = TONE[alert.severity];
      element.className = `alert ${tone}`;
      put(
        summary,
        h("time", { datetime: alert.window_end, title: moment(alert.window_end) }, clock(alert.window_end)),
        h("span", { class: `badge ${tone}` }, `${mark} ${alert.severity}`),
        h("strong", {}, alert.rule),
        h("span", { class: "reason" }, withLocalTimes(alert.reason)),
        h("span", { class: "note" }, `${alert.user_id} · ${alert.game_id}`),
      );
      fill();
    },
  };
}

/** Formats a value of the evidence. */
function evidenceText(name, value, currency) {
  if (value === null) return "–";
  if (MONEY.includes(name)) return money(value, currency ?? "");
  if (name.endsWith("_s")) return `${number(value)} s`;
  if (name.endsWith("_ms")) return `${number(value / 1000, 1)} s`;
  if (name === "refund_ratio") return percent(value);
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value === "object")
    return [
      value.transaction_type,
      money(value.amount, value.currency),
      value.item_id,
      value.item_type,
      value.platform,
      moment(value.time),
    ]
      .filter(Boolean)
      .join(", ");
  return typeof value === "number" ? number(value, 3) : value;
}

function evidence(alert) {
  const facts = Object.entries(alert.evidence).map(([name, value]) => [
    h("dt", {}, name.replaceAll("_", " ")),
    h("dd", {}, evidenceText(name, value, alert.evidence.currency)),
  ]);
  const user = address({ ...place(), user: alert.user_id, game: alert.game_id });
  return [
    h("p", {}, withLocalTimes(alert.reason)),
    h(
      "dl",
      {},
      h("dt", {}, "user"),
      h("dd", {}, h("a", { href: user }, alert.user_id), h("span", { class: "note" }, "open history")),
      h("dt", {}, "game"),
      h("dd", {}, alert.game_id),
      h("dt", {}, "score"),
      h("dd", {}, number(alert.score, 3)),
      h("dt", {}, "from – to"),
      h("dd", {}, `${moment(alert.window_start)} – ${moment(alert.window_end)}`),
      facts,
      h("dt", {}, "rule version"),
      h("dd", {}, String(alert.rule_version)),
      h("dt", {}, "alert"),
      h("dd", {}, h("code", {}, alert.alert_id)),
    ),
    h("h3", {}, `Transactions (${number(alert.transactions)})`),
    h(
      "ul",
      { class: "ids" },
      alert.transaction_ids.map((id) => h("li", {}, h("code", {}, id))),
    ),
    alert.transactions > alert.transaction_ids.length &&
      h("p", { class: "note" }, "Only the latest are listed."),
  ];
}

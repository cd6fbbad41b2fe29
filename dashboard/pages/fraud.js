// Fraud: the alerts, the latest first, their evidence in place, and how they come over time.

import { lines } from "/chart.js";
import { empty, h, keyed, put } from "/dom.js";
import { clock, iso, moment, money, number, percent, told } from "/format.js";
import { figure, panel, plain } from "/panel.js";
import { address, go, place } from "/place.js";

const RULES = ["velocity", "amount-spike", "card-testing", "refund-abuse", "multi-currency", "multi-platform", "transaction-conflict"];
const SEVERITIES = ["high", "medium", "low"];
const TONE = { high: ["bad", "▲"], medium: ["warn", "◆"], low: ["info", "●"] };
/** Alerts that are listed at first, and with each wish for more: a telephone's page stays short. */
const LISTED = 20;
/** What money is in, in the evidence of a rule. */
const MONEY = ["amount", "mean", "limit", "small", "large"];

export function fraud() {
  const figures = h("div", { class: "figures" });
  const over = panel("Alerts over time", "By rule, by the time of the event that raised them.", "wide");
  const feed = plain("Alerts", "The latest first. Open one for its evidence; a user's name shows everything that is kept of the user.", "wide");
  const filters = h("div", { class: "filters" });
  const list = h("div", { class: "feed" });
  const more = h("button", { type: "button", class: "more", hidden: true });
  const none = h("div", {});
  feed.body.append(filters, list, more, none);
  let [listed, of] = [LISTED, ""];
  let again = null;
  more.addEventListener("click", () => {
    listed += LISTED;
    again?.();
  });
  const element = h("div", { class: "view" }, figures, over.element, feed.element);
  return {
    element,
    update({ data, from, to }) {
      const here = place();
      const shown = data.alerts.filter((alert) => (!here.rule || alert.rule === here.rule) && (!here.severity || alert.severity === here.severity));
      const count = (severity) => data.alerts.filter((alert) => alert.severity === severity).length;
      put(figures, figure("Alerts", number(data.alerts.length + data.alerts_left_out), here.user ? `everything kept of ${here.user}` : "in the span"),
        figure("High", number(count("high")), "score from 0.8", count("high") ? "bad" : ""), figure("Medium", number(count("medium")), "from 0.6"), figure("Low", number(count("low")), "below 0.6"),
        figure("Users", number(new Set(data.alerts.map((alert) => alert.game_id + "\n" + alert.user_id)).size)));
      chart(over, data, from, to);
      choose(filters, here);
      if (of !== location.hash) [listed, of] = [LISTED, location.hash];
      again = () => {
        keyed(list, shown.slice(0, listed), (alert) => alert.alert_id, entry);
        more.hidden = shown.length <= listed;
        put(more, `Show ${number(Math.min(LISTED, shown.length - listed))} more of ${number(shown.length)}`);
      };
      again();
      put(none, shown.length === 0 && empty(data.alerts.length ? "No alert fits the filter" : "No alerts in this span", data.alerts.length ? "Choose another rule or severity." : "Nothing looked like fraud. A longer time at the top looks further back."),
        data.alerts_left_out > 0 && h("p", { class: "note" }, `${number(data.alerts_left_out)} older ones are not listed: choose a shorter time further back.`));
      feed.offer([
        { name: "Time", value: (row) => iso(row.window_end) }, { name: "Game", value: (row) => row.game_id }, { name: "User", value: (row) => row.user_id }, { name: "Rule", value: (row) => row.rule },
        { name: "Severity", value: (row) => row.severity }, { name: "Score", value: (row) => row.score }, { name: "Reason", value: (row) => row.reason }, { name: "Transactions", value: (row) => row.transaction_ids.join(" ") },
      ], shown);
    },
    close: over.close,
  };
}

function chart(over, data, from, to) {
  const rules = Object.entries(data.rules);
  const rows = data.times.map((time, index) => ({ time, index })).filter(({ index }) => rules.some(([, counts]) => counts[index] > 0)).reverse();
  over.show({
    option: lines(data.times, rules.map(([name, values]) => ({ name, values })), { from, to, whole: true, stack: true, bars: true }),
    columns: [{ name: "Time", value: (row) => iso(row.time), text: (row) => moment(row.time) }, ...rules.map(([name, counts]) => ({ name, number: true, value: (row) => counts[row.index] }))],
    rows,
    nothing: ["No alerts in this span", "Nothing looked like fraud. A longer time at the top looks further back."],
    height: 240,
  });
}

function choose(filters, here) {
  const option = (chosen) => (name) => h("option", { value: name, selected: name === chosen }, name);
  const select = (name, all, names) => h("select", { id: `filter-${name}`, onchange: (event) => go({ [name]: event.target.value || null }) }, h("option", { value: "" }, all), names.map(option(here[name])));
  const focus = document.activeElement?.id;
  const state = `${here.rule}|${here.severity}`;
  if (filters.state === state) return;
  filters.state = state;
  put(filters, h("label", {}, h("span", {}, "Rule"), select("rule", "All rules", RULES)), h("label", {}, h("span", {}, "Severity"), select("severity", "All severities", SEVERITIES)));
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
      put(summary, h("time", { datetime: alert.window_end, title: moment(alert.window_end) }, clock(alert.window_end)),
        h("span", { class: `badge ${tone}` }, `${mark} ${alert.severity}`), h("strong", {}, alert.rule), h("span", { class: "reason" }, told(alert.reason)), h("span", { class: "note" }, `${alert.user_id} · ${alert.game_id}`));
      fill();
    },
  };
}

/** A figure of the evidence as people read it. */
function figureOf(name, value, currency) {
  if (value === null) return "–";
  if (MONEY.includes(name)) return money(value, currency ?? "");
  if (name.endsWith("_s")) return `${number(value)} s`;
  if (name.endsWith("_ms")) return `${number(value / 1000, 1)} s`;
  if (name === "refund_ratio") return percent(value);
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value === "object") return [value.transaction_type, money(value.amount, value.currency), value.platform, moment(value.time)].join(", ");
  return typeof value === "number" ? number(value, 3) : value;
}

function evidence(alert) {
  const facts = Object.entries(alert.evidence).map(([name, value]) => [h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, figureOf(name, value, alert.evidence.currency))]);
  const user = address({ ...place(), user: alert.user_id, game: alert.game_id });
  return [
    h("p", {}, told(alert.reason)),
    h("dl", {},
      h("dt", {}, "user"), h("dd", {}, h("a", { href: user }, alert.user_id), h("span", { class: "note" }, "open the user's history")),
      h("dt", {}, "game"), h("dd", {}, alert.game_id), h("dt", {}, "score"), h("dd", {}, number(alert.score, 3)),
      h("dt", {}, "from – to"), h("dd", {}, `${moment(alert.window_start)} – ${moment(alert.window_end)}`), facts,
      h("dt", {}, "rule version"), h("dd", {}, String(alert.rule_version)), h("dt", {}, "alert"), h("dd", {}, h("code", {}, alert.alert_id))),
    h("h3", {}, `Transactions (${number(alert.transactions)})`),
    h("ul", { class: "ids" }, alert.transaction_ids.map((id) => h("li", {}, h("code", {}, id)))),
    alert.transactions > alert.transaction_ids.length && h("p", { class: "note" }, "The latest of them."),
  ];
}

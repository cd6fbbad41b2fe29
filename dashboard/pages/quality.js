// Data quality: what became of every record, and how far behind the numbers are.

import { lines, ranking } from "/chart.js";
import { empty, h, keyed, put } from "/dom.js";
import { iso, moment, number } from "/format.js";
import { figure, panel, plain } from "/panel.js";

export function quality() {
  const figures = h("div", { class: "figures" });
  const delays = panel("Watermark delay", "Seconds from the event time up to which all is counted to the moment of the account, by derivation.", "wide");
  const rejected = panel("Rejected by reason", "Counted by whichever derivation of the source has come furthest.");
  const late = panel("Late events", "Events that came when their window could be corrected no more, by derivation.");
  const bad = samples("Rejected records", "The latest, with the beginning of their payload.", "Nothing was rejected", "Records that are no events come here with the reason and their payload.");
  const behind = samples("Late records", "The latest, with the beginning of their payload.", "Nothing was late", "Events come here that are later than their window waits for.");
  const accounts = plain("Accounting", "Read = accepted + rejected + late + duplicate, for each derivation and partition, since the topic began.", "wide");
  const topics = plain("Topics read here", "What this dashboard has read of each topic.", "wide");
  const element = h("div", { class: "view" }, figures, h("div", { class: "grid" }, [delays, rejected, late, bad, behind, accounts, topics].map((part) => part.element)));
  return {
    element,
    update(answer) {
      const { data } = answer;
      summary(figures, data);
      delayed(delays, answer);
      counted(rejected, data.rejected, "reason", ["Nothing was rejected", "All records were events that could be read."]);
      counted(late, data.late.filter((row) => row.records > 0), "derivation", ["Nothing was late", "All events came in time."]);
      bad.update(data.rejected_samples);
      behind.update(data.late_samples);
      accounts.rows(ACCOUNTS, data.accounts, ["No accounts yet", "The runner publishes them every ten seconds: is it at work?"]);
      topics.rows(TOPICS, data.topics, ["No topics", ""]);
    },
    close: () => [delays, rejected, late].forEach((part) => part.close()),
  };
}

const count = (name, value) => ({ name, number: true, value, text: (row) => number(value(row)) });
const ACCOUNTS = [
  { name: "Derivation", value: (row) => row.derivation }, { name: "Topic", value: (row) => row.topic }, count("Partition", (row) => row.partition), count("Read", (row) => row.read), count("Accepted", (row) => row.accepted),
  count("Rejected", (row) => row.rejected_total), count("Late", (row) => row.late), count("Duplicate", (row) => row.duplicate), count("Evicted", (row) => row.evicted),
  { name: "Adds up", value: (row) => (row.adds_up ? "yes" : "no"), cell: (row) => h("span", { class: `badge ${row.adds_up ? "good" : "bad"}` }, row.adds_up ? "● yes" : "▲ no") },
  count("Lag", (row) => row.lag), { name: "Delay", number: true, value: (row) => row.delay_ms, text: (row) => (row.delay_ms === null ? "–" : `${number(row.delay_ms / 1000, 1)} s`) },
];
const TOPICS = [
  { name: "Topic", value: (row) => row.topic }, count("Records", (row) => row.records), count("Not shown", (row) => row.unshown),
  { name: "Latest record", value: (row) => iso(row.arrived_ms), text: (row) => (row.arrived_ms === null ? "–" : moment(row.arrived_ms)) }, { name: "Trouble", value: (row) => row.trouble ?? "" },
];

function summary(figures, { accounts, rejected, late }) {
  const lags = accounts.map((row) => row.lag).filter((lag) => lag !== null);
  const delays = accounts.map((row) => row.delay_ms).filter((delay) => delay !== null);
  const odd = accounts.filter((row) => !row.adds_up).length;
  const sum = (rows) => rows.reduce((all, row) => all + row.records, 0);
  put(figures,
    figure("Accounts that add up", `${number(accounts.length - odd)} / ${number(accounts.length)}`, "derivations and partitions", odd ? "bad" : "good"),
    figure("Rejected", number(sum(rejected)), "records of all sources", sum(rejected) ? "warn" : ""), figure("Late", number(sum(late)), "over all derivations", sum(late) ? "warn" : ""),
    figure("Longest lag", lags.length ? number(Math.max(...lags)) : "–", "records that wait"), figure("Longest delay", delays.length ? `${number(Math.max(...delays) / 1000, 1)} s` : "–", "behind the wall clock"));
}

function delayed(delays, { data, from, to }) {
  const series = Object.entries(data.delays).map(([name, values]) => ({ name, values }));
  const rows = data.times.map((time, index) => ({ time, index })).filter(({ index }) => series.some(({ values }) => values[index] !== null)).reverse();
  delays.show({
    option: lines(data.times, series, { from, to, format: (value) => `${number(value, 1)} s`, axis: (value) => `${number(value, 1)} s` }),
    columns: [{ name: "Time", value: (row) => iso(row.time), text: (row) => moment(row.time) }, ...series.map(({ name, values }) => ({ name, number: true, value: (row) => values[row.index], text: (row) => number(values[row.index], 1) }))],
    rows,
    nothing: ["No accounts in this span", "The runner publishes them every ten seconds: is it at work?"],
    height: 260,
  });
}

function counted(part, rows, name, nothing) {
  part.show({
    option: ranking(rows.map((row) => ({ name: `${row[name]} · ${row.topic}`, value: row.records }))),
    columns: [{ name, value: (row) => row[name] }, { name: "topic", value: (row) => row.topic }, count("records", (row) => row.records)],
    rows,
    nothing,
    height: Math.max(110, 40 + rows.length * 30),
  });
}

function samples(title, note, nothing, todo) {
  const part = plain(title, note);
  const list = h("div", { class: "samples" });
  const none = h("div", {});
  part.body.append(list, none);
  return {
    element: part.element,
    update(rows) {
      keyed(list, rows.slice(0, 50), (row) => [row.at, row.topic, row.partition, row.offset, row.derivation, row.payload].join("|"), sample);
      put(none, rows.length ? null : empty(nothing, todo));
      part.offer(["at", "topic", "partition", "offset", "reason", "detail", "derivation", "event_time", "origin", "payload", "payload_base64"].map((name) => ({ name, value: (row) => (name === "at" ? iso(row.at) : row[name]) })), rows);
    },
  };
}

function sample() {
  const summary = h("summary", {});
  const body = h("div", {});
  return {
    element: h("details", { class: "sample" }, summary, body),
    update(row) {
      const from = row.topic ? `${row.topic}${row.partition === null ? "" : `-${row.partition}`}${row.offset === null ? "" : ` @ ${row.offset}`}` : row.origin;
      put(summary, h("span", { class: "badge warn" }, `◆ ${row.reason}`), h("span", {}, [row.detail, row.derivation].filter(Boolean).join(" · ")), h("span", { class: "note" }, `${from ?? ""} ${moment(row.at)}`));
      if (!body.firstChild) put(body, h("pre", { tabindex: "0" }, row.payload ?? `base64: ${row.payload_base64 ?? ""}`));
    },
  };
}

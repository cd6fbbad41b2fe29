// Data quality: the outcome of every record, watermark delay, lag, and samples of dead letters.

import { lines, ranking } from "./chart.js";
import { empty, h, keyed, put } from "./dom.js";
import { iso, moment, number } from "./format.js";
import { panel, plain, stat } from "./panel.js";

const NO_ACCOUNTS = "The runner publishes accounts every ten seconds. Check that it is running.";

export function quality() {
  const stats = h("div", { class: "stats" });
  const parts = panels();
  const grid = h(
    "div",
    { class: "grid" },
    Object.values(parts).map((part) => part.element),
  );
  return {
    element: h("div", { class: "view" }, stats, grid),
    update(answer) {
      const { data } = answer;
      put(stats, summary(data));
      delayed(parts.delays, answer);
      counted(parts.rejected, data.rejected, "reason", [
        "No rejected records",
        "All records were valid events.",
      ]);
      counted(
        parts.late,
        data.late.filter((row) => row.records > 0),
        "derivation",
        ["No late events", "All events arrived in time."],
      );
      parts.rejectedSamples.update(data.rejected_samples);
      parts.lateSamples.update(data.late_samples);
      parts.ahead.rows(AHEAD, data.senders_ahead, [
        "No sender is ahead",
        "Senders whose clocks are more than two seconds fast appear here.",
      ]);
      parts.accounts.rows(ACCOUNTS, data.accounts, ["No accounts yet", NO_ACCOUNTS]);
      parts.topics.rows(TOPICS, data.topics, ["No topics", ""]);
    },
    close() {
      for (const part of [parts.delays, parts.rejected, parts.late]) part.close();
    },
  };
}

/** The panels, in their order on the page. */
function panels() {
  return {
    delays: panel(
      "Watermark delay",
      "Seconds between a derivation's watermark and the time at which it published its account.",
      "wide",
    ),
    rejected: panel(
      "Rejected by reason",
      "For each source topic, as counted by the derivation that has read furthest.",
    ),
    late: panel("Late events", "Events that arrived after their window was final, by derivation."),
    rejectedSamples: samples(
      "Rejected records",
      "The latest, with the start of their payload.",
      "No rejected records",
      "Records that are not valid events appear here with the reason and their payload.",
    ),
    lateSamples: samples(
      "Late records",
      "The latest, with the start of their payload.",
      "No late records",
      "Events that arrive after their window was final appear here.",
    ),
    ahead: plain(
      "Senders ahead",
      "Senders whose event times were more than two seconds ahead of receipt. Their events count at their own " +
        "event times. Correct these clocks.",
      "wide",
    ),
    accounts: plain(
      "Accounting",
      "Read = accepted + rejected + late + duplicate, for each derivation and partition, since the topic began.",
      "wide",
    ),
    topics: plain("Topics", "What this dashboard has read from each topic.", "wide"),
  };
}

const count = (name, value) => ({ name, number: true, value, text: (row) => number(value(row)) });
const ACCOUNTS = [
  { name: "Derivation", value: (row) => row.derivation },
  { name: "Topic", value: (row) => row.topic },
  count("Partition", (row) => row.partition),
  count("Read", (row) => row.read),
  count("Accepted", (row) => row.accepted),
  count("Rejected", (row) => row.rejected_total),
  count("Late", (row) => row.late),
  count("Duplicate", (row) => row.duplicate),
  count("Evicted", (row) => row.evicted),
  count("Ahead", (row) => row.ahead),
  {
    name: "Adds up",
    value: (row) => (row.adds_up ? "yes" : "no"),
    cell: (row) =>
      h("span", { class: `badge ${row.adds_up ? "good" : "bad"}` }, row.adds_up ? "● yes" : "▲ no"),
  },
  count("Lag", (row) => row.lag),
  {
    name: "Delay",
    number: true,
    value: (row) => row.delay_ms,
    text: (row) => (row.delay_ms === null ? "–" : `${number(row.delay_ms / 1000, 1)} s`),
  },
];
const AHEAD = [
  { name: "Sender", value: (row) => row.sender },
  { name: "Topic", value: (row) => row.topic },
  {
    name: "Ahead",
    number: true,
    value: (row) => row.ahead_ms,
    text: (row) => `${number(row.ahead_ms / 1000, 1)} s`,
  },
  { name: "Last seen", value: (row) => iso(row.seen_at), text: (row) => moment(row.seen_at) },
];
const TOPICS = [
  { name: "Topic", value: (row) => row.topic },
  count("Records", (row) => row.records),
  count("Not shown", (row) => row.unshown),
  {
    name: "Latest record",
    value: (row) => iso(row.arrived_ms),
    text: (row) => (row.arrived_ms === null ? "–" : moment(row.arrived_ms)),
  },
  { name: "Last error", value: (row) => row.last_error ?? "" },
];

function summary({ accounts, rejected, late }) {
  const lags = accounts.map((row) => row.lag).filter((lag) => lag !== null);
  const delays = accounts.map((row) => row.delay_ms).filter((delay) => delay !== null);
  const odd = accounts.filter((row) => !row.adds_up).length;
  const sum = (rows) => rows.reduce((all, row) => all + row.records, 0);
  return [
    stat(
      "Accounts that add up",
      `${number(accounts.length - odd)} / ${number(accounts.length)}`,
      "derivations and partitions",
      odd ? "bad" : "good",
    ),
    stat("Rejected", number(sum(rejected)), "records of all sources", sum(rejected) ? "warn" : ""),
    stat("Late", number(sum(late)), "over all derivations", sum(late) ? "warn" : ""),
    stat("Longest lag", lags.length ? number(Math.max(...lags)) : "–", "unread records"),
    stat(
      "Longest delay",
      delays.length ? `${number(Math.max(...delays) / 1000, 1)} s` : "–",
      "from watermark to wall clock",
    ),
  ];
}

function delayed(delays, { data, from, to }) {
  const series = Object.entries(data.delays).map(([name, values]) => ({ name, values }));
  const rows = data.times
    .map((time, index) => ({ time, index }))
    .filter(({ index }) => series.some(({ values }) => values[index] !== null))
    .reverse();
  delays.show({
    option: lines(data.times, series, {
      from,
      to,
      format: (value) => `${number(value, 1)} s`,
      axis: (value) => `${number(value, 1)} s`,
    }),
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
    nothing: ["No accounts in this span", NO_ACCOUNTS],
    height: 260,
  });
}

function counted(part, rows, name, nothing) {
  part.show({
    option: ranking(rows.map((row) => ({ name: `${row[name]} · ${row.topic}`, value: row.records }))),
    columns: [
      { name, value: (row) => row[name] },
      { name: "topic", value: (row) => row.topic },
      count("records", (row) => row.records),
    ],
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
      keyed(
        list,
        rows.slice(0, 50),
        (row) => [row.at, row.topic, row.partition, row.offset, row.derivation, row.payload].join("|"),
        sample,
      );
      put(none, rows.length ? null : empty(nothing, todo));
      part.offer(
        [
          "at",
          "topic",
          "partition",
          "offset",
          "reason",
          "detail",
          "derivation",
          "event_time",
          "origin",
          "payload",
          "payload_base64",
        ].map((name) => ({ name, value: (row) => (name === "at" ? iso(row.at) : row[name]) })),
        rows,
      );
    },
  };
}

/**
 * Returns where a record came from: its topic, with partition and offset if they are known, or else the origin that the
 * record names.
 */
function originOf({ topic, partition, offset, origin }) {
  if (!topic) return origin ?? "";
  return `${topic}${partition === null ? "" : `-${partition}`}${offset === null ? "" : ` @ ${offset}`}`;
}

function sample() {
  const summary = h("summary", {});
  const body = h("div", {});
  return {
    element: h("details", { class: "sample" }, summary, body),
    update(row) {
      put(
        summary,
        h("span", { class: "badge warn" }, `◆ ${row.reason}`),
        h("span", {}, [row.detail, row.derivation].filter(Boolean).join(" · ")),
        h("span", { class: "note" }, `${originOf(row)} ${moment(row.at)}`),
      );
      if (!body.firstChild)
        put(body, h("pre", { tabindex: "0" }, row.payload ?? `base64: ${row.payload_base64 ?? ""}`));
    },
  };
}

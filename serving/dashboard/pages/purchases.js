// Purchases: revenue over time by currency, and purchases by item.

import { lines, ranking } from "./chart.js";
import { h, keyed, put } from "./dom.js";
import { iso, moment, money, number } from "./format.js";
import { panel, stat } from "./panel.js";

const NOTHING = [
  "No purchases in this span",
  "Revenue appears once per minute. Run `make start` or post purchase events, or choose a longer time.",
];
const RANKED = 12;

export function purchases() {
  const stats = h("div", { class: "stats" });
  const charts = h("div", { class: "grid wide" });
  const items = panel(
    "Items sold",
    "Purchases by item. The table shows amounts by currency; amounts in different currencies are never added.",
    "wide",
  );
  const nothing = panel("Revenue", "", "wide");
  const element = h("div", { class: "view" }, stats, charts, nothing.element, items.element);
  const open = new Map();
  return {
    element,
    update(answer) {
      const { data } = answer;
      put(
        stats,
        data.currencies
          .slice(0, 6)
          .map((row) => stat(`Net in ${row.currency}`, money(row.net, row.currency), details(row))),
      );
      keyed(
        charts,
        data.currencies,
        (row) => row.currency,
        (row) => currency(row, answer, open),
      );
      for (const row of data.currencies) open.get(row.currency)?.draw(row, answer);
      nothing.element.hidden = data.currencies.length > 0;
      nothing.show({ columns: [], rows: [], nothing: NOTHING });
      sold(items, data);
    },
    close() {
      items.close();
      nothing.close();
      for (const part of open.values()) part.close();
    },
  };
}

function details(row) {
  const arppu = money(row.arppu, row.currency);
  return (
    `${number(row.purchases)} purchases, ${number(row.refunds)} refunds; ` +
    `ARPPU ${arppu} of ${number(row.buyers)} buyers in the latest window`
  );
}

function currency(first, _, open) {
  const part = panel(
    `Revenue in ${first.currency}`,
    "Net of refunds. ARPPU is net revenue per paying user of a window.",
  );
  const child = {
    element: part.element,
    close: part.close,
    update() {},
    draw(row, { data, from, to }) {
      const numbers = (texts) => texts.map((text) => (text === null ? null : Number(text)));
      const format = (value) => money(String(value), row.currency);
      const series = [
        { name: "net", values: numbers(row.nets), area: true, bold: true },
        { name: "ARPPU (right)", values: numbers(row.arppus), right: true },
      ];
      const rows = data.times
        .map((time, index) => ({ time, net: row.nets[index], arppu: row.arppus[index] }))
        .filter((one) => one.net !== null);
      part.show({
        option: lines(data.times, series, { from, to, format }),
        columns: [
          { name: "Time", value: (one) => iso(one.time), text: (one) => moment(one.time) },
          {
            name: `Net ${row.currency}`,
            number: true,
            value: (one) => one.net,
            text: (one) => money(one.net, row.currency),
          },
          {
            name: "ARPPU",
            number: true,
            value: (one) => one.arppu,
            text: (one) => money(one.arppu, row.currency),
          },
        ],
        rows: rows.reverse(),
        nothing: NOTHING,
        height: 240,
      });
    },
  };
  open.set(first.currency, child);
  return child;
}

function sold(items, { items: rows, items_left_out: left }) {
  const sums = new Map();
  for (const row of rows) sums.set(row.item, (sums.get(row.item) ?? 0) + row.purchases);
  const top = [...sums]
    .map(([name, value]) => ({ name, value }))
    .sort((a, b) => b.value - a.value)
    .slice(0, RANKED);
  const amount = (name, field) => ({
    name,
    number: true,
    value: (row) => row[field],
    text: (row) => money(row[field], row.currency),
  });
  const count = (name, field) => ({
    name,
    number: true,
    value: (row) => row[field],
    text: (row) => number(row[field]),
  });
  items.show({
    option: ranking(top),
    columns: [
      { name: "Item", value: (row) => row.item },
      { name: "Type", value: (row) => row.item_type },
      { name: "Currency", value: (row) => row.currency },
      count("Purchases", "purchases"),
      count("Refunds", "refunds"),
      amount("Gross", "gross"),
      amount("Refunded", "refunded"),
      amount("Net", "net"),
    ],
    rows,
    nothing: ["No purchases in this span", "Choose a longer time or another game."],
    note: left ? `Purchases by item. The ${number(left)} with the fewest purchases are left out.` : null,
    height: Math.max(160, 40 + top.length * 28),
  });
}

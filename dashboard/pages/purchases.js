// Purchases: what comes in, by currency, and what sells.

import { lines, ranking } from "/chart.js";
import { h, keyed, put } from "/dom.js";
import { iso, moment, money, number } from "/format.js";
import { figure, panel } from "/panel.js";

const NOTHING = ["Nothing was sold in this span", "Revenue comes in windows of a minute. Run `make start` or post purchase events; or look at a longer time."];
const RANKED = 12;

export function purchases() {
  const figures = h("div", { class: "figures" });
  const charts = h("div", { class: "grid wide" });
  const items = panel("What sells", "Purchases by item; the table has the money, by currency. There are no exchange rates: currencies are never added up.", "wide");
  const nothing = panel("Revenue", "", "wide");
  const element = h("div", { class: "view" }, figures, charts, nothing.element, items.element);
  const open = new Map();
  return {
    element,
    update(answer) {
      const { data } = answer;
      put(figures, data.currencies.slice(0, 6).map((row) => figure(`Net in ${row.currency}`, money(row.net, row.currency),
        `${number(row.purchases)} purchases, ${number(row.refunds)} refunds; ARPPU ${money(row.arppu, row.currency)} of ${number(row.buyers)} buyers in the latest window`)));
      keyed(charts, data.currencies, (row) => row.currency, (row) => currency(row, answer, open));
      data.currencies.forEach((row) => open.get(row.currency)?.draw(row, answer));
      nothing.element.hidden = data.currencies.length > 0;
      nothing.show({ columns: [], rows: [], nothing: NOTHING });
      sold(items, data);
    },
    close() {
      items.close();
      nothing.close();
      open.forEach((part) => part.close());
    },
  };
}

function currency(first, _, open) {
  const part = panel(`Revenue in ${first.currency}`, "Net of refunds in each step; ARPPU: net for each paying user of a window.");
  const child = {
    element: part.element,
    close: part.close,
    update() {},
    draw(row, { data, from, to }) {
      const numbers = (texts) => texts.map((text) => (text === null ? null : Number(text)));
      const format = (value) => money(String(value), row.currency);
      const series = [{ name: "net", values: numbers(row.nets), area: true, bold: true }, { name: "ARPPU (right)", values: numbers(row.arppus), right: true }];
      const rows = data.times.map((time, index) => ({ time, net: row.nets[index], arppu: row.arppus[index] })).filter((one) => one.net !== null);
      part.show({
        option: lines(data.times, series, { from, to, format }),
        columns: [{ name: "Time", value: (one) => iso(one.time), text: (one) => moment(one.time) }, { name: `Net ${row.currency}`, number: true, value: (one) => one.net, text: (one) => money(one.net, row.currency) }, { name: "ARPPU", number: true, value: (one) => one.arppu, text: (one) => money(one.arppu, row.currency) }],
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
  const top = [...sums].map(([name, value]) => ({ name, value })).sort((a, b) => b.value - a.value).slice(0, RANKED);
  const amount = (name, field) => ({ name, number: true, value: (row) => row[field], text: (row) => money(row[field], row.currency) });
  const count = (name, field) => ({ name, number: true, value: (row) => row[field], text: (row) => number(row[field]) });
  items.show({
    option: ranking(top),
    columns: [{ name: "Item", value: (row) => row.item }, { name: "Type", value: (row) => row.item_type }, { name: "Currency", value: (row) => row.currency }, count("Purchases", "purchases"), count("Refunds", "refunds"), amount("Gross", "gross"), amount("Refunded", "refunded"), amount("Net", "net")],
    rows,
    nothing: ["Nothing was sold in this span", "Look at a longer time, or choose another game."],
    note: left ? `Purchases by item. The ${number(left)} least bought are left out.` : null,
    height: Math.max(160, 40 + top.length * 28),
  });
}

// Explores a topic that an SQL query of the dataflow file computes, follows a link to what is shown, and opens the
// pinned charts.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { contrastProblems } from "./contrast.mjs";

/** The topic, and the titles of its pinned charts. They are appended to the dataflow file. */
export const STORE = `
  store-sales:
    sql: >
      SELECT item_id, currency, count(*) AS sold, sum(amount) AS revenue, avg(amount) AS mean
      FROM "purchase-events" WHERE transaction_type = 'purchase'
      GROUP BY TUMBLE(INTERVAL '10' SECOND), item_id, currency
views:
  - {title: Sales by item, topic: store-sales, measures: [sold], split: item_id, chart: bars}
  - {title: Money by currency, topic: store-sales, measures: [revenue, mean], split: currency, range: 15m}
`;
const TOPIC = "store-sales";

export async function explore(page, url, at) {
  for (const step of [choose, followLink, file, nested, pinned]) {
    at(`explore/${step.name}`);
    await step(page, url);
  }
}

const panelOf = (page, title) => page.locator(".panel", { has: page.locator("h2", { hasText: title }) });
const hasInHash = (page, text) => page.waitForFunction((part) => location.hash.includes(part), text);

async function choose(page, url) {
  await page.goto(`${url}/#/explore`);
  await page.locator("#explore-topic").selectOption(TOPIC);
  // The first count is plotted at once.
  await hasInHash(page, "measure=sold");
  await panelOf(page, "Latest rows").locator("tbody tr").first().waitFor();
  await page.locator("#explore-split").selectOption("item_id");
  await hasInHash(page, "split=item_id");
  await page.locator("#measure-revenue").click();
  await hasInHash(page, "measure=revenue");
  await page.locator("#explore-chart").selectOption("bars");
  await hasInHash(page, "chart=bars");
  await page.locator("#filter-column").selectOption("currency");
  await page.locator("#filter-value").fill("USD");
  await page.getByRole("button", { name: "Add filter" }).click();
  await hasInHash(page, "filter=currency%3DUSD");
  const types = await panelOf(page, "Columns").locator("tbody tr").allTextContents();
  assert.ok(types.includes("revenuedecimal(38,3)yesyes"), types.join());
  assert.ok(types.includes("meandoubleyesno"), types.join());
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await page.evaluate(contrastProblems), [], colorScheme);
  }
}

async function followLink(page) {
  const link = await page.evaluate(() => location.href);
  const other = await page.context().newPage();
  await other.goto(link);
  await panelOf(other, "revenue").waitFor();
  const chosen = {};
  for (const name of ["topic", "split", "chart"])
    chosen[name] = await other.locator(`#explore-${name}`).inputValue();
  assert.deepEqual(chosen, { topic: TOPIC, split: "item_id", chart: "bars" });
  assert.deepEqual(await other.locator("[aria-pressed=true]").allTextContents(), ["✓ sold", "✓ revenue"]);
  assert.equal(await other.locator(".controls .chip[title]").textContent(), "currency = USD ✕");
  await other.close();
}

async function file(page) {
  const download = page.waitForEvent("download");
  await page.locator("#rows-csv").click();
  const saved = await download;
  assert.equal(saved.suggestedFilename(), `${TOPIC}.csv`);
  const [head, ...lines] = (await readFile(await saved.path(), "utf8")).trim().split("\r\n");
  assert.equal(head, "window_start,window_end,item_id,currency,sold,revenue,mean,revision");
  const cells = lines.map((line) => line.split(","));
  assert.ok(cells.length > 0);
  for (const [start, , item, currency, , revenue] of cells) {
    assert.match(start, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.equal(currency, "USD");
    assert.match(revenue, /^\d+\.\d{3}$/);
    assert.ok(item);
  }
}

async function nested(page, url) {
  await page.goto(`${url}/#/explore?topic=server-health&measure=cpu_load.mean&split=server_id`);
  await panelOf(page, "cpu_load.mean").waitFor();
  await panelOf(page, "Latest rows").locator("th", { hasText: "latency_ms.p99" }).waitFor();
}

async function pinned(page, url) {
  await page.goto(`${url}/#/overview`);
  await page.locator("nav a", { hasText: "Pinned" }).click();
  await panelOf(page, "Money by currency: mean").waitFor();
  const titles = await page.locator("main h2").allTextContents();
  assert.deepEqual(titles, ["Sales by item", "Money by currency: revenue", "Money by currency: mean"]);
  await panelOf(page, "Money by currency: revenue").locator("a").click();
  await hasInHash(page, "#/explore?last=15&topic=store-sales&split=currency&measure=revenue");
}

// Measures the time to first paint and the size of a page.

import assert from "node:assert/strict";

const FIRST_PAINT_MS_MAX = 1_000;
/** The limit for a page with the largest response of all views, without the chart library, which browsers cache. */
const PAGE_BYTES_MAX = 600_000;
/** The number of times the page is loaded. Only the fastest load counts, because the machine may be busy. */
const LOADS = 4;

/** Opens the page several times, each time without cached files. */
export async function speed(browser, url, views) {
  const [paints, shown] = [[], []];
  let page;
  for (let load = 0; load < LOADS; load += 1) {
    await page?.context().close();
    page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
    await page.goto(url);
    await page.waitForSelector("main .view:not(.waiting)");
    shown.push(await page.evaluate(() => performance.now()));
    paints.push(
      await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime),
    );
  }
  const bytes = await page.evaluate(async (names) => {
    const files = [
      ...performance.getEntriesByType("navigation"),
      ...performance.getEntriesByType("resource"),
    ].filter(({ name }) => !name.endsWith("/echarts.min.js") && !name.includes("/api/"));
    let largest = 0;
    for (const name of names)
      largest = Math.max(
        largest,
        (await (await fetch(`/api/views/${name}?last=1440`)).arrayBuffer()).byteLength,
      );
    return {
      files: files.reduce((sum, file) => sum + file.encodedBodySize, 0),
      count: files.length,
      largest,
    };
  }, views);
  await page.context().close();
  const rounded = (values) => values.map(Math.round).join(", ");
  console.log(`first paint after ${rounded(paints)} ms, the view after ${rounded(shown)} ms`);
  console.log(
    `${bytes.count} files of ${bytes.files} bytes as sent, the largest view ${bytes.largest} bytes unpacked`,
  );
  assert.ok(Math.min(...paints) < FIRST_PAINT_MS_MAX);
  assert.ok(bytes.files > 0 && bytes.files + bytes.largest < PAGE_BYTES_MAX);
}

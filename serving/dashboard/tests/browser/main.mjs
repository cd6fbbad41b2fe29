// Clicks through every view in headless Chromium, in both themes, on a desktop and a phone screen. Fails on console
// errors, on text with too little contrast and on pages wider than their screen, and takes screenshots.
//
// `make test-dashboard` runs this file. With DASHBOARD=URL it tests a dashboard that is already running; its
// dataflow file must end with `STORE` of `explore.mjs`.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { contrastProblems } from "./contrast.mjs";
import { explore } from "./explore.mjs";
import { gameCards } from "./games.mjs";
import { hostile, playHostile } from "./hostile.mjs";
import { journeys } from "./journeys.mjs";
import { proxy } from "./proxy.mjs";
import { restarts } from "./restarts.mjs";
import { findChromium, startAll } from "./setup.mjs";
import { speed } from "./speed.mjs";

const root = path.resolve(import.meta.dirname, "../../../..");
const screenshots = path.join(root, "target/dashboard-pictures");
const { chromium } = createRequire(path.join(root, "target/dashboard-npm/"))("playwright-core");

const VIEWS = [
  "Overview",
  "Engagement",
  "Sessions",
  "Purchases",
  "Fraud",
  "Servers",
  "Data quality",
  "Pinned",
  "Explore",
];
const SCREENS = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
const TIMEOUT_MS = 90_000;

const problems = [];

function listen(page, where) {
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()))
      problems.push(`${where()}: console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`${where()}: ${error.stack ?? error}`));
  page.on("dialog", (dialog) => {
    problems.push(`${where()}: a dialog opened: ${dialog.message()}`);
    return dialog.dismiss();
  });
}

/** Waits until the view shows data from the server. */
async function shown(page) {
  await page.waitForSelector("main .view:not(.waiting)", { timeout: TIMEOUT_MS });
  await page.waitForFunction(() => document.querySelectorAll(".stat strong, .panel").length > 1);
}

async function visit(page, screen, theme) {
  let where = "start";
  listen(page, () => `${screen}/${theme}/${where}`);
  for (const view of VIEWS) {
    where = view;
    await page.locator("nav a", { hasText: view }).click();
    await shown(page);
    assert.equal(await page.locator("h1").textContent(), view);
    assert.equal(await page.locator("nav [aria-current=page]").textContent(), view);
    const wide = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    if (wide > 0) problems.push(`${screen}/${theme}/${view}: ${wide} px wider than the screen`);
    await page.evaluate(() =>
      document.querySelectorAll("details").forEach((details, index) => {
        if (index % 4 === 1) details.open = true;
      }),
    );
    const pale = await page.evaluate(contrastProblems);
    problems.push(...pale.map((text) => `${screen}/${theme}/${view}: contrast: ${text}`));
    await page.evaluate(() =>
      document.querySelectorAll("details").forEach((details) => {
        details.open = false;
      }),
    );
    const name = `${view.toLowerCase().replace(" ", "-")}-${screen}-${theme}.png`;
    await page.waitForTimeout(300); // Charts are drawn in the next frame.
    await page.screenshot({ path: path.join(screenshots, name), fullPage: true });
  }
}

/** Checks that the panels' tables are open if the chart library cannot be loaded. */
async function useTables(page, url) {
  let where = "tables";
  listen(page, () => where);
  await page.route("**/echarts.min.js", (route) =>
    route.fulfill({ contentType: "text/javascript", body: "" }),
  );
  await page.goto(url);
  for (const view of ["Engagement", "Purchases", "Servers", "Data quality"]) {
    where = `tables/${view}`;
    await page.locator("nav a", { hasText: view }).click();
    await shown(page);
    await page.waitForSelector("details.data[open] td");
    assert.equal(await page.locator("canvas").count(), 0);
  }
  await page.screenshot({ path: path.join(screenshots, "without-charts.png"), fullPage: true });
}

/**
 * Records the errors, warnings and dialogs of a page as problems. The returned function sets the name of the current
 * step, which each problem contains.
 */
function steps(page, name) {
  let step = "start";
  listen(page, () => `${name}/${step}`);
  return (next) => {
    step = next;
  };
}

async function visitAll(browser, url) {
  for (const [screen, viewport] of Object.entries(SCREENS)) {
    for (const colorScheme of ["light", "dark"]) {
      const context = await browser.newContext({
        viewport,
        colorScheme,
        locale: "en-GB",
        timezoneId: "Europe/Berlin",
        reducedMotion: "reduce",
      });
      const page = await context.newPage();
      await page.goto(url);
      await shown(page);
      await page.waitForFunction(() => document.querySelector(".card, .empty"));
      await visit(page, screen, colorScheme);
      await context.close();
    }
  }
}

/**
 * Stops nginx, then each part of the system. Does not call `listen`, because the browser logs refused connections as
 * errors.
 */
async function outages(browser, setup) {
  const context = await browser.newContext({ viewport: SCREENS.desktop });
  await proxy(root, setup.url, await context.newPage(), path.join(screenshots, "behind-nginx.png"));
  await context.close();
  await setup.stop();
  await restarts(root, await (await browser.newContext({ viewport: SCREENS.desktop })).newPage());
}

async function run(browser, setup) {
  await mkdir(screenshots, { recursive: true });
  await visitAll(browser, setup.url);
  await gameCards(await browser.newPage(), setup.url, path.join(screenshots, "catalogue.png"));
  const stopPlaying = setup.webApi ? playHostile(setup.webApi) : () => {};
  try {
    const names = VIEWS.map((view) => view.toLowerCase().replace("data ", ""));
    await speed(browser, setup.url, names);
    const desktop = { viewport: SCREENS.desktop, colorScheme: "light", acceptDownloads: true };
    const context = await browser.newContext(desktop);
    const page = await context.newPage();
    const at = steps(page, "journeys");
    await journeys(page, setup.url, at, shown);
    await explore(page, setup.url, at);
    await useTables(await context.newPage(), setup.url);
    if (!setup.webApi) return;
    const hostilePage = await context.newPage();
    await hostile(setup.url, hostilePage, steps(hostilePage, "hostile"), shown);
    await context.close();
  } finally {
    stopPlaying();
  }
  await outages(browser, setup);
}

const setup = process.env.DASHBOARD ? { url: process.env.DASHBOARD, stop() {} } : await startAll(root);
const browser = await chromium.launch({
  executablePath: findChromium(),
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  await run(browser, setup);
} catch (error) {
  problems.push(error.stack);
} finally {
  await browser.close();
  await setup.stop();
}
assert.deepEqual([...new Set(problems)], []);
console.log(`all views passed; screenshots are in ${path.relative(process.cwd(), screenshots) || "."}`);

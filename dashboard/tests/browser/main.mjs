// Clicks through every view in headless Chromium, in both themes, on a desk and on a telephone.
// Fails on any error on the console, on text of too little contrast and on pages wider than their
// screen. Takes pictures on the way. `make test-dashboard` runs it; DASHBOARD=URL takes one that runs.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { contrastProblems } from "./contrast.mjs";
import { hostile, playHostile } from "./hostile.mjs";
import { restarts } from "./restarts.mjs";
import { findChromium, startAll } from "./setup.mjs";
import { speed } from "./speed.mjs";

const root = path.resolve(import.meta.dirname, "../../..");
const pictures = path.join(root, "target/dashboard-pictures");
const { chromium } = createRequire(path.join(root, "target/dashboard-npm/"))("playwright-core");

const VIEWS = ["Overview", "Engagement", "Sessions", "Purchases", "Fraud", "Servers", "Data quality"];
const SCREENS = { desk: { width: 1440, height: 900 }, telephone: { width: 390, height: 844 } };
const PATIENCE_MS = 90_000;

const problems = [];

function listen(page, where) {
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(`${where()}: console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`${where()}: ${error.stack ?? error}`));
  page.on("dialog", (dialog) => {
    problems.push(`${where()}: a dialog opened: ${dialog.message()}`);
    return dialog.dismiss();
  });
}

/** Waits until the view shows something that came from the server. */
async function shown(page) {
  await page.waitForSelector("main .view:not(.waiting)", { timeout: PATIENCE_MS });
  await page.waitForFunction(() => document.querySelectorAll(".figure strong, .panel").length > 1);
}

async function look(page, screen, theme) {
  let where = "start";
  listen(page, () => `${screen}/${theme}/${where}`);
  for (const view of VIEWS) {
    where = view;
    await page.locator("nav a", { hasText: view }).click();
    await shown(page);
    assert.equal(await page.locator("h1").textContent(), view);
    assert.equal(await page.locator("nav [aria-current=page]").textContent(), view);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 0) problems.push(`${screen}/${theme}/${view}: ${wide} px wider than the screen`);
    await page.evaluate(() => document.querySelectorAll("details").forEach((details, index) => { if (index % 4 === 1) details.open = true; }));
    const pale = await page.evaluate(contrastProblems);
    problems.push(...pale.map((text) => `${screen}/${theme}/${view}: contrast: ${text}`));
    await page.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = false; }));
    const name = `${view.toLowerCase().replace(" ", "-")}-${screen}-${theme}.png`;
    await page.waitForTimeout(300); // charts are drawn in the next frame
    await page.screenshot({ path: path.join(pictures, name), fullPage: true });
  }
}

/** What people do: choose, open, pause, look back, switch, go by keyboard, follow a link. */
async function use(page, url) {
  let where = "use";
  listen(page, () => where);
  await page.goto(`${url}/#/overview`);
  await page.locator(".card").first().click();
  await page.waitForFunction(() => location.hash.startsWith("#/engagement?game="));
  await shown(page);
  where = "table and file";
  await page.locator("details.data summary").first().click();
  await page.waitForSelector("details.data[open] td");
  const download = page.waitForEvent("download");
  await page.locator(".panel button", { hasText: "CSV" }).first().click();
  const file = await download;
  assert.match(file.suggestedFilename(), /^active-players\.csv$/);
  const [head, ...lines] = (await readFile(await file.path(), "utf8")).trim().split("\r\n");
  assert.match(head, /^Time,all platforms,/);
  assert.ok(lines.length > 0 && lines.every((line) => /^\d{4}-\d\d-\d\dT[\d:.]+Z,[\d.]+,/.test(line)), lines[0]);
  where = "pause";
  await page.getByRole("button", { name: "Pause and look back" }).click();
  await page.waitForFunction(() => /from=\d+&to=\d+/.test(location.hash));
  const paused = await page.evaluate(() => location.hash);
  await page.getByRole("button", { name: "Look further back" }).click();
  await page.waitForFunction((before) => location.hash !== before, paused);
  assert.match(await page.locator("#pill").textContent(), /Paused/);
  await page.getByRole("button", { name: "Go on live" }).click();
  await page.waitForFunction(() => document.getElementById("pill").textContent.includes("Live"));
  where = "zone and theme";
  await page.locator("#zone").click();
  assert.equal(await page.locator("#zone").textContent(), "UTC");
  assert.match(await page.locator("#foot").textContent(), /Times in UTC/);
  await page.locator("#theme").click();
  assert.ok(await page.evaluate(() => document.documentElement.dataset.theme));
  where = "keyboard";
  await page.reload();
  await shown(page);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  for (let presses = 0; presses < 12 && (await page.evaluate(() => document.activeElement.textContent)) !== "Fraud"; presses += 1) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => location.hash.startsWith("#/fraud"));
  await shown(page);
  where = "links to a level, a user and a time";
  const [level] = (await data(url, "engagement")).cells;
  await page.goto(`${url}/#/engagement?${new URLSearchParams({ game: level.game, level: level.level })}`);
  await page.waitForFunction((name) => document.querySelector(".chip")?.textContent.includes(`level: ${name}`), level.level);
  await shown(page);
  await page.locator(".panel", { hasText: "Players by level" }).locator("summary").click();
  await page.locator(".panel", { hasText: "Players by level" }).locator("tbody a").first().waitFor();
  const levels = await page.locator(".panel", { hasText: "Players by level" }).locator("tbody tr td:first-child a, tbody tr td:nth-child(2) a").allTextContents();
  assert.ok(levels.length && levels.every((name) => name === level.level), levels.join());
  // Not the one whose name is not shown as it was written.
  const alert = (await data(url, "fraud")).alerts.find((one) => one.user_id.startsWith("player_"));
  await page.goto(`${url}/#/fraud?user=${encodeURIComponent(alert.user_id)}`);
  await page.waitForFunction((user) => document.querySelector(".figure")?.textContent.includes(`kept of ${user}`), alert.user_id);
  for (const text of await page.locator(".alert summary .note").allTextContents()) assert.ok(text.startsWith(`${alert.user_id} · `), text);
  const to = Math.floor(Date.now() / 60_000) * 60_000;
  await page.goto(`${url}/#/sessions?from=${to - 120_000}&to=${to}`);
  await page.waitForFunction(() => document.getElementById("pill").textContent.includes("Paused"));
  await page.waitForFunction(() => /:00.{0,4} – /.test(document.querySelector("#foot").textContent));
  where = "a long list";
  await page.goto(`${url}/#/fraud`);
  await page.locator("button.more").waitFor({ timeout: PATIENCE_MS });
  const listed = await page.locator(".alert").count();
  await page.locator("button.more").click();
  await page.waitForFunction((before) => document.querySelectorAll(".alert").length > before, listed);
  where = "filters";
  await page.locator("#filter-severity").selectOption("high");
  await page.waitForFunction(() => location.hash.includes("severity=high") && [...document.querySelectorAll(".alert")].every((element) => element.textContent.includes("▲ high")));
  where = "a hostile link";
  await page.goto(`${url}/#/fraud?user=${encodeURIComponent("<img src=x onerror=alert(1)>\u202e")}`);
  await page.waitForFunction(() => document.querySelector(".chip")?.textContent.includes("<img src=x onerror=alert(1)>\\u202e"));
  assert.equal(await page.locator("img[src=x]").count(), 0);
}

/** What a view says now. */
const data = async (url, view) => (await (await fetch(`${url}/api/views/${view}`)).json()).data;

/** Without the chart library every table stands open in its chart's place. */
async function useTables(page, url) {
  let where = "tables";
  listen(page, () => where);
  await page.route("**/echarts.min.js", (route) => route.fulfill({ contentType: "text/javascript", body: "" }));
  await page.goto(url);
  for (const view of ["Engagement", "Purchases", "Servers", "Data quality"]) {
    where = `tables/${view}`;
    await page.locator("nav a", { hasText: view }).click();
    await shown(page);
    await page.waitForSelector("details.data[open] td");
    assert.equal(await page.locator("canvas").count(), 0);
  }
  await page.screenshot({ path: path.join(pictures, "without-charts.png"), fullPage: true });
}

const setup = process.env.DASHBOARD ? { url: process.env.DASHBOARD, stop() {} } : await startAll(root);
let over = () => {};
const browser = await chromium.launch({ executablePath: findChromium(), args: ["--no-sandbox", "--disable-gpu"] });
try {
  await mkdir(pictures, { recursive: true });
  for (const [screen, viewport] of Object.entries(SCREENS)) {
    for (const colorScheme of ["light", "dark"]) {
      const context = await browser.newContext({ viewport, colorScheme, locale: "en-GB", timezoneId: "Europe/Berlin", reducedMotion: "reduce" });
      const page = await context.newPage();
      await page.goto(setup.url);
      await shown(page);
      await page.waitForFunction(() => document.querySelector(".card, .empty"));
      await look(page, screen, colorScheme);
      await context.close();
    }
  }
  if (setup.webApi) over = playHostile(setup.webApi);
  await speed(browser, setup.url, VIEWS.map((view) => view.toLowerCase().replace("data ", "")));
  const context = await browser.newContext({ viewport: SCREENS.desk, colorScheme: "light", acceptDownloads: true });
  await use(await context.newPage(), setup.url);
  await useTables(await context.newPage(), setup.url);
  if (setup.webApi) {
    let where = "hostile";
    const page = await context.newPage();
    listen(page, () => where);
    await hostile(setup.url, page, (there) => { where = there; }, shown);
    over();
    await context.close();
    await setup.stop();
    // Its connections are refused for a while, which a browser logs as errors.
    await restarts(root, await (await browser.newContext({ viewport: SCREENS.desk })).newPage());
  }
} catch (error) {
  problems.push(error.stack);
} finally {
  over();
  await browser.close();
  await setup.stop();
}
assert.deepEqual([...new Set(problems)], []);
console.log(`all views are well; pictures are in ${path.relative(process.cwd(), pictures) || "."}`);

// Does what people do on the pages: opens tables, downloads a file, pauses, looks back, switches the time zone and
// theme, uses the keyboard, follows links.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

const TIMEOUT_MS = 90_000;
const PLAYERS_BY_LEVEL = "Players by level";

/** Runs every journey. `at` is called with the name of each step; `shown` waits until a view has data. */
export async function journeys(page, url, at, shown) {
  await page.goto(`${url}/#/overview`);
  await page.locator(".card:has(.spark)").first().click();
  await page.waitForFunction(() => location.hash.startsWith("#/engagement?game="));
  await shown(page);
  const steps = [
    tableAndFile,
    pause,
    zoneAndTheme,
    keyboard,
    level,
    user,
    time,
    longList,
    filters,
    hostileLink,
  ];
  for (const step of steps) {
    at(step.name);
    await step(page, url, shown);
  }
}

async function tableAndFile(page) {
  await page.locator("details.data summary").first().click();
  await page.waitForSelector("details.data[open] td");
  const download = page.waitForEvent("download");
  await page.locator(".panel button", { hasText: "CSV" }).first().click();
  const file = await download;
  assert.match(file.suggestedFilename(), /^active-players\.csv$/);
  const [head, ...lines] = (await readFile(await file.path(), "utf8")).trim().split("\r\n");
  assert.match(head, /^Time,all platforms,/);
  assert.ok(
    lines.length > 0 && lines.every((line) => /^\d{4}-\d\d-\d\dT[\d:.]+Z,[\d.]+,/.test(line)),
    lines[0],
  );
}

async function pause(page) {
  await page.getByRole("button", { name: "Pause live updates" }).click();
  await page.waitForFunction(() => /from=\d+&to=\d+/.test(location.hash));
  const paused = await page.evaluate(() => location.hash);
  await page.getByRole("button", { name: "Earlier" }).click();
  await page.waitForFunction((before) => location.hash !== before, paused);
  assert.match(await page.locator("#pill").textContent(), /Paused/);
  await page.getByRole("button", { name: "Resume live updates" }).click();
  await page.waitForFunction(() => document.getElementById("pill").textContent.includes("Live"));
}

async function zoneAndTheme(page) {
  await page.locator("#zone").click();
  assert.equal(await page.locator("#zone").textContent(), "UTC");
  assert.match(await page.locator("#foot").textContent(), /Times in UTC/);
  await page.locator("#theme").click();
  assert.ok(await page.evaluate(() => document.documentElement.dataset.theme));
}

async function keyboard(page, _, shown) {
  await page.reload();
  await shown(page);
  await page.keyboard.press("Tab");
  const focused = (property) => page.evaluate((name) => document.activeElement[name], property);
  assert.equal(await focused("className"), "skip");
  for (let presses = 0; presses < 12 && (await focused("textContent")) !== "Fraud"; presses += 1)
    await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => location.hash.startsWith("#/fraud"));
  await shown(page);
}

async function level(page, url, shown) {
  const [cell] = (await data(url, "engagement")).cells;
  await page.goto(`${url}/#/engagement?${new URLSearchParams({ game: cell.game, level: cell.level })}`);
  await page.waitForFunction(
    (name) => document.querySelector(".chip")?.textContent.includes(`level: ${name}`),
    cell.level,
  );
  await shown(page);
  const panel = page.locator(".panel", { hasText: PLAYERS_BY_LEVEL });
  await panel.locator("summary").click();
  await panel.locator("tbody a").first().waitFor();
  const links = panel.locator("tbody tr td:first-child a, tbody tr td:nth-child(2) a");
  const levels = await links.allTextContents();
  assert.ok(levels.length && levels.every((name) => name === cell.level), levels.join());
}

async function user(page, url) {
  // Skips the user whose name contains control characters, because the page shows their codes instead.
  const alert = (await data(url, "fraud")).alerts.find((one) => one.user_id.startsWith("player_"));
  await page.goto(`${url}/#/fraud?user=${encodeURIComponent(alert.user_id)}`);
  await page.waitForFunction(
    (name) => document.querySelector(".stat")?.textContent.includes(`all kept alerts of ${name}`),
    alert.user_id,
  );
  for (const text of await page.locator(".alert summary .note").allTextContents())
    assert.ok(text.startsWith(`${alert.user_id} · `), text);
}

async function time(page, url) {
  const to = Math.floor(Date.now() / 60_000) * 60_000;
  await page.goto(`${url}/#/sessions?from=${to - 120_000}&to=${to}`);
  await page.waitForFunction(() => document.getElementById("pill").textContent.includes("Paused"));
  await page.waitForFunction(() => /:00.{0,4} – /.test(document.querySelector("#foot").textContent));
}

async function longList(page, url) {
  await page.goto(`${url}/#/fraud`);
  await page.locator("button.more").waitFor({ timeout: TIMEOUT_MS });
  const listed = await page.locator(".alert").count();
  await page.locator("button.more").click();
  await page.waitForFunction((before) => document.querySelectorAll(".alert").length > before, listed);
}

async function filters(page) {
  await page.locator("#filter-severity").selectOption("high");
  await page.waitForFunction(
    () =>
      location.hash.includes("severity=high") &&
      [...document.querySelectorAll(".alert")].every((element) => element.textContent.includes("▲ high")),
  );
}

async function hostileLink(page, url) {
  await page.goto(`${url}/#/fraud?user=${encodeURIComponent("<img src=x onerror=alert(1)>\u202e")}`);
  await page.waitForFunction(() =>
    document.querySelector(".chip")?.textContent.includes("<img src=x onerror=alert(1)>\\u202e"),
  );
  assert.equal(await page.locator("img[src=x]").count(), 0);
}

const data = async (url, view) => (await (await fetch(`${url}/api/views/${view}`)).json()).data;

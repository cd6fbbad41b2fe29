// What the browser test needs: Chromium, and a game that runs.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\u0007\u202e";
const PATIENCE_MS = 240_000;
/** How soon people must know. */
const TOLD_WITHIN_MS = 5_000;

/** Where Chromium is; CHROMIUM names another. */
export function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of NAMES) {
    try {
      return execFileSync("which", [name], { encoding: "utf8" }).trim();
    } catch {
      // The next one.
    }
  }
  throw new Error("no Chromium: install Debian's package `chromium`, or name one with CHROMIUM=PATH");
}

/** A port that nobody listens on now, so that a program can come back to it. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** A subcommand that runs; `ready` holds the addresses that it prints. */
function run(binary, args, names) {
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const found = {};
  const ready = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [, name, url] = line.match(/^(web-api|dashboard): (http:\S+)$/) ?? [];
      if (name) found[name] = url;
      if (names.every((wanted) => found[wanted])) resolve(found);
    });
    setTimeout(() => reject(new Error(`${args[0]} did not start`)), PATIENCE_MS).unref();
    ended.then((code) => reject(new Error(`${args[0]} ended with ${code}`)));
  });
  ready.catch(() => {}); // Whoever waits for it hears of it.
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  return { ready, stop };
}

/** Runs everything in a temporary folder, and a dashboard of its own beside it. */
export async function startDashboard(root) {
  const folder = mkdtempSync(path.join(tmpdir(), "dashboard-"));
  const binary = process.env.BINARY ?? path.join(root, "target/debug/game-analytics");
  const addresses = {};
  for (const name of ["cluster", "spu", "metrics", "web-api", "dashboard", "beside"]) addresses[name] = `127.0.0.1:${await freePort()}`;
  const flags = ["cluster", "spu", "metrics", "web-api", "dashboard"].flatMap((name) => [`--${name}-addr`, addresses[name]]);
  const up = () => run(binary, ["up", "--data-dir", path.join(folder, "data"), "--rate", "300", "--incidents", "3600", ...flags], ["web-api", "dashboard"]);
  const beside = () => run(binary, ["dashboard", "--cluster", addresses.cluster, "--dashboard-addr", addresses.beside], ["dashboard"]);
  const running = { all: up() };
  async function stop() {
    for (const one of Object.values(running)) await one.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  try {
    const found = await running.all.ready;
    await alive(found.dashboard);
    return { url: found.dashboard, stop, hostile: (context, listen, shown) => hostile(found, context, listen, shown), restarts: (page) => restarts(page, running, up, beside) };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The page says what is away and goes on by itself when it is back. */
async function restarts(page, running, up, beside) {
  const says = (text, timeout) => page.waitForFunction((wanted) => document.querySelector("#notice:not([hidden])")?.textContent.includes(wanted), text, { timeout });
  const lives = () => page.waitForFunction(() => document.querySelector("#notice").hidden && document.getElementById("pill").textContent.includes("Live"), null, { timeout: PATIENCE_MS });
  running.beside = beside();
  const { dashboard } = await running.beside.ready;
  await page.goto(`${dashboard}/#/overview`);
  await page.waitForSelector(".card");
  await running.all.stop();
  await says("cluster is away", TOLD_WITHIN_MS);
  if (!(await page.locator(".card").count())) throw new Error("what was known is shown no more");
  running.all = up();
  await running.all.ready;
  await lives();
  await running.beside.stop();
  await says("Connection lost", TOLD_WITHIN_MS);
  running.beside = beside();
  await running.beside.ready;
  await lives();
}

/** Waits until every view has something to show: a minute's revenue and ended sessions come last. */
async function alive(url) {
  const lives = { overview: (data) => data.games.some((game) => game.fraud_alerts), sessions: (data) => data.sessions > 20, purchases: (data) => data.currencies.length, servers: (data) => data.alerts.length, quality: (data) => data.accounts.length };
  const deadline = Date.now() + PATIENCE_MS;
  for (const [view, lively] of Object.entries(lives)) {
    while (!lively((await (await fetch(`${url}/api/views/${view}`)).json()).data)) {
      if (Date.now() > deadline) throw new Error(`the view ${view} does not come to life`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

/** Posts markup in every string of an event and looks for it on the pages: it must stand there as text. */
async function hostile(found, context, listen, shown) {
  const time = new Date().toISOString();
  const user = { user_id: HOSTILE, platform: HOSTILE };
  const player = { event_name: "player_action", event_timestamp: time, parameters: { game_id: HOSTILE, player_id: HOSTILE, session_id: HOSTILE, event_type: "move", level_id: HOSTILE, map_id: HOSTILE }, user_data: user };
  const purchase = { event_name: "transaction", event_timestamp: time, parameters: { game_id: HOSTILE, transaction_id: HOSTILE, transaction_type: "purchase", currency: "USD", amount: 900, item_id: HOSTILE, item_type: HOSTILE }, user_data: user };
  const server = { event_name: "server_metric", event_timestamp: time, parameters: { server_id: HOSTILE, cpu_load: 99, memory_usage: 99, latency: 900 }, server_data: { region: HOSTILE, server_type: HOSTILE } };
  const events = [player, purchase, server, { event_name: HOSTILE, ...user }];
  const response = await fetch(`${found["web-api"]}/v1/events`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(events) });
  if (!response.ok) throw new Error(`the web API answers ${response.status}: ${await response.text()}`);
  const page = await context.newPage();
  let where = "hostile";
  listen(page, () => where);
  for (const view of ["overview", "engagement", "purchases", "fraud", "servers", "quality"]) {
    where = `hostile/${view}`;
    await page.goto(`${found.dashboard}/#/${view}`);
    await shown(page);
    await page.waitForFunction(() => {
      document.querySelectorAll("details").forEach((details) => { details.open = true; });
      return document.querySelector("main").textContent.includes("<script>alert(1)</script>");
    }, null, { timeout: PATIENCE_MS, polling: 500 });
    if (await page.locator("main script, img[src=x]").count()) throw new Error(`${where}: markup of an event became elements`);
  }
}

// Each part is stopped and started again: the page says so, and goes on by itself.

import { startParts } from "./setup.mjs";

/** How soon people must know. */
const TOLD_WITHIN_MS = 5_000;
/** Until then the runner has nothing to say anyway. */
const WINDOW_MS = 10_000;
const PATIENCE_MS = 120_000;

export async function restarts(root, page) {
  const { url, start, stop, stopAll } = await startParts(root);
  const says = async (text, within) => {
    const since = Date.now();
    await page.waitForFunction((wanted) => document.querySelector("#notice:not([hidden])")?.textContent.includes(wanted), text, { timeout: within });
    console.log(`"${text}" after ${((Date.now() - since) / 1000).toFixed(1)} s`);
  };
  const lives = () => page.waitForFunction(() => document.querySelector("#notice").hidden && document.getElementById("pill").textContent.includes("Live"), null, { timeout: PATIENCE_MS });
  const known = async () => {
    if (!(await page.locator(".card").count())) throw new Error("what was known is shown no more");
  };
  try {
    await page.goto(`${url}/#/overview`);
    await page.waitForSelector(".card", { timeout: PATIENCE_MS });
    await lives();
    await stop("runner");
    // Revenue comes each minute: the first to be missed is the topic with the shortest windows.
    await says("Stale", WINDOW_MS + TOLD_WITHIN_MS);
    await known();
    await start("runner");
    await lives();
    await stop("cluster");
    await says("cluster is away", TOLD_WITHIN_MS);
    await known();
    await start("cluster");
    await lives();
    await stop("dashboard");
    await says("Connection lost", TOLD_WITHIN_MS);
    await known();
    await start("dashboard");
    await lives();
    await known();
  } finally {
    await stopAll();
  }
}

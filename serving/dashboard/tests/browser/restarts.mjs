// Stops and starts each part of the system. The page must report each outage and recover.

import { startParts } from "./setup.mjs";

/** The time within which the page must report an outage. */
const REPORTED_WITHIN_MS = 5_000;
/** The length of a window. The runner writes the rows of a window when it ends. */
const WINDOW_MS = 10_000;
const TIMEOUT_MS = 120_000;

export async function restarts(root, page) {
  const { url, start, stop, stopAll } = await startParts(root);
  const reports = async (text, within) => {
    const since = Date.now();
    await page.waitForFunction(
      (wanted) => document.querySelector("#notice:not([hidden])")?.textContent.includes(wanted),
      text,
      { timeout: within },
    );
    console.log(`"${text}" after ${((Date.now() - since) / 1000).toFixed(1)} s`);
  };
  const isLive = () =>
    page.waitForFunction(
      () =>
        document.querySelector("#notice").hidden &&
        document.getElementById("pill").textContent.includes("Live"),
      null,
      { timeout: TIMEOUT_MS },
    );
  const keepsData = async () => {
    if (!(await page.locator(".card").count())) throw new Error("the page lost its data");
  };
  try {
    await page.goto(`${url}/#/overview`);
    await page.waitForSelector(".card", { timeout: TIMEOUT_MS });
    await isLive();
    await stop("runner");
    // The topics with the shortest windows are the first to become stale.
    await reports("Stale", WINDOW_MS + REPORTED_WITHIN_MS);
    await keepsData();
    await start("runner");
    await isLive();
    await stop("cluster");
    await reports("Cluster unreachable", REPORTED_WITHIN_MS);
    await keepsData();
    await start("cluster");
    await isLive();
    await stop("dashboard");
    await reports("Connection lost", REPORTED_WITHIN_MS);
    await keepsData();
    await start("dashboard");
    await isLive();
    await page.waitForSelector(".card", { timeout: TIMEOUT_MS });
  } finally {
    await stopAll();
  }
}

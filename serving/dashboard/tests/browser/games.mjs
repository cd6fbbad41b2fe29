// Shows the overview with a catalogue of games that this file provides, and checks the cards.

import assert from "node:assert/strict";

const SILENT = "a game/without events";
const NAME = "<script>alert(1)</script><img src=x onerror=alert(2)>\u202e";
const COVER =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 180"><script>alert(3)</script>' +
  '<rect width="320" height="180" fill="#245"/></svg>';

/** Does not call `listen`, because the browser logs the refused cover as an error. */
export async function gameCards(page, url, screenshot) {
  const dialogs = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    return dialog.dismiss();
  });
  const overview = await (await fetch(`${url}/api/views/overview`)).json();
  const ids = overview.data.games.map((game) => game.game);
  await serveCatalogue(page, ids.at(-1));
  await page.goto(`${url}/#/overview`);
  await page.waitForSelector(".tall .card");
  const cards = page.locator(".card");
  assert.equal(await cards.count(), ids.length + 2);
  await checkSilent(page, cards.first());
  const named = cards.nth(1);
  assert.equal(await named.locator("h2").textContent(), NAME.replace("\u202e", "\\u202e"));
  assert.match(await named.textContent(), /<b>puzzle<\/b>.*active players/);
  assert.equal(await page.locator("img[src=x], .card b, .card script").count(), 0);
  await cards.nth(2).locator("svg.cover").waitFor();
  assert.match(await cards.nth(2).textContent(), /No cover.*No events yet/);
  const others = await page.locator(".card h2").allTextContents();
  assert.deepEqual(new Set(others.slice(3)), new Set(ids.slice(0, -1)));
  await page.screenshot({ path: screenshot, fullPage: true });
  await cards.first().click();
  await page.waitForFunction(
    (id) => new URLSearchParams(location.hash.split("?")[1]).get("game") === id,
    SILENT,
  );
  assert.deepEqual(dialogs, []);
  await page.close();
}

/** Provides a game without events, a game with markup in its name, and a game whose cover cannot be loaded. */
async function serveCatalogue(page, id) {
  const games = [
    { id: SILENT, name: "Silent", genre: "puzzle", has_cover: true },
    { id, name: NAME, genre: "<b>puzzle</b>", has_cover: false },
    { id: "no-cover", name: "No cover", genre: "", has_cover: true },
  ];
  await page.route("**/api/games", (route) => route.fulfill({ json: { games } }));
  await page.route("**/covers/*", (route) => {
    const isKnown = route
      .request()
      .url()
      .endsWith(`/covers/${encodeURIComponent(SILENT)}.svg`);
    return isKnown
      ? route.fulfill({ contentType: "image/svg+xml", body: COVER })
      : route.fulfill({ status: 404 });
  });
}

async function checkSilent(page, card) {
  await page.waitForFunction(() => document.querySelector(".card img")?.naturalWidth > 0);
  assert.match(await card.textContent(), /^Silent.*No events yet$/);
}

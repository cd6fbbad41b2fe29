// Sends events with markup and control characters in every string. Every view must show these strings as text.

const HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\u0007\u202e";
const TIMEOUT_MS = 240_000;
/** The interval between two moves of the player. A player is stuck after two minutes and thirty events on a level. */
const MOVE_EVERY_MS = 3_000;

/** For each view, a selector of the elements of which at least one must show `HOSTILE`. */
const ELEMENTS = {
  overview: ".card",
  engagement: ".spot",
  purchases: "td",
  fraud: ".alert",
  servers: ".tile",
  quality: ".sample",
  sessions: ".stat",
};

/** Starts sending events, early enough for the player to be stuck at the check. Returns a function that stops it. */
export function playHostile(webApi) {
  post(webApi, [
    player("another session"),
    purchase(900, "USD", "purchase"),
    purchase(1, HOSTILE, HOSTILE),
    { event_name: HOSTILE, user_data: HOSTILE },
  ]).catch((error) => console.error(error));
  const moves = setInterval(() => post(webApi, [player(""), server()]).catch(() => {}), MOVE_EVERY_MS);
  return () => clearInterval(moves);
}

const user = { user_id: HOSTILE, platform: HOSTILE };
const now = () => new Date().toISOString();

function player(suffix) {
  const parameters = {
    game_id: HOSTILE,
    player_id: HOSTILE + suffix,
    session_id: HOSTILE + suffix,
    event_type: "move",
    level_id: HOSTILE,
    map_id: HOSTILE,
  };
  return { event_name: "player_action", event_timestamp: now(), parameters, user_data: user };
}

function purchase(amount, currency, kind) {
  const parameters = {
    game_id: HOSTILE,
    transaction_id: HOSTILE + amount,
    transaction_type: kind,
    currency,
    amount,
    item_id: HOSTILE,
    item_type: HOSTILE,
  };
  return { event_name: "transaction", event_timestamp: now(), parameters, user_data: user };
}

function server() {
  return {
    event_name: "server_metric",
    event_timestamp: now(),
    parameters: { server_id: HOSTILE, cpu_load: 99, memory_usage: 99, latency: 900 },
    server_data: { region: HOSTILE, server_type: HOSTILE },
  };
}

async function post(webApi, events) {
  const response = await fetch(`${webApi}/v1/events`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(events),
  });
  if (!response.ok) throw new Error(`the web API answers ${response.status}: ${await response.text()}`);
}

export async function hostile(dashboard, page, at, shown) {
  for (const [view, selector] of Object.entries(ELEMENTS)) {
    at(view);
    // Without the filter, the alert may be too far down the list to be shown.
    const query = view === "fraud" ? `?${new URLSearchParams({ game: HOSTILE })}` : "";
    await page.goto(`${dashboard}/#/${view}${query}`);
    await shown(page);
    const isShown = ([where, name]) => {
      document.querySelectorAll("details").forEach((details) => {
        details.open = true;
      });
      return [...document.querySelectorAll(`main ${where}`)].some((element) =>
        element.textContent.includes(name),
      );
    };
    const visible = HOSTILE.replace("\u0007", "\\u0007").replace("\u202e", "\\u202e");
    await page
      .waitForFunction(isShown, [selector, visible], { timeout: TIMEOUT_MS, polling: 500 })
      .catch((error) => {
        throw new Error(`${view}: no ${selector} with the name: ${error.message}`);
      });
    if (await page.locator("main script, img[src=x]").count())
      throw new Error(`${view}: markup of an event became an element`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the expression must match control characters.
    if (await page.evaluate(() => /[\u0007\u202e]/.test(document.documentElement.outerHTML)))
      throw new Error(`${view}: a control character is on the page`);
  }
}

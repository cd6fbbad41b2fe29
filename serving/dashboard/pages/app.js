// The frame around the views: routing, toolbar, notices, and the connection to the server.

import { redraw } from "./chart.js";
import { h, put } from "./dom.js";
import { engagement } from "./engagement.js";
import { explore } from "./explore.js";
import { clock, isUtc, moment, setUtc, zoneName } from "./format.js";
import { fraud } from "./fraud.js";
import { get } from "./get.js";
import { follow } from "./live.js";
import { overview } from "./overview.js";
import { pinned } from "./pinned.js";
import { address, go, place } from "./place.js";
import { purchases } from "./purchases.js";
import { quality } from "./quality.js";
import { servers } from "./servers.js";
import { sessions } from "./sessions.js";
import { spanChoice } from "./span.js";

const VIEWS = {
  overview: ["Overview", overview],
  engagement: ["Engagement", engagement],
  sessions: ["Sessions", sessions],
  purchases: ["Purchases", purchases],
  fraud: ["Fraud", fraud],
  servers: ["Servers", servers],
  quality: ["Data quality", quality],
  pinned: ["Pinned", pinned],
  explore: ["Explore", explore],
};
/** Views that cover all games, so no game can be chosen in them. */
const OF_ALL_GAMES = ["overview", "servers", "quality", "pinned", "explore"];
/** The class, symbol and text of the status pill, for each tone of the notice. */
const PILLS = {
  bad: ["bad", "■", "Offline"],
  warn: ["warn", "▲", "Stale"],
  info: ["info", "…", "Loading"],
};

const main = document.getElementById("main");
const state = {
  view: null,
  page: null,
  stream: null,
  asked: null,
  answer: null,
  status: null,
  lost: null,
};

function route() {
  const to = place();
  if (!VIEWS[to.view]) return go({ view: "overview" }, true);
  const asked = `api/views/${to.view}/live${to.query}`;
  if (state.view !== to.view) {
    state.page?.close();
    const [title, make] = VIEWS[to.view];
    document.title = `${title} · Game analytics`;
    state.page = make();
    state.view = to.view;
    state.answer = null;
    put(main, h("h1", { class: "hidden" }, title), state.page.element);
    state.page.element.classList.add("waiting");
    nav();
    if (state.pinned === undefined) findPinned();
  }
  if (state.asked !== asked) {
    state.asked = asked;
    open();
  } else if (state.answer) {
    state.page.update(state.answer);
  }
  bar();
}

function open() {
  state.stream?.close();
  state.stream = follow(state.asked, sessionStorage.getItem("token"), {
    view(answer) {
      const first = !state.answer;
      state.answer = answer;
      state.lost = null;
      state.page.element.classList.remove("waiting");
      state.page.update(answer);
      if (first || state.games !== answer.games.join("\n")) bar();
      foot();
    },
    status(status) {
      const views = state.status?.views.join();
      state.status = status;
      state.lost = null;
      if (views !== status.views.join()) nav();
      if (state.view !== "pinned" && !isShown(state.view)) go({ view: "explore" }, true);
      notice();
    },
    lost(reason) {
      state.lost = { reason, since: state.lost?.since ?? Date.now() };
      notice();
    },
    polling(polling) {
      state.polling = polling;
    },
    unauthorized: askToken,
  });
}

function askToken() {
  const input = h("input", { type: "password", id: "token", autocomplete: "off", required: true });
  const form = h(
    "form",
    { class: "panel token" },
    h("h2", {}, "Token required"),
    h(
      "p",
      { class: "note" },
      "Ask this dashboard's operator for the token. It is kept until this tab is closed.",
    ),
    h("label", { for: "token" }, "Token"),
    input,
    h("button", { type: "submit" }, "Open dashboard"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem("token", input.value.trim());
    state.view = state.asked = null;
    route();
  });
  put(main, form);
  input.focus();
}

/** Finds out whether there are pinned charts, and adds their page to the navigation. */
async function findPinned() {
  const found = await get("api/explore");
  // Without the token, or during an outage, the next view that is opened asks again.
  if (found) state.pinned = found.pinned.length > 0;
  if (state.pinned) nav();
}

/** Whether the navigation has a view: those without a topic in the dataflow file would remain empty. */
function isShown(view) {
  if (view === "explore") return true;
  if (view === "pinned") return Boolean(state.pinned);
  return state.status?.views.includes(view) ?? true;
}

function nav() {
  const { game, last, from, to } = place();
  const link = ([name, [title]]) =>
    h(
      "a",
      {
        href: address({ view: name, game, last, from, to }),
        "aria-current": name === state.view ? "page" : null,
      },
      title,
    );
  const list = document.getElementById("nav");
  const views = Object.entries(VIEWS);
  put(list, views.filter(([name]) => isShown(name) || state.view === name).map(link));
  // Does not use `scrollIntoView`, because keyboard navigation would then start at this link.
  const current = list.querySelector("[aria-current]");
  list.scrollLeft = current.offsetLeft - list.offsetLeft - (list.clientWidth - current.offsetWidth) / 2;
}

/** Returns the most important problem as `[tone, text, pill text?]`, or `null` if there is none. */
function problem() {
  const { status, lost } = state;
  if (lost) {
    const text = `Connection lost: ${lost.reason}. Reconnecting. This page shows data from ${clock(lost.since)}.`;
    return ["bad", text, "Reconnecting"];
  }
  if (!status) return null;
  if (!status.cluster.reachable) {
    const since = clock(status.cluster.since);
    return [
      "bad",
      `Cluster unreachable since ${since}. This page shows data from then; it resumes by itself.`,
    ];
  }
  if (status.filling) return ["info", "Loading history…"];
  const missing = status.missing[state.view] ?? [];
  if (missing.length) {
    const names = missing.join(", ");
    return [
      "warn",
      `Cannot read ${names}. Check that the runner's dataflow file defines it for this cluster.`,
    ];
  }
  const stale = status.stale[state.view] ?? [];
  if (stale.length) {
    const names = stale.join(", ");
    return [
      "warn",
      `Stale: no new rows from ${names}. Check that the runner is running and that events arrive.`,
    ];
  }
  if (state.polling) {
    const text =
      "A proxy buffers the live stream, so this page polls every few seconds. " +
      "Turn off buffering of `text/event-stream` in the proxy.";
    return ["info", text, "Polling"];
  }
  return null;
}

function notice() {
  const found = problem();
  const element = document.getElementById("notice");
  const text = found?.[1] ?? "";
  if (element.textContent !== text) put(element, text);
  element.hidden = !found;
  element.className = `notice ${found?.[0] ?? ""}`;
  const pill = document.getElementById("pill");
  if (pill) {
    const [tone, mark, label] = pillOf(found);
    pill.className = `pill ${tone}`;
    put(pill, h("span", { "aria-hidden": "true" }, mark), label);
  }
  document.body.classList.toggle("stale", Boolean(found) && found[0] !== "info");
}

/** Returns the class, symbol and text of the status pill. */
function pillOf(found) {
  if (place().from) return ["info", "❚❚", "Paused"];
  if (found) {
    const [tone, mark, label] = PILLS[found[0]];
    return [tone, mark, found[2] ?? label];
  }
  return state.status || state.answer ? ["good", "●", "Live"] : ["info", "…", "Connecting"];
}

/** Moves the visible time span by the fraction `parts` of its length, and pauses the view. */
function move(parts) {
  const { from, to } = state.answer ?? { to: Date.now(), from: Date.now() - 900_000 };
  const by = (to - from) * parts;
  go({ from: Math.round(from + by), to: Math.round(to + by) });
}

function bar() {
  const to = place();
  const filters = [
    ["level", to.level],
    ["user", to.user],
  ].filter(([, value]) => value);
  const focus = document.activeElement?.id;
  put(
    document.getElementById("bar"),
    h("span", { id: "pill", class: "pill" }),
    gameChoice(to),
    h("label", {}, h("span", {}, "Time"), spanChoice(state.view, to)),
    h("div", { class: "group" }, timeButtons(Boolean(to.from))),
    filters.map(([name, value]) =>
      h(
        "button",
        {
          type: "button",
          class: "chip",
          title: `Remove the ${name} filter`,
          onclick: () => go({ [name]: null }),
        },
        `${name}: ${value} ✕`,
      ),
    ),
  );
  if (focus) document.getElementById(focus)?.focus();
  notice();
}

function gameChoice(to) {
  const games = state.answer?.games ?? [];
  state.games = games.join("\n");
  if (OF_ALL_GAMES.includes(state.view)) return null;
  const known = to.game && !games.includes(to.game) ? [to.game, ...games] : games;
  const select = h(
    "select",
    { id: "game", onchange: (event) => go({ game: event.target.value || null, level: null }) },
    h("option", { value: "" }, "All games"),
    known.map((name) => h("option", { value: name, selected: name === to.game }, name)),
  );
  return h("label", {}, h("span", {}, "Game"), select);
}

function timeButtons(paused) {
  const button = (text, label, onclick, disabled) =>
    h(
      "button",
      {
        type: "button",
        id: `do-${text.codePointAt(0)}`,
        "aria-label": label,
        title: label,
        onclick,
        disabled,
      },
      text,
    );
  return [
    button("‹", "Earlier", () => move(-0.5)),
    paused
      ? button("▶ Live", "Resume live updates", () => go({ from: null, to: null }))
      : button("❚❚ Pause", "Pause live updates", () => move(0)),
    button("›", "Later", () => move(0.5), !paused),
  ];
}

function tools() {
  const dark = () =>
    (document.documentElement.dataset.theme ??
      (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const theme = h(
    "button",
    {
      type: "button",
      class: "quiet",
      id: "theme",
      onclick: () => {
        const next = dark() ? "light" : "dark";
        document.documentElement.dataset.theme = next;
        localStorage.setItem("theme", next);
        tools();
        redraw();
        if (state.answer) state.page.update(state.answer);
      },
    },
    dark() ? "☀ Light" : "☾ Dark",
  );
  const zone = h(
    "button",
    {
      type: "button",
      class: "quiet",
      id: "zone",
      title: `Times are in ${zoneName()}. Click to switch.`,
      onclick: () => {
        setUtc(!isUtc());
        tools();
        foot();
        redraw();
        if (state.answer) state.page.update(state.answer);
        bar();
      },
    },
    isUtc() ? "UTC" : "Local time",
  );
  const focus = document.activeElement?.id;
  put(document.getElementById("tools"), zone, theme);
  if (focus) document.getElementById(focus)?.focus();
}

function foot() {
  const { answer } = state;
  put(
    document.getElementById("foot"),
    answer && h("span", {}, `As of ${moment(answer.as_of)}`),
    answer &&
      h("span", {}, answer.watermark ? `Complete up to ${clock(answer.watermark)}` : "No watermark yet"),
    answer && h("span", {}, `${moment(answer.from)} – ${moment(answer.to)}`),
    h("span", {}, `Times in ${zoneName()}`),
  );
}

const theme = localStorage.getItem("theme");
if (theme) document.documentElement.dataset.theme = theme;
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  tools();
  redraw();
});
window.addEventListener("hashchange", route);
// The fragment of the address contains the view. So the skip link must not set it, and focuses `main` itself.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
tools();
foot();
route();

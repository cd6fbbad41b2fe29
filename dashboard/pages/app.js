// The page as a whole: which view is shown, of what and of when, and whether it is true now.

import { redraw } from "/chart.js";
import { h, put } from "/dom.js";
import { clock, isUtc, moment, setUtc, zoneName } from "/format.js";
import { follow } from "/live.js";
import { address, go, place } from "/place.js";
import { engagement } from "/engagement.js";
import { fraud } from "/fraud.js";
import { overview } from "/overview.js";
import { purchases } from "/purchases.js";
import { quality } from "/quality.js";
import { servers } from "/servers.js";
import { sessions } from "/sessions.js";

const VIEWS = {
  overview: ["Overview", overview],
  engagement: ["Engagement", engagement],
  sessions: ["Sessions", sessions],
  purchases: ["Purchases", purchases],
  fraud: ["Fraud", fraud],
  servers: ["Servers", servers],
  quality: ["Data quality", quality],
};
/** Views that are of all games. */
const OF_ALL = ["overview", "servers", "quality"];
const SPANS = [["15", "15 min"], ["60", "1 hour"], ["360", "6 hours"], ["1440", "24 hours"]];

const main = document.getElementById("main");
const state = { view: null, page: null, stream: null, asked: null, answer: null, status: null, lost: null, at: 0 };

function route() {
  const to = place();
  if (!VIEWS[to.view]) return go({ view: "overview" }, true);
  const asked = `/api/views/${to.view}/live${to.query}`;
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
      state.status = status;
      state.lost = null;
      state.at = Date.now();
      notice();
    },
    lost(reason) {
      state.lost ??= { reason, since: Date.now() };
      notice();
    },
    unauthorized: askToken,
  });
}

function askToken() {
  const input = h("input", { type: "password", id: "token", autocomplete: "off", required: true });
  const form = h("form", { class: "panel token" }, h("h2", {}, "This dashboard asks for a token"),
    h("p", { class: "note" }, "Whoever started it knows the token. It is kept until this tab is closed."),
    h("label", { for: "token" }, "Token"), input, h("button", { type: "submit" }, "Look"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem("token", input.value.trim());
    state.view = state.asked = null;
    route();
  });
  put(main, form);
  input.focus();
}

function nav() {
  const link = ([name, [title]]) => h("a", { href: address({ ...place(), view: name, level: null, user: null }), "aria-current": name === state.view ? "page" : null }, title);
  const list = document.getElementById("nav");
  put(list, Object.entries(VIEWS).map(link));
  // Scrolling the link into view would begin the keyboard's way through the page at it.
  const current = list.querySelector("[aria-current]");
  list.scrollLeft = current.offsetLeft - list.offsetLeft - (list.clientWidth - current.offsetWidth) / 2;
}

/** What is wrong, most important first; nothing where all is well. */
function troubles() {
  const { status, lost } = state;
  if (lost) return ["bad", `Connection lost: ${lost.reason}. The page tries again by itself; what you see is from ${clock(lost.since)}.`];
  if (!status) return null;
  if (!status.cluster.reachable) return ["bad", `The cluster is away since ${clock(status.cluster.since)}. What you see is from then; it goes on by itself when the cluster is back.`];
  if (status.filling) return ["info", "Reading the history…"];
  const missing = status.missing[state.view] ?? [];
  if (missing.length) return ["warn", `Not to be read: ${missing.join(", ")}. Is it in the map of the runner that writes to this cluster?`];
  const stale = status.stale[state.view] ?? [];
  if (stale.length) return ["warn", `Stale: no new rows from ${stale.join(", ")}. Is the runner at work, do events come?`];
  return null;
}

function notice() {
  const trouble = troubles();
  const element = document.getElementById("notice");
  const text = trouble?.[1] ?? "";
  if (element.textContent !== text) put(element, text);
  element.hidden = !trouble;
  element.className = `notice ${trouble?.[0] ?? ""}`;
  const pill = document.getElementById("pill");
  const [tone, mark, word] = place().from ? ["info", "❚❚", "Paused"] : trouble ? { bad: ["bad", "■", "Away"], warn: ["warn", "▲", "Stale"], info: ["info", "…", "Filling"] }[trouble[0]] : ["good", "●", "Live"];
  if (pill) {
    pill.className = `pill ${tone}`;
    put(pill, h("span", { "aria-hidden": "true" }, mark), word);
  }
  document.body.classList.toggle("stale", Boolean(trouble) && trouble[0] !== "info");
}

/** The span of time that is looked at, moved by parts of its length. */
function move(parts) {
  const { from, to } = state.answer ?? { to: Date.now(), from: Date.now() - 900_000 };
  const by = (to - from) * parts;
  go({ from: Math.round(from + by), to: Math.round(to + by) });
}

function bar() {
  const to = place();
  const paused = Boolean(to.from);
  const games = state.answer?.games ?? [];
  state.games = games.join("\n");
  const known = to.game && !games.includes(to.game) ? [to.game, ...games] : games;
  const game = h("select", { id: "game", onchange: (event) => go({ game: event.target.value || null, level: null }) },
    h("option", { value: "" }, "All games"), known.map((name) => h("option", { value: name, selected: name === to.game }, name)));
  const span = h("select", { id: "span", onchange: (event) => go({ last: event.target.value, from: null, to: null }) },
    paused && h("option", { value: "", selected: true }, "As paused"),
    SPANS.map(([minutes, name]) => h("option", { value: minutes, selected: !paused && minutes === (to.last ?? "15") }, name)));
  const button = (text, label, onclick, disabled) => h("button", { type: "button", id: `do-${text.codePointAt(0)}`, "aria-label": label, title: label, onclick, disabled }, text);
  const filters = [["level", to.level], ["user", to.user]].filter(([, value]) => value);
  const focus = document.activeElement?.id;
  put(document.getElementById("bar"),
    h("span", { id: "pill", class: "pill" }),
    !OF_ALL.includes(state.view) && h("label", {}, h("span", {}, "Game"), game),
    h("label", {}, h("span", {}, "Time"), span),
    h("div", { class: "group" },
      button("‹", "Look further back", () => move(-0.5)),
      paused ? button("▶ Live", "Go on live", () => go({ from: null, to: null })) : button("❚❚ Pause", "Pause and look back", () => move(0)),
      button("›", "Look further on", () => move(0.5), !paused)),
    filters.map(([name, value]) => h("button", { type: "button", class: "chip", title: `Show every ${name}`, onclick: () => go({ [name]: null }) }, `${name}: ${value} ✕`)));
  if (focus) document.getElementById(focus)?.focus();
  notice();
}

function tools() {
  const dark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const theme = h("button", { type: "button", class: "quiet", id: "theme", onclick: () => {
    const next = dark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    localStorage.setItem("theme", next);
    tools();
    redraw();
    if (state.answer) state.page.update(state.answer);
  } }, dark() ? "☀ Light" : "☾ Dark");
  const zone = h("button", { type: "button", class: "quiet", id: "zone", title: `Times are shown in ${zoneName()}; switch`, onclick: () => {
    setUtc(!isUtc());
    tools();
    foot();
    redraw();
    if (state.answer) state.page.update(state.answer);
    bar();
  } }, isUtc() ? "UTC" : "Local time");
  const focus = document.activeElement?.id;
  put(document.getElementById("tools"), zone, theme);
  if (focus) document.getElementById(focus)?.focus();
}

function foot() {
  const { answer } = state;
  put(document.getElementById("foot"),
    answer && h("span", {}, `As of ${moment(answer.as_of)}`),
    answer && h("span", {}, answer.watermark ? `Complete up to ${clock(answer.watermark)}` : "No watermark yet"),
    answer && h("span", {}, `${moment(answer.from)} – ${moment(answer.to)}`),
    h("span", {}, `Times in ${zoneName()}`));
}

const theme = localStorage.getItem("theme");
if (theme) document.documentElement.dataset.theme = theme;
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { tools(); redraw(); });
window.addEventListener("hashchange", route);
// The part of the address behind `#` says which view is shown: it cannot name an element too.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
tools();
foot();
route();

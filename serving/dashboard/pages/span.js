// The choice of a time span in the toolbar.

import { h } from "./dom.js";
import { go } from "./place.js";

const SPANS = [
  ["15", "15 min"],
  ["60", "1 hour"],
  ["360", "6 hours"],
  ["1440", "24 hours"],
];

/** Returns the choice for a view whose address is `to`. */
export function spanChoice(view, to) {
  const paused = Boolean(to.from);
  const last = to.last ?? (view === "pinned" ? "" : "15");
  return h(
    "select",
    { id: "span", onchange: (event) => go({ last: event.target.value || null, from: null, to: null }) },
    paused && h("option", { value: "", selected: true }, "Paused"),
    !paused && view === "pinned" && h("option", { value: "", selected: !to.last }, "As pinned"),
    spans(last).map(([minutes, name]) =>
      h("option", { value: minutes, selected: !paused && minutes === last }, name),
    ),
  );
}

/** Returns the time spans to choose from, with the one in the address. */
function spans(last) {
  const isKnown = last === "" || SPANS.some(([minutes]) => minutes === last);
  return isKnown ? SPANS : [[last, `${last} min`], ...SPANS];
}

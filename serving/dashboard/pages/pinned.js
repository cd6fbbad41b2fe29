// Pinned: the charts that the dataflow file defines under `views`.

import { empty, h, keyed, put } from "./dom.js";
import { panel } from "./panel.js";
import { address, place } from "./place.js";
import { showSeries } from "./series.js";

export function pinned() {
  const charts = h("div", { class: "grid" });
  const nothing = h("div", {});
  const element = h("div", { class: "view" }, nothing, charts);
  const open = new Map();
  return {
    element,
    update(answer) {
      const views = answer.data.charts.flatMap((view, index) =>
        view.explored.charts.map((chart) => ({ view, chart, id: `${index} ${chart.measure}` })),
      );
      put(nothing, !views.length && empty("No pinned charts", "Add `views:` to the dataflow file."));
      keyed(
        charts,
        views,
        ({ id }) => id,
        (item) => chartOf(item, open),
      );
    },
    close() {
      for (const chart of open.values()) chart.close();
    },
  };
}

function chartOf({ id, view, chart }, open) {
  const several = view.explored.charts.length > 1;
  const made = panel(several ? `${view.title}: ${chart.measure}` : view.title, "");
  open.set(id, made);
  return {
    element: made.element,
    update({ view: now, chart: shown }) {
      showSeries(made, { ...now, chart: shown, note: about(now, shown) });
    },
  };
}

/** Returns what the chart shows, with a link to it on the page Explore. */
function about(view, chart) {
  const { last, from, to } = place();
  const link = address({
    view: "explore",
    topic: view.explored.topic,
    measure: [chart.measure],
    split: view.split,
    chart: view.bars ? "bars" : null,
    last: from ? null : (last ?? view.minutes),
    from,
    to,
  });
  const what = `${chart.measure}${view.split ? ` by ${view.split}` : ""}, from `;
  return [what, h("a", { href: link }, view.explored.topic), "."];
}

// A line without axes, for cards and tiles.

import { svg } from "./dom.js";

/** Draws a line without axes. `label` describes it to screen readers. */
export function spark(values, label, width = 240, height = 44) {
  // Drops unknown values at both ends, because the last windows may still be open.
  const first = values.findIndex((value) => value !== null);
  values = first < 0 ? [] : values.slice(first, values.findLastIndex((value) => value !== null) + 1);
  const known = values.filter((value) => value !== null);
  const max = Math.max(1, ...known);
  // The value axis starts at 80 % of the maximum or lower, so that small changes of large values look small.
  const min = Math.min(...known, max * 0.8);
  const step = width / Math.max(1, values.length - 1);
  let path = "";
  let pen = false;
  values.forEach((value, index) => {
    if (value === null) {
      pen = false;
      return;
    }
    const y = height - 3 - ((value - min) / (max - min)) * (height - 8);
    path += `${pen ? "L" : "M"}${(index * step).toFixed(1)} ${y.toFixed(1)}`;
    pen = true;
  });
  return svg(
    "svg",
    {
      class: "spark",
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": label,
    },
    svg("path", { d: path, fill: "none", "vector-effect": "non-scaling-stroke" }),
  );
}

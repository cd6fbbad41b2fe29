// Draws charts with ECharts. In a build without ECharts, there are no charts, and tables show the same data.

import { h, visible } from "./dom.js";
import { clock, compact, isUtc, minute, moment, number } from "./format.js";

const drawn = new Set();

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
/** Colours that colour-blind people can tell apart. The lines also differ in dashes and symbols. */
export const palette = () => [1, 2, 3, 4, 5, 6, 7].map((index) => color(`line-${index}`));
const DASHES = ["solid", "dashed", "dotted", [12, 3], [12, 4, 3, 4]];
const SHAPES = ["circle", "triangle", "rect", "diamond"];

/** Returns the options that all charts share. */
function common() {
  const text = color("ink-2");
  return {
    animation: false,
    useUTC: isUtc(),
    color: palette(),
    textStyle: { color: text, fontFamily: "system-ui, sans-serif" },
    // `richText` draws the tooltip on the canvas, so that names in it are never parsed as HTML.
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      confine: true,
      backgroundColor: color("panel"),
      borderColor: color("edge"),
      textStyle: { color: color("ink"), fontSize: 12 },
      axisPointer: { lineStyle: { color: color("edge-2") } },
    },
    grid: {
      left: 6,
      right: 14,
      top: 36,
      bottom: 6,
      outerBoundsMode: "same",
      outerBoundsContain: "axisLabel",
    },
  };
}

export function legend(names) {
  return {
    type: "scroll",
    top: 0,
    left: 0,
    icon: undefined,
    data: names,
    textStyle: { color: color("ink-2") },
    pageTextStyle: { color: color("ink-2") },
    pageIconColor: color("ink-2"),
    pageIconInactiveColor: color("edge-2"),
    inactiveColor: color("edge-2"),
  };
}

/** In spans shorter than this, ticks may be less than a minute apart, so their labels include seconds. */
const SECONDS_BELOW_MS = 600_000;

export function timeAxis(from, to) {
  const tick = to - from < SECONDS_BELOW_MS ? clock : minute;
  return {
    type: "time",
    min: from,
    max: to,
    axisLine: { lineStyle: { color: color("edge-2") } },
    axisLabel: { color: color("ink-2"), hideOverlap: true, formatter: (value) => tick(value) },
    splitLine: { show: false },
    axisPointer: { label: { formatter: ({ value }) => moment(value) } },
  };
}

export function valueAxis(format = compact, { whole = false, ...extra } = {}) {
  return {
    type: "value",
    min: 0,
    minInterval: whole ? 1 : undefined,
    axisLabel: { color: color("ink-2"), formatter: format },
    splitLine: { lineStyle: { color: color("edge") } },
    ...extra,
  };
}

export function nameAxis(names, extra = {}) {
  return {
    type: "category",
    data: names.map(visible),
    axisTick: { show: false },
    axisLine: { lineStyle: { color: color("edge-2") } },
    axisLabel: { color: color("ink-2"), width: 130, overflow: "truncate", hideOverlap: false },
    ...extra,
  };
}

/** Whether a value has no neighbour. No line leads to such a value, so it needs a symbol. */
const hasIsolated = (values) =>
  values.some(
    (value, index) =>
      (value ?? null) !== null &&
      (values[index - 1] ?? null) === null &&
      (values[index + 1] ?? null) === null,
  );

/**
 * Returns a chart of lines over time. `series` is `[{name, values, area?, bold?, right?}]`: `values` contains one value
 * for each of `times`, and `right` selects a second value axis on the right. `axis` formats the labels of the value
 * axes. With `whole`, the labels are integers. With `texts`, `format` receives the values as they are, not as numbers.
 */
export function lines(
  times,
  series,
  {
    from,
    to,
    format = number,
    axis = compact,
    whole = false,
    stack = false,
    bars = false,
    texts = false,
  } = {},
) {
  // If the history is shorter than the span, the time axis starts where the history starts.
  const first = times.find((_, index) => series.some((line) => (line.values[index] ?? null) !== null));
  const start = Math.max(from, first ?? from);
  const isNegative = series.some((line) => line.values.some((value) => Number(value) < 0));
  const range = isNegative ? { min: null } : {};
  return () => ({
    legend: legend(series.map((line) => visible(line.name))),
    xAxis: timeAxis(start, to),
    yAxis: series.some((line) => line.right)
      ? [valueAxis(axis), valueAxis(axis, { splitLine: { show: false } })]
      : valueAxis(axis, { whole, ...range }),
    tooltip: {
      valueFormatter: (value) =>
        value === null || value === undefined ? "–" : format(texts ? value : Number(value)),
    },
    series: series
      .map((line, order) => ({ line, index: line.place ?? order }))
      .map(({ line, index }) => ({
        name: visible(line.name),
        color: palette()[index % palette().length],
        type: bars ? "bar" : "line",
        yAxisIndex: line.right ? 1 : 0,
        stack: stack ? "all" : undefined,
        barMaxWidth: 18,
        itemStyle:
          bars && index % 2
            ? {
                decal: {
                  symbol: "rect",
                  dashArrayX: [1, 0],
                  dashArrayY: [2, 4],
                  rotation: -Math.PI / 4,
                  color: "rgba(255,255,255,0.35)",
                },
              }
            : undefined,
        symbol: SHAPES[index % SHAPES.length],
        symbolSize: 6,
        showSymbol: hasIsolated(line.values),
        connectNulls: false,
        lineStyle: { width: line.bold ? 2.5 : 1.75, type: DASHES[index % DASHES.length] },
        areaStyle: line.area ? { opacity: 0.12 } : undefined,
        data: times.map((time, place) => [time, line.values[place]]),
      })),
  });
}

/** Returns a chart of horizontal bars. `rows` is `[{name, value}]`, the first at the top. */
export function ranking(rows, format = number) {
  return () => ({
    legend: { show: false },
    grid: { top: 6 },
    xAxis: valueAxis(compact, { whole: true }),
    yAxis: nameAxis(
      rows.map((row) => row.name),
      { inverse: true },
    ),
    tooltip: { axisPointer: { type: "shadow" }, valueFormatter: (value) => format(value) },
    series: [
      {
        type: "bar",
        barMaxWidth: 20,
        itemStyle: { borderRadius: 3 },
        label: {
          show: true,
          position: "right",
          color: color("ink-2"),
          formatter: ({ value }) => format(value),
        },
        data: rows.map((row) => row.value),
      },
    ],
  });
}

/** Returns a chart of vertical bars. `rows` is `[{name, value}]`. */
export function columnsOf(rows) {
  return () => ({
    grid: { top: 12 },
    xAxis: nameAxis(
      rows.map((row) => row.name),
      { axisLabel: { color: color("ink-2"), interval: 0, rotate: 35 } },
    ),
    yAxis: valueAxis(compact, { whole: true }),
    tooltip: { axisPointer: { type: "shadow" }, valueFormatter: (value) => number(value) },
    series: [
      {
        type: "bar",
        barCategoryGap: "12%",
        itemStyle: { borderRadius: [3, 3, 0, 0] },
        data: rows.map((row) => row.value),
      },
    ],
  });
}

/** Returns a heat map with the value in each cell. `cells` is `[[x, y, value]]`. */
export function heat(columns, rows, cells, format, max) {
  return () => ({
    grid: { top: 6, bottom: 46 },
    xAxis: nameAxis(columns, {
      splitArea: { show: true, areaStyle: { color: [color("panel"), color("panel")] } },
    }),
    yAxis: nameAxis(rows, { inverse: true }),
    tooltip: {
      trigger: "item",
      formatter: ({ value }) =>
        `${visible(rows[value[1]])} · ${visible(columns[value[0]])}\n${format(value[2])}`,
    },
    visualMap: {
      min: 0,
      max: Math.max(max, 0.0001),
      calculable: false,
      orient: "horizontal",
      left: 0,
      bottom: 0,
      itemHeight: 160,
      itemWidth: 12,
      text: [format(max), format(0)],
      textStyle: { color: color("ink-2") },
      inRange: { color: [color("heat-0"), color("heat-1"), color("heat-2")] },
    },
    series: [
      {
        type: "heatmap",
        data: cells,
        label: {
          show: true,
          color: color("heat-ink"),
          fontSize: 11,
          formatter: ({ value }) => format(value[2]),
        },
        itemStyle: { borderColor: color("panel"), borderWidth: 2, borderRadius: 3 },
        emphasis: { itemStyle: { borderColor: color("ink") } },
      },
    ],
  });
}

/** Returns a timeline. `bars` is `[{row, from, to, about, tone}]`; `about` is the text of the tooltip. */
export function spans(rows, bars, { from, to }) {
  return () => ({
    grid: { top: 6 },
    xAxis: timeAxis(from, to),
    yAxis: nameAxis(rows, { inverse: true }),
    tooltip: { trigger: "item", formatter: ({ dataIndex }) => visible(bars[dataIndex].about) },
    series: [
      {
        type: "custom",
        clip: true,
        renderItem: (_, api) => {
          const bar = bars[api.value(3)];
          const start = api.coord([Math.max(bar.from, from), api.value(0)]);
          const end = api.coord([Math.min(bar.to, to), api.value(0)]);
          const height = Math.min(20, api.size([0, 1])[1] * 0.7);
          const width = Math.max(4, end[0] - start[0]);
          const shape = { x: start[0], y: start[1] - height / 2, width, height, r: 3 };
          return { type: "rect", shape, style: { fill: color(bar.tone), stroke: color("panel") } };
        },
        encode: { x: [1, 2], y: 0 },
        data: bars.map((bar, index) => [bar.row, bar.from, bar.to, index]),
      },
    ],
  });
}

/**
 * Creates a place for a chart. `show(option, height)` draws the chart; `option` is a function that returns the options
 * for ECharts, and is called again when the theme or the time zone changes. `show(null)` hides the chart.
 */
export function draw(title) {
  const works = Boolean(window.echarts);
  const element = h("div", {
    class: "chart",
    role: "img",
    "aria-label": `${title}: chart; the table below has the same data`,
  });
  if (!works)
    return {
      works,
      element: h("p", { class: "note" }, "This build has no charts; the table has the same data."),
      show() {},
      close() {},
    };
  let chart = null;
  let option = null;
  const again = () => {
    if (!chart || !option) return;
    const { tooltip, grid, ...rest } = option();
    const base = common();
    chart.setOption(
      { ...base, ...rest, grid: { ...base.grid, ...grid }, tooltip: { ...base.tooltip, ...tooltip } },
      { notMerge: true, lazyUpdate: true },
    );
  };
  const sizes = new ResizeObserver(() => chart?.resize());
  sizes.observe(element);
  const place = {
    works,
    element,
    again,
    show(next, height) {
      option = next;
      element.hidden = !next;
      if (!next) return;
      if (height) element.style.height = `${height}px`;
      if (!chart && element.isConnected) chart = window.echarts.init(element, null, { renderer: "canvas" });
      if (!chart) requestAnimationFrame(() => element.isConnected && place.show(next, height));
      again();
    },
    close() {
      sizes.disconnect();
      chart?.dispose();
      chart = null;
      drawn.delete(place);
    },
  };
  drawn.add(place);
  return place;
}

/** Redraws every chart after a change of theme or time zone. */
export function redraw() {
  for (const place of drawn) place.again();
}

// Checks the contrast of all text and of the colours in charts (WCAG 2, level AA).

/** Runs inside the page. Returns up to five texts and colours that have too little contrast. */
export function contrastProblems() {
  const parse = (text) => text.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((part) =>
      part / 255 <= 0.03928 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ratio = (one, other) => {
    const [a, b] = [light(one), light(other)].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const pale = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes]
      .filter((node) => node.nodeType === 3)
      .map((node) => node.data.trim())
      .join("");
    if (!text || element.namespaceURI.endsWith("svg") || !element.getClientRects().length || element.disabled)
      continue;
    const style = getComputedStyle(element);
    const found = ratio(parse(style.color), background(element));
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (found < (large ? 3 : 4.5))
      pale.push(`${found.toFixed(2)} "${text.slice(0, 40)}" (${element.tagName}.${element.className})`);
  }
  // Charts are drawn on a canvas, where text has no elements, so their colours are checked by name.
  const probe = document.createElement("span");
  document.body.append(probe);
  const named = (name) => {
    probe.style.color = `var(--${name})`;
    return parse(getComputedStyle(probe).color);
  };
  const least = [
    ...[1, 2, 3, 4, 5, 6, 7].map((index) => [`line-${index}`, "panel", 3]),
    ...["ink", "ink-2"].map((name) => [name, "panel", 4.5]),
    ...[0, 1, 2].map((index) => ["heat-ink", `heat-${index}`, 4.5]),
    ...["good", "warn", "bad"].map((name) => [name, "raised", 3]),
    ["line-1", "raised", 3],
  ];
  for (const [front, back, wanted] of least) {
    const found = ratio(named(front), named(back));
    if (!(found >= wanted)) pale.push(`${found.toFixed(2)} --${front} on --${back}`);
  }
  probe.remove();
  return pale.slice(0, 5);
}

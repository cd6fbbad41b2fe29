// Creates elements. Strings are inserted as text and never as HTML, so an event cannot add elements to the page.

/** Control and bidirectional characters. They are invisible, or change the order of the text on the screen. */
const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the expression must match control characters.
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/** Returns the text with hidden characters replaced by their codes. */
export function visible(text) {
  return String(text).replace(HIDDEN, (hidden) => `\\u${hidden.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Creates an HTML element with attributes, listeners (`onclick`) and children. Strings become text. */
export function h(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else if (value === true) {
      element.setAttribute(name, "");
    } else if (value !== false && value !== undefined && value !== null) {
      element.setAttribute(name, visible(value));
    }
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : visible(child));
  }
}

/** Replaces the children of an element. */
export function put(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

/**
 * Gives `parent` one child for each of `items`, in their order. If there is an element with the item's key, it is kept,
 * with its focus, scroll position and open details.
 */
export function keyed(parent, items, key, make) {
  const known = parent.known ?? new Map();
  const next = new Map();
  items.forEach((item, index) => {
    const name = key(item);
    const child = known.get(name) ?? make(item);
    next.set(name, child);
    child.update(item);
    const there = parent.children[index];
    if (there !== child.element) parent.insertBefore(child.element, there ?? null);
  });
  while (parent.children.length > items.length) parent.lastElementChild.remove();
  parent.known = next;
}

/** Creates a message about missing data: `what` is missing, and `todo` is what the user can do about it. */
export function empty(what, todo) {
  return h("div", { class: "empty" }, h("strong", {}, what), todo && h("p", {}, todo));
}

// Elements, made from text alone: whatever an event says stands on the page as it was written.

/** Characters that are invisible or turn text around: people see their codes. */
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** The text with nothing hidden in it. */
export function visible(text) {
  return String(text).replace(HIDDEN, (hidden) => "\\u" + hidden.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** An element with properties and children; strings become text. */
export function h(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same of SVG. */
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

/** Puts other children into an element. */
export function put(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

/**
 * Makes the children of `parent` those of `items`, in their order. An element stays the same for the
 * same key, so that focus, scrolling and what is opened stay where they are.
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

/** What is shown where there is nothing, and what to do about it. */
export function empty(what, todo) {
  return h("div", { class: "empty" }, h("strong", {}, what), todo && h("p", {}, todo));
}

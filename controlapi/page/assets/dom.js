// Everything on the page is made here, of elements and text nodes: no text that came from outside is ever parsed as markup.

// el makes an element. Keys of props that begin with "on" are listeners, false and null leave an attribute out, and strings
// among the children become text nodes.
export function el(name, props = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child != null && child !== false));
  return node;
}

// icon makes an icon of the sprite in index.html. It is decoration: a word always stands beside it.
export function icon(name) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(ns, "use");
  use.setAttribute("href", "#i-" + name);
  svg.append(use);
  return svg;
}

// link makes a link to another page. A URL that is neither http nor https stays text: a master or a member can be
// configured as anything.
export function link(url, text) {
  const parsed = URL.canParse(url) && new URL(url);
  if (!parsed || !/^https?:$/.test(parsed.protocol)) return el("span", {}, text);
  return el("a", { href: parsed.href, target: "_blank", rel: "noopener noreferrer", class: "out" }, text, icon("out"));
}

const shown = new WeakMap();

// fill replaces the children of a node if what they are made of has changed. So what has the focus or is selected is left alone
// while nothing changes.
export function fill(node, value, build) {
  const key = JSON.stringify(value);
  if (shown.get(node) === key) return;
  shown.set(node, key);
  node.replaceChildren(...[build(value)].flat().filter((child) => child != null && child !== false));
}

// setText sets a text if it differs, which spares the browser a layout.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// say has screen readers say a text. It is for what a person waits for, not for everything that changes.
export function say(text) {
  setText(document.getElementById("say"), text);
}

// copyButton makes a button that copies a text.
export function copyButton(label, text) {
  const button = el("button", { type: "button", class: "quiet", onclick: copy }, label);
  async function copy() {
    try {
      await navigator.clipboard.writeText(text());
      setText(button, "Copied");
      say("Copied");
    } catch {
      setText(button, "The browser does not allow it");
    }
    setTimeout(() => setText(button, label), 2000);
  }
  return button;
}

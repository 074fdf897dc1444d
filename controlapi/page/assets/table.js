// A table of which only the rows in sight exist, however many there are, and that of tasks.

import { el, fill, icon, setText } from "./dom.js";
import { amount, at, exact, mebibytes, visible, whole, written } from "./format.js";
import { look, stateName } from "./tasks.js";

export const taskColumns = [
  { key: "state", label: "State", draw: taskBadge },
  { key: "id", label: "Task", draw: (cell, t) => text(cell, t.id) },
  { key: "group", label: "Group", draw: (cell, t) => text(cell, t.group || t.pod) },
  { key: "host", label: "Agent", draw: (cell, t) => text(cell, t.hostname || t.agentID) },
  { key: "cpus", label: "CPUs", number: true, draw: (cell, t) => setText(cell, amount(t.cpus)) },
  { key: "mem", label: "Memory", number: true, draw: (cell, t) => setText(cell, t.mem ? mebibytes(t.mem) : "0") },
  { key: "message", label: "Message", draw: (cell, t) => text(cell, t.message) },
  { key: "updated", label: "Changed", number: true, draw: (cell, t) => timeCell(cell, at(t.updated)) },
];

const spare = 8; // rows beyond the edges of the window, so that fast scrolling shows no holes

// Table draws rows into the window, each of a thing with an ID. A column draws its cell of a thing. open is called with a thing's ID,
// if there is more to see of it, and sort with a column's key.
export class Table {
  #rows = []; // things
  #pool = []; // the rows that exist; row i of the table is at i modulo their number
  #height = 0;
  #cursor = -1; // the row that the keyboard is on
  #cursorID = "";
  #pressed = false;

  constructor({ columns, label, prefix, open, sort }) {
    Object.assign(this, { columns, prefix, open });
    this.head = el("div", { role: "row", class: "row head", "aria-rowindex": 1 }, columns.map((c) =>
      el("div", { role: "columnheader", class: "c-" + c.key + (c.number ? " number" : "") },
        el("button", { type: "button", tabindex: -1, "data-key": c.key, onclick: () => sort(c.key) }, c.label, icon("down")))));
    this.body = el("div", { role: "rowgroup", class: "rows" });
    this.node = el("div", {
      role: "grid", class: "table" + (open ? " opens" : ""), tabindex: 0, "aria-label": label, "aria-colcount": columns.length, onkeydown: (event) => this.#key(event),
    }, el("div", { role: "rowgroup", class: "heads" }, this.head), this.body);
    // A row must not turn into another one between the press of a button and its release.
    this.body.addEventListener("pointerdown", () => { this.#pressed = true; });
    addEventListener("pointerup", () => setTimeout(() => { this.#pressed = false; this.draw(); }));
    addEventListener("pointercancel", () => { this.#pressed = false; });
    this.body.addEventListener("click", (event) => this.#click(event));
    addEventListener("scroll", () => this.draw(), { passive: true });
    addEventListener("resize", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(this.node);
  }

  // begin has the keyboard go to the first row.
  begin() {
    this.node.focus();
    if (this.#rows.length) this.#move(0);
  }

  // show sets the rows, what they are ordered by, and the ID of the thing that is open.
  show(rows, { sort, down, open }) {
    this.#rows = rows;
    if (this.#cursorID) this.#cursor = rows[this.#cursor]?.id === this.#cursorID ? this.#cursor : rows.findIndex((t) => t.id === this.#cursorID);
    this.opened = open;
    this.node.setAttribute("aria-rowcount", rows.length + 1);
    for (const head of this.head.children) {
      const key = head.firstChild.dataset.key;
      if (key === sort) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    this.draw();
  }

  // put moves the cursor to a thing.
  put(id) {
    this.#cursorID = id;
    this.#cursor = this.#rows.findIndex((t) => t.id === id);
  }

  draw() {
    if (this.#pressed || this.node.offsetParent === null) return;
    if (!this.#pool.length) this.#pool.push(this.#row());
    this.#height = this.#pool[0].node.offsetHeight || 40;
    const first = Math.max(0, Math.floor(-this.body.getBoundingClientRect().top / this.#height) - spare);
    const size = Math.min(this.#rows.length, Math.ceil(innerHeight / this.#height) + 2 * spare);
    while (this.#pool.length < size) this.#pool.push(this.#row());
    while (this.#pool.length > Math.max(1, size)) this.#pool.pop().node.remove();
    this.body.style.height = this.#rows.length * this.#height + "px";
    const last = Math.min(this.#rows.length, first + size);
    const n = this.#pool.length;
    for (let i = Math.max(0, last - n); i < last; i++) this.#fill(this.#pool[i % n], i);
    for (const row of this.#pool) row.node.hidden = row.index < last - n || row.index >= last;
    const active = this.#pool[this.#cursor % n];
    if (this.#cursor >= 0 && active?.index === this.#cursor) this.node.setAttribute("aria-activedescendant", active.node.id);
    else this.node.removeAttribute("aria-activedescendant");
  }

  #row() {
    const cells = this.columns.map((c) => el("div", { role: "gridcell", class: "c-" + c.key + (c.number ? " number" : "") }));
    const node = el("div", { role: "row", class: "row" }, cells);
    this.body.append(node);
    return { node, cells, index: -1, thing: null };
  }

  // fill draws a thing into a row, if it is not there already.
  #fill(row, index) {
    const thing = this.#rows[index], { node } = row;
    if (row.index !== index) {
      row.index = index;
      node.id = this.prefix + index;
      node.setAttribute("aria-rowindex", index + 2);
      node.style.transform = `translateY(${index * this.#height}px)`;
    } else if (row.height !== this.#height) node.style.transform = `translateY(${index * this.#height}px)`;
    row.height = this.#height;
    node.classList.toggle("cursor", index === this.#cursor);
    if (this.open) node.setAttribute("aria-selected", thing.id === this.opened ? "true" : "false");
    if (row.thing === thing) return;
    row.thing = thing;
    node.dataset.id = thing.id;
    this.columns.forEach((c, i) => c.draw(row.cells[i], thing));
  }

  #click(event) {
    const id = event.target.closest(".row")?.dataset.id;
    if (id === undefined || String(getSelection())) return;
    this.put(id);
    if (this.open) this.open(id, { focus: false });
    else this.draw();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(innerHeight / this.#height) - 4), last = this.#rows.length - 1;
    const to = { ArrowDown: this.#cursor + 1, ArrowUp: this.#cursor - 1, PageDown: this.#cursor + page, PageUp: this.#cursor - page, Home: 0, End: last }[event.key];
    if (to !== undefined && last >= 0) {
      event.preventDefault();
      this.#move(Math.max(0, Math.min(last, to)));
    } else if (event.key === "Enter" && this.open && this.#cursor >= 0 && event.target === this.node) {
      event.preventDefault();
      this.open(this.#rows[this.#cursor].id, { focus: true });
    }
  }

  #move(index) {
    this.#cursor = index;
    this.#cursorID = this.#rows[index].id;
    const top = this.body.getBoundingClientRect().top + index * this.#height;
    const above = this.head.getBoundingClientRect().bottom;
    if (top < above) scrollBy(0, top - above);
    else if (top + this.#height > innerHeight - 8) scrollBy(0, top + this.#height - innerHeight + 8);
    this.draw();
    if (this.open && this.opened) this.open(this.#cursorID, { focus: false });
  }
}

// taskBadge shows the state of a task. A running task that is not healthy is unhealthy.
export function taskBadge(node, task) {
  const sick = task.state === "running" && task.healthy === false;
  if (sick) badge(node, "unhealthy", { icon: "error", tone: "bad" }, "unhealthy");
  else badge(node, task.state, look(task.state), stateName(task.state));
}

// badge shows a state: its icon and its name.
export function badge(node, state, { icon: name, tone }, words) {
  fill(node, state, () => el("span", { class: "badge " + tone }, icon(name), el("span", {}, visible(words))));
}

// timeCell shows how long ago a time was, or has lasted, in an element that stays, so that it is cheap.
export function timeCell(node, ms, write = "relative") {
  const time = node.firstElementChild ?? node.appendChild(el("time", { "data-write": write }));
  if (ms) {
    time.dateTime = new Date(ms).toISOString();
    time.title = exact(ms);
  } else {
    time.removeAttribute("datetime");
    time.removeAttribute("title");
  }
  setText(time, ms ? written(ms, write) : "");
}

// text shows a text in one line, and all of it, or another one, in the title.
export function text(node, value, about = value) {
  const seen = visible(about);
  setText(node, visible(value));
  if (seen) node.title = seen;
  else node.removeAttribute("title");
}

// filters makes the buttons that choose states, with how many things each has. looks are those of states, by default those of tasks.
export function filters(node, counts, chosen, total, toggle, looks = { look, stateName }) {
  const shown = new Map(counts);
  for (const state of chosen) if (!shown.has(state)) shown.set(state, 0);
  fill(node, [[...shown], chosen, total], () => {
    const focused = node.contains(document.activeElement) ? document.activeElement.dataset.state : undefined;
    const buttons = [["", total], ...shown].map(([state, n]) => el("button", {
      type: "button", class: "chip", "data-state": state, "aria-pressed": state ? String(chosen.includes(state)) : String(!chosen.length), onclick: () => toggle(state),
    }, state && el("span", { class: "badge " + looks.look(state).tone }, icon(looks.look(state).icon)), state ? visible(looks.stateName(state)) : "all", el("span", { class: "count" }, whole(n))));
    if (focused !== undefined) queueMicrotask(() => buttons.find((b) => b.dataset.state === focused)?.focus());
    return buttons;
  });
}

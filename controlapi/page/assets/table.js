// The table of tasks. Only the rows in sight exist, however many there are.

import { el, fill, icon, setText } from "./dom.js";
import { amount, at, exact, mebibytes, relative, visible, whole } from "./format.js";
import { look, stateName } from "./tasks.js";

const columns = [
  { key: "state", label: "State" },
  { key: "id", label: "Task" },
  { key: "group", label: "Group" },
  { key: "host", label: "Agent" },
  { key: "cpus", label: "CPUs", number: true },
  { key: "mem", label: "Memory", number: true },
  { key: "message", label: "Message" },
  { key: "updated", label: "Changed", number: true },
];

const spare = 8; // rows beyond the edges of the window, so that fast scrolling shows no holes

// Table draws rows into the window. open is called with a task's ID, sort with a column's key.
export class Table {
  #rows = []; // tasks
  #pool = []; // the rows that exist; row i of the table is at i modulo their number
  #height = 0;
  #cursor = -1; // the row that the keyboard is on
  #cursorID = "";
  #pressed = false;

  constructor({ open, sort }) {
    this.open = open;
    this.head = el("div", { role: "row", class: "row head", "aria-rowindex": 1 }, columns.map((c) =>
      el("div", { role: "columnheader", class: "c-" + c.key + (c.number ? " number" : "") },
        el("button", { type: "button", tabindex: -1, "data-key": c.key, onclick: () => sort(c.key) }, c.label, icon("down")))));
    this.body = el("div", { role: "rowgroup", class: "rows" });
    this.node = el("div", {
      role: "grid", class: "table", tabindex: 0, "aria-label": "Tasks", "aria-colcount": columns.length, onkeydown: (event) => this.#key(event),
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

  // show sets the rows, what they are ordered by, and the task that is open.
  show(rows, { sort, down, task }) {
    this.#rows = rows;
    if (this.#cursorID) this.#cursor = rows[this.#cursor]?.id === this.#cursorID ? this.#cursor : rows.findIndex((t) => t.id === this.#cursorID);
    this.opened = task;
    this.node.setAttribute("aria-rowcount", rows.length + 1);
    for (const head of this.head.children) {
      const key = head.firstChild.dataset.key;
      if (key === sort) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    this.draw();
  }

  // put moves the cursor to a task.
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
    const cells = Object.fromEntries(columns.map((c) => [c.key, el("div", { role: "gridcell", class: "c-" + c.key + (c.number ? " number" : "") })]));
    cells.time = el("time", {});
    cells.updated.append(cells.time);
    const node = el("div", { role: "row", class: "row" }, columns.map((c) => cells[c.key]));
    this.body.append(node);
    return { node, cells, index: -1, task: null };
  }

  // fill draws a task into a row, if it is not there already.
  #fill(row, index) {
    const task = this.#rows[index], { node, cells } = row;
    if (row.index !== index) {
      row.index = index;
      node.id = "row-" + index;
      node.setAttribute("aria-rowindex", index + 2);
      node.style.transform = `translateY(${index * this.#height}px)`;
    } else if (row.height !== this.#height) node.style.transform = `translateY(${index * this.#height}px)`;
    row.height = this.#height;
    node.classList.toggle("cursor", index === this.#cursor);
    node.setAttribute("aria-selected", task.id === this.opened ? "true" : "false");
    if (row.task === task) return;
    row.task = task;
    node.dataset.id = task.id;
    badge(cells.state, task);
    text(cells.id, task.id);
    text(cells.group, task.group || task.pod);
    text(cells.host, task.hostname || task.agentID);
    setText(cells.cpus, amount(task.cpus));
    setText(cells.mem, task.mem ? mebibytes(task.mem) : "0");
    text(cells.message, task.message);
    const changed = at(task.updated);
    if (changed) {
      cells.time.dateTime = new Date(changed).toISOString();
      cells.time.title = exact(changed);
    }
    setText(cells.time, changed ? relative(changed) : "");
  }

  #click(event) {
    const id = event.target.closest(".row")?.dataset.id;
    if (id === undefined || String(getSelection())) return;
    this.put(id);
    this.open(id, { focus: false });
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(innerHeight / this.#height) - 4), last = this.#rows.length - 1;
    const to = { ArrowDown: this.#cursor + 1, ArrowUp: this.#cursor - 1, PageDown: this.#cursor + page, PageUp: this.#cursor - page, Home: 0, End: last }[event.key];
    if (to !== undefined && last >= 0) {
      event.preventDefault();
      this.#move(Math.max(0, Math.min(last, to)));
    } else if (event.key === "Enter" && this.#cursor >= 0 && event.target === this.node) {
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
    if (this.opened) this.open(this.#cursorID, { focus: false });
  }
}

// badge shows the state of a task: its icon and its name. A running task that is not healthy is unhealthy.
export function badge(node, task) {
  const { icon: name, tone } = look(task.state);
  const sick = task.state === "running" && task.healthy === false;
  fill(node, [task.state, sick], () => el("span", { class: "badge " + (sick ? "bad" : tone) }, icon(sick ? "error" : name), el("span", {}, sick ? "unhealthy" : stateName(task.state))));
}

// text shows a text in one line, and all of it in the title.
function text(node, value) {
  const seen = visible(value);
  setText(node, seen);
  if (seen) node.title = seen;
  else node.removeAttribute("title");
}

// filters makes the buttons that choose states, with how many tasks each has.
export function filters(node, counts, chosen, total, toggle) {
  const shown = new Map(counts);
  for (const state of chosen) if (!shown.has(state)) shown.set(state, 0);
  fill(node, [[...shown], chosen, total], () => {
    const focused = node.contains(document.activeElement) ? document.activeElement.dataset.state : undefined;
    const buttons = [["", total], ...shown].map(([state, n]) => el("button", {
      type: "button", class: "chip", "data-state": state, "aria-pressed": state ? String(chosen.includes(state)) : String(!chosen.length), onclick: () => toggle(state),
    }, state && el("span", { class: "badge " + look(state).tone }, icon(look(state).icon)), state ? stateName(state) : "all", el("span", { class: "count" }, whole(n))));
    if (focused !== undefined) queueMicrotask(() => buttons.find((b) => b.dataset.state === focused)?.focus());
    return buttons;
  });
}

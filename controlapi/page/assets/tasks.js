// The tasks, as the events of the server say, and the rows that a filter and an order make of them.

import { at } from "./format.js";

// The states in order of interest, each with its icon and its tone.
export const states = new Map([
  ["pending", { icon: "pending", tone: "wait" }],
  ["staging", { icon: "starting", tone: "wait" }],
  ["starting", { icon: "starting", tone: "wait" }],
  ["running", { icon: "running", tone: "good" }],
  ["killing", { icon: "killing", tone: "wait" }],
  ["unreachable", { icon: "away", tone: "bad" }],
  ["unknown", { icon: "unknown", tone: "bad" }],
  ["failed", { icon: "failed", tone: "bad", ended: true }],
  ["error", { icon: "error", tone: "bad", ended: true }],
  ["lost", { icon: "away", tone: "bad", ended: true }],
  ["dropped", { icon: "away", tone: "bad", ended: true }],
  ["gone", { icon: "away", tone: "bad", ended: true }],
  ["gone_by_operator", { icon: "away", tone: "bad", ended: true }],
  ["killed", { icon: "killed", tone: "done", ended: true }],
  ["finished", { icon: "finished", tone: "done", ended: true }],
]);

const order = new Map([...states.keys()].map((state, i) => [state, i]));

// look returns the icon and the tone of a state, also of one that a later version has.
export const look = (state) => states.get(state) ?? { icon: "unknown", tone: "bad" };
export const stateName = (state) => String(state ?? "").replaceAll("_", " ");

// natural makes web-2 come before web-10.
export const natural = (text) => (text ?? "").toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, "0"));

const sortKeys = {
  id: (row) => (row.natural ??= natural(row.task.id)),
  state: (row) => order.get(row.task.state) ?? order.size,
  group: (row) => natural(row.task.group),
  host: (row) => natural(row.task.hostname),
  cpus: (row) => row.task.cpus ?? 0,
  mem: (row) => row.task.mem ?? 0,
  message: (row) => (row.task.message ?? "").toLowerCase(),
  updated: (row) => (row.updated ??= at(row.task.updated)),
};

export const sortable = Object.keys(sortKeys);

export class Tasks {
  #rows = new Map(); // by ID
  #incoming = null; // a snapshot of which not all parts have come
  #found = null; // the cached answer of find
  complete = false; // a whole snapshot has come

  get size() { return this.#rows.size; }
  get(id) { return this.#rows.get(id)?.task; }

  // snapshot takes one part of a snapshot. What was known before stays until the last part has come, if there was anything.
  snapshot({ tasks, first, last }) {
    if (first) this.#incoming = this.complete ? new Map() : this.#rows = new Map();
    const into = this.#incoming ?? this.#rows;
    for (const task of tasks ?? []) into.set(task.id, { task });
    if (last) {
      this.#rows = into;
      this.#incoming = null;
      this.complete = true;
    }
    this.#found = null;
  }

  // put takes a task that has changed. A task is not changed but replaced, so that a row of the table knows by its identity
  // whether it has to be drawn.
  put(task) {
    for (const rows of [this.#rows, this.#incoming]) {
      if (rows && !(rows.get(task.id)?.task.version > task.version)) rows.set(task.id, { task });
    }
    this.#found = null;
  }

  remove(ids, version) {
    for (const rows of [this.#rows, this.#incoming]) {
      for (const id of ids ?? []) {
        if (rows && !(rows.get(id)?.task.version > version)) rows.delete(id);
      }
    }
    this.#found = null;
  }

  // counts returns how many tasks of each state there are, in the order of the states.
  counts() {
    const counts = new Map();
    for (const { task } of this.#rows.values()) counts.set(task.state, (counts.get(task.state) ?? 0) + 1);
    return new Map([...counts].sort(([a], [b]) => (order.get(a) ?? order.size) - (order.get(b) ?? order.size)));
  }

  // find returns the tasks in one of the states (none: in any) that have all words of q, in an order.
  find({ q, states: wanted, sort, down }) {
    const asked = JSON.stringify([q, wanted, sort, down]);
    if (this.#found?.asked === asked) return this.#found.tasks;
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    const of = sortKeys[sort] ?? sortKeys.id;
    const found = [];
    for (const row of this.#rows.values()) {
      if (wanted.length && !wanted.includes(row.task.state)) continue;
      if (words.length && !words.every((word) => haystack(row).includes(word))) continue;
      row.key = of(row);
      found.push(row);
    }
    const sign = down ? -1 : 1;
    found.sort((a, b) => (a.key < b.key ? -sign : a.key > b.key ? sign : sortKeys.id(a) < sortKeys.id(b) ? -1 : 1));
    const tasks = found.map((row) => row.task);
    this.#found = { asked, tasks };
    return tasks;
  }
}

function haystack(row) {
  const t = row.task;
  return (row.haystack ??= [t.id, t.group, t.pod, t.role, t.hostname, t.agentID, stateName(t.state), t.message].filter(Boolean).join("\n").toLowerCase());
}

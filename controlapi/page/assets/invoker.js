// The view of an invoker: what its pool holds, who waits for containers and why, and all containers. It asks for them while somebody
// looks: the states of containers change with each activation, so that following them would be no cheaper.

import { get } from "./api.js";
import { card, empty, table as plainTable } from "./cluster.js";
import { el, fill, icon, setText } from "./dom.js";
import { at, clock, counted, errorText, lasting, mebibytes, visible, whole } from "./format.js";
import { badge, filters, Table, text, timeCell } from "./table.js";
import { natural } from "./tasks.js";

// The states in order of interest, each with its icon and its tone.
const states = new Map([
  ["unreachable", { icon: "away", tone: "bad" }],
  ["creating", { icon: "starting", tone: "wait" }],
  ["probing", { icon: "starting", tone: "wait" }],
  ["binding", { icon: "starting", tone: "wait" }],
  ["resuming", { icon: "starting", tone: "wait" }],
  ["busy", { icon: "running", tone: "good" }],
  ["idle", { icon: "alive", tone: "done" }],
  ["suspended", { icon: "killed", tone: "done" }],
  ["stem", { icon: "pending", tone: "done" }],
  ["marked", { icon: "killing", tone: "wait" }],
  ["removing", { icon: "killing", tone: "wait" }],
]);
const order = new Map([...states.keys()].map((state, i) => [state, i]));
const look = (state) => states.get(state) ?? { icon: "unknown", tone: "bad" };
const stateName = (state) => (state === "stem" ? "stem cell" : state);
const stateOf = (c) => (c.unreachable ? "unreachable" : String(c.state ?? ""));
const actionOf = (c) => [c.namespace, c.action].filter(Boolean).join(" \u00b7 ");

const usedAt = (c) => (c.action ? at(c.used) : 0); // what is bound to no action was never used

const columns = [
  { key: "state", label: "State", of: (c) => order.get(stateOf(c)) ?? order.size, draw: (cell, c) => {
    const state = stateOf(c), words = stateName(state) + (c.active > 1 ? ` (${whole(c.active)})` : "");
    badge(cell, [state, words], look(state), words);
  } },
  { key: "id", label: "Container", of: (c) => (c.natural ??= natural(c.id)), draw: (cell, c) => text(cell, c.id) },
  { key: "group", label: "Kind", of: (c) => natural(c.kind), draw: (cell, c) => text(cell, c.kind || c.image) },
  { key: "host", label: "Agent", of: (c) => natural(c.host || c.agent), draw: (cell, c) => text(cell, c.host || c.agent, c.agent) },
  { key: "cpus", label: "Age", number: true, of: (c) => -at(c.created), draw: (cell, c) => timeCell(cell, at(c.created), "lasting") },
  { key: "mem", label: "Memory", number: true, of: (c) => c.memoryMB ?? 0, draw: (cell, c) => setText(cell, mebibytes(c.memoryMB ?? 0)) },
  { key: "message", label: "Action", of: (c) => actionOf(c).toLowerCase(), draw: (cell, c) => text(cell, actionOf(c)) },
  { key: "updated", label: "Used", number: true, of: usedAt, draw: (cell, c) => timeCell(cell, usedAt(c)) },
];

const pause = 2000; // ms, between two questions
const rest = 10; // times as long as an answer took, and while only the number in the navigation is shown

export class Invoker {
  #containers = [];
  #stats = null;
  #heard = 0;
  #error = "";
  #asking = false;
  #next = 0;
  #shown = false;
  #choice = { states: [], sort: "id", down: false };

  constructor(node, count) {
    this.count = count;
    this.search = el("input", {
      type: "search", placeholder: "Search containers", autocomplete: "off", spellcheck: "false", "aria-label": "Search containers", "aria-keyshortcuts": "/",
      oninput: () => this.draw(), onkeydown: (event) => this.#key(event),
    });
    this.trouble = el("div", { class: "alerts inside" });
    this.cards = el("div", { class: "cards figures" });
    this.waits = el("div", {});
    this.stems = el("div", {});
    this.heading = el("h2", {}, "Containers");
    this.tools = el("div", { class: "tools" }, el("div", { class: "search" }, icon("search"), this.search));
    this.chips = el("div", { class: "chips", role: "group", "aria-label": "Filter containers by state" });
    this.found = el("p", { class: "found about" });
    this.tools.append(this.chips, this.found);
    this.nothing = el("div", {});
    this.table = new Table({
      columns, label: "Containers", prefix: "container-",
      sort: (key) => {
        this.#choice = { ...this.#choice, sort: key, down: this.#choice.sort === key ? !this.#choice.down : ["cpus", "mem", "updated"].includes(key) };
        this.draw();
      },
    });
    node.append(this.trouble, this.cards, this.waits, this.stems, this.heading, this.tools, this.nothing, this.table.node);
  }

  // show is called each second, and when the view is opened or left.
  show(shown, served) {
    const opened = shown && !this.#shown;
    this.#shown = shown;
    if (opened) this.draw();
    if (served && !document.hidden && !this.#asking && (opened || performance.now() >= this.#next)) this.#ask();
  }

  async #ask() {
    const began = performance.now(), shown = this.#shown;
    this.#asking = true;
    try {
      const [stats, list] = await Promise.all([get("v1/invoker/stats"), shown ? get("v1/invoker/containers") : null]);
      this.#stats = stats;
      if (list) this.#containers = list.containers ?? [];
      this.#heard = Date.now();
      this.#error = "";
    } catch (error) {
      this.#error = errorText(error) || "no answer";
    }
    this.#asking = false;
    const took = performance.now() - began;
    this.#next = performance.now() + Math.max(pause, rest * took) * (this.#shown ? 1 : 5);
    if (!shown && this.#shown) this.#next = 0;
    this.draw();
  }

  draw() {
    const s = this.#stats;
    setText(this.count, s ? whole(sum(s.containers)) : "");
    if (!this.#shown) return;
    fill(this.trouble, [this.#error, this.#error && this.#heard], () => this.#error && el("div", { class: "alert" }, icon("error"),
      el("p", { role: "alert" }, `The invoker does not answer: ${this.#error}.`, this.#heard ? ` What you see is from ${clock(this.#heard)}.` : "")));
    for (const part of [this.cards, this.heading, this.tools]) part.hidden = !s;
    if (!s) {
      fill(this.nothing, this.#error, () => (this.#error ? [] : empty("Loading containers")));
      this.table.node.hidden = true;
      return;
    }
    fill(this.cards, { ...s, stems: undefined, waits: undefined }, () => figures(s));
    fill(this.waits, s.waits, () => s.waits?.length > 0 && waiting(s));
    fill(this.stems, s.stems, () => s.stems?.length > 0 && stems(s.stems));
    this.#drawContainers();
  }

  #drawContainers() {
    const all = this.#containers, { states: chosen, sort, down } = this.#choice, counts = new Map();
    for (const c of all) counts.set(stateOf(c), (counts.get(stateOf(c)) ?? 0) + 1);
    const sorted = new Map([...counts].sort(([a], [b]) => (order.get(a) ?? order.size) - (order.get(b) ?? order.size)));
    filters(this.chips, sorted, chosen, all.length, (state) => this.#toggle(state), { look, stateName });
    const rows = this.#find(all);
    setText(this.found, rows.length !== all.length ? `${whole(rows.length)} of ${counted(all.length, "container")}` : "");
    this.tools.hidden = all.length === 0;
    this.table.node.hidden = rows.length === 0;
    this.table.show(rows, { sort, down });
    fill(this.nothing, [rows.length > 0, all.length > 0], ([any, some]) => {
      if (any) return [];
      if (some) return empty("No container matches", el("button", { type: "button", onclick: () => this.#clear() }, "Clear the filter"));
      return empty("No containers", "The first one is started when somebody calls an action, or as a stem cell.");
    });
  }

  #find(all) {
    const { states: chosen, sort, down } = this.#choice, words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = all.filter((c) => (!chosen.length || chosen.includes(stateOf(c))) && words.every((word) => haystack(c).includes(word)));
    const { of } = columns.find((column) => column.key === sort), byID = columns[1].of, sign = down ? -1 : 1;
    const keyed = found.map((c) => ({ c, key: of(c) }));
    keyed.sort((a, b) => (a.key < b.key ? -sign : a.key > b.key ? sign : byID(a.c) < byID(b.c) ? -1 : 1));
    return keyed.map(({ c }) => c);
  }

  #toggle(state) {
    const chosen = new Set(this.#choice.states);
    if (!state) chosen.clear();
    else if (!chosen.delete(state)) chosen.add(state);
    this.#choice = { ...this.#choice, states: [...chosen] };
    this.draw();
  }

  #clear() {
    this.search.value = "";
    this.#toggle("");
    this.search.focus();
  }

  #key(event) {
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      this.table.begin();
    } else if (event.key === "Escape" && this.search.value) {
      event.preventDefault();
      this.search.value = "";
      this.draw();
    } else if (event.key === "Escape") this.table.node.focus();
  }
}

const sum = (counts) => Object.values(counts ?? {}).reduce((total, n) => total + n, 0);

function haystack(c) {
  return (c.haystack ??= [c.id, c.kind, c.image, c.agent, c.host, c.namespace, c.action, stateName(stateOf(c))].filter(Boolean).join("\n").toLowerCase());
}

// figures are the cards above the tables.
function figures(s) {
  const counts = s.containers ?? {}, total = sum(counts), starts = s.starts ?? {}, all = sum(starts);
  const words = [...states.keys()].filter((state) => counts[state]).map((state) => state === "stem" ? counted(counts[state], "stem cell") : `${whole(counts[state])} ${state}`).join(", ");
  const track = el("span", { class: "track", "aria-hidden": "true" });
  track.style.setProperty("--taken", Math.min(1, (s.usedMB ?? 0) / (s.limitMB || Infinity)));
  const share = (kind) => `${whole(starts[kind])} ${kind}`;
  return [
    card("Containers", whole(total), el("span", { class: "cut", title: words }, words || "None.")),
    card("Memory", [mebibytes(s.usedMB ?? 0), s.limitMB > 0 && track], s.limitMB > 0 ? `Of ${mebibytes(s.limitMB)}` : "Of what the platform has"),
    card("Waiting", s.waiting ? el("span", { class: "badge wait" }, icon("pending"), el("span", {}, counted(s.waiting, "caller"))) : "Nobody",
      s.waiting && at(s.oldest) ? ["The first for ", lasting(s.oldest)] : "No caller lacks a container."),
    card("Starts", whole(all), all ? ["warm", "prewarmed", "cold", "recreated"].filter((kind) => starts[kind]).map(share).join(", ") : "None by this leader."),
  ];
}

function waiting(s) {
  const rest = s.waiting - s.waits.reduce((total, w) => total + w.callers, 0);
  return [
    el("h2", {}, "Waiting for a container"),
    plainTable("Callers that wait", ["Action", "Kind", "Memory", "Callers", "For", "Why"], s.waits.map((w) => [
      visible(actionOf(w)), visible(w.kind || w.image), mebibytes(w.memoryMB), whole(w.callers), lasting(w.since), el("span", { class: "why-cell" }, visible(w.reason)),
    ])),
    rest > 0 && el("p", { class: "about" }, `${counted(rest, "caller")} of other actions ${rest === 1 ? "waits" : "wait"}, not as long.`),
  ];
}

function stems(all) {
  return [
    el("h2", {}, "Stem cells"),
    plainTable("Stem cells", ["Kind", "Image", "Memory", "Wanted", "There", "Starting", "State"], all.map((s) => [
      visible(s.kind), visible(s.image), mebibytes(s.memoryMB), whole(s.want), whole(s.have), whole(s.starting), stemState(s),
    ])),
  ];
}

function stemState({ want, have, starting }) {
  const [tone, name, words] = have < want ? ["wait", starting ? "starting" : "pending", `${whole(want - have)} missing`]
    : have > want ? ["done", "killing", `${whole(have - want)} too many`] : ["good", "finished", "complete"];
  return el("span", { class: "badge " + tone }, icon(name), el("span", {}, words));
}

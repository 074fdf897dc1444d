// One task: why it is pending, what is known about it, its history, its output and its spec.

import { APIError, get, post, taskPath } from "./api.js";
import { agentURL } from "./cluster.js";
import { askKill } from "./dialogs.js";
import { copyButton, el, fill, icon, link, say, setText } from "./dom.js";
import { explanation } from "./explain.js";
import { amount, at, clock, counted, duration, errorText, exact, mebibytes, span, time, visible, visibleOutput } from "./format.js";
import { Output } from "./output.js";
import { tabs } from "./route.js";
import { taskBadge } from "./table.js";
import { look, stateName } from "./tasks.js";

const names = { overview: "Overview", output: "Output", spec: "Spec" };
const pause = 500; // ms between two requests for the same task while it changes

// Detail is the panel. close is called when the user closes it, turn with a part of the route to show.
export class Detail {
  #id = "";
  #abort = new AbortController();
  #output = null;
  #shown = ""; // the tab and stream that are in the panel
  #version = -1; // of the task when it was last asked for
  #loaded = null; // the answer
  #asked = 0; // when
  #timer = 0;

  constructor(node, { close, turn, connection }) {
    Object.assign(this, { node, close, turn, connection });
    this.state = el("span", {});
    this.title = el("h2", { tabindex: -1 });
    this.result = el("p", { class: "result", role: "status", hidden: true });
    this.kill = el("button", { type: "button", class: "danger", hidden: true, onclick: () => this.#kill() }, "Kill");
    this.tabs = el("div", { role: "tablist", "aria-label": "About the task", onkeydown: (event) => this.#arrow(event) }, tabs.map((tab) => el("button", {
      type: "button", role: "tab", id: "tab-" + tab, "aria-controls": "panel", "data-tab": tab, onclick: () => this.turn({ tab }),
    }, names[tab])));
    this.panel = el("div", { role: "tabpanel", id: "panel", class: "panel", tabindex: -1 });
    node.append(
      el("header", {}, el("div", { class: "title" }, this.state, this.title),
        el("div", { class: "buttons" }, this.kill, el("button", { type: "button", class: "quiet square", "aria-label": "Close the task", title: "Close (Esc)", onclick: () => this.close() }, icon("close")))),
      this.result, this.tabs, this.panel);
    node.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !document.querySelector("dialog")) this.close();
    });
  }

  // show shows what a route says, with what the list knows of the task.
  show({ task: id, tab, stream }, summary, { focus } = {}) {
    if (id !== this.#id) this.#begin(id);
    this.node.hidden = !id;
    if (!id) return;
    for (const button of this.tabs.children) {
      const chosen = button.dataset.tab === tab;
      button.setAttribute("aria-selected", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    }
    this.panel.setAttribute("aria-labelledby", "tab-" + tab);
    const shown = tab + " " + stream;
    if (this.#shown !== shown) {
      this.#shown = shown;
      this.#output?.close();
      this.#output = null;
      this.panel.replaceChildren();
      this.parts = null;
    }
    this.tab = tab;
    this.stream = stream;
    this.update(summary);
    if (focus) this.title.focus();
  }

  // reconnected is called when the server can be reached again.
  reconnected() {
    this.#output?.again();
  }

  #begin(id) {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#output?.close();
    Object.assign(this, { summary: null, explained: null, error: null, parts: null });
    this.#id = id;
    this.#output = this.#loaded = null;
    this.#shown = "";
    this.#version = -1;
    this.#asked = 0;
    this.result.hidden = true;
    setText(this.title, visible(id));
    this.title.title = visible(id);
    this.node.setAttribute("aria-label", "Task " + visible(id));
  }

  // update is called when the list may know something new about the task.
  update(summary) {
    if (!this.#id) return;
    if (summary) this.summary = summary;
    const known = this.summary ?? this.#loaded?.task;
    if (known) taskBadge(this.state, known);
    this.kill.hidden = !known || !!look(known.state).ended;
    const stale = summary && summary.version > this.#version;
    if (stale || this.#version < 0 || known?.state === "pending") this.#refresh(!stale && this.#version >= 0);
    this.#draw();
  }

  // refresh asks for the task, not more often than each half second; of a pending one, of which only the reasons change,
  // each two seconds.
  #refresh(slowly) {
    if (this.#timer) return;
    const wait = Math.max(0, this.#asked + (slowly ? 4 * pause : pause) - Date.now());
    this.#timer = setTimeout(async () => {
      const id = this.#id, { signal } = this.#abort;
      this.#asked = Date.now();
      this.#version = Math.max(this.#version, this.summary?.version ?? 0);
      try {
        const loaded = await get(taskPath(id), signal);
        const explained = loaded.task.state === "pending" ? await get(taskPath(id) + "/explain", signal) : null;
        if (signal.aborted) return;
        this.#loaded = loaded;
        Object.assign(this, { explained, error: null });
        this.#version = Math.max(this.#version, loaded.task.version ?? 0);
      } catch (error) {
        if (signal.aborted) return;
        this.error = error;
      }
      this.#timer = 0;
      this.update();
    }, wait);
  }

  #draw() {
    if (this.tab === "output") return this.#drawOutput();
    const loaded = this.#loaded;
    if (!loaded) {
      return fill(this.panel, this.error ? this.error.message : "", (message) => el("p", { class: "about pad" }, !message ? "Loading" :
        this.error.status === 404 ? "There is no task of this ID on record." : `It cannot be read: ${message}.`));
    }
    if (this.tab === "spec") {
      return fill(this.panel, loaded.task.spec, (spec) => {
        const text = JSON.stringify(spec, null, 2);
        return [el("div", { class: "output-bar" }, el("span", { class: "about" }, "As it was submitted"), copyButton("Copy", () => text)), el("pre", { class: "spec", tabindex: 0 }, visibleOutput(text))];
      });
    }
    this.parts ??= this.#overview();
    const { why, facts, history } = this.parts;
    why.hidden = !this.explained;
    if (this.explained) fill(why, { ...this.explained, task: 0 }, () => explanation(this.explained));
    const connection = this.connection();
    fill(facts, [loaded.task, connection?.master], () => factsOf(loaded.task, connection));
    fill(history, loaded.history ?? [], timeline);
  }

  #overview() {
    const why = el("section", { class: "why", hidden: true }), facts = el("dl", { class: "facts" }), history = el("ol", { class: "history" });
    this.panel.replaceChildren(why, facts, el("h3", {}, "History"), history);
    return { why, facts, history };
  }

  #drawOutput() {
    if (this.#output) return;
    const choices = el("div", { class: "choices", role: "group", "aria-label": "Stream" }, ["stdout", "stderr"].map((stream) => el("button", {
      type: "button", class: "chip", "aria-pressed": String(stream === this.stream), onclick: () => this.turn({ stream }),
    }, stream)));
    this.#output = new Output(this.#id, this.stream, choices);
    this.panel.replaceChildren(this.#output.node);
  }

  // kill asks, kills, and says what has happened.
  async #kill() {
    const id = this.#id;
    if (!await askKill(this.#loaded?.task.spec ?? { id })) return this.kill.focus();
    this.kill.disabled = true;
    this.#tell("Killing it.");
    let told;
    try {
      const info = await post(taskPath(id) + "/kill");
      told = `It has ended: ${stateName(info.state)}.`;
    } catch (error) {
      told = error instanceof APIError && error.status === 504 ? "The kill was sent. The task has not ended yet." :
        `It was not killed: ${error instanceof APIError ? error.message : "the server cannot be reached"}.`;
    }
    this.kill.disabled = false;
    if (id === this.#id) this.#tell(told);
    else say(`${visible(id)}: ${told}`);
    if (id === this.#id && this.kill.hidden) this.title.focus();
  }

  #tell(text) {
    this.result.hidden = false;
    setText(this.result, text);
  }

  #arrow(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const tab = tabs[(tabs.indexOf(this.tab) + step + tabs.length) % tabs.length];
    this.turn({ tab });
    this.tabs.querySelector(`[data-tab=${tab}]`).focus();
  }
}

function factsOf(info, connection) {
  const s = info.spec ?? {}, c = s.container;
  const agent = info.hostname || info.agentID;
  const url = agentURL(connection, info.agentID);
  const ports = (info.hostPorts ?? []).map((port, i) => (s.ports?.[i]?.name ? s.ports[i].name + " " : "") + (port || s.ports?.[i]?.container));
  const facts = [
    ["Reason", errorText(info.err) || visible(info.status?.message)],
    ["Exit status", info.exitStatus ?? ""],
    ["Health", info.healthy == null ? "" : info.healthy ? "healthy" : "unhealthy"],
    ["Agent", agent && [url ? link(url, visible(agent)) : visible(agent), info.ips?.length ? el("span", { class: "about" }, " " + visible(info.ips.join(", "))) : ""]],
    ["Ports", visible(ports.join(", "))],
    ["Resources", resources(s)],
    ["Image", visible(c?.image)],
    ["Command", code(s.command?.shell ?? s.command?.argv?.map((arg) => (/^[\w./:=@%+,-]+$/.test(arg) ? arg : JSON.stringify(arg))).join(" "))],
    ["Group", visible(s.group)], ["Pod", visible(s.pod)], ["Role", visible(s.role)],
    ["Constraints", list((s.constraints ?? []).map((k) => [k.attribute, k.operator, k.value].filter(Boolean).join(" ")))],
    ["Labels", list(Object.entries(s.labels ?? {}).map(([key, value]) => `${key}: ${value}`))],
    ["Time limit", s.maxCompletionTime ? duration(s.maxCompletionTime) : ""],
    ["Submitted", at(info.submitted) && time(info.submitted)],
    ["Changed", at(info.updated) && time(info.updated)],
  ];
  return facts.filter(([, value]) => value || value === 0).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]).flat();
}

function resources(s) {
  return [
    amount(s.cpus) + " CPU", mebibytes(s.mem ?? 0) + " memory", s.disk && mebibytes(s.disk) + " disk", s.gpus && amount(s.gpus) + " GPU",
    s.ports?.length && counted(s.ports.length, "port"), ...Object.entries(s.scalars ?? {}).map(([name, n]) => `${amount(n)} ${visible(name)}`),
  ].filter(Boolean).join(", ");
}

const code = (text) => text && el("code", {}, visibleOutput(text));
const list = (texts) => texts.length > 0 && el("ul", {}, texts.map((text) => el("li", {}, visible(text))));

// timeline makes the history, newest first, each step with how long it lasted.
function timeline(history) {
  if (!history.length) return el("li", { class: "about" }, "None is kept.");
  return history.map((step, i) => {
    const ms = at(step.at), until = at(history[i + 1]?.at), { icon: name, tone } = look(step.state);
    const where = step.hostname || step.agentID;
    return el("li", {},
      el("span", { class: "badge " + tone }, icon(name), el("span", {}, stateName(step.state))),
      el("span", { class: "about" }, where ? ` on ${visible(where)}` : "", until ? ` for ${span(until - ms)}` : ""),
      el("span", { class: "at", title: exact(ms) }, clock(ms)),
      step.message && el("p", { class: "message" }, visible(step.message)));
  }).reverse();
}

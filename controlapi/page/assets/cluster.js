// What is above the tasks, and the views of agents and members.

import { el, fill, icon, link } from "./dom.js";
import { amount, at, counted, errorText, lasting, mebibytes, time, visible, whole } from "./format.js";
import { look, stateName } from "./tasks.js";

// masterURL returns the URL of a master's UI, or of a part of it.
const masterURL = (connection, fragment = "") => connection?.master && connection.master.replace(/\/+$/, "") + "/#/" + fragment;
export const frameworkURL = (c) => masterURL(c, "frameworks/" + encodeURIComponent(c?.frameworkID ?? ""));
export const agentURL = (c, agent) => masterURL(c, "agents/" + encodeURIComponent(agent));

// apiURL returns the URL of a member's page. Members are told as "host:port" or as a URL.
const apiURL = (api) => (/^https?:\/\//.test(api) ? api : `${location.protocol}//${api}`).replace(/\/*$/, "/");

export function card(title, value, about) {
  return el("div", { class: "card" }, el("h2", {}, title), el("p", { class: "value" }, value), el("p", { class: "about" }, about));
}

// table makes a table with a name for screen readers. The first cell of each row is its heading.
export function table(name, heads, rows) {
  return el("div", { class: "sheet" }, el("table", { class: "plain" },
    el("caption", { class: "sr" }, name),
    el("thead", {}, el("tr", {}, heads.map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, rows.map(([first, ...others]) => el("tr", {}, el("th", { scope: "row" }, first), others.map((cell) => el("td", {}, cell)))))));
}

const badge = (tone, name, text) => el("span", { class: "badge " + tone }, icon(name), el("span", {}, text));

// cards shows the leader, the connection, offers and tasks, and the store while it fails.
export function cards(node, { overview: o, store, counts }) {
  fill(node, [o && { ...o, agents: undefined }, store, [...counts]], () => (o?.noTasks ? [leader(o.election)] : o ? [leader(o.election), master(o), store?.err && storage(store), offers(o, counts), tasks(o, counts)] : []));
}

function leader(election) {
  if (!election) return card("Leader", "This process", "There is no election: it runs alone.");
  if (!election.leader) return card("Leader", badge("bad", "unknown", "None"), ["No member leads at present."]);
  return card("Leader", el("span", { class: "cut", title: visible(election.leader) }, badge("plain", "leader", visible(election.leader))), [
    `Term ${whole(election.term)}, for `, lasting(election.since), election.leader === election.self ? "; this page is from it" : "",
  ]);
}

function master({ connection: c, election }) {
  if (!c) return card("Master", badge("bad", "unknown", "Not known"), election && !election.leader ? "Nobody leads." : "The leader does not answer.");
  if (!c.connected) return card("Master", badge("bad", "failed", "Not connected"), ["For ", lasting(c.since)]);
  return card("Master", badge("good", "finished", "Connected"), [
    link(frameworkURL(c), visible(c.master).replace(/^https?:\/\//, "")), " for ", lasting(c.since),
  ]);
}

function storage(store) {
  return card("Store", badge("bad", "failed", "Fails"), at(store.nextAttempt) ? ["Next attempt ", time(store.nextAttempt)] : "It is tried again.");
}

function offers(o, counts) {
  const pending = counts.get("pending") ?? 0;
  return card("Offers at hand", o.connection ? whole(o.offers) : "\u2013", pending ? `For ${counted(pending, "pending task")}` : o.connection ? "No task is pending." : "Not known.");
}

function tasks(o, counts) {
  const total = [...counts.values()].reduce((sum, n) => sum + n, 0);
  if (!total && !o.connection) return card("Tasks", "\u2013", "Not known.");
  const bar = el("span", { class: "stack", "aria-hidden": "true" });
  const tones = new Map();
  for (const [state, n] of counts) tones.set(look(state).tone, (tones.get(look(state).tone) ?? 0) + n);
  for (const tone of ["good", "wait", "bad", "done"]) {
    if (!tones.get(tone)) continue;
    const part = el("span", { class: tone });
    part.style.flexGrow = tones.get(tone);
    bar.append(part);
  }
  const words = [...counts].map(([state, n]) => `${whole(n)} ${stateName(state)}`).join(", ");
  return card("Tasks", [whole(total), bar], el("span", { class: "cut", title: words }, words || "None on record."));
}

// alerts returns what is wrong, as texts with a key each.
export function alerts({ overview: o, store }) {
  if (!o) return [];
  const all = [], c = o.connection, e = o.election;
  if (e && !e.leader) all.push(["leader", `No member leads${e.reason ? ` (${visible(e.reason)})` : ""}. ${o.noTasks ? "Nothing new is started" : "Tasks run on; nothing is launched or killed"} until one does.`]);
  else if (!c && (!o.noTasks || o.error)) all.push(["answer", `The leader does not answer${o.error ? ": " + errorText(o.error) : ""}.`]);
  if (c && !c.connected) all.push(["master", `Not connected with a master${c.err ? ": " + errorText(c.err) : ""}. Tasks run on; nothing is launched meanwhile.`]);
  if (store?.err) all.push(["store", `The store fails: ${errorText(store.err)}. Nothing is launched until it works again.`]);
  if (c?.dropped) all.push(["dropped", `${counted(c.dropped, "call")} could not be made to the master, which takes too few of them.`]);
  return all;
}

// members shows who takes part in the election.
export function members(node, election, connection) {
  fill(node, [election, connection?.frameworkID], () => {
    if (!election) return empty("One process, no election", "Members are listed here when several processes run the framework, of which one leads.");
    const frameworkID = connection?.frameworkID;
    return [
      el("div", { class: "sheet" }, el("table", { class: "plain" },
        el("caption", { class: "sr" }, "Members of the election"),
        el("thead", {}, el("tr", {}, ["Member", "Role", "State", "Votes", "API"].map((text) => el("th", { scope: "col" }, text)))),
        el("tbody", {}, (election.members ?? []).map((m) => el("tr", {},
          el("th", { scope: "row", class: "id" }, visible(m.id), m.id === election.self && el("span", { class: "tag" }, "this one")),
          el("td", {}, m.id === election.leader ? badge("plain", "leader", "leader") : "follower"),
          el("td", {}, m.alive ? badge("good", "alive", "alive") : badge("bad", "away", "not heard from"), at(m.since) ? el("span", { class: "about" }, " for ", lasting(m.since)) : null),
          el("td", {}, m.voter ? "yes" : "no"),
          el("td", {}, m.api ? link(apiURL(m.api), visible(m.api)) : el("span", { class: "about" }, "not configured"))))))),
      el("dl", { class: "facts" },
        election.reason && [el("dt", {}, "Last change"), el("dd", {}, visible(election.reason))],
        frameworkID && [el("dt", {}, "Framework ID"), el("dd", { class: "id" }, visible(frameworkID))]),
    ];
  });
}

const atMost = 200; // agents that are shown at a time

// offersAtHand shows the offers that have come and are neither used nor declined.
export function offersAtHand(node, all) {
  fill(node, all, () => all.length > 0 && [
    el("h2", {}, "Offers at hand"),
    el("div", { class: "sheet" }, el("table", { class: "plain" },
      el("caption", { class: "sr" }, "Offers at hand"),
      el("thead", {}, el("tr", {}, ["Agent", "Role", "Resources", "For"].map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, all.slice(0, atMost).map((o) => el("tr", {},
        el("th", { scope: "row" }, visible(o.agent?.hostname || o.agent?.id)), el("td", {}, visible(o.role)),
        el("td", {}, [`${amount(o.resources?.cpus)} CPU`, `${mebibytes(o.resources?.mem ?? 0)} memory`, o.resources?.disk && `${mebibytes(o.resources.disk)} disk`, o.resources?.gpus && `${amount(o.resources.gpus)} GPU`].filter(Boolean).join(", ")),
        el("td", {}, lasting(o.since))))))),
  ]);
}

// agents shows the agents that are known, whose text has all words of a search.
export function agents(node, all, q, connection) {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter((a) => words.every((word) => haystack(a).includes(word)));
  fill(node, [found.slice(0, atMost), found.length, all.length, connection?.master], () => {
    if (!all.length) return empty("No agents known", "The master makes offers of agents while tasks are pending; those agents are listed here.");
    if (!found.length) return empty("No agent matches", "Another search may find more.");
    return [
      el("ul", { class: "agents" }, found.slice(0, atMost).map((a) => agent(a, connection))),
      found.length > atMost && el("p", { class: "about" }, `The first ${atMost} of ${counted(found.length, "agent")}; a search finds the others.`),
    ];
  });
}

function haystack({ agent: a }) {
  return [a.hostname, a.id, a.region, a.zone, ...(a.attributes ?? []).map((t) => t.name + ":" + attributeValue(t))].filter(Boolean).join("\n").toLowerCase();
}

function attributeValue(t) {
  if (t.scalar) return amount(t.scalar.value);
  if (t.ranges) return "[" + (t.ranges.range ?? []).map((r) => r.begin + "-" + r.end).join(", ") + "]";
  if (t.set) return "{" + (t.set.item ?? []).join(", ") + "}";
  return t.text?.value ?? "";
}

function agent(stats, connection) {
  const a = stats.agent, where = [a.region, a.zone].filter(Boolean).join(" / ");
  const url = agentURL(connection, a.id);
  return el("li", { class: "agent" },
    el("div", { class: "who" },
      el("h3", { class: "cut", title: visible(a.hostname) }, url ? link(url, visible(a.hostname)) : visible(a.hostname)),
      el("p", { class: "about cut", title: visible(a.id) }, visible(where ? where + " \u00b7 " + a.id : a.id)),
      a.attributes?.length > 0 && el("ul", { class: "tags", "aria-label": "Attributes" }, a.attributes.map((t) => {
        const text = visible(t.name + ": " + attributeValue(t));
        return el("li", { class: "tag cut", title: text }, text);
      }))),
    el("div", { class: "bars" }, bar("CPU", stats, "cpus", amount), bar("Memory", stats, "mem", mebibytes), bar("Disk", stats, "disk", mebibytes),
      (stats.offered?.gpus || stats.taken?.gpus) && bar("GPU", stats, "gpus", amount)),
    el("div", { class: "when" },
      el("p", {}, counted(stats.tasks, "task")),
      el("p", { class: "about" }, at(stats.offeredAt) ? ["offered ", time(stats.offeredAt)] : "not offered lately"),
      at(a.unavailable) > 0 && el("p", { class: "badge bad" }, icon("error"), el("span", {}, "maintenance ", time(a.unavailable)))));
}

// bar shows how much of a resource the framework's tasks have taken on an agent, and how much of it is free.
function bar(label, stats, resource, format) {
  const taken = stats.taken?.[resource] ?? 0;
  const free = at(stats.offeredAt) ? stats.free?.[resource] ?? 0 : null;
  const text = free === null ? `${format(taken)} taken` : `${format(free)} free, ${format(taken)} taken`;
  const track = el("span", { class: "track" + (free === null ? " unsure" : ""), "aria-hidden": "true" });
  track.style.setProperty("--taken", taken / (taken + (free ?? taken) || 1));
  return el("div", { class: "bar-line" }, el("span", { class: "label" }, label), track, el("span", { class: "figure" }, text));
}

// empty says that there is nothing to see, and why.
export function empty(title, ...about) {
  return el("div", { class: "empty" }, el("h2", {}, title), ...about.map((child) => (typeof child === "string" ? el("p", { class: "about" }, child) : child)));
}

// The page: one stream of events, one route, and what is drawn of both.

import { Feed, get, setToken, token } from "./api.js";
import { agents, alerts, cards, empty, members, offersAtHand } from "./cluster.js";
import { Detail } from "./detail.js";
import { copyButton, el, fill, icon, say, setText } from "./dom.js";
import { clock, counted, span, tick, visible, whole } from "./format.js";
import { Invoker } from "./invoker.js";
import { format, parse } from "./route.js";
import { filters, Table, taskColumns } from "./table.js";
import { sortable, Tasks } from "./tasks.js";

const $ = (id) => document.getElementById(id);
const tasks = new Tasks();
const status = { overview: null, store: null, feed: { live: false }, heard: 0 };
let route = parse(location.hash);
let agentSearch = "";

// go shows another route. A step that the back button should undo is pushed, a filter that is being typed is not.
function go(change, { push = false, focus = false } = {}) {
  route = { ...route, ...change };
  if (format(route) !== location.hash) history[push ? "pushState" : "replaceState"](null, "", format(route));
  draw({ focus });
}

addEventListener("popstate", () => {
  route = parse(location.hash);
  if (search.value !== route.q) search.value = route.q;
  draw({ focus: false });
});

// --- The view of tasks ---

const search = el("input", { type: "search", id: "search", placeholder: "Search tasks", autocomplete: "off", spellcheck: "false", "aria-label": "Search tasks", "aria-keyshortcuts": "/" });
const chips = el("div", { class: "chips", role: "group", "aria-label": "Filter by state" });
const found = el("p", { class: "found about" });
const nothing = el("div", {});
const table = new Table({
  columns: taskColumns, label: "Tasks", prefix: "row-",
  open: (id, { focus }) => go({ task: id, tab: route.task ? route.tab : "overview" }, { push: !route.task, focus }),
  sort: (key) => go({ sort: key, down: route.sort === key ? !route.down : key === "updated" || key === "cpus" || key === "mem" }),
});
$("view-tasks").append(
  el("div", { class: "tools" }, el("div", { class: "search" }, icon("search"), search, el("kbd", { "aria-hidden": "true" }, "/")), chips, found),
  nothing, table.node,
  el("p", { class: "keys about" }, keys("/", "search"), keys("\u2191 \u2193", "select"), keys("Enter", "open"), keys("Esc", "close")));

function keys(key, does) {
  return el("span", {}, el("kbd", {}, key), " " + does);
}

let typing = 0;
search.value = route.q;
search.addEventListener("input", () => {
  go({ q: search.value });
  clearTimeout(typing);
  typing = setTimeout(() => say(counted(tasks.find(route).length, "task")), 800);
});
search.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "Enter") {
    event.preventDefault();
    table.begin();
  } else if (event.key === "Escape" && search.value === "") {
    table.node.focus();
  } else if (event.key === "Escape") {
    event.preventDefault();
    search.value = "";
    go({ q: "" });
  }
});

function toggle(state) {
  const chosen = new Set(route.states);
  if (!state) chosen.clear();
  else if (!chosen.delete(state)) chosen.add(state);
  go({ states: [...chosen] });
}

// Rows do not change places under the pointer: while it moves over them, their order is kept.
let pointed = 0;
table.body.addEventListener("pointermove", () => { pointed = Date.now(); }, { passive: true });
let kept = { asked: "", rows: [] };

function rows() {
  const asked = JSON.stringify([route.q, route.states, route.sort, route.down]);
  if (asked === kept.asked && Date.now() - pointed < 1500 && kept.rows.length) {
    const rows = kept.rows.map((old) => tasks.get(old.id)).filter(Boolean);
    if (rows.length === kept.rows.length) return rows;
  }
  kept = { asked, rows: tasks.find(route) };
  return kept.rows;
}

function drawTasks(counts) {
  const shown = rows();
  filters(chips, counts, route.states, tasks.size, toggle);
  const filtered = shown.length !== tasks.size;
  setText(found, filtered ? `${whole(shown.length)} of ${counted(tasks.size, "task")}` : "");
  table.node.hidden = shown.length === 0;
  $("view-tasks").classList.toggle("bare", tasks.size === 0);
  table.show(shown, { sort: sortable.includes(route.sort) ? route.sort : "id", down: route.down, open: route.task });
  fill(nothing, [shown.length > 0, tasks.size > 0, tasks.complete, token() !== ""], ([any, some, complete, secured]) => {
    if (any) return [];
    if (!complete) return empty("Loading tasks");
    if (some) return empty("No task matches", el("button", { type: "button", onclick: clear }, "Clear the filter"));
    const command = submitCommand(secured);
    return empty("No tasks yet", "This command submits one:", el("pre", { class: "command", tabindex: 0 }, command), copyButton("Copy the command", () => command));
  });
}

function clear() {
  search.value = "";
  go({ q: "", states: [] });
  search.focus();
}

function submitCommand(secured) {
  const spec = { id: "hello", cpus: 0.1, mem: 32, command: { shell: "echo hello; sleep 60" } };
  return [`curl ${new URL("v1/tasks", document.baseURI)}`, ...(secured ? ['-H "Authorization: Bearer $TOKEN"'] : []),
    "-H 'Content-Type: application/json'", `-d '${JSON.stringify(spec)}'`].join(" \\\n  ");
}

// --- The other views ---

const agentInput = el("input", {
  type: "search", placeholder: "Search agents", autocomplete: "off", spellcheck: "false", "aria-label": "Search agents by host, ID or attribute",
  oninput: () => { agentSearch = agentInput.value; draw(); },
});
const agentList = el("div", {}), offerList = el("div", {});
$("view-agents").append(el("div", { class: "tools" }, el("div", { class: "search" }, icon("search"), agentInput)), agentList, offerList);

let asked = 0;

// drawOffers asks for the offers at hand, while somebody looks: there are none most of the time, and they come and go.
async function drawOffers() {
  if (route.view !== "agents" || !status.feed.live || Date.now() - asked < 2000) return;
  asked = Date.now();
  offersAtHand(offerList, (status.overview?.offers && await get("v1/offers").catch(() => null)) || []);
}

const invoker = new Invoker($("view-invoker"), $("count-invoker"));

// isServed reports whether the server has a view: that of an invoker only where one is, and those of tasks not everywhere.
function isServed(view) {
  const { overview } = status;
  if (view === "invoker") return !overview || (overview.extensions ?? []).includes("invoker");
  return view === "members" || !overview?.noTasks;
}

const detail = new Detail($("detail"), {
  close: () => {
    table.put(route.task);
    go({ task: "", tab: "overview" }, { push: true });
    table.node.focus({ preventScroll: true });
  },
  turn: (change) => go(change),
  connection: () => status.overview?.connection,
});

// --- Drawing ---

let waiting = false;

// changed draws soon. However much comes, it is at most five times a second.
function changed() {
  if (waiting) return;
  waiting = true;
  setTimeout(() => requestAnimationFrame(() => {
    waiting = false;
    draw();
  }), 200);
}

let opened = "";

function draw({ focus = false } = {}) {
  const { overview } = status, counts = tasks.counts();
  const name = visible(overview?.framework) || "Framework";
  setText($("framework"), name);
  const title = [route.task && visible(route.task), name].filter(Boolean).join(" \u00b7 ");
  if (document.title !== title) document.title = title;
  if (!isServed(route.view)) route = { ...route, view: isServed("tasks") ? "tasks" : isServed("invoker") ? "invoker" : "members", task: "" };
  for (const a of document.querySelectorAll("[data-view]")) {
    a.hidden = !isServed(a.dataset.view) || a.dataset.view === "invoker" && !overview;
    if (a.dataset.view === route.view) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
    $("view-" + a.dataset.view).hidden = a.dataset.view !== route.view;
  }
  setText($("count-tasks"), tasks.complete ? whole(tasks.size) : "");
  setText($("count-agents"), overview?.agents ? whole(overview.agents.length) : "");
  setText($("count-members"), overview?.election ? whole(overview.election.members?.length ?? 0) : "");
  $("forget-token").hidden = !token();
  cards($("cards"), { ...status, counts });
  $("cards").hidden = !!overview?.noTasks && !overview.election;
  drawAlerts();
  document.body.classList.toggle("opened", !!route.task);
  if (route.view === "tasks") drawTasks(counts);
  drawOffers();
  if (route.view === "agents") agents(agentList, overview?.agents ?? [], agentSearch, overview?.connection);
  invoker.show(route.view === "invoker", !!overview && isServed("invoker"));
  if (route.view === "members") members($("view-members"), overview?.election, overview?.connection);
  const known = tasks.get(route.task);
  if (opened !== route.task && known) {
    opened = route.task;
    table.put(route.task);
    table.draw();
  } else if (!route.task) opened = "";
  detail.show(route, known, { focus });
}

function drawAlerts() {
  const { feed } = status;
  const lost = feed.retryAt ? { reason: feed.reason, heard: status.heard } : null;
  fill($("alerts"), [lost, alerts(status)], ([, all]) => [
    lost && el("div", { class: "alert" }, icon("error"),
      el("p", { role: "alert" }, `${lost.heard ? "Connection lost" : "No connection"}: ${lost.reason}.`, lost.heard ? ` What you see is from ${clock(lost.heard)}.` : ""),
      el("span", { class: "countdown", "aria-hidden": "true" }), el("button", { type: "button", onclick: () => reader.retry() }, "Try now")),
    ...all.map(([key, text]) => el("div", { class: "alert", "data-alert": key }, icon("error"), el("p", { role: "alert" }, text))),
  ]);
  countDown();
  fill($("live"), feed.live ? "live" : feed.retryAt ? "lost" : "", (state) => [icon(state === "live" ? "alive" : state ? "failed" : "starting"), el("span", {}, { live: "Live", lost: "Not connected" }[state] ?? "Connecting")]);
  $("live").className = "live " + (feed.live ? "good" : feed.retryAt ? "bad" : "");
}

function countDown() {
  const node = document.querySelector(".countdown");
  if (node) setText(node, `Trying again in ${span(status.feed.retryAt - Date.now())}`);
}

setInterval(() => {
  tick();
  countDown();
  if (route.task) detail.update(tasks.get(route.task));
  invoker.show(route.view === "invoker", !!status.overview && isServed("invoker"));
}, 1000);

// --- What comes from the server ---

const handlers = {
  snapshot: (data) => tasks.snapshot(data),
  task: (data) => tasks.put(data.task),
  removed: (data) => tasks.remove(data.tasks, data.version),
  overview: (data) => {
    const agents = data.agents ?? (data.connection ? status.overview?.agents : []);
    status.overview = { ...data, agents };
    if (data.connection && !data.connection.storeErr) status.store = null;
    else if (data.connection && !status.store?.err) status.store = { err: data.connection.storeErr };
  },
  election: (data) => { status.overview = { ...status.overview, election: data }; },
  store: (data) => { status.store = data; },
};

let seen = ""; // the version up to which all is known

const reader = new Feed({
  path: () => "v1/events?view=summary" + (seen ? "&since=" + seen : ""),
  handle: ({ event, data, id }) => {
    status.heard = Date.now();
    handlers[event]?.(data);
    if (id && tasks.complete) seen = id;
    changed();
  },
  changed: (feed) => {
    if (feed.live && status.feed.retryAt) {
      say("Connected again");
      detail.reconnected();
    }
    status.feed = { ...feed, retryAt: feed.live ? 0 : feed.retryAt };
    drawAlerts();
  },
});

addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.ctrlKey && !event.metaKey && !/^(INPUT|TEXTAREA)$/.test(event.target.tagName) && !document.querySelector("dialog")) {
    event.preventDefault();
    ({ agents: agentInput, invoker: invoker.search }[route.view] ?? search).focus();
  } else if (event.key === "Escape" && route.task && event.target !== search && !document.querySelector("dialog") && !$("detail").contains(event.target)) {
    detail.close();
  }
});

for (const a of document.querySelectorAll("[data-view]")) {
  a.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go({ view: a.dataset.view, task: "", tab: "overview" }, { push: true });
    scrollTo(0, 0);
  });
}

$("forget-token").addEventListener("click", () => {
  setToken("");
  location.reload();
});

draw();
reader.run();

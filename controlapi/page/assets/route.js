// The fragment of the URL says what is shown, so that it can be shared and goes into the history of the browser:
// #/tasks/web-1/output?stream=stderr&state=failed&q=web&sort=-updated

export const views = ["tasks", "agents", "members", "invoker"];
export const tabs = ["overview", "output", "spec"];

// parse returns what a fragment says: {view, task, tab, stream, q, states, sort, down}.
export function parse(fragment) {
  const [path, query = ""] = fragment.replace(/^#\/?/, "").split("?", 2);
  const [view, task = "", tab] = path.split("/").map(decode);
  const params = new URLSearchParams(query);
  const sort = params.get("sort") ?? "id";
  return {
    view: views.includes(view) ? view : "tasks",
    task: view === "tasks" ? task : "",
    tab: tabs.includes(tab) ? tab : "overview",
    stream: params.get("stream") === "stderr" ? "stderr" : "stdout",
    q: params.get("q") ?? "",
    states: (params.get("state") ?? "").split(",").filter(Boolean),
    sort: sort.replace(/^-/, ""),
    down: sort.startsWith("-"),
  };
}

// format is the inverse of parse.
export function format(r) {
  const params = new URLSearchParams();
  if (r.tab === "output" && r.stream === "stderr") params.set("stream", "stderr");
  if (r.states.length) params.set("state", r.states.join(","));
  if (r.q) params.set("q", r.q);
  if (r.sort !== "id" || r.down) params.set("sort", (r.down ? "-" : "") + r.sort);
  const task = r.view === "tasks" && r.task ? "/" + encodeURIComponent(r.task) + (r.tab === "overview" ? "" : "/" + r.tab) : "";
  const query = params.toString();
  return "#/" + r.view + task + (query && "?" + query);
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

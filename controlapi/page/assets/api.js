// Requests to the server that this page came from.

import { askToken } from "./dialogs.js";
import { errorText } from "./format.js";

// APIError is an answer that says why something was not done.
export class APIError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const key = "token";

// The token stays in the tab: it is gone when that is closed, and other tabs do not have it.
export const token = () => sessionStorage.getItem(key) ?? "";
export const setToken = (value) => (value ? sessionStorage.setItem(key, value) : sessionStorage.removeItem(key));

// request makes a request. If the server wants a token, it asks the user for one and tries again.
export async function request(path, { headers, ...init } = {}) {
  for (;;) {
    const sent = token();
    if (/[^\x20-\x7e]/.test(sent)) { // no header can have it, so that no server can know it
      setToken(await askToken(true));
      continue;
    }
    const authorization = sent ? { Authorization: "Bearer " + sent } : {};
    const response = await fetch(path, { cache: "no-store", redirect: "error", ...init, headers: { ...headers, ...authorization } });
    if (response.status !== 401) return response;
    response.body?.cancel();
    if (token() === sent) setToken(await askToken(sent !== ""));
  }
}

// failure returns the error that an answer has.
export async function failure(response) {
  let error;
  try {
    error = (await response.json()).error;
  } catch { /* a proxy's answer, or none */ }
  return new APIError(response.status, error?.code ?? "", errorText(error) || `the server answered ${response.status} ${response.statusText}`);
}

// get returns the JSON at a path.
export async function get(path, signal) {
  const response = await request(path, { headers: { Accept: "application/json" }, signal });
  if (!response.ok) throw await failure(response);
  return response.json();
}

// post makes a request that changes something.
export async function post(path, body) {
  const response = await request(path, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!response.ok) throw await failure(response);
  return response.status === 204 ? null : response.json();
}

export const taskPath = (id) => "v1/tasks/" + encodeURIComponent(id);

// events yields the server-sent events of an answer: {event, data, id}, data decoded. alive is called for every sign of life,
// also the comments that only keep the connection.
export async function* events(response, alive = () => {}) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    alive();
    let from = Math.max(0, rest.length - 1); // the two newlines may have come apart
    rest += value;
    let start = 0;
    for (let end; (end = rest.indexOf("\n\n", from)) >= 0; start = from = end + 2) {
      const event = parse(rest.slice(start, end));
      if (event) yield event;
    }
    rest = rest.slice(start);
  }
}

function parse(text) {
  const event = { event: "message", id: "", data: "" };
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue; // a comment
    const field = line.slice(0, colon), value = line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") event.data += (event.data && "\n") + value;
    else if (field in event) event[field] = value;
  }
  if (!event.data) return null;
  return { ...event, data: JSON.parse(event.data) };
}

const silence = 40_000; // ms; the server sends at least a comment every 15 s
const pauses = [1, 2, 4, 8, 15]; // seconds

// Feed follows the events of the server for as long as the page is open, over lost connections.
export class Feed {
  // path returns what to request, handle takes an event, and changed is told {live, reason, retryAt}.
  constructor({ path, handle, changed }) {
    Object.assign(this, { path, handle, changed });
    this.retry = () => {};
    addEventListener("online", () => this.retry());
  }

  async run() {
    for (let failed = 0; ; failed++) {
      let reason;
      const abort = new AbortController();
      let timer;
      const alive = () => {
        clearTimeout(timer);
        timer = setTimeout(() => abort.abort(), silence);
      };
      try {
        const response = await request(this.path(), { headers: { Accept: "text/event-stream" }, signal: abort.signal });
        if (!response.ok) throw await failure(response);
        alive();
        this.changed({ live: true });
        for await (const event of events(response, alive)) {
          failed = 0;
          this.handle(event);
        }
        reason = "the server ended it";
      } catch (error) {
        reason = abort.signal.aborted ? "the server said nothing for 40 s" : error instanceof APIError ? error.message : "the server cannot be reached";
        if (!(error instanceof APIError) && !(error instanceof TypeError) && error.name !== "AbortError") console.error(error);
      }
      clearTimeout(timer);
      abort.abort();
      await this.pause(pauses[Math.min(failed, pauses.length - 1)] * 1000, reason);
    }
  }

  // pause waits, or until the user does not want to wait.
  pause(ms, reason) {
    this.changed({ live: false, reason, retryAt: Date.now() + ms });
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.retry = () => (clearTimeout(timer), resolve());
    });
  }
}

// Why a task is pending, in plain words.

import { el, icon } from "./dom.js";
import { amount, at, counted, errorText, exact, mebibytes, relative, time, visible } from "./format.js";

const nouns = { cpus: "CPU", mem: "memory", disk: "disk space", gpus: "GPUs", ports: "ports" };

function shortBy(resource, n) {
  if (resource === "cpus") return `${amount(n)} CPU short`;
  if (resource === "mem" || resource === "disk") return `${mebibytes(n)} short`;
  return `${amount(n)} short`;
}

const agents = (n) => counted(n, "agent");
const they = (n, one, several) => agents(n) + " " + (n === 1 ? one : several);

function constraint(c) {
  return visible([c?.attribute, c?.operator, c?.value].filter(Boolean).join(" "));
}

// reason returns the words for one reason: {text, near}, of which near is the agent that misses the least.
export function reason(r) {
  switch (r.kind) {
    case "no_offers":
      return { text: "No offers were at hand." };
    case "role":
      return { text: `${they(r.agents, "offers", "offer")} to other roles than the task's.` };
    case "gpu_agent":
      return { text: `${they(r.agents, "has", "have")} GPUs, and ${r.agents === 1 ? "is" : "are"} kept for tasks that ask for some.` };
    case "maintenance":
      return { text: `${they(r.agents, "is", "are")} to be taken down for maintenance while the task would run.` };
    case "filter":
      return { text: `The framework's own filter refuses ${agents(r.agents)}.` };
    case "constraint":
      if (r.missing) return { text: `No agent has the attribute ${visible(r.constraint?.attribute)}.` };
      if (r.awaited) return { text: `${constraint(r.constraint)} waits for an agent with ${visible(r.awaited)}, which has fewer tasks and should be offered within seconds.` };
      return { text: `${they(r.agents, "does", "do")} not satisfy ${constraint(r.constraint)}.` };
    case "shortage":
      if (r.port) return { text: `Port ${r.port} is taken on ${agents(r.agents)}.` };
      return {
        text: `Not enough ${nouns[r.resource] ?? visible(r.resource)} on ${agents(r.agents)}.`,
        near: r.short ? `Closest: ${r.hostname ? visible(r.hostname) + ", " : ""}${shortBy(r.resource, r.short)}.` : "",
      };
  }
  return { text: `${visible(r.kind)}: ${agents(r.agents)}.` };
}

// widest returns the finding that looked at the most offers, the newest of several: it says the most.
export function widest(findings) {
  let most = null;
  for (const f of findings ?? []) if (!most || f.offers > most.offers) most = f;
  return most;
}

// obstacles returns what keeps the task pending other than the offers.
export function obstacles(e) {
  const all = [];
  if (e.neverOffered) all.push(`It will never be offered what it needs: ${errorText(e.neverOffered)}. Kill it, or change the framework's roles or GPUs.`);
  if (e.tearingDown) all.push("The framework is being torn down.");
  if (!e.subscribed) all.push(e.subscribeErr ? `There is no connection with a master: ${errorText(e.subscribeErr)}.` : "There is no connection with a master yet.");
  if (e.storeErr) all.push(`The store fails, and nothing is launched until it works again: ${errorText(e.storeErr)}.`);
  if (e.matcherErr) all.push(`The matcher failed: ${errorText(e.matcherErr)}.`);
  const notBefore = at(e.notBefore);
  if (notBefore > Date.now()) all.push(`Its last launch was lost. The next one is made ${relative(notBefore)}, at ${exact(notBefore)}.`);
  return all;
}

// explanation returns the nodes that say why a task is pending.
export function explanation(e) {
  const found = widest(e.findings);
  return [
    el("h3", {}, icon("pending"), "Why it is pending"),
    ...obstacles(e).map((text) => el("p", { class: "obstacle" }, text)),
    found ? finding(found, e) : nothingFound(e),
    e.filtered && el("p", { class: "about" }, "The master does not send offers that no pending task can use, so there may be more agents than these."),
    e.maintenance > 0 && el("p", { class: "about" }, `Offers of ${agents(e.maintenance)} are declined because of maintenance.`),
  ].filter(Boolean);
}

function finding(f, e) {
  const total = Math.max(1, ...(f.reasons ?? []).map((r) => r.agents || 0));
  return el("div", {},
    el("p", { class: "about" }, `Of ${counted(f.offers, "offer")} `, time(f.at), `, none fits. ${counted(e.cycles ?? 0, "round")} of offers so far.`),
    el("ul", { class: "reasons" }, (f.reasons ?? []).map((r) => {
      const { text, near } = reason(r);
      const share = el("span", { class: "share", "aria-hidden": "true" });
      share.style.setProperty("--share", (r.agents || 0) / total);
      return el("li", {}, share, el("span", {}, text, near && el("strong", { class: "near" }, " ", near)));
    })));
}

function nothingFound(e) {
  return el("p", { class: "about" }, "No offers have been looked at for it yet. ",
    at(e.lastOffers) ? ["The last ones for any task came ", time(e.lastOffers), "."] : "None have come since the leader began.");
}

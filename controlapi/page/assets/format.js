// How texts, times and amounts are written.

import { el } from "./dom.js";

// What has no shape of its own, or changes the order of what stands around it: control characters, invisible ones, and those
// that set the direction of a text.
const invisible = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufff0-\ufffb\ufffe\uffff]|[\u{e0000}-\u{e0fff}]/gu;
const invisibleInOutput = new RegExp("(?![\\n\\t])(?:" + invisible.source + ")", "gu");

const picture = (c) => {
  const code = c.codePointAt(0);
  if (code < 0x20) return String.fromCodePoint(0x2400 + code); // ␛ and so on
  if (code === 0x7f) return "\u2421";
  return "\u2039U+" + code.toString(16).toUpperCase().padStart(4, "0") + "\u203a";
};

// visible returns a text with such characters made visible. Everything that a task, an agent or an error says goes through it.
export function visible(text) {
  return String(text ?? "").replace(invisible, picture);
}

// visibleOutput is visible for the output of a task: lines and tabs stay, and colours of terminals are left out.
export function visibleOutput(text) {
  return text.replace(/\u001b\[[0-9;]*m/g, "").replace(/\r\n/g, "\n").replace(invisibleInOutput, picture);
}

// whole writes a whole number, with commas between thousands.
export function whole(n) {
  return Math.round(n || 0).toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

// counted writes a number of things: "1 task", "2 tasks".
export function counted(n, thing) {
  return whole(n) + " " + thing + (n === 1 ? "" : "s");
}

// amount writes an amount with up to three digits after the point.
export function amount(n) {
  const [before, after] = (Math.round((n || 0) * 1000) / 1000).toString().split(".");
  return before.replace(/\B(?=(\d{3})+$)/g, ",") + (after ? "." + after : "");
}

// mebibytes writes an amount of memory or disk that is given in MiB.
export function mebibytes(n) {
  if (Math.abs(n) >= 1 << 20) return amount(Math.round((n / (1 << 20)) * 10) / 10) + " TiB";
  if (Math.abs(n) >= 1 << 10) return amount(Math.round((n / (1 << 10)) * 10) / 10) + " GiB";
  return amount(n) + " MiB";
}

// bytes writes a number of bytes.
export function bytes(n) {
  if (n < 1 << 10) return counted(n, "byte");
  if (n < 1 << 20) return whole(n / 1024) + " KiB";
  return amount(Math.round((n / (1 << 20)) * 10) / 10) + " MiB";
}

// span writes a length of time, given in milliseconds: "3 s", "5 min", "2 h", "4 d".
export function span(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min";
  if (s < 48 * 3600) return Math.floor(s / 3600) + " h";
  return whole(Math.floor(s / 86400)) + " d";
}

// duration writes a duration of Go's JSON, in nanoseconds, exactly.
export function duration(ns) {
  const parts = [];
  let rest = ns / 1e9;
  for (const [unit, seconds] of [["h", 3600], ["min", 60]]) {
    if (rest >= seconds) parts.push(Math.floor(rest / seconds) + " " + unit);
    rest %= seconds;
  }
  if (rest || !parts.length) parts.push(amount(rest) + " s");
  return parts.join(" ");
}

// at returns the time of a text of Go's JSON in milliseconds, or 0 if it is none or Go's zero time.
export function at(text) {
  const ms = Date.parse(text ?? "");
  return ms > 0 ? ms : 0;
}

// relative writes a time as seen from now: "3 s ago", "in 5 s".
export function relative(ms, now = Date.now()) {
  if (Math.abs(now - ms) < 1000) return "now";
  return ms <= now ? span(now - ms) + " ago" : "in " + span(ms - now);
}

// exact writes a time in the reader's time zone, to the second.
export function exact(ms) {
  const d = new Date(ms), two = (n) => String(n).padStart(2, "0");
  const zone = -d.getTimezoneOffset(), away = Math.abs(zone);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}` +
    (zone === 0 ? " UTC" : ` UTC${zone > 0 ? "+" : "\u2212"}${two(Math.floor(away / 60))}:${two(away % 60)}`);
}

// clock writes the time of day, with the date of another day.
export function clock(ms, now = Date.now()) {
  const text = exact(ms);
  return text.slice(0, 10) === exact(now).slice(0, 10) ? text.slice(11, 19) : text.slice(5, 19);
}

// time makes an element that shows how long ago a time was, and has the exact one in its title. tick keeps it right.
export function time(text, write = "relative") {
  const ms = at(text);
  if (!ms) return el("span", {}, "\u2013");
  return el("time", { datetime: new Date(ms).toISOString(), title: exact(ms), "data-write": write }, written(ms, write));
}

// lasting is time for what has lasted since then: "3 h" in place of "3 h ago".
export const lasting = (text) => time(text, "lasting");

const forms = { relative, lasting: (ms, now) => span(now - ms) };

// written writes a time in a form, as seen from now.
export const written = (ms, form = "relative", now = Date.now()) => forms[form](ms, now);

// tick sets all times on the page to how long ago they are now.
export function tick() {
  const now = Date.now();
  for (const node of document.querySelectorAll("time[datetime]")) {
    const text = written(Date.parse(node.dateTime), node.dataset.write, now);
    if (node.textContent !== text) node.textContent = text;
  }
}

// errorText returns the text of an error in JSON, which is a text, or an object that has it.
export function errorText(err) {
  if (err == null || err === "") return "";
  if (typeof err === "string") return visible(err);
  return visible(err.message ?? err.error ?? err.reason ?? JSON.stringify(err));
}

// What the page asks.

import { el } from "./dom.js";
import { visible } from "./format.js";

// ask shows a dialog and resolves with what its form gives, or null if the user leaves it. Nothing is sent by a form itself.
function ask({ title, body, confirm, danger, value, leave = true }) {
  return new Promise((resolve) => {
    let answer = null;
    const form = el("form", { onsubmit: submit },
      el("h2", { id: "dialog-title" }, title), body,
      el("div", { class: "buttons" },
        leave && el("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
        el("button", { type: "submit", class: danger ? "danger" : "primary" }, confirm)));
    const dialog = el("dialog", { "aria-labelledby": "dialog-title", onclose: closed, oncancel: (event) => leave || event.preventDefault() }, form);
    function submit(event) {
      event.preventDefault();
      answer = value();
      dialog.close();
    }
    function closed() {
      if (answer === null && !leave) return dialog.showModal(); // Esc twice closes any dialog
      dialog.remove();
      resolve(answer);
    }
    document.body.append(dialog);
    dialog.showModal();
  });
}

let asking = null;

// askToken asks for a token. While it is asked for, everybody waits for the same answer.
export function askToken(refused) {
  const input = el("input", { type: "password", id: "token", autocomplete: "off", spellcheck: "false", required: true, autofocus: true, "aria-describedby": "token-about" });
  asking ??= ask({
    title: "Token needed",
    body: [
      refused && el("p", { class: "trouble", role: "alert" }, "The server does not take this token."),
      el("p", { id: "token-about", class: "about" }, "One of the tokens that the server was given. It is kept until this tab is closed."),
      el("label", { for: "token" }, "Token"), input,
    ],
    confirm: "Continue",
    value: () => input.value.trim(),
    leave: false,
  }).finally(() => { asking = null; });
  return asking;
}

// askKill asks whether a task is to be killed.
export async function askKill(task) {
  return await ask({
    title: "Kill this task?",
    body: [
      el("p", { class: "id" }, visible(task.id)),
      el("p", { class: "about" }, task.pod ? `It is a member of the pod ${visible(task.pod)}: all members end with it. ` : "", "A killed task does not come back."),
    ],
    confirm: "Kill",
    danger: true,
    value: () => true,
  }) === true;
}

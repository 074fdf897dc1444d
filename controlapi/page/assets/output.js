// The output of a task: the end of it first, then what is written, as long as the reader is at the end.

import { APIError, events, failure, request, taskPath } from "./api.js";
import { el, setText } from "./dom.js";
import { bytes, counted, visibleOutput } from "./format.js";

const tail = 64 << 10; // bytes that are shown at first, and by each "Show earlier"
const most = 1 << 20; // characters that are kept, and four times as many while the reader is not at the end
const longest = 64 << 10; // characters of a line; what is longer is broken

const words = {
  agent_away: "Its agent cannot be reached at present. The output is there again when the agent is back.",
  output_gone: "Its agent has removed the files of this task.",
  not_started: "It has not been started, so there is no output.",
};

// Output shows one stream of a task.
export class Output {
  #abort; // of the present request
  #closed = false;
  #decoder = new TextDecoder();
  #first = null; // offset of the first byte shown
  #next = 0; // offset of the byte after the last one
  #length = 0; // characters shown
  #waiting = []; // what came since the last frame
  #missed = 0; // lines that came while the reader was elsewhere
  #follow = true;
  #top = 0; // where the reader was
  #open = null; // the block whose last line is not complete
  #whole = true; // nothing was cut

  // choices are buttons for the streams.
  constructor(id, stream, choices) {
    this.id = id;
    this.stream = stream;
    this.earlier = el("button", { type: "button", class: "quiet", hidden: true, onclick: () => this.#earlier() }, "Show earlier");
    this.text = el("pre", { class: "output", tabindex: 0, role: "log", "aria-live": "off", "aria-label": stream + " of the task", onscroll: () => this.#scrolled() });
    this.status = el("span", { class: "about", role: "status" }, "Waiting for output");
    this.jump = el("button", { type: "button", class: "jump", hidden: true, onclick: () => this.#end() }, "To the end");
    this.node = el("div", { class: "output-box" }, el("div", { class: "output-bar" }, choices, this.status, this.earlier), this.text, this.jump);
    new ResizeObserver(() => this.#follow && this.#toEnd()).observe(this.text);
    this.#read();
  }

  close() {
    this.#closed = true;
    this.#abort.abort();
  }

  // again reads on with another connection: the present one may be dead without knowing it.
  again() {
    this.#abort.abort();
  }

  #path(offset, more) {
    return `${taskPath(this.id)}/logs?stream=${this.stream}&offset=${offset}${more}`;
  }

  // read follows the output, over lost connections, until it ends.
  async #read() {
    for (let failed = 0; !this.#closed; failed++) {
      this.#abort = new AbortController();
      try {
        const from = this.#first === null ? -tail : this.#next;
        const response = await request(this.#path(from, "&follow=true"), { headers: { Accept: "text/event-stream" }, signal: this.#abort.signal });
        if (!response.ok) throw await failure(response);
        this.#state("Following");
        for await (const { event, data } of events(response)) {
          if (event === "error") throw new APIError(0, data.error?.code, data.error?.message);
          if (event !== "log") continue;
          failed = 0;
          this.#chunk(data);
        }
        return this.#state(this.#first === null ? `It has written nothing to ${this.stream}.` : "All of it: the task has ended.");
      } catch (error) {
        if (this.#closed) return;
        if (this.#abort.signal.aborted) continue;
        if (words[error.code]) this.#state(words[error.code]);
        else this.#state(`Trying again: ${error instanceof APIError ? error.message : "the server cannot be reached"}.`);
        if (error.code === "output_gone" || error.status === 404) return;
      }
      await new Promise((resolve) => setTimeout(resolve, Math.min(15, 1 << Math.min(failed, 4)) * 1000));
    }
  }

  #state(text) {
    setText(this.status, text);
  }

  #chunk(chunk) {
    const { offset, rotated } = chunk, written = raw(chunk);
    if (rotated && this.#first !== null) {
      this.#add("\n[the file was rotated: what it had before is not complete here]\n");
      this.#first = null;
    }
    this.#first ??= offset;
    this.#next = offset + written.length;
    this.earlier.hidden = this.#first === 0 || !this.#whole;
    this.#add(visibleOutput(this.#decoder.decode(written, { stream: true })));
  }

  // add shows a text soon, so that many small ones cost one layout.
  #add(text) {
    if (!text) return;
    this.#waiting.push(text);
    if (this.#waiting.length === 1) setTimeout(() => this.#flush(), 40); // a frame would never come in a tab that is hidden
  }

  #flush() {
    const texts = this.#waiting;
    this.#waiting = [];
    for (const text of texts) this.#append(text);
    this.#cut(this.#follow ? most : 4 * most);
    if (this.#follow) return this.#toEnd();
    for (const text of texts) this.#missed += text.split("\n").length - 1;
    this.jump.hidden = false;
    setText(this.jump, this.#missed ? `${counted(this.#missed, "new line")}, to the end` : "To the end");
  }

  // append adds whole lines as a block, and what is left as another one that the next text continues: the browser lays out only
  // what is new.
  #append(text) {
    const whole = (this.#open?.textContent ?? "") + text;
    const lines = whole.length > longest ? whole.length : whole.lastIndexOf("\n") + 1;
    const block = this.#open ?? this.text.appendChild(el("div", {}));
    setText(block, lines ? whole.slice(0, lines) : whole);
    this.#open = lines ? null : block;
    if (lines && lines < whole.length) this.#open = this.text.appendChild(el("div", {}, whole.slice(lines)));
    this.#length += text.length;
  }

  // cut removes the oldest blocks, beyond a number of characters. What the reader looks at stays where it is.
  #cut(limit) {
    if (this.#length <= limit) return;
    const before = this.text.scrollHeight;
    while (this.#length > limit && this.text.childElementCount > 1) {
      this.#length -= this.text.firstChild.textContent.length;
      this.text.firstChild.remove();
    }
    this.#whole = false; // the offset of what is first is not known any more
    this.earlier.hidden = true;
    this.text.scrollTop -= before - this.text.scrollHeight;
    this.#top = this.text.scrollTop;
  }

  #toEnd() {
    this.text.scrollTop = this.text.scrollHeight;
    this.#top = this.text.scrollTop;
  }

  // scrolled pauses when the reader scrolls up, and goes on when he is at the end again.
  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.text;
    const end = scrollHeight - scrollTop - clientHeight < 24, up = scrollTop < this.#top;
    this.#top = scrollTop;
    // The end may have moved since the page scrolled to it: that is not the reader's doing.
    if (end === this.#follow || (!end && !up)) return;
    this.#follow = end;
    this.#missed = 0;
    this.jump.hidden = end;
    setText(this.jump, "To the end");
    this.node.classList.toggle("paused", !end);
  }

  #end() {
    this.text.scrollTop = this.text.scrollHeight;
    this.text.focus();
  }

  // earlier shows what comes before the first byte shown.
  async #earlier() {
    const from = Math.max(0, this.#first - tail), decoder = new TextDecoder();
    let text = "";
    this.earlier.disabled = true;
    try {
      const response = await request(this.#path(from, `&limit=${this.#first - from}`), { headers: { Accept: "text/event-stream" }, signal: this.#abort.signal });
      if (!response.ok) throw await failure(response);
      for await (const { event, data } of events(response)) {
        if (event === "log") text += decoder.decode(raw(data), { stream: true });
      }
      text = visibleOutput(text);
      const before = this.text.scrollHeight;
      const first = this.text.firstChild, line = first.textContent.indexOf("\n") + 1; // which may begin in the middle
      this.text.prepend(el("div", {}, text + first.textContent.slice(0, line)));
      setText(first, first.textContent.slice(line));
      this.#length += text.length;
      this.#first = from;
      this.earlier.hidden = from === 0;
      this.text.scrollTop += this.text.scrollHeight - before;
      this.#state(`${bytes(this.#next - from)} shown`);
    } catch (error) {
      if (!this.#closed) this.#state(error.message);
    }
    this.earlier.disabled = false;
  }
}

function raw({ data }) {
  return Uint8Array.from(atob(data ?? ""), (c) => c.charCodeAt(0));
}

// The conversation on the page.
import { byId, element, announce } from "./dom.js";
import { call, Refused } from "./api.js";
import { Tree } from "./tree.js";
import { messageNode } from "./message.js";

const log = () => byId("log");

export class Chat {
  /** `changed()` is told when the list of conversations should be read again. */
  constructor(changed) {
    this.changed = changed;
    this.following = new Map();
    // The end stays in view, whatever grows above it, until the reader scrolls away from it.
    this.sticks = true;
    this.growth = new ResizeObserver(() => { if (this.sticks) this.toEnd(); });
    log().addEventListener("scroll", () => { this.sticks = this.isAtEnd(); }, { passive: true });
    this.start();
  }

  /** An empty conversation, kept by the service from its first question on. */
  start(draft = { system: "", sampling: {} }) {
    this.leave();
    this.conversation = { id: null, title: "", ...draft };
    this.tree = new Tree();
    this.feedback = new Map();
    this.two = null;
    this.show();
  }

  async open(id) {
    const whole = await call("GET", "conversations/" + encodeURIComponent(id));
    this.leave();
    this.conversation = whole.conversation;
    this.tree = new Tree(whole.messages, whole.conversation.leaf);
    this.feedback = new Map(whole.feedback.map((one) => [one.message + one.value.kind, one.value]));
    this.two = null;
    this.show();
  }

  leave() {
    for (const end of this.following.values()) end();
    this.following.clear();
    this.crowd(null);
  }

  // Showing

  show() {
    byId("title").textContent = this.conversation.title || "New conversation";
    document.title = (this.conversation.title || "Primer") + (this.conversation.title ? " · Primer" : "");
    const branch = this.tree.branch();
    if (branch.length === 0) return this.showWelcome();
    // The end is what a reader sees first; the rest is made when it comes near.
    this.growth.disconnect();
    log().replaceChildren(...branch.map((message, at) =>
      messageNode(message, this, { now: at >= branch.length - 4 })));
    for (const node of log().children) this.growth.observe(node);
    this.toEnd();
    this.showWriting();
  }

  showWelcome() {
    const suggestions = [
      "Explain how a bicycle stays upright, as if to a child.",
      "Write a short poem about the sea at night.",
      "Give me a table of the four seasons with a typical day of each.",
      "What questions should I ask before renting a flat?",
    ];
    log().replaceChildren(element("div", { className: "welcome" },
      element("h2", {}, "What would you like to talk about?"),
      element("div", { className: "suggestions" }, suggestions.map((text) =>
        element("button", { type: "button", onclick: () => this.ask(text) }, text)))));
    this.showWriting();
  }

  isAtEnd() {
    return log().scrollHeight - log().scrollTop - log().clientHeight < 60;
  }

  toEnd() {
    this.sticks = true;
    log().scrollTop = log().scrollHeight;
  }

  showWriting() {
    const writing = this.tree.branch().some((message) => message.state === "writing")
      || this.two?.some((message) => message.state === "writing");
    byId("send").hidden = Boolean(writing);
    byId("stop-all").hidden = !writing;
    return writing;
  }

  answerEnded(message) {
    this.following.delete(message.id);
    this.showWriting();
    this.changed();
  }

  async showBranch(id) {
    this.tree.leaf = this.tree.newest(id);
    this.leave();
    this.show();
    log().querySelector(`[data-id="${id}"]`)?.scrollIntoView({ block: "nearest" });
    announce("Another version");
    await call("PATCH", "conversations/" + this.conversation.id, { leaf: this.tree.leaf });
  }

  // Asking

  get parent() {
    return this.tree.leaf ?? null;
  }

  async ask(content, { answers = 1, parent = this.parent } = {}) {
    if (this.showWriting()) return;
    if (!this.conversation.id) {
      const { system, model, sampling } = this.conversation;
      this.conversation = await call("POST", "conversations", { system, model, sampling });
      history.replaceState(null, "", "#c/" + this.conversation.id);
    }
    const path = `conversations/${this.conversation.id}/messages`;
    await this.take(await call("POST", path, { parent, content, answers }), answers);
    if (!this.conversation.title) {
      this.conversation = (await call("GET", "conversations/" + this.conversation.id)).conversation;
      byId("title").textContent = this.conversation.title;
    }
    this.changed();
  }

  /** Another answer to the question that `answer` answers. */
  async regenerate(answer) {
    if (!this.showWriting()) await this.answerAgain(answer.parent, 1);
  }

  async answerAgain(question, answers) {
    const path = `conversations/${this.conversation.id}/answers`;
    await this.take(await call("POST", path, { parent: question, answers }), answers, question);
  }

  async take(asked, answers, question) {
    if (asked.question) this.tree.add(asked.question);
    for (const answer of asked.answers) this.tree.add(answer);
    this.leave();
    this.show();
    if (asked.crowded) return this.crowd({ wait: asked.crowded, answers, question: question ?? asked.question.id });
    announce("An answer is being written");
    if (asked.answers.length === 2) this.compare(asked.answers);
  }

  /** Changes a question: the new one becomes a branch beside it. */
  edit(message) {
    const node = log().querySelector(`[data-id="${message.id}"]`);
    const field = element("textarea", { value: message.content, rows: 4, "aria-label": "Edit the question" });
    const form = element("form", {
      className: "editing",
      onsubmit: async (event) => {
        event.preventDefault();
        if (field.value.trim()) await this.guard(() => this.ask(field.value, { parent: message.parent ?? null }));
      },
    }, field, element("div", { className: "actions" },
      element("button", { type: "button", onclick: () => this.show() }, "Cancel"),
      element("button", { className: "primary" }, "Ask again")));
    node.replaceChildren(form);
    field.focus();
  }

  async stop() {
    const writing = [...this.tree.byId.values()].filter((message) => message.state === "writing");
    await Promise.all(writing.map((message) => call("DELETE", "streams/" + message.id)));
  }

  // Two answers, side by side, without their names

  compare(pair) {
    this.two = pair;
    const [left, right] = pair;
    log().lastElementChild.remove();
    for (const end of this.following.values()) end();
    const vote = async (choice) => {
      await call("POST", "feedback", {
        message: left.id, value: { kind: "vote", other: right.id, choice },
      });
      this.two = null;
      await this.showBranch(choice === "right" ? right.id : left.id);
      announce("Thank you");
    };
    const names = { left: "A is better", right: "B is better", tie: "Both are good", bothBad: "Both are bad" };
    log().append(element("div", { className: "pair" },
      messageNode(left, this, { blind: "A" }), messageNode(right, this, { blind: "B" })),
    element("div", { className: "votes", role: "group", "aria-label": "Which answer is better?" },
      Object.entries(names).map(([choice, name]) =>
        element("button", { type: "button", onclick: () => this.guard(() => vote(choice)) }, name))));
    this.growth.observe(log().querySelector(".pair"));
    this.toEnd();
    this.showWriting();
  }

  // Too crowded

  /** Shows the wait, counts it down, and asks again when told to; null takes the notice away. */
  crowd(refused) {
    clearInterval(this.countdown);
    const notice = byId("crowded");
    notice.hidden = !refused;
    if (!refused) return;
    const until = Date.now() + 1000 * refused.wait;
    const seconds = () => Math.max(0, Math.ceil((until - Date.now()) / 1000));
    const left = element("strong", {}, `${seconds()} s`);
    const again = () => {
      this.crowd(null);
      this.guard(() => this.answerAgain(refused.question, refused.answers));
    };
    const itself = element("input", { type: "checkbox" });
    notice.replaceChildren(
      element("p", {}, "Too many people are asking right now. There will be room in about ", left, "."),
      element("label", {}, itself, " Ask again by itself"),
      element("button", { type: "button", onclick: again }, "Ask now"));
    this.countdown = setInterval(() => {
      left.textContent = `${seconds()} s`;
      if (seconds() === 0 && itself.checked) again();
      else if (seconds() === 0) clearInterval(this.countdown);
    }, 500);
  }

  /** Runs what a button began, and says when it was refused. */
  async guard(action) {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const notice = byId("crowded");
      notice.hidden = false;
      notice.replaceChildren(element("p", {}, error.message),
        element("button", { type: "button", onclick: () => { notice.hidden = true; } }, "Close"));
    }
  }
}

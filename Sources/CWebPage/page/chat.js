// The conversation on the page.
import { byId, element, announce } from "./dom.js";
import { call, Refused } from "./api.js";
import { Tree } from "./tree.js";
import { messageNode, refreshOpinion } from "./message.js";

const log = () => byId("log");

export class Chat {
  /** `changed()` is told when the list of conversations should be read again. */
  constructor(changed) {
    this.changed = changed;
    this.following = new Map();
    /** Pairs of answers that were gone on from without a vote. */
    this.passed = new Set();
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
    this.flags = new Map();
    this.show();
  }

  async open(id) {
    const whole = await call("GET", "conversations/" + encodeURIComponent(id));
    this.leave();
    this.conversation = whole.conversation;
    this.tree = new Tree(whole.messages, whole.conversation.leaf);
    this.feedback = new Map(whole.feedback.map((one) => [one.message + one.value.kind, one.value]));
    this.flags = new Map(whole.flags.map((one) => [one.message, one]));
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
    this.two = null;
    const branch = this.tree.branch();
    if (branch.length === 0) return this.showWelcome();
    // The end is what a reader sees first; the rest is made when it comes near.
    this.growth.disconnect();
    log().replaceChildren(...branch.map((message, at) =>
      messageNode(message, this, { now: at >= branch.length - 4, bare: at < branch.length - 20 })));
    for (const node of log().children) this.growth.observe(node);
    this.compareUndecided(branch.at(-1));
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
    if (asked.flag) this.flags.set(asked.flag.message, asked.flag);
    for (const answer of asked.answers) this.tree.add(answer);
    this.leave();
    this.show();
    if (asked.crowded) return this.crowd({ wait: asked.crowded, answers, question: question ?? asked.question.id });
    announce(asked.answers.some((answer) => answer.state === "refused")
      ? "The question was refused" : "An answer is being written");
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

  /** The two answers that `message` is one of, or null. */
  pairOf(message) {
    if (!message?.compared) return null;
    const pair = this.tree.siblings(message).map((id) => this.tree.byId.get(id))
      .filter((one) => one.compared === message.compared);
    return pair.length === 2 ? pair : null;
  }

  /** The vote between an answer and another: its left one and the choice; or undefined. */
  voteOn(message) {
    for (const one of this.pairOf(message) ?? []) {
      const vote = this.feedback.get(one.id + "vote");
      if (vote) return { left: one.id, choice: vote.choice };
    }
    return undefined;
  }

  compareUndecided(message) {
    const pair = this.pairOf(message);
    if (pair && !this.voteOn(message) && !this.passed.has(message.compared)) this.compare(pair);
  }

  compareAgain(message) {
    this.leave();
    this.tree.leaf = message.id;
    this.show();
    this.compare(this.pairOf(message));
  }

  compare(pair) {
    this.two = pair;
    const [left, right] = pair;
    for (const end of this.following.values()) end();
    this.following.clear();
    log().lastElementChild.remove();
    const vote = async (choice) => {
      const value = { kind: "vote", other: right.id, choice };
      await call("POST", "feedback", { message: left.id, value });
      this.feedback.set(left.id + "vote", value);
      await this.showBranch(choice === "right" ? right.id : left.id);
      announce("Thank you");
    };
    const pass = () => {
      this.passed.add(left.compared);
      this.leave();
      this.show();
    };
    const names = { left: "A is better", right: "B is better", tie: "Both are good", bothBad: "Both are bad" };
    log().append(element("div", { className: "pair" },
      messageNode(left, this, { blind: "A", now: true }), messageNode(right, this, { blind: "B", now: true })),
    element("div", { className: "votes", role: "group", "aria-label": "Which answer is better?" },
      Object.entries(names).map(([choice, name]) =>
        element("button", { type: "button", onclick: () => this.guard(() => vote(choice)) }, name)),
      element("button", { type: "button", className: "link", onclick: pass }, "Go on without saying")));
    this.growth.observe(log().querySelector(".pair"));
    this.toEnd();
    this.showWriting();
  }

  /** Somebody said something of `message`, or took it back. */
  opinionChanged(message) {
    const node = log().querySelector(`[data-id="${message.id}"]`);
    if (node) refreshOpinion(node, message, this);
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

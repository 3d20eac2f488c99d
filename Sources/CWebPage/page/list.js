// The list of conversations.
import { byId, element, iconButton, askText, confirmAction } from "./dom.js";
import { call } from "./api.js";

export class List {
  constructor(chat) {
    this.chat = chat;
    this.search = "";
    byId("search").addEventListener("input", (event) => {
      this.search = event.target.value;
      clearTimeout(this.soon);
      this.soon = setTimeout(() => this.read(), 150);
    });
  }

  async read() {
    const asked = this.search;
    const found = await call("GET", "conversations?search=" + encodeURIComponent(asked));
    if (asked === this.search) this.show(found);
  }

  show(conversations) {
    const open = location.hash.startsWith("#c/") ? this.chat.conversation.id : null;
    const rows = [];
    let group = "";
    for (const one of conversations) {
      const name = dayName(one.changed);
      if (name !== group) rows.push(element("li", { className: "day" }, group = name));
      const link = element("a", { href: "#c/" + one.id, title: one.title }, one.title || "Untitled");
      if (one.id === open) link.setAttribute("aria-current", "page");
      rows.push(element("li", {}, link,
        iconButton("more", `More for ${one.title}`, (event) => this.menu(event.currentTarget, one),
          { "aria-haspopup": "true" })));
    }
    if (rows.length === 0) {
      rows.push(element("li", { className: "none" }, this.search ? "Nothing found" : "No conversations yet"));
    }
    byId("list").replaceChildren(...rows);
  }

  menu(button, one) {
    const menu = byId("row-menu");
    const item = (name, action, className = "") => element("button", {
      type: "button", role: "menuitem", className, onclick: () => { menu.hidePopover(); this.chat.guard(action); },
    }, name);
    menu.replaceChildren(
      item("Rename", () => this.rename(one)),
      item("Export as Markdown", () => download(`conversations/${one.id}/export?format=markdown`)),
      item("Export as JSON", () => download(`conversations/${one.id}/export`)),
      item("Delete", () => this.remove(one), "danger"));
    const place = button.getBoundingClientRect();
    menu.style.left = Math.min(place.left, innerWidth - 234) + "px";
    menu.style.top = Math.min(place.bottom + 4, innerHeight - 180) + "px";
    menu.showPopover();
    menu.firstChild.focus();
    menu.onkeydown = (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const at = [...menu.children].indexOf(document.activeElement);
      menu.children[(at + step + menu.children.length) % menu.children.length].focus();
    };
  }

  async rename(one) {
    const title = await askText({ title: "Rename the conversation", text: one.title, action: "Rename" });
    if (!title?.trim()) return;
    await call("PATCH", "conversations/" + one.id, { title: title.trim() });
    if (this.chat.conversation.id === one.id) {
      this.chat.conversation.title = title.trim();
      byId("title").textContent = title.trim();
    }
    await this.read();
  }

  async remove(one) {
    if (!await confirmAction(`Delete “${one.title}”?`, "Delete")) return;
    await call("DELETE", "conversations/" + one.id);
    if (this.chat.conversation.id === one.id) location.hash = "";
    await this.read();
  }
}

export function download(path) {
  const link = element("a", { href: "/api/" + path, download: "" });
  document.body.append(link);
  link.click();
  link.remove();
}

function dayName(seconds) {
  const day = new Date(1000 * seconds);
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(day).setHours(0, 0, 0, 0)) / 864e5);
  if (days <= 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days < 7) return "This week";
  return day.toLocaleDateString(undefined, { month: "long", year: "numeric" });
}

// What happens when: start, sign-in, addresses, keys.
import { byId, element } from "./dom.js";
import { call, setToken, onSignedOut } from "./api.js";
import { Chat } from "./chat.js";
import { List } from "./list.js";
import { openSettings } from "./settings.js";
import { showAdmin } from "./admin.js";
import { leaveLabelling, showLabelling } from "./labelling.js";

let me = null;
let chat = null;
let list = null;

onSignedOut(showSignIn);
start();

async function start() {
  try {
    me = await call("GET", "me");
  } catch (refused) {
    if (refused.status !== 401) {
      byId("sign-in").hidden = false;
      byId("sign-in-error").textContent = refused.message;
    }
    return;
  }
  setToken(me.csrf);
  byId("sign-in").hidden = true;
  byId("app").hidden = false;
  byId("who").textContent = me.user.name;
  byId("open-admin").hidden = me.user.role !== "admin";
  byId("model").replaceChildren(...me.models.map((model) => element("option", {}, model.name)));
  if (!chat) {
    chat = new Chat(() => list?.read());
    list = new List(chat);
    wire();
  }
  await route();
}

async function showSignIn() {
  byId("app").hidden = true;
  byId("sign-in").hidden = false;
  if (new URLSearchParams(location.search).has("link")) {
    byId("sign-in-note").textContent =
      "That link has been used, or is too old. Start the service again for a new one, or sign in with your account.";
  }
  if (new URLSearchParams(location.search).get("sign-in") === "refused") {
    byId("sign-in-error").textContent = "That did not sign you in. Try again, or ask whoever runs this service.";
  }
  const { providers } = await call("GET", "sign-in");
  byId("providers").replaceChildren(...providers.map((one) => element(
    "a", { className: "button", href: "/sign-in/" + one.id }, "Sign in with " + one.name)));
}

/** The address says what is shown: #c/ID a conversation, #admin the administration, #label the desk. */
async function route() {
  const address = location.hash.slice(1);
  const isAdmin = address === "admin" && me.user.role === "admin";
  const isLabelling = /^label(\/|$)/.test(address) && me.user.role === "admin";
  const isChat = !isAdmin && !isLabelling;
  byId("admin").hidden = !isAdmin;
  byId("labelling").hidden = !isLabelling;
  byId("log").hidden = !isChat;
  byId("composer").hidden = !isChat;
  byId("model").parentNode.hidden = !isChat;
  byId("open-settings").hidden = !isChat;
  toggleSide(false);
  leaveLabelling();
  await chat.guard(async () => {
    if (isAdmin) {
      byId("title").textContent = "Administration";
      await showAdmin();
    } else if (isLabelling) {
      byId("title").textContent = "Labelling desk";
      await showLabelling(address.slice(6), me.models);
    } else if (address.startsWith("c/")) await chat.open(address.slice(2));
    else chat.start({ system: "", sampling: {}, model: byId("model").value || undefined });
  });
  if (chat.conversation.model) showModel();
  await list.read();
  if (isChat && matchMedia("(min-width: 48rem)").matches) byId("question").focus();
}

/** A conversation whose model is no longer served goes on with the default one. */
function showModel() {
  const select = byId("model");
  select.value = chat.conversation.model;
  if (select.selectedIndex >= 0 || !me.models.length) return;
  select.selectedIndex = 0;
  select.dispatchEvent(new Event("change"));
}

function toggleSide(open) {
  byId("app").classList.toggle("side-shown", open);
  byId("shade").hidden = !open;
  byId("side-open").setAttribute("aria-expanded", String(open));
  if (open) byId("side-close").focus();
}

function wire() {
  addEventListener("hashchange", route);
  byId("new").addEventListener("click", () => {
    if (location.hash) location.hash = "";
    else route();
  });
  byId("side-open").addEventListener("click", () => toggleSide(true));
  byId("side-close").addEventListener("click", () => toggleSide(false));
  byId("shade").addEventListener("click", () => toggleSide(false));
  byId("open-settings").addEventListener("click", () => openSettings(chat, me));
  byId("open-admin").addEventListener("click", () => { location.hash = "admin"; });
  byId("theme").addEventListener("click", changeTheme);
  byId("sign-out").addEventListener("click", async () => {
    await call("POST", "sign-out");
    location.replace("/");
  });
  byId("model").addEventListener("change", async (event) => {
    chat.conversation.model = event.target.value;
    if (chat.conversation.id) {
      await call("PATCH", "conversations/" + chat.conversation.id, { model: event.target.value });
    }
  });
  byId("two").addEventListener("click", (event) => {
    const button = event.currentTarget;
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
  });
  byId("stop-all").addEventListener("click", () => chat.guard(() => chat.stop()));
  wireQuestion();
  addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && !byId("stop-all").hidden) chat.guard(() => chat.stop());
    if ((event.ctrlKey || event.metaKey) && event.key === "k") {
      event.preventDefault();
      if (getComputedStyle(byId("side-open")).display !== "none") toggleSide(true);
      byId("search").focus();
    }
  });
}

function wireQuestion() {
  const question = byId("question");
  const fit = () => {
    question.style.height = "auto";
    question.style.height = Math.min(question.scrollHeight, 0.4 * innerHeight) + "px";
  };
  question.addEventListener("input", fit);
  question.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      byId("ask").requestSubmit();
    }
  });
  byId("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    const content = question.value;
    if (!content.trim() || chat.showWriting()) return;
    question.value = "";
    fit();
    const answers = byId("two").getAttribute("aria-pressed") === "true" ? 2 : 1;
    chat.guard(async () => {
      try {
        await chat.ask(content, { answers });
      } catch (refused) {
        question.value = content;
        throw refused;
      }
    });
  });
}

function changeTheme() {
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (isDark ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  localStorage.setItem("theme", next);
}

byId("sign-in-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { name, password } = event.target.elements;
  byId("sign-in-error").textContent = "";
  try {
    await call("POST", "sign-in", { name: name.value, password: password.value });
    location.replace("/");
  } catch (refused) {
    byId("sign-in-error").textContent = refused.message;
  }
});

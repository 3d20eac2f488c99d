// How answers are made: system text, role, model, sampling; and what the page remembers.
import { byId, element, iconButton } from "./dom.js";
import { call } from "./api.js";
import { download } from "./list.js";
import { roles } from "./roles.js";

const numbers = [
  ["temperature", "Temperature", 0, 2, 0.05, "0 always takes the likeliest word; higher is bolder."],
  ["topP", "Top p", 0, 1, 0.05, "Only the likeliest words that together reach this share."],
  ["topK", "Top k", 0, 1000, 1, "Only so many of the likeliest words; 0 is all."],
  ["minP", "Min p", 0, 1, 0.01, "Only words at least this share as likely as the likeliest."],
  ["maxTokens", "Most tokens", 1, 100000, 1, "Where an answer is cut."],
  ["seed", "Seed", 0, 2147483647, 1, "The same seed gives the same answer."],
];

/** Opens the settings of the conversation that `chat` shows. */
export function openSettings(chat, me) {
  const dialog = byId("settings");
  const conversation = chat.conversation;
  const system = element("textarea", {
    id: "system", rows: 4, value: conversation.system, placeholder: "You are a helpful assistant.",
  });
  const role = element("select", {
    id: "role",
    onchange: () => { if (role.value) system.value = roles[role.value]; },
  }, element("option", { value: "" }, "Choose a role …"),
  Object.keys(roles).map((name) => element("option", { value: name }, name)));
  const fields = numbers.map(([name, label, min, max, step, note]) => {
    const input = element("input", {
      id: "set-" + name, name, type: "number", min, max, step, placeholder: me.standard[name] ?? "any",
      value: conversation.sampling[name] ?? "", "aria-describedby": `note-${name}`,
    });
    return element("div", { className: "field" }, element("label", { for: input.id }, label), input,
      element("p", { id: `note-${name}`, className: "small" }, note));
  });
  const password = element("input", {
    id: "password", type: "password", minLength: 8, placeholder: "as it is", autocomplete: "new-password",
    "aria-describedby": "note-password",
  });
  const consent = element("input", { type: "checkbox", checked: me.user.consent });
  const save = async () => {
    conversation.system = system.value;
    conversation.sampling = {};
    for (const [name] of numbers) {
      const value = byId("set-" + name).value;
      if (value !== "") conversation.sampling[name] = Number(value);
    }
    if (consent.checked !== me.user.consent) {
      await call("PATCH", "me", { consent: consent.checked });
      me.user.consent = consent.checked;
    }
    if (conversation.id) {
      await call("PATCH", "conversations/" + conversation.id,
        { system: conversation.system, sampling: conversation.sampling });
    }
    if (password.value) {
      await call("PATCH", "me", { password: password.value });
      location.replace("/");
    }
  };
  dialog.replaceChildren(element("form", { method: "dialog", onsubmit: () => chat.guard(save) },
    element("div", { className: "dialog-head" }, element("h2", { id: "settings-title" }, "Settings"),
      iconButton("close", "Close", () => dialog.close())),
    element("label", { for: "role" }, "Act as"), role,
    element("label", { for: "system" }, "System text"), system,
    element("p", { className: "small" }, "Said to the model before the conversation."),
    element("h3", {}, "Sampling"), element("div", { className: "fields" }, fields),
    element("h3", {}, "Yours"),
    element("label", { className: "line" }, consent,
      " My feedback may teach the next version of the model"),
    element("div", { className: "field" }, element("label", { for: "password" }, "New password"), password,
      element("p", { id: "note-password", className: "small" },
        `At least 8 characters. Sign in with it as ${me.user.name}; you are signed out everywhere.`)),
    element("button", { type: "button", onclick: () => download("export") }, "Export all conversations"),
    element("div", { className: "actions" },
      element("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
      element("button", { className: "primary" }, "Save"))));
  dialog.showModal();
}

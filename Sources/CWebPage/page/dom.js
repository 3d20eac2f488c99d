// Nodes, not markup: no text of anybody's ever passes a parser of HTML here.

export const byId = (id) => document.getElementById(id);

/** A new element; properties by name, those with a dash as attributes, `on…` as listeners. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role" || name === "for") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

const svgSpace = "http://www.w3.org/2000/svg";

export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(svgSpace, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export const icon = (name) =>
  svg("svg", { "aria-hidden": "true" }, svg("use", { href: "#i-" + name }));

/** A button of one picture, with its name for those who do not see it. */
export function iconButton(name, label, action, properties = {}) {
  return element(
    "button",
    { type: "button", className: "icon", title: label, "aria-label": label, onclick: action, ...properties },
    icon(name));
}

/** Tells a screen reader, without anybody seeing it. */
export function announce(text) {
  byId("status").textContent = text;
}

/** A modal question with one text; resolves to the text, or null. */
export function askText({ title, text = "", rows = 1, action = "Save", note = "" }) {
  const dialog = byId("prompt");
  const field = rows > 1
    ? element("textarea", { rows, value: text, "aria-labelledby": "prompt-title" })
    : element("input", { value: text, "aria-labelledby": "prompt-title" });
  return new Promise((resolve) => {
    const form = element("form", { method: "dialog", onsubmit: () => resolve(field.value) },
      element("h2", { id: "prompt-title" }, title), note ? element("p", {}, note) : null, field,
      element("div", { className: "actions" },
        element("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
        element("button", { className: "primary" }, action)));
    dialog.replaceChildren(form);
    dialog.addEventListener("close", () => resolve(null), { once: true });
    dialog.showModal();
    field.focus();
    if (rows === 1) field.select();
  });
}

/** A modal question with yes and no. */
export function confirmAction(title, action) {
  const dialog = byId("prompt");
  return new Promise((resolve) => {
    const form = element("form", { method: "dialog", onsubmit: () => resolve(true) },
      element("h2", { id: "prompt-title" }, title),
      element("div", { className: "actions" },
        element("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
        element("button", { className: "danger" }, action)));
    dialog.replaceChildren(form);
    dialog.addEventListener("close", () => resolve(false), { once: true });
    dialog.showModal();
  });
}

// What an administrator sees: load, use, people, feedback, what was flagged, and the labelling desk.
import { byId, element, svg, confirmAction } from "./dom.js";
import { call } from "./api.js";
import { labellingDesk } from "./labelling.js";

let timer = 0;

export async function showAdmin() {
  const place = byId("admin");
  const overview = await call("GET", "admin");
  place.replaceChildren(
    element("h2", {}, "Now"), now(overview.load, overview.writing),
    element("h2", {}, "Use"),
    element("div", { className: "charts" },
      chart("Tokens written a day", overview.days, "tokens"),
      chart("Answers a day", overview.days, "answers"),
      chart("Seconds of computing a day", overview.days, "seconds")),
    element("h2", {}, "Models"), loaded(overview.load.models),
    table(["Model", "Answers", "Tokens", "Good", "Bad"],
      overview.models.map((one) => [one.model, one.answers, one.tokens, one.thumbsUp, one.thumbsDown])),
    element("h2", {}, "Feedback"),
    table(["Thumbs", "Votes", "Rankings", "Better answers"],
      [["thumb", "vote", "ranking", "better"].map((kind) => overview.feedback[kind] ?? 0)]),
    element("h2", {}, "People"), people(overview.people),
    element("h2", {}, "Flagged"), flags(overview.flags),
    element("h2", {}, "Labelling desk"), labellingDesk());
  clearTimeout(timer);
  timer = setTimeout(refresh, 3000);
}

async function refresh() {
  if (byId("admin").hidden) return;
  const overview = await call("GET", "admin");
  byId("admin").querySelector(".now")?.replaceWith(now(overview.load, overview.writing));
  const [old, fresh] = [byId("admin").querySelector("[aria-label=Served]"), loaded(overview.load.models)];
  // Replaced only when it says something else: somebody may be in it with the keyboard.
  if (old && old.textContent !== fresh.textContent) old.replaceWith(fresh);
  timer = setTimeout(refresh, 3000);
}

function now(load, writing) {
  const figure = (value, name) =>
    element("div", {}, element("strong", {}, String(value)), element("span", {}, name));
  return element("div", { className: "now" }, figure(writing, "answers being written"),
    figure(load.waiting, "waiting"), figure(load.tokensPerSecond.toFixed(1), "tokens/s"),
    figure(load.wait.toFixed(1) + " s", "wait for a new question"));
}

function loaded(models) {
  return table(["Served", "State", "Memory", "Running", "Waiting"], models.map((one) => [
    one.name, one.problem ? `${one.state}: ${one.problem}` : one.state,
    one.bytes ? `${Math.round(one.bytes / 1e6)} MB` : "", one.running, one.waiting]));
}

function table(head, rows) {
  return element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": head[0] },
    element("table", {}, element("thead", {}, element("tr", {}, head.map((name) =>
      element("th", { scope: "col" }, name)))),
    element("tbody", {}, rows.map((row) => element("tr", {}, row.map((cell) =>
      element("td", {}, cell instanceof Node ? cell : String(cell ?? ""))))))));
}

/** Bars over days, with the figures in words for those who do not see them. */
function chart(title, days, field) {
  const most = Math.max(1, ...days.map((day) => day[field]));
  const step = 300 / Math.max(days.length, 8);
  const bars = days.map((day, at) => {
    const height = Math.max(1, 90 * day[field] / most);
    return svg("rect", {
      x: at * step + 1, y: 100 - height, width: Math.max(1, step - 3), height, rx: 1.5, class: "bar-of-chart",
    }, svg("title", {}, `${day.day}: ${Math.round(day[field])}`));
  });
  const words = days.map((day) => `${day.day}: ${Math.round(day[field])}`).join(", ");
  return element("figure", {}, element("figcaption", {}, title, element("span", {}, `most ${Math.round(most)}`)),
    svg("svg", { viewBox: "0 0 300 102", role: "img", "aria-label": `${title}. ${words || "nothing yet"}` },
      svg("line", { x1: 0, x2: 300, y1: 100.5, y2: 100.5, class: "base-of-chart" }), ...bars));
}

function people(list) {
  const remove = (one) => element("button", {
    type: "button",
    className: "danger",
    onclick: async () => {
      if (!await confirmAction(`Delete ${one.name} and all that is theirs?`, "Delete")) return;
      await call("DELETE", "admin/users/" + one.id);
      showAdmin();
    },
  }, "Delete");
  const access = (one) => element("button", {
    type: "button",
    onclick: async () => {
      await call("PATCH", "admin/users/" + one.id, { disabled: !one.disabled });
      showAdmin();
    },
  }, one.disabled ? "Enable" : "Disable");
  const error = element("p", { role: "alert" });
  const form = element("form", {
    className: "row",
    onsubmit: async (event) => {
      event.preventDefault();
      const { name, password, role } = form.elements;
      try {
        await call("POST", "admin/users", { name: name.value, password: password.value, role: role.value });
        showAdmin();
      } catch (refused) { error.textContent = refused.message; }
    },
  },
  element("input", { name: "name", placeholder: "Name", "aria-label": "Name", required: true, autocomplete: "off" }),
  element("input", {
    name: "password", type: "password", placeholder: "Password, 8 or more", "aria-label": "Password",
    minLength: 8, required: true, autocomplete: "new-password",
  }),
  element("select", { name: "role", "aria-label": "Role" }, ["user", "admin"].map((role) => element("option", {}, role))),
  element("button", { className: "primary" }, "Add"));
  return element("div", {}, table(["Name", "Role", "Since", "Conversations", "Tokens", "Access", "Delete"],
    list.map((one) => [one.name, one.role, new Date(1000 * one.created).toLocaleDateString(),
      one.conversations, one.tokens, access(one), remove(one)])), form, error);
}

function flags(list) {
  if (list.length === 0) return element("p", {}, "Nothing has been flagged.");
  const settle = async (id, upheld) => {
    await call("POST", "admin/flags/" + id, { upheld });
    showAdmin();
  };
  return table(["Who", "Text", "Categories", "State"], list.map((one) => [
    `${one.user} (${one.role})`, one.content.slice(0, 300),
    Object.entries(one.categories).map(([name, score]) => `${name} ${score.toFixed(2)}`).join(", "),
    one.state !== "open" ? one.state : element("span", { className: "row" },
      element("button", { type: "button", onclick: () => settle(one.id, true) }, "Uphold"),
      element("button", { type: "button", onclick: () => settle(one.id, false) }, "Dismiss"))]));
}

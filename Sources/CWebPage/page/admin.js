// What an administrator sees: load, use and its cost, models, feedback, what was flagged, people.
import { byId, element, confirmAction } from "./dom.js";
import { call } from "./api.js";
import { bars, columns, line, share, withoutGaps } from "./charts.js";
import { categoryNames } from "./moderation.js";

let timer = 0;
const every = 3000;
/** The load of the last five minutes, as long as this page has been looking. */
const seen = [];

export async function showAdmin() {
  const overview = await call("GET", "admin");
  note(overview);
  byId("admin").replaceChildren(
    section("Now", element("div", { id: "load" }, now())),
    section("Use", use(overview)),
    section("Models", models(overview)),
    section("Feedback", feedback(overview)),
    section("Flagged", flags(overview.flags)),
    section("People", people(overview)));
  clearTimeout(timer);
  timer = setTimeout(refresh, every);
}

const section = (title, ...content) => element("section", { "aria-label": title }, element("h2", {}, title), ...content);

async function refresh() {
  if (byId("admin").hidden) return;
  try {
    note(await call("GET", "admin/load"));
    byId("load")?.replaceChildren(now());
  } catch { /* The next time tells. */ }
  timer = setTimeout(refresh, every);
}

function note({ load, writing }) {
  seen.push({ ...load, writing });
  if (seen.length > 100) seen.shift();
}

function now() {
  const last = seen.at(-1);
  const figure = (value, name) =>
    element("div", {}, element("strong", {}, String(value)), element("span", {}, name));
  return element("div", {},
    element("div", { className: "now" }, figure(last.writing, "answers being written"), figure(last.running, "texts in the engine"),
      figure(last.waiting, "waiting"), figure(last.tokensPerSecond.toFixed(1), "tokens/s"),
      figure(last.wait.toFixed(1) + " s", "wait for a new question")),
    element("div", { className: "charts" },
      line("Tokens a second", seen.map((one) => one.tokensPerSecond)),
      line("Waiting", seen.map((one) => one.waiting)),
      line("Wait for a new question", seen.map((one) => one.wait), " s")));
}

// Use, and what it costs

const price = () => Number(localStorage.getItem("price-of-an-hour")) || 0;
const hours = (seconds) => seconds / 3600;

/** Time of the machine in hours, or what it costs where a price is known. */
function cost(seconds) {
  return price() ? (hours(seconds) * price()).toFixed(2) : `${hours(seconds).toFixed(2)} h`;
}

function use(overview) {
  const days = withoutGaps(overview.days);
  const costs = price()
    ? columns("Cost a day", days, [{ name: "", of: (day) => hours(day.busySeconds) * price() }])
    : columns("Hours at work a day", days, [{ name: "", of: (day) => hours(day.busySeconds) }], " h");
  const field = element("input", {
    id: "price", type: "number", min: 0, step: 0.01, value: price() || "", placeholder: "nothing",
    onchange: () => {
      localStorage.setItem("price-of-an-hour", field.value);
      showAdmin();
    },
  });
  return element("div", {}, element("div", { className: "charts" },
    columns("Tokens a day", days, [
      { name: "written", of: (day) => day.tokens }, { name: "read", of: (day) => day.promptTokens },
    ]),
    columns("Answers a day", days, [{ name: "", of: (day) => day.answers }]),
    columns("Seconds to the first word", days, [{ name: "", of: (day) => day.wait }], " s"), costs),
  element("p", { className: "line" }, element("label", { for: "price" }, "An hour of this machine costs "), field,
    ` All answers so far: ${cost(overview.busySeconds)}.`));
}

/** What falls to one of those who share the machine, by the time of their answers. */
function costOf(one, all, overview) {
  const sum = all.reduce((seconds, other) => seconds + other.seconds, 0);
  return cost(sum > 0 ? overview.busySeconds * one.seconds / sum : 0);
}

// Tables

function table(name, head, rows) {
  return element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Table: " + name },
    element("table", {}, element("thead", {}, element("tr", {}, head.map((title) =>
      element("th", { scope: "col" }, title)))),
    element("tbody", {}, rows.map((row) => element("tr", {}, row.map((cell) =>
      element("td", {}, cell instanceof Node ? cell : String(cell ?? ""))))))));
}

const withBar = (value, most) =>
  element("span", { className: "with-bar" }, share(value, most), value.toLocaleString("en"));

function models(overview) {
  const used = overview.models;
  const problems = new Map(overview.load.models.map((one) => [one.name, one.problem]));
  const rows = overview.served.map((model) => ({
    ...model, use: used.find((one) => one.model === model.name && one.version === model.version),
    state: model.isLoaded ? "loaded" : ["not loaded", problems.get(model.name)].filter(Boolean).join(": "),
  }));
  for (const use of used) {
    if (!rows.some((row) => row.use === use)) rows.push({ name: use.model, version: use.version, use, state: "no longer served" });
  }
  const most = Math.max(...used.map((one) => one.tokens), 0);
  return table("Models", ["Model", "Version", "State", "Context", "Answers", "Tokens written", "Tokens/s", "Good", "Bad", price() ? "Cost" : "Time"],
    rows.map(({ name, version, state, context, use }) => [
      name, element("code", {}, version || "–"), element("span", { className: "state" }, state),
      context ?? "", use?.answers ?? 0, withBar(use?.tokens ?? 0, most),
      use?.writingSeconds > 0 ? (use.tokens / use.writingSeconds).toFixed(1) : "",
      use?.thumbsUp ?? 0, use?.thumbsDown ?? 0, use ? costOf(use, used, overview) : "",
    ]));
}

function feedback({ feedback: counts, days }) {
  const count = (kind) => counts[kind] ?? 0;
  return element("div", { className: "charts" },
    bars("All feedback", [["Good", count("thumbUp")], ["Bad", count("thumbDown")], ["Votes", count("vote")],
      ["Rankings", count("ranking")], ["Better answers", count("better")]]),
    columns("Thumbs by day of the answer", withoutGaps(days), [
      { name: "good", of: (day) => day.thumbsUp }, { name: "bad", of: (day) => day.thumbsDown },
    ]),
    element("figure", {}, element("figcaption", {}, "Labelling"),
      element("p", {}, "Ask a question, and put several answers in order: the surest teacher there is."),
      element("a", { className: "button", href: "#label" }, "Labelling desk")));
}

function flags(list) {
  if (list.length === 0) return element("p", {}, "Nothing has been flagged.");
  const settle = async (id, upheld) => {
    await call("POST", "admin/flags/" + id, { upheld });
    showAdmin();
  };
  const counts = new Map();
  for (const one of list) {
    for (const name of Object.keys(one.categories)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const rows = [...counts].sort((a, b) => b[1] - a[1]);
  return element("div", {},
    element("div", { className: "charts" },
      bars("By category", rows.map(([name, number]) => [categoryNames({ categories: [name] }), number])),
      bars("By state", ["open", "upheld", "dismissed"].map((state) => [state, list.filter((one) => one.state === state).length]))),
    table("Flagged", ["When", "Who", "Text", "Categories", "What happened", "State"], list.map((one) => [
      new Date(1000 * one.created).toLocaleString(), `${one.user} (${one.role === "user" ? "question" : "answer"})`,
      element("span", { className: "excerpt" }, one.content.slice(0, 300)),
      Object.entries(one.categories).map(([name, score]) => `${name} ${score.toFixed(2)}`).join(", "),
      one.refused ? "refused" : "let through",
      one.state !== "open" ? one.state : element("span", { className: "row" },
        element("button", { type: "button", onclick: () => settle(one.id, true) }, "Uphold"),
        element("button", { type: "button", onclick: () => settle(one.id, false) }, "Dismiss"))])));
}

// People

function people(overview) {
  const list = overview.people;
  const remove = (one) => element("button", {
    type: "button",
    className: "danger",
    onclick: async () => {
      if (!await confirmAction(`Delete ${one.name} and all that is theirs?`, "Delete")) return;
      change(() => call("DELETE", "admin/users/" + one.id));
    },
  }, "Delete");
  const access = (one) => element("button", {
    type: "button",
    onclick: () => change(() => call("PATCH", "admin/users/" + one.id, { disabled: !one.disabled })),
  }, one.disabled ? "Enable" : "Disable");
  const error = element("p", { role: "alert" });
  const change = async (action) => {
    try {
      await action();
      await showAdmin();
    } catch (refused) { error.textContent = refused.message; }
  };
  const form = element("form", {
    className: "row",
    onsubmit: (event) => {
      event.preventDefault();
      const { name, password, role } = form.elements;
      change(() => call("POST", "admin/users", { name: name.value, password: password.value, role: role.value }));
    },
  },
  element("input", { name: "name", placeholder: "Name", "aria-label": "Name", required: true, autocomplete: "off" }),
  element("input", {
    name: "password", type: "password", placeholder: "Password, 8 or more", "aria-label": "Password",
    minLength: 8, required: true, autocomplete: "new-password",
  }),
  element("select", { name: "role", "aria-label": "Role" }, ["user", "admin"].map((role) => element("option", {}, role))),
  element("button", { className: "primary" }, "Add"));
  const most = Math.max(...list.map((one) => one.tokens), 0);
  return element("div", {}, table("People",
    ["Name", "Role", "Since", "Conversations", "Tokens read", "Tokens written", price() ? "Cost" : "Time", "Access", "Delete"],
    list.map((one) => [one.name, one.role, new Date(1000 * one.created).toLocaleDateString(),
      one.conversations, one.promptTokens.toLocaleString("en"), withBar(one.tokens, most), costOf(one, list, overview),
      access(one), remove(one)])), form, error);
}

// Pictures of figures, with the figures in words for those who do not see them.
import { element, svg } from "./dom.js";

function number(value) {
  if (value >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString("en");
  return value < 1 ? String(Number(value.toPrecision(2))) : value.toFixed(1);
}

/**
 * Columns over `days` (their `day` is "2026-11-24"), one upon another where there are several
 * `series` of `{ name, of }`; days without anything have none.
 */
export function columns(title, days, series, unit = "") {
  const sums = days.map((day) => series.reduce((sum, one) => sum + one.of(day), 0));
  const most = Math.max(...sums, 1e-9);
  const step = 300 / Math.max(days.length, 10);
  const bars = days.flatMap((day, at) => {
    let top = 100;
    return series.map((one, index) => {
      const height = 90 * one.of(day) / most;
      top -= height;
      return svg("rect", {
        x: at * step + 1, y: top, width: Math.max(1, step - 3), height, class: `bar-of-chart series-${index}`,
      }, svg("title", {}, `${day.day}: ${number(one.of(day))}${unit} ${one.name}`));
    });
  });
  const words = days.map((day) => `${day.day}: ${series.map((one) =>
    `${number(one.of(day))}${unit} ${one.name}`.trim()).join(", ")}`).join("; ");
  const key = series.length < 2 ? null : element("span", { className: "key" },
    series.map((one, index) => element("span", { className: `key-${index}` }, one.name)));
  return element("figure", {},
    element("figcaption", {}, title, element("span", {}, days.length ? `at most ${number(most)}${unit}` : "nothing yet")),
    svg("svg", { viewBox: "0 0 300 102", role: "img", "aria-label": `${title}. ${words || "Nothing yet"}` },
      svg("line", { x1: 0, x2: 300, y1: 100.5, y2: 100.5, class: "base-of-chart" }), ...bars),
    element("div", { className: "ends" }, element("span", {}, days[0]?.day ?? ""), key,
      element("span", {}, days.length > 1 ? days.at(-1).day : "")));
}

/** Every day from the first to the last one, those without anything too. */
export function withoutGaps(days) {
  if (days.length === 0) return [];
  const known = new Map(days.map((day) => [day.day, day]));
  const empty = Object.fromEntries(Object.keys(days[0]).map((name) => [name, 0]));
  const all = [];
  const end = new Date(days.at(-1).day);
  for (let at = new Date(days[0].day); at <= end; at = new Date(+at + 864e5)) {
    const day = at.toISOString().slice(0, 10);
    all.push(known.get(day) ?? { ...empty, day });
  }
  return all.slice(-30);
}

/** One bar a row, longest first or as given: `rows` of `[name, value]`. */
export function bars(title, rows) {
  const most = Math.max(1, ...rows.map(([, value]) => value));
  return element("figure", {}, element("figcaption", {}, title),
    element("dl", { className: "bars" }, rows.flatMap(([name, value]) => [
      element("dt", {}, name),
      element("dd", {}, share(value, most), element("span", {}, number(value))),
    ])));
}

/** A bar as long as `value` is of `most`. */
export function share(value, most) {
  const length = most > 0 ? 100 * value / most : 0;
  return svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true", class: "share" },
    svg("rect", { x: 0, y: 0, width: length, height: 10, class: "bar-of-chart" }));
}

/** A line through the last `points`, oldest first. */
export function line(title, points, unit = "") {
  const most = Math.max(...points, 1e-9);
  const at = (value, index) => `${(300 * index / 99).toFixed(1)},${(100 - 90 * value / most).toFixed(1)}`;
  const last = points.at(-1) ?? 0;
  return element("figure", {},
    element("figcaption", {}, title, element("span", {}, `now ${number(last)}${unit}, at most ${number(Math.max(...points, 0))}${unit}`)),
    svg("svg", { viewBox: "0 0 300 102", role: "img", "aria-label": `${title}: now ${number(last)}${unit}` },
      svg("line", { x1: 0, x2: 300, y1: 100.5, y2: 100.5, class: "base-of-chart" }),
      svg("polyline", { points: points.slice(-100).map(at).join(" "), class: "line-of-chart" })));
}

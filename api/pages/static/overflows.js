// A year of overflows: a calendar per chamber, hours, the 12/24 count, volume, and the rain.
import { $, ask, empty, fill, h, moment, number, t } from "./lib.js";
import * as live from "./live.js";

let year = new Date().getFullYear(), data;

export async function show(page) {
  const body = h("div");
  page.append(h("div", { class: "row wrap", style: { marginBottom: "12px" } }, h("button", { class: "icon", "aria-label": t("year.before"), onclick: () => turn(-1, body) }, "‹"), h("h2", { id: "year", class: "number" }, year), h("button", { class: "icon", "aria-label": t("year.after"), onclick: () => turn(1, body) }, "›"), h("span", { class: "grow" }), h("a", { class: "button quiet", href: "/api/v1/exports/xlsx" }, t("export.xlsx"))), body);
  await draw(body);
  live.on("analysed", () => draw(body)); live.on("alarm", (a) => { if (a.kind === "overflow") draw(body); });
  live.start(Date.now() / 1000);
}
function turn(by, body) { if (year + by > new Date().getFullYear()) return; year += by; $("#year").textContent = year; body.replaceChildren(); draw(body); }
const heat = (hours) => (hours >= 12 ? 4 : hours >= 4 ? 3 : hours >= 1 ? 2 : hours > 0 ? 1 : 0);

function draw(body) {
  return fill(body, async () => {
    data = await ask(`/api/v1/overflows?year=${year}`);
    if (!data.points.length) return h("div", { class: "card" }, empty(t("overflows.none"), t("overflows.none.text")));
    const sum = (f) => data.points.reduce((a, p) => a + (f(p) || 0), 0), days = new Set(data.points.flatMap((p) => Object.keys(p.hours_by_day)));
    const tile = (name, value, unit, more) => h("div", { class: "card tile" }, h("div", { class: "name" }, t(name)), h("div", { class: "value" }, value, " ", h("small", {}, unit)), h("div", { class: "more" }, more));
    return [h("section", { class: "tiles four" }, tile("overflows.hours", number(sum((p) => p.hours), 1), t("unit.h"), t("overflows.points", { n: data.points.length })), tile("overflows.count", number(sum((p) => p.count), 0), "", t("overflows.count.text")), tile("overflows.volume", number(sum((p) => p.volume_m3), 0), "m³", t("overflows.volume.text")), tile("overflows.days", days.size, t("unit.d"), t("overflows.dry", { n: data.points.filter((p) => !p.hours).length }))),
      h("section", { class: "card" }, h("header", {}, h("h2", {}, t("overflows.calendar")), h("div", { class: "row small soft heatkey" }, "0", [0, 1, 2, 3, 4].map((k) => h("i", { class: `heat h${k}` })), "12+ ", t("unit.h"))), calendarBox()),
      h("section", { class: "card", style: { marginTop: "14px" } }, h("header", {}, h("h2", {}, t("overflows.table"))), h("div", { class: "body scroll" }, table()))];
  });
}
/** The whole year; on a phone the months up to today, so that names and days stay readable. */
function calendarBox() {
  const today = data.days.indexOf((data.at || "").slice(0, 10)), last = today >= 0 ? today + 4 : data.days.length;
  return h("div", { class: "body scroll" }, innerWidth < 900 ? calendar(Math.max(0, last - 96), Math.min(last, data.days.length), 4) : calendar(0, data.days.length, 3.05));
}
function calendar(from, to, cell) {
  const left = 168, row = 27, n = to - from, width = left + n * cell + 12, top = 44, height = top + data.points.length * row + 22;
  const parts = [], wet = Math.max(1, ...data.rain_mm.map((v) => v || 0));
  data.days.forEach((d, i) => { if (d.endsWith("-01") && i >= from && i < to) parts.push(h("text", { x: left + (i - from) * cell + 2, y: height - 5, class: "tick" }, new Intl.DateTimeFormat(document.documentElement.lang, { month: "short" }).format(new Date(d)))); });
  data.rain_mm.forEach((v, i) => { if (v && i >= from && i < to) parts.push(h("rect", { x: left + (i - from) * cell, y: top - 6 - (v / wet) * 34, width: cell - 0.5, height: (v / wet) * 34, class: "rain" }, h("title", {}, `${data.days[i]}: ${number(v, 1)} mm`))); });
  parts.push(h("text", { x: left - 10, y: top - 12, class: "name", "text-anchor": "end" }, t("overflows.rain")));
  data.points.forEach((p, r) => {
    const y = top + r * row;
    parts.push(h("text", { x: left - 10, y: y + 15, class: "name", "text-anchor": "end" }, p.name.length > 23 ? `${p.name.slice(0, 22)}…` : p.name), h("rect", { x: left, y, width: n * cell, height: row - 5, rx: 5, class: "heat h0" }));
    for (const [d, hours] of Object.entries(p.hours_by_day)) if (d >= from && d < to) parts.push(h("rect", { x: left + (d - from) * cell - 0.6, y, width: Math.max(cell + 1.2, 4), height: row - 5, rx: 1.5, class: `heat h${heat(hours)}` }, h("title", {}, `${p.name} ${data.days[d]}: ${number(hours, 1)} ${t("unit.h")}`)));
  });
  const today = data.days.indexOf((data.at || "").slice(0, 10));
  if (today >= 0) parts.push(h("line", { x1: left + (today - from) * cell, x2: left + (today - from) * cell, y1: top - 6, y2: height - 20, class: "today" }));
  return h("svg", { class: `calendar${from ? " part" : ""}`, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": t("overflows.calendar") }, parts);
}
function table() {
  const head = ["overflows.point", "overflows.hours", "overflows.count", "overflows.events", "overflows.volume"];
  return h("table", {}, h("thead", {}, h("tr", {}, head.map((k, i) => h("th", { class: i ? "number" : null }, t(k))))),
    h("tbody", {}, data.points.map((p) => h("tr", { class: "to", tabindex: "0", onclick: () => { location.href = `/sensor/${encodeURIComponent(p.sensor)}`; } }, h("td", {}, h("span", { class: "row" }, h("span", { class: `dot ${p.ongoing ? "critical" : "ok"}` }), h("b", {}, p.name), p.ongoing && h("span", { class: "badge critical" }, t("overflows.now"))), h("span", { class: "soft small" }, p.zone || "")),
      h("td", { class: "number" }, number(p.hours, 1)), h("td", { class: "number" }, number(p.count, 0)), h("td", { class: "number" }, number(p.events, 0)), h("td", { class: "number" }, p.volume_m3 === null ? h("span", { class: "soft" }, t("missing")) : `${number(p.volume_m3, 0)} m³`)))));
}

// One zone: water in, night flow, what households used together, open leaks, its sensors.
import { $, ask, empty, fill, h, key, number, seconds, segments, t } from "./lib.js";
import * as live from "./live.js";
import { Chart } from "./chart.js";
import { isOpen, kindName } from "./parts.js";
import { moment } from "./lib.js";

const DAY = 86400, path = `/api/v1/zones/${encodeURIComponent(key)}`;
let zone, days = 30;

export async function show(page) {
  const body = h("div");
  page.append(body);
  await fill(body, async () => { zone = await ask(path); return layout(); });
  if (!zone) return;
  $("#title").textContent = zone.name; $("#subtitle").textContent = t(`zone.${zone.kind}`);
  flow(); findings(); sensors();
  live.on("alarm", findings); live.on("readings", () => {});
  live.start(Date.now() / 1000);
}
const tile = (name, id) => h("div", { class: "card tile" }, h("div", { class: "name" }, t(name)), h("div", { class: "value", id }, "–"), h("div", { class: "more", id: `${id}-more` }));
function layout() {
  const master = [["zone.population", zone.population], ["zone.households", zone.households], ["zone.connections", zone.connections], ["zone.mains_km", zone.mains_km]];
  return [h("section", { class: "tiles four" }, tile("zone.inflow", "inflow"), tile("zone.night", "night"), tile("zone.used", "used"), tile("zone.unaccounted", "rest")),
    h("div", { class: "two" }, h("div", { class: "stack" },
      h("section", { class: "card" }, h("header", {}, h("h2", {}, t("zone.balance")), segments([[30, t("range.30")], [90, t("range.90")], [365, t("range.365")]], days, (d) => { days = d; flow(); })), h("div", { class: "body", id: "balance" })),
      h("section", { class: "card" }, h("header", {}, h("h2", {}, t("zone.night.title"))), h("div", { class: "body" }, h("div", { id: "nights" }), h("p", { class: "soft small" }, t("zone.night.text"))))),
    h("div", { class: "stack" }, h("section", { class: "card" }, h("header", {}, h("h2", {}, t("zone.search"))), h("div", { class: "body", id: "findings" })),
      h("section", { class: "card" }, h("header", {}, h("h2", {}, t("zone.master"))), h("div", { class: "body" }, h("dl", { class: "facts" }, master.map(([k, v]) => [h("dt", {}, t(k)), h("dd", {}, v === null ? h("span", { class: "soft" }, t("missing")) : number(v))])))),
      h("section", { class: "card" }, h("header", {}, h("h2", {}, t("zone.sensors"))), h("div", { class: "body", id: "sensors" }))))];
}
const mean = (x) => { const known = x.filter((v) => Number.isFinite(v ?? NaN)); return known.length ? known.reduce((a, b) => a + b, 0) / known.length : NaN; };
function flow() {
  const boxes = [$("#balance"), $("#nights")];
  fill(boxes[0], async () => {
    const [f, c] = await Promise.all([ask(`${path}/flow?days=${days}`), ask(`${path}/consumption?days=${days}`)]);
    const t1 = f.t.slice(0, -1), inflow = f.inflow_m3.slice(0, -1), used = c.used_m3.slice(0, -1), night = f.night_m3h.slice(0, -1);
    tiles(f, c, inflow.slice(-14), night.slice(-14), used.slice(-14));
    if (!f.inlets.length) { boxes[1].replaceChildren(empty(t("zone.no_inlet"))); return empty(t("zone.no_inlet"), t("zone.no_inlet.text")); }
    const first = Math.max(0, inflow.findIndex((v) => v !== null)), start = t1[first], end = t1.at(-1) + DAY;
    const one = h("div"), two = h("div");
    new Chart(one).set({ series: { t: t1.map((s) => s + DAY / 2), x: inflow, unit: "m³/d" }, band: used.some(Number.isFinite) ? { t: t1.map((s) => s + DAY / 2), low: used.map((v) => (v === null ? null : 0)), high: used } : null, start, end, zero: true });
    new Chart(two).set({ series: { t: t1.map((s) => s + 3 * 3600), x: night, unit: "m³/h" }, start, end, zero: true });
    boxes[1].replaceChildren(two);
    return [one, h("div", { class: "row wrap keys" }, h("span", {}, h("i", { class: "curve" }), t("zone.inflow")), c.meters ? h("span", {}, h("i", { class: "band" }), t("zone.used.key", { n: c.meters })) : null, c.reason ? h("span", { class: "soft" }, t("zone.private", { n: c.least_meters })) : null)];
  });
}
function tiles(f, c, inflow, night, used) {
  const put = (id, value, unit, more = "") => { $(`#${id}`).replaceChildren(number(value), " ", h("small", {}, Number.isFinite(value) ? unit : "")); $(`#${id}-more`).textContent = more; };
  const a = mean(inflow), n = mean(night), u = mean(used), both = mean(inflow.map((v, i) => (v !== null && used[i] !== null && used[i] !== undefined ? v - used[i] : null)));
  put("inflow", a, "m³/d", f.connections && Number.isFinite(a) ? t("zone.per_connection", { n: number((a / f.connections) * 1000, 0) }) : t("zone.two_weeks"));
  put("night", n, "m³/h", Number.isFinite(n) && a ? t("zone.night.share", { n: number((n * 24 * 100) / a, 0) }) : "");
  put("used", u, "m³/d", c.meters ? t("zone.meters", { n: c.meters, of: f.households ?? "–" }) : t("zone.no_meters"));
  put("rest", both, "m³/d", Number.isFinite(both) ? t("zone.rest.text") : "");
}
function findings() {
  fill($("#findings"), async () => {
    const [{ items: alarms }, { items }] = await Promise.all([ask(`/api/v1/alarms?zone=${encodeURIComponent(key)}&open_only=true`), ask(`/api/v1/events?zone=${encodeURIComponent(key)}&limit=15`)]);
    const open = alarms.filter((a) => isOpen(a) && !a.ended_at), pipes = items.filter((e) => !e.end).flatMap((e) => e.location).slice(0, 5);
    const shown = [...open.map((a) => h("a", { class: "event", href: `/?alarm=${encodeURIComponent(a.id)}` }, h("span", { class: `dot ${a.severity}` }), h("span", { class: "grow" }, h("b", {}, kindName(a.kind)), h("span", { class: "soft small" }, ` ${moment(a.started_at)}`)), h("span", { class: `badge ${a.severity}` }, t(`severity.${a.severity}`)))),
      pipes.length ? h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, t("zone.pipe")), h("th", { class: "number" }, t("zone.probability")))), h("tbody", {}, pipes.map((p) => h("tr", {}, h("td", {}, p.pipe), h("td", { class: "number" }, `${number(p.probability * 100, 0)} %`))))) : null,
      ...items.filter((e) => e.end).slice(0, 8).map((e) => h("div", { class: "event" }, h("span", { class: "dot silent" }), h("span", { class: "grow" }, kindName(e.kind), h("span", { class: "soft small" }, ` ${moment(e.start)}`))))].filter(Boolean);
    return shown.length ? shown : empty(t("zone.calm"), t("zone.calm.text"), "✓");
  });
}
function sensors() {
  fill($("#sensors"), async () => {
    const { items } = await ask(`/api/v1/latest?zone=${encodeURIComponent(key)}`);
    const { items: about } = await ask(`/api/v1/sensors?zone=${encodeURIComponent(key)}`);
    const name = new Map(about.map((s) => [s.id, s.name]));
    return items.length ? items.map((s) => h("a", { class: "event", href: `/sensor/${encodeURIComponent(s.sensor)}` }, h("span", { class: `dot ${s.state}` }), h("span", { class: "grow" }, name.get(s.sensor) || s.sensor), h("span", { class: "nowrap" }, `${number(s.value)} ${s.unit}`))) : empty(t("zone.no_sensors"));
  });
}

// Operations: what is wrong now, where, how sure, since when.
import { $, ago, ask, day, empty, failed, fill, h, icon, loading, moment, number, rights, seconds, segments, send, span, t, toast } from "./lib.js";
import { openAlarm } from "./alarm.js";
import * as live from "./live.js";
import { Chart } from "./chart.js";
import { TownMap, glyph } from "./map.js";
import { byUrgency, figureCard, isOpen, kindName, rank, loadBand, loadSeries, loadSpans } from "./parts.js";

const DAY = 86400;
let data, map, chosen, chart, days = 1, asked;
const alarms = new Map();

export async function show(page) {
  page.append(loading());
  try { data = await ask("/api/v1/overview"); } catch (error) { page.replaceChildren(failed(error, () => location.reload())); return; }
  for (const a of data.alarms) alarms.set(a.id, a);
  page.replaceChildren(h("section", { class: "tiles", id: "tiles" }),
    h("section", { class: "ops" }, mapCard(), h("div", { class: "card list-card" }, h("header", {}, h("h2", {}, t("alarms")), h("span", { class: "count", id: "alarm-count" })), h("div", { class: "alarms", id: "alarms" }))),
    h("section", { class: "card scrub", id: "scrub" }), h("section", { class: "below" }, h("div", { class: "card", id: "detail" }), h("div", { class: "figures", id: "figures" })));
  map = new TownMap($("#map"), { onsensor: (s) => choose(s.id), onzone: (z) => { location.href = `/zone/${encodeURIComponent(z.id)}`; } });
  map.draw(data);
  tiles(); list(); figures();
  const first = asked0() || [...alarms.values()].filter((a) => isOpen(a) && !a.ended_at).sort(byUrgency).flatMap((a) => a.sensors).find(sensor) || data.sensors.find((s) => s.kind === "overflow_chamber")?.id || data.sensors[0]?.id;
  if (first) choose(first); else $("#detail").append(empty(t("map.empty"), t("map.empty.text")));
  scrubber();
  live.on("readings", (states) => { for (const s of states) { if (past === null) map.update(s); if (s.sensor === chosen) heard(s); } tiles(); });
  live.on("alarm", (a) => { if (!(alarms.get(a.id)?.revision > a.revision)) alarms.set(a.id, a); list(); tiles(); });
  live.on("analysed", refresh);
  live.start(seconds(data.at));
  setInterval(refresh, 60000);
}
/** The alarm that a notification linked to. */
const asked0 = () => alarms.get(new URLSearchParams(location.search).get("alarm"))?.sensors.find(sensor);
const sensor = (id) => data.sensors.find((s) => s.id === id);
const zoneName = (id) => data.zones.find((z) => z.id === id)?.name || id || "";

async function refresh() {
  try { data = await ask("/api/v1/overview"); } catch { return; }
  for (const a of data.alarms) alarms.set(a.id, a);
  if (past === null) { map.data = data; map._paint(); } tiles(); list(); figures();
}
function mapCard() {
  const legend = ["overflow_chamber", "pressure", "flow", "level", "rain"].map((s) => h("span", {}, glyph(s), t(`shape.${s}`)));
  const states = ["ok", "warning", "critical", "silent"].map((s) => h("span", {}, h("i", { class: `dot ${s}` }), t(`state.${s}`)));
  const tool = (label, title, act) => h("button", { class: "icon", title, "aria-label": title, onclick: act }, label);
  return h("div", { class: "card map-card" }, h("header", {}, h("h2", {}, t("map")), segments([["all", t("map.all")], ["water", t("map.water")], ["sewer", t("map.sewer")]], "all", (l) => map.setLayer(l))),
    h("div", { class: "map", id: "map" }, h("div", { class: "legend" }, legend, states), h("div", { class: "map-tools" }, tool("+", t("map.in"), () => map.zoom(1.5)), tool("−", t("map.out"), () => map.zoom(1 / 1.5)), tool("⤢", t("map.whole"), () => map.whole()))));
}
function tiles() {
  const open = [...alarms.values()].filter((a) => isOpen(a) && !a.shelved_until && !a.ended_at), unseen = open.filter((a) => a.state === "open").length;
  const heard = data.sensors.filter((s) => s.state !== "silent" && s.state !== "unknown").length, silent = data.sensors.length - heard;
  const s = data.status, stations = data.base_stations, told = stations.filter((b) => b.heard_at), away = told.filter((b) => Date.now() / 1000 - seconds(b.heard_at) > 3600).length;
  const tile = (name, value, more, kind = "", of = "") => h("div", { class: `card tile ${kind}` }, h("div", { class: "name" }, t(name)), h("div", { class: "value" }, value, of && h("small", {}, ` ${of}`)), h("div", { class: "more" }, more));
  const newest = Math.max(...data.sensors.map((x) => seconds(x.heard_at)).filter(Number.isFinite));
  $("#tiles").replaceChildren(
    tile("tile.alarms", open.length, open.length ? (unseen ? t("tile.unseen", { n: unseen }) : t("tile.seen")) : t("tile.calm"), open.some((a) => !a.ended_at && (a.severity === "critical" || a.severity === "major")) ? "critical" : open.some((a) => !a.ended_at) ? "" : "ok"),
    tile("tile.sensors", heard, silent ? t("tile.silent", { n: silent }) : t("tile.all_heard"), "", t("tile.of", { n: data.sensors.length })),
    tile("tile.uplinks", number(s.uplinks_per_minute, 1), Number.isFinite(newest) ? t("tile.lag", { t: ago(newest) }) : t("tile.waiting")),
    tile("tile.stations", told.length ? told.length - away : stations.length, told.length ? (away ? t("tile.down", { n: away }) : t("tile.up")) : t("tile.unknown"), away ? "critical" : "", t("tile.of", { n: stations.length })),
    tile("tile.store", number(s.rows, 0), s.dead_letters ? t("tile.letters", { n: s.dead_letters }) : s.bytes_per_reading ? t("tile.bytes", { n: number(s.bytes_per_reading, 1) }) : ""));
}
function list() {
  const open = [...alarms.values()].filter((a) => isOpen(a) && !a.shelved_until).sort(byUrgency);
  $("#alarm-count").textContent = open.length;
  $("#alarm-count").classList.toggle("critical", open.some((a) => a.severity === "critical"));
  const lasting = open.filter((a) => !a.ended_at), over = open.filter((a) => a.ended_at);
  const top = lasting.length ? grouped(lasting) : [empty(t(over.length ? "alarms.calm" : "alarms.none"), t("alarms.none.text"), "✓")];
  $("#alarms").replaceChildren(...top, ...(over.length ? [h("div", { class: "divider" }, t("alarms.over", { n: over.length })), ...grouped(over.slice(0, 100))] : []));
}
/** The last three days as a strip: when alarms began and lasted. Dragging shows the town as it was at that time. */
function scrubber() {
  const now = seconds(data.at), start = now - 3 * DAY, at = (s) => `${(((s - start) / (now - start)) * 100).toFixed(2)}%`;
  const track = h("div", { class: "track" });
  for (const a of [...alarms.values()].sort((x, y) => (x.severity > y.severity ? 1 : -1))) {
    const from = Math.max(start, seconds(a.started_at)), to = a.ended_at ? seconds(a.ended_at) : now;
    if (to >= start) track.append(h("i", { class: `${a.severity}${rank[a.severity] > 2 ? " high" : ""}`, title: `${kindName(a.kind)} ${moment(a.started_at)}`, style: { left: at(from), width: `max(3px, ${((to - from) / (now - start)) * 100}%)` } }));
  }
  for (let d = Math.ceil(start / DAY) * DAY - 3600; d < now; d += DAY) if (d > start) track.append(h("span", { style: { left: at(d) } }, day(d)));
  const label = h("output", { class: "badge ok" }, t("live.on")), knob = h("input", { type: "range", min: String(Math.round(start)), max: String(Math.round(now)), step: "900", value: String(Math.round(now)), "aria-label": t("scrub") });
  let waiting;
  knob.addEventListener("input", () => {
    const then = Number(knob.value), past = now - then > 900;
    label.textContent = past ? moment(then) : t("live.on"); label.className = `badge ${past ? "info" : "ok"}`;
    clearTimeout(waiting);
    waiting = setTimeout(() => rewind(past ? then : null), 250);
  });
  $("#scrub").replaceChildren(h("div", { class: "row" }, h("h2", { class: "grow" }, t("scrub")), label), h("div", { class: "rail3" }, track, knob));
}
let past = null;
async function rewind(then) {
  past = then;
  if (then === null) { map.draw(data); map.choose(chosen); return; }
  try {
    const d = await ask(`/api/v1/overview/at?at=${then}`);
    if (past !== then) return;
    const states = new Map(d.items.map((s) => [s.sensor, s]));
    const old = { ...data, sensors: data.sensors.map((s) => ({ ...s, ...(states.get(s.id) || { state: "unknown", value: null }) })), zones: data.zones.map((z) => ({ ...z, worst: d.zones[z.id] || null })) };
    map.data = old; map._paint();
  } catch (error) { toast(error.message); }
}
/** Three or more alike in one zone are one row that opens: nine customers' leaks are one kind of work, not nine lines. */
const opened = new Set();
function grouped(found) {
  const groups = new Map();
  for (const a of found) { const k = `${a.kind}|${a.zone}|${a.state}`; groups.set(k, [...(groups.get(k) || []), a]); }
  return [...groups].flatMap(([k, alike]) => {
    if (alike.length < 3) return alike.map(row);
    const toggle = () => { if (!opened.delete(k)) opened.add(k); list(); }, a = alike[0];
    const head = h("article", { class: `alarm ${a.severity}${a.ended_at ? " over" : ""}`, tabindex: "0", "aria-expanded": String(opened.has(k)), onclick: toggle, onkeydown: (e) => { if (e.key === "Enter") toggle(); } }, h("div", { class: "stripe" }),
      h("div", {}, h("div", { class: "row" }, h("span", { class: "title" }, kindName(a.kind)), h("span", { class: "times" }, `× ${alike.length}`), h("span", { class: "since" }, opened.has(k) ? "▾" : "▸")), h("div", { class: "meta" }, zoneName(a.zone), h("span", {}, moment(a.started_at)))));
    return [head, ...(opened.has(k) ? alike.map(row) : [])];
  });
}
function row(a) {
  const first = a.sensors.map(sensor).find(Boolean), place = [first?.name, zoneName(a.zone)].filter(Boolean).join(" · ");
  const since = a.ended_at ? `${t("lasted")} ${span(seconds(a.ended_at) - seconds(a.started_at))}` : ago(a.started_at);
  const act = (path, body, word) => async (e) => {
    e.stopPropagation();
    e.currentTarget.disabled = true;
    try { const changed = await send(`/api/v1/alarms/${encodeURIComponent(a.id)}/${path}`, body); alarms.set(a.id, changed); toast(t(word)); list(); tiles(); }
    catch (error) { toast(error.message); list(); }
  };
  const open = () => { if (first) choose(first.id); };
  return h("article", { class: `alarm ${a.severity}${a.ended_at ? " over" : ""}`, "data-alarm": a.id, tabindex: "0", onclick: open, onkeydown: (e) => { if (e.key === "Enter") open(); } }, h("div", { class: "stripe" }),
    h("div", {}, h("div", { class: "row" }, h("span", { class: "title" }, kindName(a.kind)), h("span", { class: "since", title: moment(a.started_at) }, since)),
      h("div", { class: "meta" }, h("span", {}, place)),
      h("div", { class: "meta" }, a.ended_at ? null : h("span", { class: `badge ${a.severity}` }, t(`severity.${a.severity}`)), a.state !== "open" && h("span", { class: "badge" }, t(`alarm.${a.state}`)), a.assignee && h("span", {}, a.assignee), h("span", {}, `${moment(a.started_at)}`),
        h("button", { class: "more-dots", "aria-label": t("alarm.all"), title: t("alarm.all"), onclick: (e) => { e.stopPropagation(); openAlarm(a.id, (changed) => { alarms.set(changed.id, changed); list(); tiles(); }); } }, "⋯"),
        rights.has("work") && a.state === "open" ? h("button", { class: `button little act${a.ended_at ? " quiet" : ""}`, onclick: act("acknowledge", undefined, "acknowledged.toast") }, t("acknowledge")) : null)));
}
function figures() {
  $("#figures").replaceChildren(...(data.figures.length ? data.figures.map(figureCard) : [h("div", { class: "card" }, empty(t("figures.none"), t("figures.none.text")))]));
}
function choose(id) {
  chosen = id; map.choose(id);
  const s = sensor(id);
  if (!s) return;
  const box = h("div"), now = h("div", { class: "now", id: "now" });
  chart = null;
  $("#detail").replaceChildren(h("header", {}, h("div", { class: "grow" }, h("h2", {}, s.name), h("div", { class: "soft small" }, [t(`q.${s.quantity}`), zoneName(s.zone)].filter(Boolean).join(" · "))),
    segments([[1, t("range.1")], [7, t("range.7")], [30, t("range.30")]], days, (d) => { days = d; draw(s, box); }), h("a", { class: "button quiet little", href: `/sensor/${encodeURIComponent(id)}` }, t("open_page"))),
  h("div", { class: "body" }, h("div", { class: "row wrap", style: { marginBottom: "6px" } }, now, h("span", { class: "badge", id: "now-state" }), h("span", { class: "soft small", id: "now-at" })), box));
  heard(s);
  draw(s, box);
}
function heard(s) {
  $("#now").replaceChildren(number(s.value, 3), " ", h("small", {}, s.unit));
  const badge = $("#now-state"); badge.className = `badge ${s.state}`; badge.textContent = t(`state.${s.state}`);
  $("#now-at").textContent = s.measured_at ? moment(s.measured_at) : t("map.never");
  if (chart && s.value !== null) chart.push(seconds(s.measured_at), s.value, s.flag);
}
async function draw(s, box) {
  asked?.abort(); asked = new AbortController();
  const { signal } = asked, end = Math.max(Date.now() / 1000, seconds(s.measured_at) || 0), start = end - days * DAY;
  await fill(box, async () => {
    const [series, spans, band] = await Promise.all([loadSeries(s.id, s.quantity, start, end, signal), loadSpans(s.id, start, end, signal), loadBand(s.id, s.quantity, start, end, signal)]);
    if (!series.t.length) { box.className = ""; return empty(t("chart.none"), t("chart.none.text")); }
    const inner = h("div");
    chart = new Chart(inner);
    chart.set({ series, spans, band, limits: s.crest_m !== null && s.quantity === "level_m" ? [{ value: s.crest_m, label: t("chart.crest") }] : [], start, end, bars: s.quantity === "rain_mm", zero: series.rate });
    return inner;
  });
}

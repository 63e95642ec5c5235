// One sensor: its series with flags and usual range, events, where the numbers came from, its radio, its facts.
import { $, ago, ask, day, empty, fill, h, key, moment, number, rights, seconds, segments, t } from "./lib.js";
import * as live from "./live.js";
import { Chart } from "./chart.js";
import { kindName, loadBand, loadSeries, loadSpans } from "./parts.js";

const DAY = 86400, path = `/api/v1/sensors/${encodeURIComponent(key)}`;
let s, quantity, window_, chart, asked, days = 7;

export async function show(page) {
  const body = h("div");
  page.append(body);
  await fill(body, async () => { s = await ask(path); quantity = s.main; return layout(); });
  if (!s) return;
  $("#title").textContent = s.name; $("#subtitle").textContent = [t(`asset.${s.kind}`), s.zone, s.id].filter(Boolean).join(" · ");
  now(s); range(days); uplinks(); events();
  live.on("readings", (states) => { const mine = states.find((x) => x.sensor === s.id); if (mine) { now({ ...s, ...mine }); if (quantity === mine.quantity) chart?.push(seconds(mine.measured_at), mine.value, mine.flag); } });
  live.start(Date.now() / 1000);
}
function layout() {
  const choices = s.quantities.map((q) => [q, t(`q.${q}`)]);
  return [h("div", { class: "two" }, h("div", { class: "stack" },
    h("section", { class: "card" }, h("header", {}, h("div", { class: "grow row wrap" }, h("div", { class: "now", id: "now" }), h("span", { class: "badge", id: "state" }), h("span", { class: "soft small", id: "at" })),
      choices.length > 1 ? h("select", { id: "quantity", "aria-label": t("quantity"), onchange: (e) => { quantity = e.target.value; range(days); } }, choices.map(([q, name]) => h("option", { value: q, selected: q === quantity }, name))) : null,
      segments([[1, t("range.1")], [7, t("range.7")], [30, t("range.30")], [90, t("range.90")]], days, range)),
    h("div", { class: "body" }, h("div", { id: "chart" }), h("div", { class: "row wrap keys" }, h("span", {}, h("i", { class: "band" }), t("chart.normal")), h("span", {}, h("i", { class: "dot suspect" }), t("flag.3")), h("span", {}, h("i", { class: "dot critical" }), t("flag.4")), h("span", { class: "grow soft wide-only" }, t("chart.zoom")), downloads()))),
    h("section", { class: "card" }, h("header", {}, h("h2", {}, t("uplinks"))), h("div", { class: "body scroll", id: "uplinks" }))),
  h("div", { class: "stack" }, facts(), h("section", { class: "card" }, h("header", {}, h("h2", {}, t("events"))), h("div", { class: "body", id: "events" }))))];
}
function facts() {
  const rows = [[t("fact.place"), s.asset], [t("fact.zone"), s.zone && h("a", { href: `/zone/${encodeURIComponent(s.zone)}` }, s.zone)], [t("fact.model"), s.model || "–"], ["DevEUI", s.dev_eui], [t("fact.interval"), s.interval_s ? `${number(s.interval_s / 60, 0)} min` : "–"],
    s.crest_m !== null && [t("chart.crest"), `${number(s.crest_m)} m`], ...s.latest.filter((r) => r.quantity !== s.main).map((r) => [t(`q.${r.quantity}`), `${number(r.value)} ${r.unit}`]), s.placements.length > 1 && [t("fact.devices"), String(s.placements.length)]];
  return h("section", { class: "card" }, h("header", {}, h("h2", {}, t("facts"))), h("div", { class: "body" }, h("dl", { class: "facts" }, rows.filter(Boolean).map(([k, v]) => [h("dt", {}, k), h("dd", {}, v || "–")]))));
}
const downloads = () => h("span", { class: "row" }, ["csv", "parquet"].map((f) => h("a", { class: "small", href: "#", onclick: (e) => { e.preventDefault(); location.href = `${path}/readings?${new URLSearchParams({ quantity, start: window_[0], end: window_[1], format: f })}`; } }, f.toUpperCase())));
function now(x) {
  $("#now").replaceChildren(number(x.value, 3), " ", h("small", {}, x.unit));
  $("#state").className = `badge ${x.state}`; $("#state").textContent = t(`state.${x.state}`);
  $("#at").textContent = x.measured_at ? moment(x.measured_at) : t("map.never");
}
function range(d) { days = d; const end = Date.now() / 1000; draw(end - d * DAY, end); }
async function draw(start, end) {
  window_ = [start, end];
  asked?.abort(); asked = new AbortController();
  const { signal } = asked, box = $("#chart");
  await fill(box, async () => {
    const [series, spans, band] = await Promise.all([loadSeries(s.id, quantity, start, end, signal), loadSpans(s.id, start, end, signal), loadBand(s.id, quantity, start, end, signal)]);
    if (!series.t.length) { chart = null; return empty(t("chart.none"), t("chart.none.text")); }
    const inner = h("div", { class: "tall" });
    chart = new Chart(inner, { onzoom: (a, b) => (a === null ? range(days) : draw(a, b)) });
    chart.set({ series, spans, band, limits: s.crest_m !== null && quantity === "level_m" ? [{ value: s.crest_m, label: t("chart.crest") }] : [], start, end, bars: quantity === "rain_mm", zero: series.rate });
    return inner;
  });
}
function events() {
  fill($("#events"), async () => {
    const { items } = await ask(`/api/v1/events?sensor=${encodeURIComponent(s.id)}&limit=30`);
    if (!items.length) return empty(t("events.none"), t("events.none.text"));
    return items.map((e) => h("button", { class: "event", onclick: () => { const a = seconds(e.start), b = e.end ? seconds(e.end) : Date.now() / 1000, pad = Math.max((b - a) * 0.8, 10800); draw(a - pad, b + pad); scrollTo({ top: 0, behavior: "smooth" }); } },
      h("span", { class: `dot ${e.severity}` }), h("span", { class: "grow" }, h("b", {}, kindName(e.kind)), h("span", { class: "soft small" }, ` ${moment(e.start)}${e.end ? ` – ${moment(e.end)}` : ""}`)), e.volume_m3 !== null && h("span", { class: "small nowrap" }, `${number(e.volume_m3)}${e.volume_u_m3 ? ` ± ${number(e.volume_u_m3)}` : ""} m³`)));
  });
}
function uplinks() {
  fill($("#uplinks"), async () => {
    let items;
    try { ({ items } = await ask(`${path}/uplinks?limit=10`)); } catch (error) { if (error.status === 503) return empty(t("uplinks.elsewhere"), error.message); throw error; }
    if (!items.length) return empty(t("uplinks.none"), t("uplinks.none.text"));
    return h("table", {}, h("thead", {}, h("tr", {}, [t("uplink.at"), t("uplink.decoded"), t("uplink.radio"), t("uplink.bytes")].map((x) => h("th", {}, x)))),
      h("tbody", {}, items.map((u) => { const best = [...(u.receptions || [])].sort((a, b) => b.rssi_dbm - a.rssi_dbm)[0];
        return h("tr", {}, h("td", { class: "nowrap" }, moment(u.received_at), h("div", { class: "soft small" }, `#${u.seq} · fCnt ${u.f_cnt ?? "–"}`)), h("td", { class: "small" }, u.refused ? h("span", { class: "badge critical" }, u.refused) : brief(u.samples)),
          h("td", { class: "small nowrap" }, best ? `${number(best.rssi_dbm, 0)} dBm · SNR ${number(best.snr_db, 1)} · SF${u.spreading_factor}` : "–", h("div", { class: "soft" }, t("uplink.heard", { n: (u.receptions || []).length }))), h("td", {}, h("code", {}, (u.payload || u.unreadable || "").slice(0, 44), (u.payload || "").length > 44 ? "…" : ""))); })));
  });
}
const brief = (samples = []) => `${samples.slice(0, 3).map((x) => `${t(`q.${x.quantity}`)} ${number(x.value, 3)}`).join(" · ")}${samples.length > 3 ? ` +${samples.length - 3}` : ""}`;

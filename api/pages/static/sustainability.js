// Indicators: figure, quality class, interval, trend, benchmark, and the trace down to what it was made of.
import { $, ask, date, empty, fill, h, lang, number, rights, seconds, segments, t } from "./lib.js";
import * as live from "./live.js";
import { spark } from "./chart.js";
import { classBadge, unitName as unit } from "./parts.js";

let catalogue, formats, figures, zone, zones, period = "", network = "all";

export async function show(page) {
  const body = h("div");
  page.append(body);
  await fill(body, async () => {
    const [c, p] = await Promise.all([ask("/api/v1/catalogue"), ask("/api/v1/publication")]);
    catalogue = c.items; formats = c.formats; figures = p.items; zone = p.town_zone;
    zones = [...new Map(figures.map((f) => [f.zone, f.zone_name]))].sort((a, b) => (b[0] === zone) - (a[0] === zone) || a[1].localeCompare(b[1]));
    return layout();
  });
  if (!catalogue) return;
  $("#subtitle").textContent = t("sus.subtitle");
  cards();
  const wanted = catalogue.find((i) => i.id === location.hash.slice(1));
  if (wanted) trace(wanted);
  live.start(Date.now() / 1000);
}
function layout() {
  return [h("div", { class: "row wrap", style: { marginBottom: "12px" } }, segments([["all", t("map.all")], ["water", t("map.water")], ["sewer", t("map.sewer")]], "all", (n) => { network = n; cards(); }),
    zones.length > 1 ? h("select", { "aria-label": t("page.zone"), onchange: (e) => { zone = e.target.value; cards(); } }, zones.map(([id, name]) => h("option", { value: id, selected: id === zone }, name))) : null, h("select", { "aria-label": t("trace.period"), onchange: (e) => { period = e.target.value; cards(); } }, h("option", { value: "" }, t("sus.newest")), [...new Set(figures.map((f) => f.period))].sort().reverse().map((p) => h("option", { value: p }, p))), h("span", { class: "grow" }),
    rights.has("export") ? h("select", { "aria-label": t("export"), onchange: (e) => { if (e.target.value) location.href = `/api/v1/exports/${e.target.value}`; e.target.value = ""; } }, h("option", { value: "" }, `${t("export")} …`), formats.map((f) => h("option", { value: f.key }, f.name[lang]))) : null),
  h("div", { class: "sus", id: "cards" }), h("dialog", { id: "trace", class: "card" })];
}
const span = (f) => seconds(f.end) - seconds(f.start);
/** Figures of one indicator here: the chosen period, else the newest that is over (the longest of those), and the like ones before it. */
function pick(i) {
  const now = Date.now() / 1000, own = figures.filter((f) => f.indicator === i.id && f.zone === zone && (!period || f.period === period)).sort((a, b) => seconds(a.end) - seconds(b.end) || span(a) - span(b));
  const over = own.filter((f) => seconds(f.end) <= now + 60 && f.value !== null), made = own.filter((f) => f.value !== null).sort((a, b) => span(b) - span(a)), best = over.at(-1) || made.at(-1) || own.at(-1);
  return { best, trend: best ? figures.filter((f) => f.indicator === i.id && f.zone === zone).sort((a, b) => seconds(a.end) - seconds(b.end)).filter((f) => Math.abs(span(f) - span(best)) < 4 * 86400).slice(-13) : [] };
}
function cards() {
  const shown = catalogue.filter((i) => network === "all" || i.network === network || i.network === "all").map((i) => ({ i, ...pick(i) })).filter((x) => x.best);
  const rank = ({ best }) => (best.value === null ? 2 : best.quality_class === 1 ? 0 : 1);
  shown.sort((a, b) => rank(a) - rank(b));
  $("#cards").replaceChildren(...(shown.length ? shown.map(card) : [h("div", { class: "card" }, empty(t("figures.none"), t("figures.none.text")))]));
}
function card({ i, best, trend }) {
  const made = best.value !== null, b = i.benchmarks.find((x) => x.op === "=") || i.benchmarks[0], better = b && made && (i.polarity === "lower_is_better" ? best.value <= b.value : best.value >= b.value);
  return h("button", { class: `card figure as${made ? "" : " none"}`, id: i.id, onclick: () => trace(i) },
    h("div", { class: "name" }, h("span", { class: "grow" }, i.name[lang]), classBadge(best.quality_class)),
    h("div", { class: "line" }, h("div", { class: "value" }, made ? number(best.value) : "–", " ", h("small", {}, made ? unit(best.unit) : "")), spark(trend.map((f) => f.value))),
    made && best.lower !== null ? whisker(best, b) : null,
    h("div", { class: "note" }, made ? [best.period, best.completeness !== null && t("complete", { n: number(best.completeness * 100, 0) })].filter(Boolean).join(" · ") : t(`reason.${best.reason}`)),
    made && b ? h("div", { class: "note" }, h("span", { class: `dot ${better ? "ok" : "warning"}` }), ` ${b.name[lang]}: ${b.op === "=" ? "" : `${b.op} `}${number(b.value)}`) : null,
    h("div", { class: "tags" }, i.sdg.targets.slice(0, 3).map((g) => h("span", { class: `sdg g${g.split(".")[0]}` }, g)), i.u4ssc && h("span", { class: "badge" }, "U4SSC"), i.kostra && h("span", { class: "badge" }, "KOSTRA")));
}
/** The interval as a line, with a mark for the benchmark. */
function whisker(f, b) {
  const lows = [f.lower, b?.value ?? f.lower, 0], low = Math.min(...lows), high = Math.max(f.upper, b?.value ?? f.upper) * 1.08 || 1, x = (v) => 4 + ((v - low) / (high - low || 1)) * 232;
  return h("svg", { class: "whisker", viewBox: "0 0 240 16", preserveAspectRatio: "none", "aria-label": t("interval", { a: number(f.lower), b: number(f.upper) }) }, h("line", { x1: 4, x2: 236, y1: 8, y2: 8, class: "axis" }), h("line", { x1: x(f.lower), x2: x(f.upper), y1: 8, y2: 8, class: "range" }), h("circle", { cx: x(f.value), cy: 8, r: 4.2 }), b ? h("line", { x1: x(b.value), x2: x(b.value), y1: 1, y2: 15, class: "mark" }) : null);
}
function trace(i) {
  const { best: f, trend } = pick(i), box = $("#trace"), percent = (x) => `${number(x * 100, 1)} %`;
  if (!f) return;
  const rows = [[t("trace.period"), `${date(f.start)} – ${date(seconds(f.end) - 1)}`], [t("trace.formula"), h("code", {}, i.formula)], f.numerator !== null && [t("trace.parts"), `${number(f.numerator)} / ${number(f.denominator)}`], f.lower !== null && [t("trace.interval"), `${number(f.lower)} – ${number(f.upper)} ${unit(f.unit)}`], [t("trace.complete"), f.completeness === null ? "–" : percent(f.completeness)],
    f.value !== null && [t("trace.shares"), `${percent(f.shares.direct)} ${t("share.direct")} · ${percent(f.shares.extrapolated)} ${t("share.extrapolated")} · ${percent(f.shares.estimated)} ${t("share.estimated")}`], f.failed_principles.length && [t("trace.failed"), f.failed_principles.map((p) => t(`principle.${p}`)).join(", ")], f.reason && [t("trace.reason"), t(`reason.${f.reason}`)], [t("trace.version"), `${i.method_version} · ${t("trace.revision")} ${f.revision} · ${t(`status.${f.status}`)}`],
    ["SDG", `${i.sdg.targets.join(", ")}${i.sdg.indicator ? ` (${i.sdg.indicator}: ${t(`relation.${i.sdg.relation}`)})` : ""}`], i.u4ssc && ["U4SSC", i.u4ssc], i.iso.length && ["ISO", i.iso.join("; ")], i.kostra && ["KOSTRA", i.kostra], ...i.benchmarks.map((b) => [b.name[lang], `${b.op === "=" ? "" : `${b.op} `}${number(b.value)}${b.year ? ` (${b.year})` : ""}`])].filter(Boolean);
  box.replaceChildren(h("header", {}, h("h2", {}, i.name[lang]), classBadge(f.quality_class), h("button", { class: "icon", "aria-label": t("close"), onclick: () => box.close() }, "✕")), h("div", { class: "body" }, h("p", { class: "soft" }, i.description[lang]), h("dl", { class: "facts trace" }, rows.map(([k, v]) => [h("dt", {}, k), h("dd", {}, v)])), h("h3", {}, t("trace.lineage")), h("div", { id: "lineage" })));
  fill($("#lineage"), async () => { const { items } = await ask(`/api/v1/publication?${new URLSearchParams({ indicator: i.id, zone: f.zone, lineage: "true" })}`); return lineage(items.find((x) => x.start === f.start && x.end === f.end)?.lineage); });
  if (!box.open) box.showModal();
}
function lineage(data) {
  const inputs = Object.entries(data?.inputs || {});
  if (!inputs.length) { const rest = Object.entries(data || {}).filter(([, v]) => v !== null); return rest.length ? h("ul", { class: "lineage" }, rest.map(([k, v]) => h("li", {}, h("b", {}, `${k}: `), brief(v)))) : h("p", { class: "soft" }, t("trace.none")); }
  return h("ul", { class: "lineage" }, inputs.map(([symbol, v]) => h("li", {}, h("b", {}, `${symbol} = ${number(v?.value)}`), v?.u ? ` ± ${number(v.u)}` : "", h("span", { class: "soft small" }, ` ${v?.name || ""}${Number.isFinite(v?.completeness) ? ` · ${t("complete", { n: number(v.completeness * 100, 0) })}` : ""}`, (v?.notes || []).map((n) => h("div", {}, String(n)))), sensorsOf(v))));
}
const sensorsOf = (v) => (Array.isArray(v?.sensors) ? h("div", { class: "row wrap small" }, v.sensors.slice(0, 12).map((s) => h("a", { href: `/sensor/${encodeURIComponent(s)}` }, s)), v.sensors.length > 12 ? ` +${v.sensors.length - 12}` : "") : null);
function brief(v) {
  if (Array.isArray(v)) return v.length > 6 ? t("trace.many", { n: v.length }) : v.map((x) => (typeof x === "object" ? brief(x) : x)).join(", ");
  if (v && typeof v === "object") return Object.entries(v).filter(([k, x]) => k !== "sensors" && x !== null && (typeof x !== "object" || Array.isArray(x))).slice(0, 8).map(([k, x]) => `${k} ${typeof x === "number" ? number(x) : Array.isArray(x) ? t("trace.many", { n: x.length }) : x}`).join(" · ");
  return typeof v === "number" ? number(v) : String(v);
}

// Pieces that several pages show: alarm titles, figures, a sensor's series.
import { ask, h, known, lang, number, seconds, t } from "./lib.js";
import { spark } from "./chart.js";

export const kindName = (kind) => (known(`kind.${kind}`) ? t(`kind.${kind}`) : kind.replaceAll("_", " ").replace(/^./, (c) => c.toUpperCase()));
export const isOpen = (a) => ["open", "acknowledged", "in_progress"].includes(a.state);
export const rank = { critical: 4, major: 3, warning: 2, info: 1 };
export const byUrgency = (a, b) => (b.state === "open") - (a.state === "open") || rank[b.severity] - rank[a.severity] || seconds(b.started_at) - seconds(a.started_at);

/** A series for a chart: raw up to eight days, hourly min–max beyond, daily beyond a quarter. */
export async function loadSeries(sensor, quantity, start, end, signal) {
  const length = (end - start) / 86400, bucket = length <= 8 ? null : length <= 100 ? "1h" : "1d";
  const query = new URLSearchParams({ quantity, start: String(start), end: String(end), form: "columns", limit: "20000" });
  if (bucket) query.set("bucket", bucket);
  const d = await ask(`/api/v1/sensors/${encodeURIComponent(sensor)}/readings?${query}`, { signal });
  if (COUNTERS.has(quantity)) return rate(d.t, bucket ? d.last : d.x, d.unit);
  return bucket ? { t: d.t, x: d.mean, low: d.min, high: d.max, unit: d.unit } : { t: d.t, x: d.x, flag: d.flag, unit: d.unit };
}
const COUNTERS = new Set(["volume_m3", "reverse_volume_m3", "rain_total_mm", "pulses", "energy_kwh"]);
/** A running index as how fast it runs, per hour; steps back are gaps. */
function rate(time, x, unit) {
  const t = [], y = [];
  let last = -1;
  for (let i = 0; i < time.length; i++) {
    if (!Number.isFinite(x[i] ?? NaN)) continue;
    if (last >= 0 && x[i] >= x[last]) { t.push(time[i]); y.push(((x[i] - x[last]) * 3600) / (time[i] - time[last])); }
    last = i;
  }
  return { t, x: y, unit: `${unit}/h`, rate: true };
}
/** Usual range of a sensor for a chart's band; none where the API says there is none. */
export async function loadBand(sensor, quantity, start, end, signal) {
  if (COUNTERS.has(quantity) || quantity === "rain_mm" || end - start > 40 * 86400) return null;
  try { return await ask(`/api/v1/sensors/${encodeURIComponent(sensor)}/usual?${new URLSearchParams({ quantity, start: String(start), end: String(end) })}`, { signal }); } catch (error) { if (error.name === "AbortError") throw error; return null; }
}
export async function loadSpans(sensor, start, end, signal) {
  const found = await ask(`/api/v1/events?${new URLSearchParams({ sensor, start: String(start), end: String(end) })}`, { signal });
  return found.items.map((e) => ({ id: e.id, start: seconds(e.start), end: e.end ? seconds(e.end) : null, severity: e.severity, label: kindName(e.kind) }));
}
const UNITS = { nb: { connection: "tilknytning", household: "husstand", person: "person", point: "punkt", events: "hendelser", event: "hendelse", yr: "år", d: "døgn", h: "t", L: "l", km: "km", "person-days": "persondøgn", "connection-hours": "abonnenttimer", of: "av", per: "per", min: "min" }, en: { yr: "year", d: "day" } };
/** A unit word by word in the reader's language; a bare ratio has none. */
export const unitName = (unit) => (unit === "1" ? "" : unit.replace(/[A-Za-z-]+/g, (w) => UNITS[lang][w] ?? w));
export const figureName = (f) => f.name?.[lang] || (known(`figure.${f.indicator}`) ? t(`figure.${f.indicator}`) : f.indicator);
export const classBadge = (k) => h("span", { class: `class k${k}`, title: t("class.title") }, t(`class.${k}`));
export function figureCard(f) {
  const made = f.value !== null;
  return h("a", { class: "card figure", href: `/sustainability#${f.indicator}`, style: { color: "inherit", textDecoration: "none", display: "block" } },
    h("div", { class: "name" }, h("span", { class: "grow" }, figureName(f)), classBadge(f.quality_class)),
    h("div", { class: "line" }, h("div", { class: "value" }, made ? number(f.value) : "–", " ", h("small", {}, made ? unitName(f.unit) : "")), spark((f.trend || []).map((p) => p.value))),
    h("div", { class: "note" }, made ? [f.lower !== null && t("interval", { a: number(f.lower), b: number(f.upper) }), f.completeness !== null && t("complete", { n: number(f.completeness * 100, 0) })].filter(Boolean).join(" · ") : t(`reason.${f.reason}`)));
}

// One time series on a canvas: line, min–max range, usual band, limits, events, flags, crosshair, zoom by dragging.
import { clock, day, h, moment, number, t } from "./lib.js";

const FLAG = { 3: "--suspect", 4: "--critical" };
const STEPS = [600, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000, 604800, 1209600, 2592000, 7776000];

export class Chart {
  constructor(box, { onzoom } = {}) {
    this.box = box; this.onzoom = onzoom; this.series = null; this.spans = []; this.limits = []; this.band = null;
    this.canvas = h("canvas", { role: "img" }); this.tip = h("div", { class: "tip", hidden: true });
    box.classList.add("chart"); box.replaceChildren(this.canvas, this.tip);
    new ResizeObserver(() => this.draw()).observe(box);
    addEventListener("theme", () => this.draw());
    this._pointer();
  }
  /** series: {t, x, flag?, low?, high?, unit}; spans: [{start, end, severity, label}]; limits: [{value, label}]; band: {t, low, mid, high}. */
  set({ series, spans = [], limits = [], band = null, start, end, bars = false, zero = false }) { Object.assign(this, { series, spans, limits, band, start, end, bars, zero }); this.draw(); }
  /** One more value, the newest. */
  push(time, value, flag = 1) {
    const s = this.series;
    if (!s || s.low || s.rate || time <= (s.t.at(-1) ?? 0)) return;
    s.t.push(time); s.x.push(value); s.flag?.push(flag);
    const shift = Math.max(0, time - this.end); this.end += shift; this.start += shift;
    this.draw();
  }
  draw() {
    const { box, canvas } = this, w = box.clientWidth, hgt = box.clientHeight;
    if (!w || !this.series) return;
    const ratio = devicePixelRatio || 1, css = getComputedStyle(document.documentElement), colour = (n) => css.getPropertyValue(n).trim();
    canvas.width = w * ratio; canvas.height = hgt * ratio;
    const c = canvas.getContext("2d"); c.scale(ratio, ratio); c.font = "12px system-ui, 'DejaVu Sans', sans-serif";
    const [low, high] = this._range(), ticks = steps(low, high, Math.max(3, Math.floor(hgt / 55)));
    const places = Math.max(0, Math.min(3, -Math.floor(Math.log10(ticks[1] - ticks[0] || 1))));
    const left = 14 + Math.max(...ticks.map((v) => c.measureText(v.toFixed(places)).width)), right = 12, top = 12, foot = 26;
    Object.assign(this, { left, right: w - right, top, foot: hgt - foot, low: ticks[0] < low ? ticks[0] : low, high: ticks.at(-1) > high ? ticks.at(-1) : high });
    const X = this.X = (s) => left + ((s - this.start) / (this.end - this.start)) * (this.right - left);
    const Y = this.Y = (v) => this.foot - ((v - this.low) / (this.high - this.low || 1)) * (this.foot - top);
    c.strokeStyle = colour("--line"); c.fillStyle = colour("--faint"); c.textAlign = "right"; c.textBaseline = "middle"; c.lineWidth = 1;
    for (const v of ticks) { const y = Math.round(Y(v)) + 0.5; c.beginPath(); c.moveTo(left, y); c.lineTo(this.right, y); c.stroke(); c.fillText(v.toFixed(places).replace(".", document.documentElement.lang === "nb" ? "," : "."), left - 7, y); }
    this._times(c, colour);
    c.save(); c.beginPath(); c.rect(left, 0, this.right - left, this.foot + 1); c.clip();
    for (const s of this.spans) this._span(c, s, colour);
    if (this.band) this._area(c, this.band.t, this.band.low, this.band.high, colour("--band"), false);
    if (this.series.low) this._area(c, this.series.t, this.series.low, this.series.high, colour("--band"), true);
    for (const l of this.limits) this._limit(c, l, colour);
    if (this.bars) this._bars(c, colour("--info")); else this._line(c, colour("--curve"));
    this._flags(c, colour);
    c.restore();
    canvas.setAttribute("aria-label", `${this.series.t.length} · ${number(this.series.x.at(-1))} ${this.series.unit}`);
  }
  _range() {
    let low = Infinity, high = -Infinity;
    const see = (v) => { if (v !== null && Number.isFinite(v)) { if (v < low) low = v; if (v > high) high = v; } };
    const inside = (s, i) => s.t[i] >= this.start && s.t[i] <= this.end;
    for (let i = 0; i < this.series.t.length; i++) if (inside(this.series, i)) { see(this.series.x[i]); if (this.series.low) { see(this.series.low[i]); see(this.series.high[i]); } }
    if (this.band) for (let i = 0; i < this.band.t.length; i++) if (inside(this.band, i)) { see(this.band.low[i]); see(this.band.high[i]); }
    for (const l of this.limits) see(l.value);
    if (this.bars || this.zero) see(0);
    if (low > high) return [0, 1];
    const pad = (high - low || Math.abs(high) * 0.05 || 1) * 0.06;
    return [this.bars || (this.zero && low >= 0) ? 0 : low - pad, high + pad];
  }
  _times(c, colour) {
    const room = (this.right - this.left) / 84, length = this.end - this.start, step = STEPS.find((s) => length / s <= room) || STEPS.at(-1);
    c.textAlign = "center"; c.textBaseline = "top"; c.fillStyle = colour("--faint");
    const offset = 3600 * Math.round((Date.parse(new Date(this.start * 1000).toLocaleString("sv-SE", { timeZone: "Europe/Oslo" }).replace(" ", "T") + "Z") / 1000 - this.start) / 3600);
    for (let s = Math.ceil((this.start + offset) / step) * step - offset; s <= this.end; s += step) {
      const x = this.X(s), midnight = (s + offset) % 86400 === 0;
      if (x < this.left + 14 || x > this.right - 14) continue;
      c.fillStyle = colour(midnight && step < 86400 ? "--ink" : "--faint");
      c.fillText(step >= 86400 || midnight ? day(s) : clock(s), x, this.foot + 8);
    }
  }
  _gap() { const s = this.series.t, gaps = []; for (let i = 1; i < Math.min(s.length, 400); i++) gaps.push(s[i] - s[i - 1]); gaps.sort((a, b) => a - b); return 3.5 * (gaps[Math.floor(gaps.length / 2)] || 3600) + 60; }
  _line(c, stroke) {
    const { t: time, x, flag } = this.series, gap = this._gap();
    c.strokeStyle = stroke; c.lineWidth = 1.9; c.lineJoin = "round"; c.beginPath();
    let drawn = false, lone = [];
    for (let i = 0; i < time.length; i++) {
      if (x[i] === null || !Number.isFinite(x[i]) || flag?.[i] === 4) { drawn = false; continue; }
      const px = this.X(time[i]), py = this.Y(x[i]);
      if (drawn && time[i] - time[i - 1] <= gap) c.lineTo(px, py); else { c.moveTo(px, py); if (!(time[i + 1] - time[i] <= gap)) lone.push([px, py]); }
      drawn = true;
    }
    c.stroke();
    c.fillStyle = stroke;
    for (const [px, py] of lone) { c.beginPath(); c.arc(px, py, 2, 0, 7); c.fill(); }
    const last = time.length - 1;
    if (last >= 0 && Number.isFinite(x[last] ?? NaN)) { c.beginPath(); c.arc(this.X(time[last]), this.Y(x[last]), 3.4, 0, 7); c.fill(); }
  }
  _bars(c, fill) {
    const { t: time, x } = this.series, width = Math.max(1.5, (this.X(time[1] ?? this.end) - this.X(time[0] ?? this.start)) * 0.8);
    c.fillStyle = fill;
    for (let i = 0; i < time.length; i++) if (x[i] > 0) c.fillRect(this.X(time[i]), this.Y(x[i]), Math.min(width, 40), this.foot - this.Y(x[i]));
  }
  _area(c, time, low, high, fill, gaps) {
    c.fillStyle = fill;
    const runs = [[]];
    for (let i = 0; i < time.length; i++) { if (low[i] === null || !Number.isFinite(low[i])) { if (gaps) runs.push([]); continue; } runs.at(-1).push(i); }
    for (const run of runs) { if (run.length < 2) continue; c.beginPath(); run.forEach((i) => c.lineTo(this.X(time[i]), this.Y(high[i]))); run.reverse().forEach((i) => c.lineTo(this.X(time[i]), this.Y(low[i]))); c.fill(); }
  }
  _span(c, s, colour) {
    const a = Math.max(this.left, this.X(s.start)), b = Math.max(a + 3, Math.min(this.right, this.X(s.end ?? this.end)));
    if (this.X(s.end ?? this.end) < this.left || a > this.right) return;
    c.globalAlpha = 0.14; c.fillStyle = colour(`--${s.severity || "warning"}`); c.fillRect(a, this.top, b - a, this.foot - this.top);
    c.globalAlpha = 1; c.fillRect(a, this.top, b - a, 3);
  }
  _limit(c, l, colour) {
    const y = this.Y(l.value); c.strokeStyle = colour("--major"); c.setLineDash([6, 4]); c.lineWidth = 1.3; c.beginPath(); c.moveTo(this.left, y); c.lineTo(this.right, y); c.stroke(); c.setLineDash([]);
    c.fillStyle = colour("--major"); c.textAlign = "left"; c.textBaseline = "bottom"; c.fillText(l.label, this.left + 6, y - 3);
  }
  _flags(c, colour) {
    const { t: time, x, flag } = this.series;
    if (!flag) return;
    for (let i = 0; i < time.length; i++) if (FLAG[flag[i]] && Number.isFinite(x[i] ?? NaN)) { c.fillStyle = colour(FLAG[flag[i]]); c.beginPath(); c.arc(this.X(time[i]), Math.max(this.top, Math.min(this.foot, this.Y(x[i]))), 3, 0, 7); c.fill(); }
  }
  _pointer() {
    let from = null;
    const at = (e) => e.clientX - this.box.getBoundingClientRect().left;
    const second = (px) => this.start + ((px - this.left) / (this.right - this.left)) * (this.end - this.start);
    this.box.addEventListener("pointerdown", (e) => { if (e.pointerType === "mouse") from = at(e); });
    this.box.addEventListener("pointermove", (e) => this._hover(at(e), second, from));
    this.box.addEventListener("pointerleave", () => { this.tip.hidden = true; from = null; this.draw(); });
    this.box.addEventListener("pointerup", (e) => { const to = at(e); if (from !== null && Math.abs(to - from) > 12 && this.onzoom) this.onzoom(...[second(from), second(to)].sort((a, b) => a - b)); from = null; });
    this.box.addEventListener("dblclick", () => this.onzoom?.(null, null));
  }
  _hover(px, second, from) {
    const { series } = this;
    if (!series?.t.length || px < this.left || px > this.right) { this.tip.hidden = true; return; }
    const s = second(px), i = nearest(series.t, s), x = this.X(series.t[i]);
    this.draw();
    const c = this.canvas.getContext("2d"), css = getComputedStyle(document.documentElement);
    if (from !== null && Math.abs(px - from) > 12) { c.fillStyle = css.getPropertyValue("--band"); c.fillRect(Math.min(from, px), this.top, Math.abs(px - from), this.foot - this.top); }
    c.strokeStyle = css.getPropertyValue("--faint"); c.beginPath(); c.moveTo(x, this.top); c.lineTo(x, this.foot); c.stroke();
    if (Number.isFinite(series.x[i] ?? NaN)) { c.fillStyle = css.getPropertyValue("--ink"); c.beginPath(); c.arc(x, this.Y(series.x[i]), 4, 0, 7); c.fill(); }
    const found = this.spans.filter((e) => e.start <= s && s <= (e.end ?? this.end)).map((e) => h("div", { class: "small" }, e.label));
    this.tip.replaceChildren(h("span", { class: "soft" }, moment(series.t[i])), h("div", { class: "big" }, `${number(series.x[i], 3)} ${series.unit}`),
      series.low && Number.isFinite(series.low[i] ?? NaN) && h("div", { class: "soft small" }, `${t("chart.range")} ${number(series.low[i])}–${number(series.high[i])}`), FLAG[series.flag?.[i]] && h("div", { class: "small soft" }, t(`flag.${series.flag[i]}`)), found);
    this.tip.hidden = false;
    this.tip.style.left = `${x + 14 + this.tip.offsetWidth > this.box.clientWidth ? x - 14 - this.tip.offsetWidth : x + 14}px`;
    this.tip.style.top = `${this.top + 4}px`;
  }
}
function steps(low, high, count) {
  const rough = (high - low) / count || 1, power = 10 ** Math.floor(Math.log10(rough)), step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough), found = [];
  for (let v = Math.floor(low / step + 1e-9) * step; v <= high + step * 0.999; v += step) found.push(Number(v.toPrecision(12)));
  return found;
}
function nearest(times, s) {
  let a = 0, b = times.length - 1;
  while (b - a > 1) { const m = (a + b) >> 1; if (times[m] < s) a = m; else b = m; }
  return Math.abs(times[a] - s) <= Math.abs(times[b] - s) ? a : b;
}
/** A small line without axes. */
export function spark(values, w = 120, height = 38) {
  const found = values.map((v, i) => [i, v]).filter(([, v]) => Number.isFinite(v ?? NaN));
  const box = h("svg", { viewBox: `0 0 ${w} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  if (found.length < 2) return box;
  const low = Math.min(...found.map(([, v]) => v)), high = Math.max(...found.map(([, v]) => v));
  const at = found.map(([i, v]) => `${((i / (values.length - 1)) * (w - 8) + 4).toFixed(1)} ${(height - 5 - ((v - low) / (high - low || 1)) * (height - 10)).toFixed(1)}`);
  box.append(h("path", { d: `M${at.join("L")}L${at.at(-1).split(" ")[0]} ${height}L${at[0].split(" ")[0]} ${height}Z`, fill: "var(--band)" }), h("path", { d: `M${at.join("L")}`, fill: "none", stroke: "var(--curve)", "stroke-width": "2", "vector-effect": "non-scaling-stroke", "stroke-linejoin": "round" }));
  return box;
}

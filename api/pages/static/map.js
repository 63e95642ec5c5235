// The town as SVG: lake, zones, sewer lines, base stations, sensors. Drawn from data; no tiles, nothing from the internet.
import { ago, h, number, t } from "./lib.js";
import { shoreline } from "./shoreline.js";

const SHAPES = {
  overflow_chamber: "M0-7.500 7.500 6-7.500 6Z", pressure: "M0-6.500A6.500 6.500 0 1 1 0 6.500 6.500 6.500 0 1 1 0-6.500Z", flow: "M0-7.500 7.500 0 0 7.500-7.500 0Z",
  level: "M-6-6H6V6H-6Z", rain: "M0-8C4-3 6-.4 6 2A6 6 0 0 1-6 2C-6-.4-4-3 0-8Z",
};
const WATER = new Set(["pressure_bar", "flow_m3h", "volume_m3"]);
export function shapeOf(s) {
  if (s.kind === "overflow_chamber") return "overflow_chamber";
  const q = s.quantity || "";
  return q.startsWith("rain") ? "rain" : q.startsWith("flow") || q.startsWith("volume") ? "flow" : q.startsWith("level") || q.startsWith("distance") ? "level" : "pressure";
}
export const isSewer = (s) => s.kind === "overflow_chamber" || s.kind === "manhole" || !WATER.has(s.quantity);
export const glyph = (shape) => h("svg", { viewBox: "-9 -9 18 18", "aria-hidden": "true" }, h("path", { class: "shape", d: SHAPES[shape] }));

export class TownMap {
  constructor(box, { onsensor, onzone }) {
    this.box = box; this.onsensor = onsensor; this.onzone = onzone; this.marks = new Map(); this.layer = "all"; this.chosen = null;
    this.svg = h("svg", { role: "img", "aria-label": t("map") });
    this.tip = h("div", { class: "tip", hidden: true });
    box.prepend(this.svg); box.append(this.tip);
    this._gestures();
    new ResizeObserver(() => { this._fit(this.fitted); }).observe(box);
  }
  /** Draw a whole overview. */
  draw(data) {
    this.data = data;
    const points = [...data.zones.filter((z) => z.kind !== "town").flatMap((z) => z.polygon), ...data.sensors.filter((s) => s.position).map((s) => s.position)]; // base stations may stand far out on the hills
    const lat0 = points.length ? points.reduce((a, p) => a + p[0], 0) / points.length : 60.795;
    this.kx = Math.cos((lat0 * Math.PI) / 180);
    this.bounds = points.length ? points.map((p) => this._flat(p)).reduce((b, [x, y]) => [Math.min(b[0], x), Math.min(b[1], y), Math.max(b[2], x), Math.max(b[3], y)], [Infinity, Infinity, -Infinity, -Infinity]) : null;
    this.lakes = data.water.length ? data.water : near(this.bounds, this.kx) ? [clear(shoreline, points)] : [];
    this._fit(true);
  }
  setLayer(layer) { this.layer = layer; this._paint(); }
  choose(id) { this.marks.get(this.chosen)?.node.classList.remove("chosen"); this.chosen = id; this.marks.get(id)?.node.classList.add("chosen"); }
  /** New state of one sensor; its mark blinks once. */
  update(s) {
    const mark = this.marks.get(s.sensor);
    const known = this.data?.sensors.find((x) => x.id === s.sensor);
    if (known) Object.assign(known, s);
    if (!mark) return;
    mark.node.setAttribute("class", `mark ${s.state}${s.sensor === this.chosen ? " chosen" : ""}`);
    requestAnimationFrame(() => mark.node.classList.add("news"));
  }
  zoom(factor, cx = this.width / 2, cy = this.height / 2) {
    const k = Math.max(this.k0 * 0.6, Math.min(this.k0 * 60, this.k * factor));
    this.x += cx / this.k - cx / k; this.y += cy / this.k - cy / k; this.k = k; this.fitted = false;
    this._paint();
  }
  whole() { this._fit(true); }

  _flat([lat, lon]) { return [lon * this.kx, -lat]; }
  _at(p) { const [x, y] = this._flat(p); return [(x - this.x) * this.k, (y - this.y) * this.k]; }
  _fit(force) {
    this.width = this.box.clientWidth; this.height = this.box.clientHeight;
    if (!this.bounds || !this.width) return;
    if (force) {
      const [x0, y0, x1, y1] = this.bounds, pad = Math.min(46, this.width * 0.07);
      const foot = 40;
      this.k = this.k0 = Math.min((this.width - 2 * pad) / Math.max(x1 - x0, 1e-4), (this.height - 2 * pad - foot) / Math.max(y1 - y0, 1e-4));
      this.x = (x0 + x1) / 2 - this.width / 2 / this.k; this.y = (y0 + y1) / 2 - (this.height - foot) / 2 / this.k; this.fitted = true;
    }
    this._paint();
  }
  _path(points, close = true) { return points.map((p, i) => { const [x, y] = this._at(p); return `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`; }).join("") + (close ? "Z" : ""); }
  /** Catmull-Rom through the points, as Béziers: shores are not polygons. */
  _smooth(points) {
    const p = points.map((q) => this._at(q)), n = p.length, at = (i) => p[(i + n) % n];
    return `M${p[0].map((v) => v.toFixed(1)).join(" ")}` + p.map((_, i) => { const [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)]; return `C${[b[0] + (c[0] - a[0]) / 6, b[1] + (c[1] - a[1]) / 6, c[0] - (d[0] - b[0]) / 6, c[1] - (d[1] - b[1]) / 6, ...c].map((v) => v.toFixed(1)).join(" ")}`; }).join("") + "Z";
  }
  _paint() {
    if (!this.k) return;
    const { data } = this, sewer = this.layer !== "water", water = this.layer !== "sewer";
    const parts = [];
    const lakes = this.lakes, size = this._size();
    for (const lake of lakes) parts.push(h("path", { class: "lake", d: this._smooth(lake) }));
    if (lakes.length && !data.water.length) { const [x, y] = this._at([60.7925, lakes[0].shift + 10.728]); parts.push(h("text", { class: "lake-name", x, y, "text-anchor": "middle" }, t("map.lake"))); }
    const zones = data.zones.filter((z) => z.polygon.length > 2 && z.kind !== "town" && (z.kind === "sewer" ? sewer : water));
    for (const z of zones) {
      parts.push(h("path", { class: `zone ${z.kind} ${z.worst || ""}`, d: this._path(z.polygon), onclick: () => this._moved || this.onzone?.(z),
        onpointerenter: (e) => this._tell(e, z.name, t("map.meters", { n: number(z.meters, 0) }), z.meters ? "" : " "), onpointerleave: () => { this.tip.hidden = true; } }));
    }
    if (sewer) for (const line of data.lines) parts.push(h("path", { class: "line", d: this._path(line, false) }));
    for (const b of data.base_stations) parts.push(this._mast(b));
    this.marks.clear();
    const order = { ok: 0, unknown: 0, info: 1, suspect: 1, silent: 1, warning: 2, major: 3, critical: 4 };
    for (const s of [...data.sensors].sort((a, b) => order[a.state] - order[b.state])) {
      if (!s.position || (isSewer(s) && !s.quantity?.startsWith("rain") ? !sewer : !water && !s.quantity?.startsWith("rain"))) continue;
      const node = this._mark(s, size);
      this.marks.set(s.id, { node });
      parts.push(node);
    }
    for (const z of zones) { if (this.layer === "all" && z.kind === "sewer" && zones.some((o) => o.kind !== "sewer")) continue; const [x] = this._at(middle(z.polygon)), y = Math.min(...z.polygon.map((p) => this._at(p)[1])) - 6; parts.push(h("text", { class: "zone-name", x, y }, z.name)); }
    this.svg.replaceChildren(...parts);
  }
  /** Marks shrink where many share a small map, and grow back when one zooms in. */
  _size() { const n = this.data.sensors.length, room = (this.width * this.height) / 5200; return Math.max(0.62, Math.min(1.15, Math.sqrt(room / Math.max(n, 1)) * Math.sqrt(this.k / this.k0))); }
  _mark(s, size) {
    const [x, y] = this._at(s.position);
    const open = () => this._moved || this.onsensor?.(s);
    return h("g", { class: `mark ${s.state}${s.id === this.chosen ? " chosen" : ""}`, transform: `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${size.toFixed(2)})`, tabindex: "0", role: "button", "aria-label": `${s.name}: ${t(`state.${s.state}`)}`, "data-sensor": s.id,
      onclick: open, onkeydown: (e) => { if (e.key === "Enter") open(); },
      onpointerenter: (e) => this._tell(e, s.name, s.value === null || s.value === undefined ? t(`state.${s.state}`) : `${t(`state.${s.state}`)} · ${s.heard_at ? t("map.heard", { t: ago(s.heard_at) }) : t("map.never")}`, s.value === null || s.value === undefined ? "" : `${number(s.value)} ${s.unit}`), onpointerleave: () => { this.tip.hidden = true; } },
      h("circle", { class: "halo", r: 8 }), h("path", { class: "shape", d: SHAPES[shapeOf(s)] }));
  }
  _mast(b) {
    const [x, y] = this._at(b.position);
    const away = b.heard_at && Date.now() / 1000 - Date.parse(b.heard_at) / 1000 > 3600;
    return h("g", { transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`, onpointerenter: (e) => this._tell(e, b.name || b.id, b.heard_at ? t("map.heard", { t: ago(b.heard_at) }) : t("map.station")), onpointerleave: () => { this.tip.hidden = true; } },
      h("circle", { class: "mast-back", r: 12 }), h("path", { class: `mast${away ? " away" : ""}`, d: "M-3.500 8 0-2.500 3.500 8M-2 4H2M-3.300-6.300a4.600 4.600 0 0 0 0 6.500M3.300-6.300a4.600 4.600 0 0 1 0 6.500M0-3.500V-2.500" }));
  }
  _tell(e, title, text, big = "") {
    if (e.pointerType === "touch") return;
    this.tip.replaceChildren(h("b", {}, title), big.trim() && h("div", { class: "big" }, big), big === " " ? "" : h("span", { class: "soft" }, text));
    this.tip.hidden = false;
    const box = this.box.getBoundingClientRect(), x = e.clientX - box.left, y = e.clientY - box.top;
    this.tip.style.left = `${Math.min(x + 14, this.width - this.tip.offsetWidth - 6)}px`;
    this.tip.style.top = `${Math.max(6, y - this.tip.offsetHeight - 12)}px`;
  }
  _gestures() {
    const down = new Map(); let gap = 0;
    this.box.addEventListener("wheel", (e) => { e.preventDefault(); const r = this.box.getBoundingClientRect(); this.zoom(Math.exp(-e.deltaY * 0.0016), e.clientX - r.left, e.clientY - r.top); }, { passive: false });
    this.box.addEventListener("pointerdown", (e) => { if (e.target.closest(".map-tools")) return; down.set(e.pointerId, [e.clientX, e.clientY]); this._moved = false; gap = 0; });
    addEventListener("pointermove", (e) => {
      const from = down.get(e.pointerId);
      if (!from) return;
      const now = [e.clientX, e.clientY];
      if (Math.hypot(now[0] - from[0], now[1] - from[1]) < 4 && !this._moved) return;
      this._moved = true; this.fitted = false; this.tip.hidden = true;
      down.set(e.pointerId, now);
      if (down.size === 1) { this.x -= (now[0] - from[0]) / this.k; this.y -= (now[1] - from[1]) / this.k; this._paint(); return; }
      const [a, b] = [...down.values()], apart = Math.hypot(a[0] - b[0], a[1] - b[1]), r = this.box.getBoundingClientRect();
      if (gap) this.zoom(apart / gap, (a[0] + b[0]) / 2 - r.left, (a[1] + b[1]) / 2 - r.top);
      gap = apart;
    });
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, (e) => { down.delete(e.pointerId); setTimeout(() => { this._moved = false; }); });
  }
}
/** The schematic shore, moved east just far enough that nothing of the town stands in the water. */
function clear(shore, points) {
  const inside = ([lat, lon], p) => p.reduce((odd, [a, b], i) => { const [c, d] = p[(i + 1) % p.length]; return (a > lat) !== (c > lat) && lon < ((d - b) * (lat - a)) / (c - a) + b ? !odd : odd; }, false);
  let moved = shore, shift = 0;
  while (shift < 0.08 && points.some((p) => inside(p, moved))) { shift += 0.002; moved = shore.map(([lat, lon]) => [lat, lon + shift]); }
  moved.shift = shift;
  return moved;
}
/** The schematic lake belongs only where it is. */
function near(bounds, kx) { return bounds && bounds[0] / kx > 10.4 && bounds[2] / kx < 11.1 && -bounds[3] > 60.6 && -bounds[1] < 61.0; }
function middle(polygon) {
  let area = 0, x = 0, y = 0;
  polygon.forEach(([a, b], i) => { const [c, d] = polygon[(i + 1) % polygon.length], k = a * d - c * b; area += k; x += (a + c) * k; y += (b + d) * k; });
  return Math.abs(area) < 1e-12 ? polygon[0] : [x / (3 * area), y / (3 * area)];
}

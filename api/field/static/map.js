// The route as a sketch: north up, true distances, no map service needed.
import { t } from "./words.js";

const NS = "http://www.w3.org/2000/svg";
const WIDTH = 340;
const HEIGHT = 300;
const EDGE = 26;

function part(name, attributes, text = "") {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

// A drawing of the stops that have a position, with the way between them; null where none has.
export function routeMap(stops, here) {
  const places = stops.filter((s) => s.lat !== null);
  if (!places.length) return null;
  const all = [...(here ? [here] : []), ...places];
  const squeeze = Math.cos((all[0].lat * Math.PI) / 180);
  const xs = all.map((p) => p.lon * squeeze);
  const ys = all.map((p) => -p.lat);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const scale = Math.min((WIDTH - 2 * EDGE) / (Math.max(...xs) - left || 1e-9), (HEIGHT - 2 * EDGE) / (Math.max(...ys) - top || 1e-9), 1e6);
  const at = all.map((_, i) => [EDGE + (xs[i] - left) * scale, EDGE + (ys[i] - top) * scale]);
  const drawing = part("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": t("routeMap", { n: places.length }), class: "route" });
  drawing.append(part("polyline", { points: at.map((p) => p.join(",")).join(" ") }));
  if (here) drawing.append(part("circle", { cx: at[0][0], cy: at[0][1], r: 8, class: "here" }));
  places.forEach((stop, i) => {
    const [x, y] = at[i + (here ? 1 : 0)];
    drawing.append(part("circle", { cx: x, cy: y, r: 16 }), part("text", { x, y: y + 6 }, String(stop.stop)));
  });
  return drawing;
}

// The field engineer's page: scan, place, register, see that it works.
import * as keep from "./keep.js";
import { back, check, field, h, listening, lists, radio, redraw, say, show, twice } from "./page.js";
import { scanView } from "./scan.js";
import { routeMap } from "./map.js";
import { ask, post, Refused, refresh, send, state } from "./send.js";
import { verdictView } from "./verdict.js";
import { kinds, lang, speak, t } from "./words.js";

let town = { assets: [], sensors: [], products: [], zones: [], utility: "Mjøsa" };
let here = null;

// ---- views

lists.add(home).add(queueView);

async function home() {
  const n = (await keep.entries()).filter((e) => e.state === "waiting" || e.state === "conflict").length;
  return [
    h("h1", {}, t("title")),
    h("button.main", { onclick: () => show(scanView(scanned)) }, t("scan")),
    h("button", { onclick: () => show(nearbyView) }, t("nearby")),
    h("button", { onclick: () => show(visitsView) }, t("visits")),
    h("button", { onclick: () => show(queueView) }, n ? t("queueN", { n }) : t("queue")),
  ];
}

// What was scanned decides what can be done: a new sensor, one that is registered, or one that waits on this phone.
async function scanned(label) {
  navigator.vibrate?.(60);
  const waits = (await keep.entries()).find((e) => e.body.dev_eui === label.dev_eui && (e.state === "waiting" || e.state === "conflict"));
  const known = town.sensors.find((s) => s.dev_eui === label.dev_eui && !s.retired);
  const sent = (await keep.entries()).find((e) => e.kind === "register" && e.body.dev_eui === label.dev_eui && (e.state === "sent" || e.state === "queued"));
  if (waits) return show(async () => [h("h1", {}, t("waitsHere")), card(waits)]);
  if (known || sent) return show(() => knownView(known || { id: sent.body.sensor, dev_eui: label.dev_eui, asset: sent.body.asset, quantities: [] }));
  return show(() => newView(label));
}

function newView(label, before = null) {
  const measures = () => town.products.find((p) => p.key === form.elements.model.value)?.measures || [];
  const place = placePart((asset) => {
    const name = form.elements.sensor;
    if (name && (!name.value || name.dataset.made)) {
      name.value = freeName(asset);
      name.dataset.made = "1";
    }
  }, { value: before?.body.asset || "", meter: () => measures().includes("volume_m3") });
  const form = h("form", { onsubmit: (event) => {
    event.preventDefault();
    register(label, new FormData(form), before).catch((error) => say(t("failed", { why: error.message })));
  } },
  h("p.mono", {}, label.dev_eui.toUpperCase()),
  field(t("product"), "model", { value: before?.body.model || likely(label), onchange: () => place.look(),
    options: [["", t("choose")], ...town.products.map((p) => [p.key, p.name])] }),
  place,
  field(t("sensorName"), "sensor", { maxLength: 100, value: before?.body.sensor || "", oninput: (e) => delete e.target.dataset.made }),
  mountingPart(),
  field(t("key"), "app_key", { type: "password", className: "mono", autocomplete: "off", spellcheck: false }, t("keyHelp")),
  check("no_key", before?.sealed ? t("keyKept") : t("keyLater"), { checked: Boolean(before?.sealed) }),
  h("button.main", { type: "submit" }, t("save")));
  return [h("h1", {}, t("newSensor")), before?.message ? h("div.card.conflict", {}, h("p", {}, before.message)) : null, form];
}

async function register(label, data, before) {
  const get = (name) => String(data.get(name) ?? "").trim();
  const key = get("app_key").replace(/[\s:\-]/g, "");
  const chosen = get("asset");
  if (!get("model")) return say(t("needProduct"));
  if (!chosen || (chosen === "+" && !get("new_asset"))) return say(t("needPlace"));
  if (!get("sensor")) return say(t("needName"));
  if (!data.get("no_key") && !isKey(key)) return say(t("keyWrong"));
  const body = { dev_eui: label.dev_eui, join_eui: label.join_eui || null, model: get("model"), sensor: get("sensor"), mounting: mountingOf(get) };
  if (chosen === "+") {
    body.new_asset = { id: get("new_asset"), kind: get("new_kind"), ...(here ? { latitude: here.lat, longitude: here.lon } : {}) };
    body.asset = get("new_asset");
  } else body.asset = chosen;
  const kept = data.get("no_key") ? before?.sealed : null;
  if (before) await keep.remove(before.client_id);
  await enter("register", body, data.get("no_key") ? null : { app_key: key }, body.sensor, kept);
}

// Keeps an entry on the phone, tries to send it, and goes on to the check.
async function enter(kind, body, secrets, title, sealed = null) {
  if (secrets && !keep.canSeal()) return say(t("noSecure"));
  const record = { client_id: crypto.randomUUID(), kind, at: Date.now() / 1000, body, title, state: "waiting", message: "" };
  await keep.put({ ...record, sealed: secrets ? await keep.seal(secrets) : sealed });
  await tryToSend();
  const now = await keep.entry(record.client_id);
  if (now.state === "conflict" || now.state === "waiting" || kind === "retire") return show(queueView, { fresh: true });
  await refreshTown();
  return show(verdictView(body.sensor, ["calibrate", "flush", "rekey"].includes(kind) ? null : record.at, signed), { fresh: true });
}

function knownView(sensor) {
  const asset = town.assets.find((a) => a.id === sensor.asset);
  const place = asset?.name || sensor.asset;
  return [
    h("h1", {}, t("known")),
    h("div.card", {}, h("h2", {}, sensor.name || sensor.id), h("p", {}, sensor.id, place ? ` ${t("onPlace", { place })}` : ""),
      h("p.mono", {}, sensor.dev_eui.toUpperCase())),
    h("button.main", { onclick: () => show(verdictView(sensor.id, null, signed)) }, t("checkIt")),
    h("button", { onclick: () => show(() => moveView(sensor)) }, t("move")),
    h("button", { onclick: () => show(scanView((label) => show(() => swapView(sensor, label)))) }, t("swap")),
    h("button", { onclick: () => show(() => calibrateView(sensor)) }, t("calibrate")),
    h("button", { onclick: () => show(() => tellView(sensor)) }, t("settings")),
    h("button", { onclick: () => enter("flush", { sensor: sensor.id }, null, sensor.id) }, t("flush")),
    h("button", { onclick: () => show(() => rekeyView(sensor)) }, t("rekey")),
    twice("retire", "retireSure", () => enter("retire", { sensor: sensor.id }, null, sensor.id)),
  ];
}

function moveView(sensor) {
  const form = h("form", { onsubmit: (event) => {
    event.preventDefault();
    const data = new FormData(form);
    const get = (name) => String(data.get(name) ?? "").trim();
    if (!get("asset")) return say(t("needPlace"));
    return enter("move", { sensor: sensor.id, asset: get("asset"), mounting: mountingOf(get) }, null, sensor.id);
  } }, placePart(() => {}, { fresh: false }), mountingPart(), h("button.main", { type: "submit" }, t("move")));
  return [h("h1", {}, `${t("move")}: ${sensor.id}`), form];
}

function swapView(sensor, label) {
  const form = h("form", { onsubmit: (event) => {
    event.preventDefault();
    const data = new FormData(form);
    const key = String(data.get("app_key")).replace(/[\s:\-]/g, "");
    if (!data.get("no_key") && !isKey(key)) return say(t("keyWrong"));
    const body = { sensor: sensor.id, dev_eui: label.dev_eui, join_eui: label.join_eui || null, model: String(data.get("model")) || null };
    return enter("swap", body, data.get("no_key") ? null : { app_key: key }, sensor.id);
  } },
  h("p.mono", {}, label.dev_eui.toUpperCase()),
  field(t("product"), "model", { value: sensor.model, options: town.products.map((p) => [p.key, p.name]) }),
  field(t("key"), "app_key", { type: "password", className: "mono" }, t("keyHelp")),
  check("no_key", t("keyLater")),
  h("button.main", { type: "submit" }, t("swap")));
  return [h("h1", {}, `${t("swap")}: ${sensor.id}`), form];
}

function rekeyView(sensor) {
  const form = h("form", { onsubmit: (event) => {
    event.preventDefault();
    const key = String(new FormData(form).get("app_key")).replace(/[\s:\-]/g, "");
    return isKey(key) ? enter("rekey", { sensor: sensor.id }, { app_key: key }, sensor.id) : say(t("keyWrong"));
  } },
  field(t("key"), "app_key", { type: "password", className: "mono" }, t("keyHelp")),
  h("button.main", { type: "submit" }, t("rekey")));
  return [h("h1", {}, `${t("rekey")}: ${sensor.id}`), form];
}

const isKey = (text) => /^[0-9a-fA-F]{32}$/.test(text);

function calibrateView(sensor) {
  const form = h("form", { onsubmit: (event) => {
    event.preventDefault();
    const data = new FormData(form);
    const offset = Number(String(data.get("offset")).replace(",", "."));
    if (!Number.isFinite(offset)) return say(t("offset"));
    return enter("calibrate", { sensor: sensor.id, quantity: data.get("quantity"), offset }, null, sensor.id);
  } },
  field(t("quantity"), "quantity", { options: sensor.quantities.map((q) => [q, t(q)]) }),
  field(t("offset"), "offset", { inputMode: "decimal" }),
  h("button.main", { type: "submit" }, t("calibrate")));
  return [h("h1", {}, `${t("calibrate")}: ${sensor.id}`), form];
}

async function nearbyView() {
  const list = h("ul", {});
  locate().then(() => list.replaceChildren(...nearestAssets("").map((a) => assetCard(a))));
  return [h("h1", {}, t("nearby")), list];
}

function assetCard(asset) {
  const on = town.sensors.filter((s) => s.asset === asset.id && !s.retired);
  return h("li.card", {}, h("h2", {}, asset.name || asset.id), h("p", {}, describe(asset)),
    on.map((s) => h("button", { onclick: () => show(() => knownView(s)) }, s.id)));
}

async function visitsView() {
  try {
    await locate();
    const found = await ask(`visits?lang=${lang()}${here ? `&lat=${here.lat}&lon=${here.lon}` : ""}`);
    if (!found.length) return [h("h1", {}, t("visits")), h("p", {}, t("noVisits"))];
    return [h("h1", {}, t("visits")), routeMap(found, here), h("ol", {}, found.map((v) => h("li.card.look_again", {},
      h("h2", {}, `${t("stop", { n: v.stop })}: ${v.sensor}`),
      h("p", {}, [v.place, v.leg_m ? t("metres", { n: v.leg_m }) : ""].filter(Boolean).join(", ")), v.reasons.map((r) => h("p", {}, r.text)),
      v.lat ? h("a.button", { href: `geo:${v.lat},${v.lon}` }, t("map")) : null)))];
  } catch (error) {
    return [h("h1", {}, t("visits")), h("p", {}, error instanceof Refused ? error.message : t("offline"))];
  }
}

async function tellView(sensor) {
  const found = await ask(`sensors/${encodeURIComponent(sensor.id)}/downlinks`).catch((error) => ({ offered: {}, sent: [], error }));
  const names = Object.keys(found.offered);
  const form = h("form", { onsubmit: async (event) => {
    event.preventDefault();
    const data = new FormData(form);
    try {
      await post(`sensors/${encodeURIComponent(sensor.id)}/downlinks`, { command: data.get("command"), value: Number(String(data.get("value")).replace(",", ".")) });
      await show(() => tellView(sensor), { again: true });
    } catch (error) {
      say(error instanceof Refused ? error.message : t("offline"));
    }
  } },
  field(t("command"), "command", { options: names.map((n) => [n, t(n)]) }),
  field(t("value"), "value", { inputMode: "decimal" }, names.map((n) => `${t(n)}: ${found.offered[n].low}–${found.offered[n].high} ${found.offered[n].unit}`).join(". ")),
  h("button.main", { type: "submit" }, t("tell")));
  return [h("h1", {}, `${t("settings")}: ${sensor.id}`), found.error ? h("p", {}, t("offline")) : names.length ? form : h("p", {}, t("noCommands")),
    h("ul", {}, found.sent.map((d) => h(`li.card.${{ acknowledged: "good", failed: "bad" }[d.state] || "waiting"}`, {},
      h("h2", {}, `${t(d.command)}: ${d.value}`), h("p.mark", {}, t(`d_${d.state}`))))),
    found.sent.length ? h("button", { onclick: () => show(() => tellView(sensor), { again: true }) }, t("refresh")) : null];
}

async function queueView() {
  const all = await keep.entries();
  return [
    h("h1", {}, t("queue")),
    all.length ? h("div", {}, all.map(card)) : h("p", {}, t("emptyQueue")),
    h("button.main", { onclick: () => show(home, { fresh: true }) }, t("ready")),
  ];
}

function card(e) {
  const bad = e.state === "conflict";
  return h(`div.card.${bad ? "conflict" : e.state === "waiting" ? "waiting" : "good"}`, {},
    h("h2", {}, `${t(`k_${e.kind}`)}: ${e.title}`),
    h("p", {}, h("span.mark", {}, e.kind === "signoff" && e.state === "sent" ? t("st_signed") : t(`st_${e.state}`))),
    e.message ? h("p", {}, e.message) : null,
    h("p.soft", {}, new Date(e.at * 1000).toLocaleString(lang() === "nb" ? "nb-NO" : "en-GB")),
    bad ? h("button", { onclick: async () => {
      await keep.put({ ...e, state: "waiting", message: "" });
      await tryToSend();
      redraw();
    } }, t("tryAgain")) : null,
    e.kind !== "signoff" && (e.state === "sent" || e.state === "queued") && e.kind !== "retire"
      ? h("button", { onclick: () => show(verdictView(e.body.sensor, e.at, signed)) }, t("checkIt")) : null,
    bad && e.kind === "register"
      ? h("button", { onclick: () => show(() => newView({ dev_eui: e.body.dev_eui, join_eui: e.body.join_eui }, e)) }, t("correct")) : null,
    bad || e.state === "sent" || e.state === "queued" ? twice("remove", "removeSure", async () => {
      await keep.remove(e.client_id);
      redraw();
    }) : null);
}

function signed() {
  show(queueView, { fresh: true });
}

// ---- parts

// The place of a sensor: the nearest assets, or those a search finds. Homes are asked of the server, only for a meter or a search, and not kept.
function placePart(chosen, { fresh = true, value = "", meter = () => false } = {}) {
  const list = h("div", { role: "radiogroup", "aria-label": t("place") });
  let asked = [];
  const draw = () => {
    const text = search.querySelector("input").value;
    const picked = list.querySelector("input:checked")?.value || value;
    const picks = nearestAssets(text, asked).slice(0, text ? 12 : 6).map((a) =>
      radio("asset", a.id, `${a.name || a.id} · ${describe(a)}`, { checked: a.id === picked, onchange: () => chosen(a.id) }));
    const own = fresh ? [radio("asset", "+", t("newPlace"), { checked: picked === "+" }), fields] : [];
    list.replaceChildren(...picks, ...own);
  };
  const look = async () => {
    const text = search.querySelector("input").value;
    draw();
    if (!here || !(text || meter())) return;
    asked = await ask(`nearby?lat=${here.lat}&lon=${here.lon}&text=${encodeURIComponent(text)}`).catch(() => []);
    draw();
  };
  const search = field(t("search"), "search", { type: "search", oninput: look });
  const fields = h("div", { hidden: true },
    field(t("newPlaceId"), "new_asset", { maxLength: 100, oninput: (e) => chosen(e.target.value) }),
    field(t("kind"), "new_kind", { options: kinds.map((k) => [k, t(k)]) }));
  list.addEventListener("change", (e) => { if (e.target.name === "asset") fields.hidden = e.target.value !== "+"; });
  draw();
  locate().then(look);
  const made = h("fieldset", {}, h("legend", {}, t("place")), search, list);
  made.look = look;
  return made;
}

function mountingPart() {
  const covers = ["none", "cast_iron", "plastic", "concrete"];
  return h("fieldset", {}, h("legend", {}, t("mounting")), h("div.two", {},
    field(t("depth"), "depth_m", { inputMode: "decimal" }),
    field(t("cover"), "cover", { options: covers.map((c) => [c, t(`cover_${c}`)]) })));
}

function mountingOf(get) {
  const depth = Number(get("depth_m").replace(",", "."));
  return { depth_m: Number.isFinite(depth) ? depth : 0, cover: get("cover") || "none" };
}

function nearestAssets(text, more = []) {
  const wanted = text.toLowerCase();
  const known = new Set(town.assets.map((a) => a.id));
  const found = [...town.assets, ...more.filter((a) => !known.has(a.id))].filter((a) => !wanted || `${a.id} ${a.name}`.toLowerCase().includes(wanted));
  return found.map((a) => ({ ...a, metres: metres(a) })).sort((a, b) => a.metres - b.metres).slice(0, 50);
}

function metres(asset) {
  if (!here || asset.lat === null) return Infinity;
  const north = (asset.lat - here.lat) * 111_195;
  const east = (asset.lon - here.lon) * 111_195 * Math.cos((here.lat * Math.PI) / 180);
  return Math.hypot(north, east);
}

const describe = (a) => [t(a.kind), Number.isFinite(a.metres) ? t("metres", { n: Math.round(a.metres) }) : ""].filter(Boolean).join(", ");

function freeName(asset) {
  const taken = new Set(town.sensors.map((s) => s.id));
  let name = asset;
  for (let n = 2; taken.has(name); n++) name = `${asset}-${n}`;
  return name;
}

// The product most often registered with the same maker's prefix.
function likely(label) {
  const counts = {};
  for (const s of town.sensors) if (s.dev_eui.slice(0, 6) === label.dev_eui.slice(0, 6)) counts[s.model] = (counts[s.model] || 0) + 1;
  return Object.entries(counts).sort((a, b) => b[1] - a[1])[0]?.[0] || "";
}

// ---- the phone

async function locate() {
  if (!navigator.geolocation) return;
  await new Promise((done) => navigator.geolocation.getCurrentPosition(
    ({ coords }) => { here = { lat: coords.latitude, lon: coords.longitude }; done(); }, () => done(),
    { enableHighAccuracy: true, timeout: 8000, maximumAge: 30000 }));
}

async function refreshTown() {
  try {
    await refresh();
  } catch (error) {
    if (error instanceof Refused && error.status !== 401) say(error.message);
  }
  town = (await keep.kept("town")) || town;
  tell();
}

async function tryToSend() {
  const before = await states();
  await send();
  tell();
  return before !== (await states());
}

const states = async () => JSON.stringify((await keep.entries()).map((e) => [e.client_id, e.state]));

function tell() {
  const net = document.getElementById("net");
  const off = !navigator.onLine || !state.online;
  net.classList.toggle("offline", off || state.signedOut);
  if (state.signedOut && !off) net.replaceChildren(t("signedOut"), " ", h("a.button", { href: "/sign-in?to=/field/" }, t("signIn")));
  else net.textContent = off ? t("offline") : "";
  document.getElementById("where").textContent = town.utility;
  document.getElementById("back").textContent = `‹ ${t("back")}`;
  document.getElementById("language").textContent = lang() === "nb" ? "English" : "Norsk";
  document.getElementById("language").lang = lang() === "nb" ? "en" : "nb";
}

document.getElementById("back").onclick = back;
document.getElementById("language").onclick = () => {
  speak(lang() === "nb" ? "en" : "nb");
  tell();
  redraw();
};
addEventListener("online", async () => {
  state.online = true;
  await tryToSend();
  await refreshTown();
  if (listening()) redraw();
});
addEventListener("offline", () => {
  state.online = false;
  tell();
});
setInterval(async () => {
  if ((await tryToSend()) && listening()) redraw();
}, 5000);
if ("serviceWorker" in navigator) navigator.serviceWorker.register("sw.js");
navigator.storage?.persist?.();

speak(lang());
town = (await keep.kept("town")) || town;
tell();
await show(home, { fresh: true });
refreshTown().then(tryToSend).then(() => {
  if (listening()) redraw();
});

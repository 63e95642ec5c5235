// What every page uses: the API, words, formats, small pieces of DOM.
import { words } from "./words.js";

const root = document.documentElement;
export const lang = root.lang === "en" ? "en" : "nb";
export const key = root.dataset.key || "";
export const user = root.dataset.user;
export const rights = new Set((root.dataset.rights || "").split(" "));
export const here = new URL(".", import.meta.url).pathname;
export const utility = root.dataset.utility;

/** The word for a key; unknown keys are shown readable rather than raw. {n} is filled from `values`. */
export function t(key, values = {}) {
  const text = words[lang][key] ?? words.en[key] ?? key.split(".").pop().replaceAll("_", " ");
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}
export const known = (key) => key in words[lang] || key in words.en;

/** Element with attributes and children; text is always text, never HTML. */
export function h(tag, attributes = {}, ...children) {
  const svg = SVG.has(tag);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else if (name in element && !svg && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((c) => c !== null && c !== undefined && c !== false).map((c) => (c instanceof Node ? c : String(c))));
  return element;
}
const SVG = new Set(["svg", "g", "path", "circle", "rect", "line", "polygon", "polyline", "text", "use", "title", "defs", "ellipse"]);

export const icon = (name) => h("svg", { viewBox: name === "mjosa" ? "0 0 32 32" : "0 0 24 24", "aria-hidden": "true" }, h("use", { href: `${here}icons.svg#${name}` }));

/** JSON from the API; a failure throws an Error whose message is the API's own sentence. */
export async function ask(path, { method = "GET", body, signal } = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method, signal, headers: { Accept: "application/json", ...(body !== undefined ? { "Content-Type": "application/json" } : {}), "X-CSRF-Token": root.dataset.csrf },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(t("offline"));
  }
  if (answer.status === 401) { location.href = "/sign-in"; return new Promise(() => {}); }
  const data = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (!answer.ok) throw Object.assign(new Error(data?.detail || t("failed")), { status: answer.status });
  return data;
}
export const send = (path, body, method = "POST") => ask(path, { method, body });

const locale = lang === "nb" ? "nb-NO" : "en-GB";
const zone = "Europe/Oslo";
const formats = {};
const format = (name, options) => (formats[name] ??= new Intl.DateTimeFormat(locale, { timeZone: zone, ...options }));
const asDate = (time) => new Date(typeof time === "number" ? time * 1000 : time);
export const seconds = (iso) => (iso ? Date.parse(iso) / 1000 : NaN);
export const clock = (time) => format("clock", { hour: "2-digit", minute: "2-digit" }).format(asDate(time));
export const day = (time) => format("day", { day: "numeric", month: "short" }).format(asDate(time));
export const date = (time) => format("date", { day: "numeric", month: "short", year: "numeric" }).format(asDate(time));
export const moment = (time) => (time ? `${day(time)} ${clock(time)}` : "–");
export const month = (time) => format("month", { month: "long", year: "numeric" }).format(asDate(time));
export function ago(time, now = Date.now() / 1000) {
  const s = now - (typeof time === "number" ? time : seconds(time));
  if (!Number.isFinite(s)) return "–";
  if (s < 60) return t("now");
  return span(s);
}
/** A duration in its two largest units. */
export function span(s) {
  const m = Math.round(s / 60);
  if (m < 1) return `${Math.round(s)} s`;
  if (m < 60) return `${m} min`;
  const hours = Math.floor(m / 60);
  if (hours < 48) return `${hours} ${t("unit.h")}${m % 60 && hours < 10 ? ` ${m % 60} min` : ""}`;
  return `${Math.floor(hours / 24)} ${t("unit.d")}`;
}
const digits = {};
export function number(x, most = 2) {
  if (x === null || x === undefined || !Number.isFinite(x)) return "–";
  const places = Math.abs(x) >= 100 ? 0 : Math.abs(x) >= 10 ? Math.min(1, most) : most;
  return (digits[places] ??= new Intl.NumberFormat(locale, { maximumFractionDigits: places, minimumFractionDigits: 0 })).format(x);
}

export const $ = (selector, within = document) => within.querySelector(selector);
export function empty(title, text = "", mark = "") {
  return h("div", { class: "empty" }, mark && h("div", { class: "mark" }, mark), h("strong", {}, title), text);
}
export function failed(error, again) {
  return h("div", { class: "failed", role: "alert" }, h("div", { class: "grow" }, error.message), again && h("button", { class: "button little danger", onclick: again }, t("again")));
}
export const loading = () => h("div", { class: "loading", "aria-label": t("loading") });
export function toast(text) {
  $(".toast")?.remove();
  const shown = h("div", { class: "toast", role: "status" }, text);
  document.body.append(shown);
  setTimeout(() => shown.remove(), 4500);
}
/** Fill `target` with what `make` returns; loading before, the error's own sentence and a retry after a failure. */
export async function fill(target, make) {
  if (!target.childNodes.length) target.replaceChildren(loading());
  try { target.replaceChildren(...[await make()].flat().filter(Boolean)); }
  catch (error) { if (error.name !== "AbortError") { target.replaceChildren(failed(error, () => fill(target, make))); } }
}
export function segments(options, chosen, onchange) {
  const box = h("div", { class: "segments", role: "group" });
  for (const [value, label] of options) {
    box.append(h("button", { type: "button", "aria-pressed": String(value === chosen), onclick: (e) => {
      for (const b of box.children) b.setAttribute("aria-pressed", String(b === e.currentTarget));
      onchange(value);
    } }, label));
  }
  return box;
}

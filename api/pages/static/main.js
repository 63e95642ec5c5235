// The frame around every page: navigation, live pill, language, theme, sign-out. Then the page's own module.
import { $, h, icon, known, lang, rights, send, t, toast, user, utility } from "./lib.js";
import * as live from "./live.js";

const page = document.documentElement.dataset.page;
const PLACES = [["operations", "/", "see"], ["overflows", "/overflows", "see"], ["sustainability", "/sustainability", "see"],
  ["field", "/field", "register"], ["administration", "/administration", "administer"]];
const inside = { sensor: "operations", zone: "operations" };

function frame() {
  const rail = h("nav", { class: "rail", "aria-label": t("nav") }, h("a", { class: "logo", href: "/", "aria-label": "Mjøsa" }, icon("mjosa")),
    PLACES.filter(([, , right]) => rights.has(right)).map(([name, path]) =>
      h("a", { class: `to${name === (inside[page] || page) ? " here" : ""}`, href: path, "aria-current": name === page ? "page" : null }, icon(name), known(`nav.${name}`) ? t(`nav.${name}`) : t(`page.${name}`))));
  const pill = h("div", { class: "live", title: t("live.title"), role: "status" }, h("span", {}, t("live.off")));
  live.on("state", (there) => { pill.classList.toggle("on", there); pill.firstChild.textContent = t(there ? "live.on" : "live.off"); });
  const top = h("header", { class: "top" }, h("div", { class: "where grow" }, h("h1", { id: "title" }, t(`page.${page}`)), h("div", { class: "soft", id: "subtitle" }, utility)), pill,
    h("button", { class: "icon", title: t("language"), "aria-label": t("language"), onclick: speak }, lang === "nb" ? "EN" : "NO"),
    h("button", { class: "icon", title: t("theme"), "aria-label": t("theme"), onclick: recolour }, icon("sun")),
    h("button", { class: "icon", title: `${t("sign_out")} (${user})`, "aria-label": t("sign_out"), onclick: leave }, icon("out")));
  $("#app").replaceChildren(rail, top, h("main", { class: "page", id: "page" }));
}
function speak() {
  document.cookie = `mjosa_language=${lang === "nb" ? "en" : "nb"}; path=/; max-age=31536000; SameSite=Lax`;
  location.reload();
}
function recolour() {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  localStorage.setItem("mjosa-theme", next);
  dispatchEvent(new Event("theme"));
}
async function leave() {
  try { await send("/sign-out"); } catch (error) { toast(error.message); return; }
  location.href = "/sign-in";
}

frame();
const module = await import(`./${page}.js`);
await module.show($("#page"));

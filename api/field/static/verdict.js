// Does the sensor work? Asked again every few seconds until it is signed off.
import * as keep from "./keep.js";
import { ask, send } from "./send.js";
import { check, field, h, say } from "./page.js";
import { shrink } from "./scan.js";
import { lang, quantities, t } from "./words.js";

const EVERY_MS = 3000;

export function verdictView(sensor, since, done) {
  const draft = { typed: {}, cover_open: false, note: "", photo: null };
  return async (onleave) => {
    const cards = h("div", { "aria-live": "polite" }, h("div.card.waiting", {}, h("p.verdict", {}, t("v_waiting"))));
    const form = h("form", {});
    let shown = "";
    const look = async () => {
      const typed = Object.entries(draft.typed).filter(([, v]) => v !== "").map(([q, v]) => `&typed=${q}:${encodeURIComponent(v)}`).join("");
      const from = since ? `&since=${since - 1}` : "";
      const found = await ask(`sensors/${encodeURIComponent(sensor)}/verdict?lang=${lang()}&cover_open=${draft.cover_open}${from}${typed}`);
      if (JSON.stringify(found) === shown) return;
      shown = JSON.stringify(found);
      draw(cards, found);
      if (!form.children.length) form.append(...signForm(sensor, since, found, draft, done, () => look().catch(told)));
      form.querySelector("button[type=submit]").textContent = t(found.verdict === "good" ? "sign" : "signAnyway");
    };
    const told = (error) => say(error instanceof TypeError ? "" : error.status === 404 ? t("verdictNeedsNet") : error.message);
    const timer = setInterval(() => look().catch(told), EVERY_MS);
    onleave(() => clearInterval(timer));
    look().catch(told);
    return [h("h1", {}, t("verdictTitle", { sensor })), cards, form, h("button", { onclick: () => done(sensor) }, t("later"))];
  };
}

function draw(cards, found) {
  cards.replaceChildren(
    h(`div.card.${found.verdict}`, {}, h("p.verdict.mark", {}, t(`v_${found.verdict}`))),
    ...(found.network_waits ? [h("div.card.waiting", {}, h("p", {}, t("networkWaits")))] : []),
    h("ul", {}, found.checks.map((c) => h(`li.card.${c.verdict}`, {},
      h("h2", {}, c.name), h("p", {}, h("span.mark", {}, t(`m_${c.verdict}`)), " ", c.text)))),
  );
}

function signForm(sensor, since, found, draft, done, look) {
  const measured = found.quantities.filter((q) => quantities.includes(q)).slice(0, 2);
  const form = [
    ...measured.map((q) => field(`${t("handReading")}: ${t(q)}`, q, { inputMode: "decimal", onchange: (e) => {
      draft.typed[q] = e.target.value.trim().replace(",", ".");
      look();
    } })),
    check("cover_open", t("coverOpen"), { onchange: (e) => {
      draft.cover_open = e.target.checked;
      look();
    } }),
    field(t("takePhoto"), "photo", { type: "file", accept: "image/*", capture: "environment", onchange: async (e) => {
      draft.photo = e.target.files[0] ? await asText(await shrink(e.target.files[0], 1280)) : null;
    } }),
    field(t("note"), "note", { maxLength: 2000, onchange: (e) => { draft.note = e.target.value; } }),
    h("button.main", { type: "submit" }, t("sign")),
  ];
  queueMicrotask(() => {
    form[0].closest("form").onsubmit = async (event) => {
      event.preventDefault();
      const typed = Object.fromEntries(Object.entries(draft.typed).filter(([, v]) => v !== "" && Number.isFinite(Number(v))).map(([q, v]) => [q, Number(v)]));
      const body = { sensor, since: since ? since - 1 : null, typed, cover_open: draft.cover_open, note: draft.note, photo: draft.photo };
      await keep.put({ client_id: crypto.randomUUID(), kind: "signoff", at: Date.now() / 1000, body, title: sensor, state: "waiting", message: "" });
      await send();
      done(sensor);
    };
  });
  return form;
}

const asText = (blob) => new Promise((done) => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result);
  reader.readAsDataURL(blob);
});

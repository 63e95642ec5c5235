// One alarm in full: what was found, what people did, and everything one can do about it.
import { ask, fill, h, moment, number, rights, send, t, toast, user } from "./lib.js";
import { kindName } from "./parts.js";

const NEXT = { open: ["acknowledged", "in_progress", "resolved"], acknowledged: ["in_progress", "resolved"], in_progress: ["resolved"], resolved: ["in_progress", "closed"], closed: [] };

/** Shows the dialog; `onchange(alarm)` after every change. */
export function openAlarm(id, onchange) {
  const box = h("dialog", { class: "card", onclose: () => box.remove() }), body = h("div", { class: "body" }), path = `/api/v1/alarms/${encodeURIComponent(id)}`;
  document.body.append(box);
  box.append(body);
  box.showModal();
  const act = (what, data) => async () => { try { onchange(await send(`${path}/${what}`, data)); await draw(); } catch (error) { toast(error.message); } };
  const button = (word, action, quiet = true) => h("button", { class: `button little${quiet ? " quiet" : ""}`, onclick: action }, word);
  function draw() {
    return fill(body, async () => {
      const a = await ask(path), work = rights.has("work"), text = h("input", { placeholder: t("alarm.say"), "aria-label": t("alarm.say") });
      return [h("header", { class: "row dialog-head" }, h("h2", { class: "grow" }, kindName(a.kind)), h("span", { class: `badge ${a.severity}` }, t(`severity.${a.severity}`)), h("span", { class: "badge" }, t(`alarm.${a.state}`)), h("button", { class: "icon", "aria-label": t("close"), onclick: () => box.close() }, "✕")),
        h("dl", { class: "facts trace" }, [[t("alarm.began"), moment(a.started_at)], a.ended_at && [t("alarm.ended"), moment(a.ended_at)], [t("page.zone"), a.zone || "–"], [t("alarm.sensors"), h("span", { class: "row wrap" }, a.sensors.slice(0, 6).map((s) => h("a", { href: `/sensor/${encodeURIComponent(s)}` }, s)), a.sensors.length > 6 ? ` +${a.sensors.length - 6}` : "")], a.assignee && [t("alarm.assignee"), a.assignee], a.shelved_until && [t("alarm.shelved"), moment(a.shelved_until)], a.feedback && [t("alarm.feedback"), t(`feedback.${a.feedback}`)],
          ...a.found.slice(0, 3).map((e) => [kindName(e.kind), evidence(e)])].filter(Boolean).map(([k, v]) => [h("dt", {}, k), h("dd", {}, v)])),
        work ? h("div", { class: "row wrap acts" }, NEXT[a.state].map((s, i) => button(t(`do.${s}`), act("state", { state: s }), i > 0)), a.assignee === user ? null : button(t("do.take"), act("assign", { assignee: user })), a.shelved_until ? null : [button(t("do.shelve", { n: 1 }), act("shelve", { for_s: 3600 })), button(t("do.shelve", { n: 24 }), act("shelve", { for_s: 86400 }))]) : null,
        work ? h("div", { class: "row wrap acts" }, h("span", { class: "soft small" }, t("alarm.real")), ["true", "false", "unknown"].map((v) => button(t(`feedback.${v}`), act("feedback", { verdict: v }), a.feedback !== v))) : null,
        h("div", { class: "talk" }, a.comments.map((c) => h("p", {}, h("b", {}, c.author), h("span", { class: "soft small" }, ` ${moment(c.at)}`), h("br"), c.text))),
        work ? h("form", { class: "row", onsubmit: (e) => { e.preventDefault(); if (text.value.trim()) act("comment", { text: text.value.trim() })(); } }, h("div", { class: "grow" }, text), h("button", { class: "button" }, t("alarm.send"))) : null];
    });
  }
  draw();
}
/** The detector's own numbers: how far over its threshold, and what it measured. */
function evidence(e) {
  const score = e.score !== null && e.threshold ? `${number(e.score)} (${t("alarm.threshold")} ${number(e.threshold)})` : "", volume = e.volume_m3 !== null ? `${number(e.volume_m3)}${e.volume_u_m3 ? ` ± ${number(e.volume_u_m3)}` : ""} m³` : "";
  return [volume, score, ...Object.entries(e.details).slice(0, 4).map(([k, v]) => `${k.replaceAll("_", " ")} ${typeof v === "number" ? number(v, 3) : v}`)].filter(Boolean).join(" · ") || "–";
}

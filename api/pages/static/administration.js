// Administration: users, keys, notifications, master data, dead letters, planned work, products, audit.
import { $, ago, ask, empty, fill, h, moment, number, send, t, toast } from "./lib.js";
import * as live from "./live.js";

const ROLES = ["operator", "field", "reporter", "meter_reader", "admin"];
const PARTS = { users, keys, notifications, master, letters, planned, models, audit };

export async function show(page) {
  const body = h("section", { class: "card pad" }), tabs = h("div", { class: "tabs", role: "tablist" });
  for (const name of Object.keys(PARTS)) tabs.append(h("button", { role: "tab", "data-tab": name, onclick: () => open(name) }, t(`admin.${name}`)));
  function open(name) {
    for (const b of tabs.children) b.setAttribute("aria-selected", String(b.dataset.tab === name));
    history.replaceState(null, "", `#${name}`);
    body.replaceChildren();
    fill(body, PARTS[name]);
  }
  page.append(tabs, body);
  open(PARTS[location.hash.slice(1)] ? location.hash.slice(1) : "users");
  live.start(Date.now() / 1000);
}
const reload = (name) => document.querySelector(`[data-tab="${name}"]`).click();
const table = (head, rows) => h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, head.map((k) => h("th", {}, k && t(k))))), h("tbody", {}, rows)));
const roles = (list) => h("span", { class: "row wrap" }, list.map((r) => h("span", { class: `badge ${r === "admin" ? "critical" : r === "meter_reader" ? "warning" : "info"}` }, t(`role.${r}`))));
const chosen = (form) => ROLES.filter((r) => form.elements[r]?.checked);
const boxes = (list = ["operator"]) => h("fieldset", {}, h("legend", {}, t("admin.roles")), ROLES.map((r) => h("label", { class: "check" }, h("input", { type: "checkbox", name: r, checked: list.includes(r) }), t(`role.${r}`))));
const field = (name, label, more = {}) => h("label", {}, t(label), h("input", { name, ...more }));
/** A form whose submit runs `act` and then shows the tab again; a refusal is shown as the server said it. */
function form(title, fields, act, tab, word = "save") {
  const told = h("p", { class: "told", role: "alert", hidden: true });
  return h("details", { class: "adder" }, h("summary", { class: "button quiet little" }, `+ ${t(title)}`), h("form", { class: "form", onsubmit: async (e) => {
    e.preventDefault();
    told.hidden = true;
    try { if ((await act(e.target)) !== false) { toast(t("saved")); reload(tab); } } catch (error) { told.textContent = error.message; told.hidden = false; }
  } }, fields, told, h("button", { class: "button" }, t(word))));
}
const remover = (path, tab, word = "remove") => h("button", { class: "button little danger", onclick: async () => { if (!confirm(t("sure"))) return; try { await send(path, undefined, "DELETE"); reload(tab); } catch (error) { toast(error.message); } } }, t(word));

async function users() {
  const { items } = await ask("/api/v1/admin/users");
  return [form("admin.add_user", [field("name", "admin.name", { required: true }), field("password", "admin.password", { type: "password", minLength: 12, autocomplete: "new-password" }), field("email", "admin.email", { type: "email" }), boxes()], (f) => send(`/api/v1/admin/users/${encodeURIComponent(f.elements.name.value)}`, { roles: chosen(f), password: f.elements.password.value || null, email: f.elements.email.value || null }, "PUT"), "users"),
    table(["admin.name", "admin.roles", "admin.email", "admin.signs_in", ""], items.map((u) => h("tr", {}, h("td", {}, h("b", {}, u.name), u.disabled && h("span", { class: "badge" }, t("admin.disabled"))), h("td", {}, roles(u.roles)), h("td", {}, u.email || "–"), h("td", { class: "soft" }, t(u.name.startsWith("oidc:") ? "admin.by_oidc" : u.has_password ? "admin.by_password" : "admin.by_link")), h("td", {}, remover(`/api/v1/admin/users/${encodeURIComponent(u.name)}`, "users")))))];
}
async function keys() {
  const { items } = await ask("/api/v1/admin/keys"), shown = h("div");
  return [form("admin.add_key", [field("name", "admin.key_for", { required: true, placeholder: "Grafana" }), field("days", "admin.days", { type: "number", value: "365", min: "1", max: "3650" }), boxes(["reporter"])], async (f) => {
    const made = await send("/api/v1/admin/keys", { name: f.elements.name.value, roles: chosen(f), days: Number(f.elements.days.value) });
    shown.replaceChildren(h("div", { class: "once" }, h("p", {}, t("admin.key_once")), h("code", {}, made.key), h("button", { class: "button little quiet", onclick: () => navigator.clipboard.writeText(made.key).then(() => toast(t("copied"))) }, t("copy"))));
    return false;
  }, "keys", "admin.make"), shown,
  items.length ? table(["admin.key_for", "admin.roles", "admin.prefix", "admin.expires", "admin.used", ""], items.map((k) => h("tr", {}, h("td", {}, h("b", {}, k.name), k.revoked && h("span", { class: "badge" }, t("admin.revoked"))), h("td", {}, roles(k.roles)), h("td", {}, h("code", {}, `${k.prefix}…`)), h("td", {}, moment(k.expires_at)), h("td", {}, k.last_used_at ? ago(k.last_used_at) : t("admin.never")), h("td", {}, k.revoked ? null : remover(`/api/v1/admin/keys/${k.id}`, "keys", "admin.revoke"))))) : empty(t("admin.no_keys"), t("admin.no_keys.text"))];
}
async function notifications() {
  const [plan, { items }] = await Promise.all([ask("/api/v1/admin/notifications"), ask("/api/v1/admin/outbox?limit=50")]);
  const save = (list) => send("/api/v1/admin/notifications", { recipients: list, newer_than_s: plan.newer_than_s }, "PUT");
  const choice = (name, label, options) => h("label", {}, t(label), h("select", { name }, options.map(([v, w]) => h("option", { value: v }, w))));
  return [form("admin.add_recipient", [choice("channel", "admin.channel", plan.channels.map((c) => [c, c])), field("target", "admin.target", { required: true }), choice("severity", "admin.least", ["major", "critical", "warning", "info"].map((s) => [s, t(`severity.${s}`)])), field("after", "admin.after", { type: "number", value: "0", min: "0" }), choice("quiet", "admin.quiet", [["", "–"], ["22-7", "22–07"], ["20-8", "20–08"], ["16-8", "16–08"]])],
    (f) => save([...plan.recipients, { channel: f.elements.channel.value, target: f.elements.target.value, severity: f.elements.severity.value, after_s: Number(f.elements.after.value) * 60, quiet: f.elements.quiet.value ? f.elements.quiet.value.split("-").map(Number) : null }]), "notifications"),
  plan.recipients.length ? table(["admin.channel", "admin.target", "admin.least", "admin.after", "admin.quiet", ""], plan.recipients.map((r, i) => h("tr", {}, h("td", {}, h("b", {}, r.channel)), h("td", {}, r.target), h("td", {}, h("span", { class: `badge ${r.severity}` }, t(`severity.${r.severity}`))), h("td", {}, r.after_s ? `${r.after_s / 60} min` : t("admin.at_once")), h("td", {}, r.quiet ? `${r.quiet[0]}–${r.quiet[1]}` : "–"),
    h("td", { class: "row" }, h("button", { class: "button little quiet", onclick: () => send("/api/v1/admin/notifications/test", r).then(() => toast(t("admin.tested")), (e) => toast(e.message)) }, t("admin.try")), h("button", { class: "button little danger", onclick: () => save(plan.recipients.filter((_, j) => j !== i)).then(() => reload("notifications"), (e) => toast(e.message)) }, t("remove")))))) : empty(t("admin.no_recipients"), t("admin.no_recipients.text")),
  h("h2", { class: "gap" }, t("admin.outbox")), items.length ? table(["admin.when", "admin.channel", "admin.subject", "admin.status"], items.map((m) => h("tr", {}, h("td", { class: "nowrap" }, moment(m.created_at)), h("td", {}, m.channel, h("div", { class: "soft small" }, m.target)), h("td", {}, m.subject), h("td", {}, m.sent_at ? h("span", { class: "badge ok" }, t("admin.sent")) : h("span", { class: `badge ${m.error ? "critical" : "info"}` }, m.error ? t("admin.retry", { t: moment(m.not_before) }) : t("admin.waiting")), m.error && h("div", { class: "soft small" }, m.error))))) : empty(t("admin.empty_outbox"))];
}
async function master() {
  const [{ items }, zones] = await Promise.all([ask("/api/v1/admin/master"), ask("/api/v1/zones")]);
  return [form("admin.add_master", [field("name", "admin.figure", { required: true, placeholder: "mains_km" }), h("label", {}, t("page.zone"), h("select", { name: "zone" }, zones.items.map((z) => h("option", { value: z.id }, z.name)))), field("value", "admin.value", { type: "number", step: "any", required: true }), field("valid_from", "admin.from", { type: "date", required: true }), field("source", "admin.source", { required: true, minLength: 3 })],
    (f) => send("/api/v1/admin/master", { name: f.elements.name.value, zone: f.elements.zone.value, value: Number(f.elements.value.value), valid_from: f.elements.valid_from.value, source: f.elements.source.value }), "master"),
  items.length ? table(["admin.figure", "page.zone", "admin.value", "admin.from", "admin.source", "admin.by"], items.slice().reverse().map((v) => h("tr", {}, h("td", {}, h("b", {}, v.name)), h("td", {}, v.zone), h("td", { class: "number" }, number(v.value, 3)), h("td", { class: "nowrap" }, v.valid_from ? moment(v.valid_from) : "–"), h("td", {}, v.source), h("td", {}, v.author)))) : empty(t("admin.no_master"), t("admin.no_master.text"))];
}
async function letters() {
  const { items, total } = await ask("/api/v1/dead-letters");
  if (!items.length) return empty(t("admin.no_letters"), t("admin.no_letters.text"), "✓");
  const again = (dev_eui) => async () => { try { const d = await send("/api/v1/dead-letters/replay", { dev_eui }); toast(Object.entries(d).map(([k, v]) => `${k}: ${v}`).join(" · ")); reload("letters"); } catch (error) { toast(error.message); } };
  return [h("div", { class: "row" }, h("p", { class: "grow soft" }, t("admin.letters.text", { n: total })), h("button", { class: "button", onclick: again(null) }, t("admin.replay_all"))),
    table(["DevEUI", "admin.reason", "admin.count", "admin.first", "admin.last", ""], items.map((g) => h("tr", {}, h("td", {}, h("code", {}, g.dev_eui || "–")), h("td", {}, h("b", {}, g.reason), h("div", { class: "soft small" }, g.detail)), h("td", { class: "number" }, g.letters), h("td", { class: "nowrap" }, moment(g.first_seen)), h("td", { class: "nowrap" }, moment(g.last_seen)), h("td", {}, g.dev_eui ? h("button", { class: "button little quiet", onclick: again(g.dev_eui) }, t("admin.replay")) : null))))];
}
async function planned() {
  const { items } = await ask("/api/v1/maintenance"), zones = (await ask("/api/v1/zones")).items;
  return [form("admin.add_work", [field("kind", "admin.kind", { required: true, placeholder: t("admin.kind.example") }), field("start", "admin.start", { type: "datetime-local", required: true }), field("end", "admin.end", { type: "datetime-local", required: true }), h("label", {}, t("page.zone"), h("select", { name: "zone" }, h("option", { value: "" }, t("map.whole")), zones.map((z) => h("option", { value: z.id }, z.name)))), field("note", "admin.note")],
    (f) => send("/api/v1/maintenance", { kind: f.elements.kind.value, start: f.elements.start.value, end: f.elements.end.value, zones: f.elements.zone.value ? [f.elements.zone.value] : [], note: f.elements.note.value }), "planned"),
  items.length ? table(["admin.kind", "admin.start", "admin.end", "page.zone", "admin.note", ""], items.map((w) => h("tr", {}, h("td", {}, h("b", {}, w.kind)), h("td", {}, moment(w.start)), h("td", {}, moment(w.end)), h("td", {}, w.zones.join(", ") || t("map.whole")), h("td", {}, w.note), h("td", {}, remover(`/api/v1/maintenance/${w.id}`, "planned"))))) : empty(t("admin.no_work"), t("admin.no_work.text"))];
}
async function models() {
  const { items } = await ask("/api/v1/admin/models");
  return items.length ? table(["admin.vendor", "admin.product", "admin.measures", "admin.key"], items.map((m) => h("tr", {}, h("td", {}, m.vendor), h("td", {}, h("b", {}, m.product)), h("td", { class: "small" }, m.measures.map((q) => t(`q.${q}`)).join(", ")), h("td", {}, h("code", {}, m.key), h("span", { class: "soft small" }, ` v${m.version}`))))) : empty(t("admin.no_models"));
}
async function audit() {
  const { items } = await ask("/api/v1/admin/audit?limit=300");
  return items.length ? table(["admin.when", "admin.who", "admin.action", "admin.subject", "admin.details"], items.map((e) => h("tr", {}, h("td", { class: "nowrap" }, moment(e.at)), h("td", {}, h("b", {}, e.actor || "–"), h("div", { class: "soft small" }, e.address)), h("td", {}, e.action, e.personal && h("span", { class: "badge warning" }, t("admin.personal"))), h("td", {}, e.subject), h("td", { class: "small soft" }, Object.entries(e.details).map(([k, v]) => `${k}: ${v}`).join(" · "))))) : empty(t("admin.no_audit"));
}

// Small means to build a page: elements, views with a way back, sentences said aloud.
import { t } from "./words.js";

// h("button.main", {onclick}, "text"): an element; .classes and #id stand in the name, null children are left out.
export function h(name, props = {}, ...children) {
  const [tag, ...marks] = name.split(/(?=[.#])/);
  const made = document.createElement(tag);
  for (const mark of marks) mark[0] === "." ? made.classList.add(mark.slice(1)) : (made.id = mark.slice(1));
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key in made && !key.startsWith("aria")) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return made;
}

let number = 0;
// A label and its field; `more` are the field's own properties, `help` a sentence under the label.
export function field(label, name, more = {}, help = "") {
  const id = `f${++number}`;
  const { options, ...props } = more;
  const helpId = help ? `${id}h` : null;
  const made = options
    ? h("select", { id, name, ...props }, options.map(([value, text]) => h("option", { value, selected: value === props.value }, text)))
    : h("input", { id, name, autocomplete: "off", ...props, ...(helpId ? { "aria-describedby": helpId } : {}) });
  return h("div", {}, h("label", { htmlFor: id }, label), help ? h("p.soft", { id: helpId }, help) : null, made);
}

export function radio(name, value, text, more = {}) {
  return h("label.choice", {}, h("input", { type: "radio", name, value, ...more }), h("span", {}, text));
}

export function check(name, text, more = {}) {
  return h("label.choice", {}, h("input", { type: "checkbox", name, ...more }), h("span", {}, text));
}

// A button that asks once more before it does something that cannot be taken back.
export function twice(label, sure, work) {
  let armed = false;
  const made = h("button.danger", { type: "button", onclick: () => {
    if (armed) return work();
    armed = true;
    made.textContent = t(sure);
  } }, t(label));
  return made;
}

export function say(text = "") {
  document.getElementById("said").textContent = text;
}

const view = document.getElementById("view");
const trail = [];
let leave = null;

// Shows a view: `make` returns its elements, and may return through `onleave` what to do when it goes.
export async function show(make, { fresh = false, again = false } = {}) {
  leave?.();
  leave = null;
  if (fresh) trail.length = 0;
  if (!again) trail.push(make);
  say();
  const parts = await make((after) => { leave = after; });
  view.replaceChildren(...parts.filter(Boolean));
  document.getElementById("back").hidden = trail.length < 2;
  if (!again) {
    scrollTo(0, 0);
    view.focus({ preventScroll: true });
  }
}

export function back() {
  trail.pop();
  const last = trail.pop();
  if (last) show(last);
}

export const redraw = () => show(trail.at(-1), { again: true });
// Views that only show what is kept, and may be drawn again at any time; a form may not: somebody is typing in it.
export const lists = new Set();
export const listening = () => lists.has(trail.at(-1));

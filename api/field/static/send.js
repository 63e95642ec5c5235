// Talking to the server, and sending what waits: in order, one at a time, again and again until it is answered. The id made here keeps it from
// being done twice.
import * as keep from "./keep.js";
import { inWords, lang } from "./words.js";

export class Refused extends Error {
  constructor(status, why) {
    super(why);
    this.status = status;
  }
}

let me = null;
export const signedIn = () => me;
export const state = { online: navigator.onLine, signedOut: false };

// The answer as JSON. Throws Refused when the server says no, TypeError when it cannot be reached.
export async function ask(path, options = {}) {
  const headers = { accept: "application/json", ...(me?.csrf ? { "x-csrf-token": me.csrf } : {}), ...options.headers };
  let answer;
  try {
    answer = await fetch(`api/${path}`, { ...options, headers, signal: AbortSignal.timeout(20000) });
  } catch (error) {
    state.online = false;
    throw new TypeError(String(error));
  }
  state.online = true;
  const body = await answer.json().catch(() => ({}));
  if (answer.status === 401) state.signedOut = true;
  if (!answer.ok) throw new Refused(answer.status, inWords(body.detail || answer.statusText));
  state.signedOut = false;
  return body;
}

export const post = (path, body) => ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

export async function refresh() {
  me = await ask("me");
  await keep.keep("town", await ask("town"));
  return me;
}

let sending = null;
// Sends everything that waits. One round at a time: who comes during a round waits for it, then starts their own, so their entry is in it.
export async function send() {
  while (sending) await sending;
  sending = sendAll();
  try {
    await sending;
  } finally {
    sending = null;
  }
}

async function sendAll() {
  const waiting = (await keep.entries()).filter((e) => e.state === "waiting").reverse();
  if (!waiting.length) return;
  try {
    me = await ask("me");
    for (const record of waiting) await sendOne(record);
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof Refused)) throw error;
  }
}

async function sendOne(record) {
  const path = record.kind === "signoff" ? `commissionings?lang=${lang()}` : "entries";
  const sent = record.kind === "signoff" ? {} : { kind: record.kind, at: record.at, sent_at: Date.now() / 1000 };
  let secrets;
  try {
    secrets = await keep.unseal(record.sealed);
  } catch {
    return keep.put({ ...record, sealed: null, state: "conflict", message: lang() === "nb" ? "Nøkkelen må skrives på nytt." : "Type the key again." });
  }
  try {
    const answer = await post(path, { client_id: record.client_id, ...sent, ...record.body, ...secrets });
    const body = { ...record.body, photo: undefined };
    return await keep.put({ ...record, body, sealed: null, state: answer.status === "queued" ? "queued" : "sent", message: inWords(answer.message || ""), answer });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401 || error.status === 429 || error.status === 503 || error.status === 500) throw error;
    return keep.put({ ...record, state: "conflict", message: error.message });
  }
}

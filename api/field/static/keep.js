// What the phone keeps: entries not yet sent, the town for work without coverage, and keys under a lock that never leaves the phone.
const NAME = "mjosa-field";
let opening;

function open() {
  opening ??= new Promise((done, failed) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("entries", { keyPath: "client_id" });
      asked.result.createObjectStore("kept");
    };
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
  });
  return opening;
}

async function run(store, mode, work) {
  const base = await open();
  return new Promise((done, failed) => {
    const transaction = base.transaction(store, mode);
    const asked = work(transaction.objectStore(store));
    transaction.oncomplete = () => done(asked.result);
    transaction.onerror = transaction.onabort = () => failed(transaction.error);
  });
}

export const entries = async () => (await run("entries", "readonly", (s) => s.getAll())).sort((a, b) => b.at - a.at);
export const entry = (id) => run("entries", "readonly", (s) => s.get(id));
export const put = (record) => run("entries", "readwrite", (s) => s.put(record));
export const remove = (id) => run("entries", "readwrite", (s) => s.delete(id));
export const kept = (name) => run("kept", "readonly", (s) => s.get(name));
export const keep = (name, value) => run("kept", "readwrite", (s) => s.put(value, name));

// AES-GCM with a key that the browser holds and no script can read out.
async function lock() {
  let key = await kept("lock");
  if (!key) {
    key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
    await keep("lock", key);
  }
  return key;
}

export const canSeal = () => Boolean(globalThis.crypto?.subtle);

export async function seal(secrets) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await lock(), new TextEncoder().encode(JSON.stringify(secrets)));
  return { iv, data };
}

export async function unseal(sealed) {
  if (!sealed) return {};
  const data = await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.iv }, await lock(), sealed.data);
  return JSON.parse(new TextDecoder().decode(data));
}

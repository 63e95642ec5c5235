// One live connection per page. It comes back by itself and tells whether it is there; what was missed is sent again by the server.
const listeners = { readings: [], alarm: [], state: [], analysed: [] };
let last = null;
let source = null;
let quiet = null;

export function on(kind, listener) { (listeners[kind] ??= []).push(listener); }
const tell = (kind, data) => { for (const listener of listeners[kind] || []) listener(data); };

export function start(since) {
  last ??= since;
  connect();
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (e) => { if (e.persisted) connect(); });
}

function connect() {
  source?.close();
  source = new EventSource(`/api/v1/stream${last ? `?since=${encodeURIComponent(last)}` : ""}`);
  const heard = (event) => {
    if (event.lastEventId) last = event.lastEventId;
    clearTimeout(quiet);
    quiet = setTimeout(() => { tell("state", false); connect(); }, 45000);
  };
  source.onopen = () => tell("state", true);
  source.onerror = () => { tell("state", false); if (source.readyState === EventSource.CLOSED) setTimeout(connect, 3000); };
  for (const kind of ["hello", "beat", ...Object.keys(listeners)]) {
    source.addEventListener(kind, (event) => { heard(event); if (kind !== "state") tell(kind, JSON.parse(event.data)); });
  }
}

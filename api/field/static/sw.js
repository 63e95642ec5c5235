// The page's files, kept so that it opens without coverage. A changed file changes the version, and the new one takes over at once.
const VERSION = "mjosa-field-__VERSION__";
const FILES = ["./", /* __FILES__ */];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(VERSION).then((cache) => cache.addAll(FILES.map((f) => new Request(f, { cache: "reload" })))).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = async () => {
    for (const name of await caches.keys()) if (name.startsWith("mjosa-field-") && name !== VERSION) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(old());
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin || url.pathname.startsWith("/field/api/")) return;
  if (!url.pathname.startsWith("/field/")) return;
  event.respondWith(caches.match(event.request, { ignoreSearch: true, cacheName: VERSION }).then((found) => found || fetch(event.request)));
});

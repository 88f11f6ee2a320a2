{% load static %}// Shows the offline page when there is no network. Keeps that page and what it is drawn with, never another page.
const OFFLINE = "{% url "offline" %}";
const FILES = ["{% static "css/site.css" %}", "{% static "img/icons.svg" %}", "{% static "img/favicon.svg" %}"];
const CACHE = "offline {{ language_code }} {% static "css/site.css" %}";

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll([OFFLINE, ...FILES])));
  self.skipWaiting();
});

self.addEventListener("activate", (event) => {
  const forgetOlder = async () => {
    for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(forgetOlder());
});

self.addEventListener("fetch", (event) => {
  const path = new URL(event.request.url).pathname;
  if (event.request.mode === "navigate") {
    event.respondWith(fetch(event.request).catch(() => caches.match(OFFLINE)));
  } else if (FILES.includes(path)) {
    event.respondWith(fetch(event.request).catch(() => caches.match(path)));
  }
});

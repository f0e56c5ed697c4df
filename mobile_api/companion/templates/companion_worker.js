// The service worker of the companion app: keeps the app itself for when there is no network, and shows what is
// pushed. It keeps pages, styles and scripts only; nothing that the service answers (`/mobile/v1`) is ever kept.

import { acknowledgeReceived, reportSubscription } from "{{ url_for('companion.static', filename='arrival.js') }}";

const VERSION = {{ version | tojson }};
const FILES = {{ files | tojson }};
const LANGUAGES = {{ languages | tojson }};
const ICON = {{ url_for('companion.static', filename='icons/icon-192.png') | tojson }};
const BADGE = {{ url_for('companion.static', filename='icons/badge-96.png') | tojson }};
{% raw %}
const SHELL = `pushhub-app-${VERSION}`;
/** The only thing that outlives a version: which language the person reads. */
const CHOICES = "pushhub-app-choices";
/** The language of the app, and that in which the service spoke at the installation, for a first start offline. */
const CHOSEN = "/app/language";
const FOUND = "/app/language/found";
const ANSWER_MS = 4000;

const page = (language) => `/app?lang=${language}`;

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("message", (event) => event.data === "take over" && self.skipWaiting());
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  const isApp = url.pathname === "/app" || url.pathname === "/app/bind/v1";
  if (request.mode === "navigate" && isApp) event.respondWith(openApp(event, url));
  else if (FILES.includes(url.pathname)) event.respondWith(file(url.pathname, request));
});

/** Fetch all of a version, past every other cache; if one part is missing, the version is not taken. */
async function install() {
  const cache = await caches.open(SHELL);
  await cache.addAll(FILES.map((url) => new Request(url, { cache: "reload" })));
  for (const language of LANGUAGES) {
    // Without cookies: asking for a page in each language must not change the person's choice.
    const answer = await fetch(page(language), { cache: "reload", credentials: "omit" });
    if (!answer.ok) throw new Error(`the app in ${language}: ${answer.status}`);
    await cache.put(page(language), answer);
  }
  if (!(await languageOf(CHOSEN))) await remember(FOUND, await fetch("/app", { cache: "reload" }));
}

async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith("pushhub-app-") && name !== SHELL && name !== CHOICES) await caches.delete(name);
  }
  await self.clients.claim();
}

/** The page of this version in the person's language. */
async function openApp(event, url) {
  const asked = url.searchParams.get("lang");
  if (LANGUAGES.includes(asked)) {
    await keep(CHOSEN, asked);
    // The service keeps the choice for its other pages (a cookie); the app does not wait for that.
    event.waitUntil(fetch(event.request.url, { redirect: "manual" }).catch(() => undefined));
  }
  if (!(await languageOf(CHOSEN))) await askWhatWasChosen();
  const kept = await (await caches.open(SHELL)).match(page((await language()) ?? LANGUAGES[0]), { ignoreVary: true });
  return kept ?? fetch(event.request);
}

/**
 * At the first start: the person may have chosen on a page that did not come through here, while this worker was being
 * installed or in a cabinet. The service knows it then (a cookie), and its answer is kept as the choice.
 */
async function askWhatWasChosen() {
  try {
    await remember(CHOSEN, await fetch("/app", { cache: "reload", signal: AbortSignal.timeout(ANSWER_MS) }));
  } catch {
    // Offline: it is asked again next time.
  }
}

async function file(path, request) {
  const kept = await (await caches.open(SHELL)).match(path, { ignoreVary: true });
  return kept ?? fetch(request);
}

/** What the person reads, as far as this worker knows it. */
async function language() {
  return (await languageOf(CHOSEN)) ?? (await languageOf(FOUND));
}

async function languageOf(key) {
  const kept = await (await caches.open(CHOICES)).match(key);
  const language = await kept?.text();
  return LANGUAGES.includes(language) ? language : null;
}

/** Keep the language in which the service answered. */
async function remember(key, answer) {
  const spoken = answer.ok && answer.headers.get("Content-Language");
  if (LANGUAGES.includes(spoken)) await keep(key, spoken);
}

async function keep(key, language) {
  await (await caches.open(CHOICES)).put(key, new Response(language));
}

self.addEventListener("push", (event) => event.waitUntil(show(event.data)));
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.delivery_id));
});

self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

/** Every push must be shown: browsers take the permission from an app that receives silently. */
async function show(data) {
  let message = {};
  try {
    message = data?.json() ?? {};
  } catch {
    // Shown without words of its own: the feed has them.
  }
  const id = message.data?.delivery_id;
  await self.registration.showNotification(message.title || self.registration.scope, {
    body: message.body ?? "",
    icon: ICON,
    badge: BADGE,
    lang: (await language()) ?? "",
    tag: message.tag ?? "",
    renotify: Boolean(message.tag),
    data: { delivery_id: id },
  });
  for (const client of await self.clients.matchAll()) client.postMessage("look");
  if (id) await Promise.race([acknowledgeReceived(id), new Promise((done) => setTimeout(done, ANSWER_MS))]);
}

/** The push service wants another address for this browser. */
async function renew({ oldSubscription, newSubscription }) {
  const options = oldSubscription?.options;
  const subscription = newSubscription ?? (options && (await self.registration.pushManager.subscribe(options)));
  if (subscription) await reportSubscription(subscription);
}

async function open(id) {
  const [client] = await self.clients.matchAll({ type: "window" });
  if (!client) return self.clients.openWindow(id ? `/app#open=${encodeURIComponent(id)}` : "/app");
  if (id) client.postMessage({ open: id });
  return client.focus();
}
{% endraw %}

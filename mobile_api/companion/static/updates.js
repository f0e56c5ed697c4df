// The service worker, and how a new version of the app takes the place of the old one: never in the middle of
// something, and never not at all.

import { at } from "./screens.js";

const CHECK_MS = 30 * 60_000;

let replaced = false;
/** Whether the person has said so in this window: nothing is interrupted then. */
let agreed = false;

/**
 * Whether the new version has already taken over while the person was in the middle of something. The page is to be
 * loaded anew as soon as they are through; what it would load now is of the new version.
 */
export const isReplaced = () => replaced;

/**
 * Register the service worker. `isBusy` says whether the person is in the middle of something. Gives the
 * registration when it is at work, or null where the browser knows no such thing.
 */
export async function keepFresh(isBusy) {
  const workers = navigator.serviceWorker;
  if (!workers) return null;
  let controlled = workers.controller !== null;
  workers.addEventListener("controllerchange", () => {
    // The first worker of a first visit brings nothing new.
    if (controlled) replace(isBusy);
    controlled = true;
  });
  let registration;
  try {
    registration = await workers.register("/app/worker.js", { scope: "/app", type: "module", updateViaCache: "none" });
  } catch {
    return null; // the app works without, but not without a network
  }
  watch(registration, isBusy);
  return workers.ready;
}

/** Perhaps it was another window that let the new version take over. */
function replace(isBusy) {
  if (agreed || !isBusy()) return location.reload();
  replaced = true;
  at("update").hidden = false;
}

function watch(registration, isBusy) {
  const offer = () => {
    if (!registration.waiting || !registration.active) return;
    at("update").hidden = false;
    if (document.hidden && !isBusy()) takeOver(registration);
  };
  const follow = () => registration.installing?.addEventListener("statechange", offer);
  registration.addEventListener("updatefound", follow);
  follow();
  offer();
  let checked = Date.now();
  document.addEventListener("visibilitychange", () => {
    offer();
    if (replaced) return replace(isBusy);
    if (document.hidden || Date.now() - checked < CHECK_MS) return;
    checked = Date.now();
    registration.update().catch(() => undefined);
  });
  at("update-now").addEventListener("click", () => {
    agreed = true;
    if (replaced) location.reload();
    else takeOver(registration);
  });
}

function takeOver(registration) {
  registration.waiting?.postMessage("take over");
}

/** Whether the service still serves this version of the app. */
export function isTooOld(version, oldest) {
  const [mine, least] = [version, oldest].map((text) => text.split(".").map(Number));
  for (let place = 0; place < 3; place++) {
    if ((mine[place] ?? 0) !== (least[place] ?? 0)) return (mine[place] ?? 0) < (least[place] ?? 0);
  }
  return false;
}

/** Throw away what is kept of the app and load it anew, once: what the service serves then is what there is. */
export async function replaceOldVersion() {
  const tried = "pushhub.phone.replaced";
  if (sessionStorage.getItem(tried)) return false;
  sessionStorage.setItem(tried, "yes");
  for (const name of await caches.keys()) if (/^pushhub-app-(?!choices)/.test(name)) await caches.delete(name);
  await (await navigator.serviceWorker?.getRegistration("/app"))?.unregister();
  location.reload();
  return true;
}

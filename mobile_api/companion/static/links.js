// The link that a QR code of this installation holds.

const SECRET = /^[\w-]{22}$/;

/** Whether this is one of ours. `appLink` is what every one of ours begins with (`/mobile/v1/config`). */
export function isOurLink(link, appLink) {
  const [address, secret, ...more] = link.trim().split("#");
  return address === `${appLink}/v1` && more.length === 0 && SECRET.test(secret ?? "");
}

/** Whether this looks like a link for binding at all, ours or another installation's. */
export function isSomeLink(text) {
  return /^https?:\/\/\S+\/v1#\S+$/.test(text.trim());
}

/** The secret of the QR code with which this page was opened (`/app/bind/v1#…`), or null. */
export function secretOfAddress() {
  const secret = location.hash.slice(1);
  return location.pathname.endsWith("/v1") && SECRET.test(secret) ? secret : null;
}

/** Take the secret of a used or declined QR code out of the address bar and the history. */
export function cleanAddress() {
  if (location.pathname !== "/app" || location.hash) history.replaceState(history.state, "", "/app");
}

// The device's key and the proofs it makes (DPoP, RFC 9449, ES256). The private half can't leave the browser.

const CURVE = { name: "ECDSA", namedCurve: "P-256" };

/** A new key pair; what is stored of it is a handle, not its bytes. */
export function newKey() {
  return crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
}

/**
 * A new proof for one request. `url` is the address without query and fragment, `seconds` the time since 1970;
 * `secret` is left out as long as the device has none.
 */
export async function proof(key, method, url, seconds, secret) {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", key.publicKey);
  const header = { typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } };
  const claims = { htm: method, htu: url, iat: seconds, jti: randomText() };
  if (secret) claims.ath = base64url(await crypto.subtle.digest("SHA-256", encoded(secret)));
  const signed = `${base64url(encoded(JSON.stringify(header)))}.${base64url(encoded(JSON.stringify(claims)))}`;
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key.privateKey, encoded(signed));
  return `${signed}.${base64url(signature)}`;
}

/** 128 random bits as text. */
export function randomText() {
  return base64url(crypto.getRandomValues(new Uint8Array(16)));
}

function encoded(text) {
  return new TextEncoder().encode(text);
}

function base64url(bytes) {
  const letters = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// Where the device lives between visits: one record in IndexedDB, its key included (as a handle).

const NAME = "pushhub-phone";
const KEPT = "kept";
const DEVICE = "device";

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(KEPT);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function inStore(mode, action) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(KEPT, mode);
      const request = action(transaction.objectStore(KEPT));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** The device of this browser, made on the first visit. */
export async function loadDevice() {
  const kept = await inStore("readonly", (store) => store.get(DEVICE));
  if (kept) return kept;
  const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0"));
  const device = { installationId: crypto.randomUUID(), pushValue: `web-${hex.join("")}` };
  // Two windows of one browser are one device: the first record stays.
  await inStore("readwrite", (store) => store.add(device, DEVICE)).catch(() => undefined);
  return inStore("readonly", (store) => store.get(DEVICE));
}

/** Keep the device as it is now. */
export function keepDevice(device) {
  return inStore("readwrite", (store) => store.put(device, DEVICE));
}

/** Forget everything; the next visit is that of a new phone. */
export function forgetDevice() {
  return inStore("readwrite", (store) => store.delete(DEVICE));
}

// Where the device lives between visits: one record in IndexedDB, its key included (as a handle). The service
// worker reads it too, so nothing here needs a page.

const NAME = "pushhub-phone";
const KEPT = "kept";
const DEVICE = "device";

/** The browser keeps nothing for us: a private window, blocked site data, a full disk. */
export class NoStorage extends Error {}

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(KEPT);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("another version is open"));
  });
}

/** Run `action` on the store in one transaction and give what it left in `result.value`. */
async function inStore(mode, action) {
  let database;
  try {
    database = await opened();
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(KEPT, mode);
      const result = {};
      action(transaction.objectStore(KEPT), result);
      transaction.oncomplete = () => resolve(result.value);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  } catch (problem) {
    throw new NoStorage(String(problem), { cause: problem });
  } finally {
    database?.close();
  }
}

/** What is kept, or undefined. */
export function readDevice() {
  return inStore("readonly", (store, result) => {
    const request = store.get(DEVICE);
    request.onsuccess = () => (result.value = request.result);
  });
}

/** Change what is kept and give it as it is then. Two windows that change different things lose neither. */
export function changeDevice(changes) {
  return inStore("readwrite", (store, result) => {
    const request = store.get(DEVICE);
    request.onsuccess = () => {
      result.value = { ...(request.result ?? newDevice()), ...changes };
      store.put(result.value, DEVICE);
    };
  });
}

/** The device of this browser, made on the first visit. */
export function loadDevice() {
  return changeDevice({});
}

/** Forget everything; the next visit is that of a new phone. */
export function forgetDevice() {
  return inStore("readwrite", (store) => store.delete(DEVICE));
}

function newDevice() {
  const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0"));
  return { installationId: crypto.randomUUID(), pushValue: `web-${hex.join("")}` };
}

// What the service worker says to the service while no page is open.

import { Service } from "./service.js";
import { changeDevice, readDevice } from "./store.js";

/** The push of this delivery has arrived. Without this receipt the code would go on to the next channel. */
export async function acknowledgeReceived(id) {
  const service = new Service();
  const device = await readDevice().catch(() => undefined);
  if (!device?.secret) return;
  const receipts = [{ delivery_id: id, event: "received", at: new Date(service.now()).toISOString() }];
  await service.call(device, "POST", "/mobile/v1/receipts", { body: { receipts } }).catch(() => undefined);
}

/** The browser has exchanged the address under which this device is reached. */
export async function reportSubscription(subscription) {
  const device = await readDevice().catch(() => undefined);
  if (!device?.secret || device.pushKind !== "webpush") return;
  const push_target = { kind: "webpush", value: JSON.stringify(subscription) };
  await new Service().call(device, "PUT", "/mobile/v1/device", { body: { push_target } });
  await changeDevice({ subscription: push_target.value });
}

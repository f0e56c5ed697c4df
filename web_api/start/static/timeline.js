// The way of a message: what has happened, with its time, and what is still to come.
import { make, say, timeOnly } from "/design/page.js";

const WAY = ["queued", "accepted", "received"];
const REACHED = { queued: 0, sending: 0, accepted: 1, received: 2, seen: 2, dead: 0, failed: 0, expired: 0 };

/** Draw the newest delivery of a verification. */
export function drawTimeline(list, verification) {
  const delivery = verification.deliveries.at(-1);
  if (!delivery) return list.replaceChildren();
  const channel = say(`channel.${delivery.channel}`);
  const accepted = delivery.attempts.findLast((attempt) => attempt.outcome === "accepted");
  const times = { queued: delivery.created_at, accepted: accepted?.finished_at, received: delivery.received_at };
  const rows = WAY.map((step, index) => {
    const reached = index <= REACHED[delivery.status] || Boolean(times[step]);
    return make(
      "li",
      { class: reached ? "" : "later" },
      make("span", {}, say(`status.${step}`, { channel })),
      reached && times[step] ? make("time", { datetime: times[step] }, timeOnly(times[step])) : null,
    );
  });
  if (["dead", "failed", "expired"].includes(delivery.status)) {
    const why = delivery.error ? ` (${delivery.error})` : "";
    rows.push(make("li", { class: "bad" }, make("span", {}, say(`status.${delivery.status}`) + why)));
  }
  const text = rows.map((row) => row.textContent).join();
  if (list.dataset.drawn === text) return;
  list.dataset.drawn = text;
  list.replaceChildren(...rows);
}

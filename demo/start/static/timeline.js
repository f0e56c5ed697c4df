// The way of a message: what has happened, how long after it was asked for, and what is still to come.
import { make, numbers, say } from "/design/page.js";

const WAY = ["queued", "sending", "accepted", "received", "seen"];
const seconds = new Intl.NumberFormat(numbers, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** Draw the newest delivery of a verification. */
export function drawTimeline(list, verification) {
  const delivery = verification.deliveries.at(-1);
  if (!delivery) return list.replaceChildren();
  const channel = say(`channel.${delivery.channel}`);
  const accepted = delivery.attempts.findLast((attempt) => attempt.outcome === "accepted");
  const times = {
    queued: delivery.created_at,
    sending: delivery.attempts[0]?.started_at,
    accepted: accepted?.finished_at,
    received: delivery.received_at,
    seen: delivery.seen_at,
  };
  const last = WAY.findLastIndex((step) => times[step]);
  const rows = WAY.map((step, index) => {
    const reached = index <= last;
    return make(
      "li",
      { class: reached ? "" : "later" },
      make("span", {}, say(`status.${step}`, { channel })),
      times[step] && index > 0 ? make("time", { datetime: times[step] }, after(delivery, times[step])) : null,
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

function after({ created_at: created }, moment) {
  const passed = Math.max(0, Date.parse(moment) - Date.parse(created)) / 1000;
  return say("seconds.later", { seconds: seconds.format(passed) });
}

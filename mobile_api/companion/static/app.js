// The companion app: what it shows first, and how one screen leads to the next.

import { dateAndTime, prettyNumber, say } from "/design/page.js";
import { BindingScreens, linkOfAddress } from "./binding.js";
import { Device } from "./device.js";
import { Feed } from "./feed.js";
import { at, once, showScreen, tell } from "./screens.js";
import { Problem, Service, sayRefusal } from "./service.js";

async function start() {
  showScreen("loading");
  const link = linkOfAddress();
  // Another language is another page; the QR code's secret goes there with the person.
  for (const language of document.querySelectorAll(".languages a")) language.hash = link ? new URL(link).hash : "";
  if (!globalThis.crypto?.subtle || !globalThis.indexedDB) return showScreen("unsupported");
  const service = new Service();
  let config, device;
  try {
    config = await service.config();
    device = await Device.open(service, config);
  } catch (problem) {
    return showTrouble(problem);
  }
  return begin({ service, config, device, link });
}

async function begin({ service, config, device, link }) {
  const feed = new Feed({ device, now: service.now, onUnbound: (ended) => showUnbound(ended) });
  const showFeed = (binding, options) => {
    at("feed-number").textContent = prettyNumber(binding.number);
    at("feed-since").textContent = say("since", { when: dateAndTime(binding.bound_at) });
    const free = Date.parse(binding.rebind_allowed_at) <= service.now();
    at("feed-rebind").textContent = free
      ? say("other_number_now")
      : say("other_number_from", { when: dateAndTime(binding.rebind_allowed_at) });
    at("about").open = false;
    showScreen("feed", options);
    feed.start();
  };
  let bound = null;
  const binding = new BindingScreens({
    device,
    config,
    onBound: (made) => {
      feed.stop();
      bound = made;
      at("bound-number").textContent = prettyNumber(made.number);
      showScreen("bound", { focus: true });
    },
    onCancel: () => showFeed(bound, { focus: true }),
    onForget: () => forget(),
  });
  const showUnbound = (ended) => {
    feed.stop();
    tell(at("ended-reason"), say(`ended_${ended?.reason ?? "unknown"}`));
    at("ended-at").textContent = ended?.at ? say("ended_at", { when: dateAndTime(ended.at) }) : "";
    showScreen("unbound");
  };
  const forget = async () => {
    feed.stop();
    await device.forget();
    binding.begin({ focus: true });
  };
  at("bound-continue").addEventListener("click", () => showFeed(bound, { focus: true }));
  at("bind-again").addEventListener("click", () => binding.begin({ focus: true }));
  at("unbind").addEventListener("click", () => at("unbind-dialog").showModal());
  once(at("unbind-form"), "submit", async (event) => {
    at("unbind-dialog").close();
    if (event.submitter.value !== "yes") return;
    try {
      await device.unbind();
      showUnbound((await device.state()).ended);
    } catch (problem) {
      tell(at("feed-problem"), sayRefusal(problem));
    }
  });
  at("new-phone").hidden = !config.simulated_push;

  try {
    const state = device.known ? await device.state() : { bound: false, ended: null };
    if (state.bound) bound = state.binding;
    if (device.known) device.report().catch(() => undefined);
    if (link) binding.beginWithQr(link, { boundTo: bound });
    else if (state.bound) showFeed(bound);
    else if (binding.resume()) return;
    else if (state.ended) showUnbound(state.ended);
    else binding.begin();
  } catch (problem) {
    if (problem instanceof Problem && problem.code === "bad_device_secret") {
      if (link) binding.beginWithQr(link);
      else showUnbound({ reason: "unknown" });
    } else showTrouble(problem);
  }
}

function showTrouble(problem) {
  tell(at("trouble-words"), sayRefusal(problem));
  showScreen("trouble");
}

at("try-again").addEventListener("click", () => location.reload());
// Another QR code's link in the same window changes only what is after the `#`.
addEventListener("hashchange", () => location.reload());
start();

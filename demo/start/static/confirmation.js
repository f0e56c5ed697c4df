// "Type the code from the app": the way of the message, the code, sending again.
import { minutes, say, sayProblem, secondsUntil, serverNow } from "/design/page.js";
import * as service from "./service.js";
import { pointTo } from "./sides.js";
import { drawTimeline } from "./timeline.js";

const at = (id) => document.getElementById(id);

/** A place that is read out when it changes is written only then. */
function tell(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

/** Show a verification and follow it. Returns what stops it. */
export function showConfirmation(first, { onApproved, onAskAgain }) {
  let verification = first;
  let over = false;
  let running = true;
  const code = at("code");
  code.value = "";
  refuse("");

  function refuse(text) {
    at("code-hint").textContent = text;
    at("code-hint").classList.toggle("bad", text !== "");
    code.setAttribute("aria-invalid", String(text !== ""));
  }

  function draw() {
    drawTimeline(at("timeline"), verification);
    const arrived = verification.deliveries.some((delivery) => delivery.received_at);
    const late = !arrived && serverNow() - Date.parse(verification.created_at) > 60_000;
    tell(at("sent"), say("sent", { number: verification.number_masked }));
    tell(at("arrival"), say(verification.armed ? "opened" : arrived ? "arrived" : late ? "late" : "within"));
    if (verification.armed) pointTo("site", `${verification.id} opened`);
    else if (arrived) pointTo("phone", `${verification.id} arrived`);
    const pending = verification.status === "pending" && secondsUntil(verification.expires_at) > 0;
    if (!pending && verification.status !== "approved" && !over) {
      over = true;
      refuse(say(verification.status === "pending" ? "expired" : verification.status));
    }
    at("code-life").textContent = pending ? say("code.valid_for", { time: minutes(secondsUntil(verification.expires_at)) }) : "";
    at("resend").textContent = say(pending ? "send.again" : "ask.anew");
    const wait = secondsUntil(verification.resend_at);
    at("resend").disabled = pending && (wait > 0 || verification.resends_left === 0);
    at("resend-hint").textContent = !pending || verification.resends_left === 0
      ? ""
      : wait > 0 ? say("resend.wait", { seconds: wait }) : say("resend.now");
  }

  async function attempt(action) {
    try {
      return await action();
    } catch (problem) {
      if (running) refuse(sayProblem(problem.document ?? {}));
      return null;
    }
  }

  at("resend").onclick = async () => {
    if (over) return onAskAgain();
    at("resend").disabled = true;
    const fresh = await attempt(() => service.resend(verification.id));
    if (fresh && running) {
      verification = fresh;
      refuse("");
    }
    draw();
  };

  at("check").onsubmit = async (event) => {
    event.preventDefault();
    const button = at("check").querySelector("[type=submit]");
    if (button.disabled) return;
    const typed = code.value.replace(/\D/g, "");
    if (typed.length !== verification.digits) {
      refuse(say("code.form", { digits: verification.digits }));
      return code.focus();
    }
    button.disabled = true;
    const result = await attempt(() => service.check(verification.id, typed));
    button.disabled = false;
    if (!running) return;
    if (result?.status === "approved") return onApproved(await service.look(verification.id).catch(() => verification));
    if (result?.status === "pending") refuse(say("attempts", { left: result.attempts_left }));
    else if (result) {
      verification = { ...verification, status: result.status };
      over = true;
      refuse(say(result.status));
    }
    draw();
    code.select();
    code.focus();
  };

  draw();
  const clock = setInterval(draw, 500);
  const poll = setInterval(async () => {
    if (over) return;
    const fresh = await service.look(verification.id).catch(() => null);
    if (fresh && running) verification = fresh;
  }, 1000);
  return () => {
    running = false;
    clearInterval(clock);
    clearInterval(poll);
  };
}

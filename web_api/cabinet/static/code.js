// Countdowns: when a code may be sent again, how long it lives, when a password may be tried again.
import { minutes, say, secondsUntil } from "/design/page.js";

export function countDown() {
  const at = (id) => document.querySelector(`#${id}[data-until]`);
  const [resend, life, wait] = ["resend-words", "code-life", "wait"].map(at);
  const again = document.getElementById("resend");
  const late = document.getElementById("late");
  if (!resend && !life && !wait) return;
  const left = (element) => secondsUntil(element.dataset.until);
  const draw = () => {
    if (resend) {
      const seconds = left(resend);
      write(resend, seconds ? say("resend.wait", { seconds }) : say("resend.now"));
      again.disabled = seconds > 0;
      late.hidden = seconds > 0;
    }
    if (life) {
      const seconds = left(life);
      write(life, seconds ? say("code.valid_for", { time: minutes(seconds) }) : say("code.over"));
      if (!seconds && again?.value === "resend") {
        again.value = "send";
        again.disabled = false;
      }
    }
    if (wait) {
      const seconds = left(wait);
      write(wait, seconds ? say("wait", { time: minutes(seconds) }) : say("wait.over"));
    }
  };
  draw();
  setInterval(draw, 500);
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

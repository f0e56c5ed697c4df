// The mailbox keeps itself fresh, and says when each letter came by the reader's clock.
import { dateAndTime } from "/design/page.js";

const EVERY = 2000;
const mails = document.getElementById("mails");
let shown = mails.innerHTML;

function sayTimes() {
  for (const time of mails.querySelectorAll("time")) time.textContent = dateAndTime(time.dateTime);
}

async function look() {
  const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("mails");
  // Nothing is taken away under a finger or a caret.
  if (!fresh || fresh.innerHTML === shown || mails.contains(document.activeElement)) return;
  shown = fresh.innerHTML;
  mails.replaceChildren(...fresh.childNodes);
  sayTimes();
}

sayTimes();
setInterval(() => document.hidden || look(), EVERY);

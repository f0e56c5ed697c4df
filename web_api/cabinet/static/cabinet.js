// What the scripts of a cabinet's pages do: each part looks for its elements and does nothing where there are none.
import { maskNumber } from "/design/page.js";
import { showReferenceTime } from "./clock.js";
import { countDown } from "./code.js";
import { keepWhatWasTyped } from "./history.js";
import { watchMail } from "./mail.js";
import { helpWithPasswords } from "./password.js";

keepWhatWasTyped();
showReferenceTime();
helpWithPasswords();
countDown();
watchMail();

for (const input of document.querySelectorAll('input[type="tel"]')) maskNumber(input);
for (const input of document.querySelectorAll("#iin, #tax_id, #child, #first_parent, #second_parent, #code"))
  input.addEventListener("input", () => (input.value = input.value.replace(/\D/g, "")));

// A second click while the first is under way sends nothing more.
for (const form of document.querySelectorAll('form[method="post"]'))
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    setTimeout(() => delete form.dataset.sent, 8000);
  });
addEventListener("pageshow", () => document.querySelectorAll("[data-sent]").forEach((form) => delete form.dataset.sent));

if (document.querySelector("pushhub-panel")) import("./offer.js");

const sure = document.getElementById("sure");
if (sure) {
  sure.close();
  sure.showModal();
  // Escape takes the question away; the answers stay in their fields.
}
// Beside something else (the start page) nothing is taken from where the reader is, unless a mistake has to be shown;
// and nothing from somebody who was quicker than this script and types already.
const untouched = document.activeElement === document.body;
const mistake = document.querySelector('[aria-invalid="true"]');
if (untouched && (window === window.top || mistake))
  document.querySelector("[data-focus]")?.focus({ preventScroll: !mistake });

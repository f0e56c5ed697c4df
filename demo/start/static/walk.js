// Cabinet and phone beside each other: on a narrow screen they take turns. What is clicked on is copied.
import { turnTo } from "./sides.js";

const said = document.getElementById("copied");
for (const button of document.querySelectorAll("[data-copy]"))
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      getSelection().selectAllChildren(button); // without permission: selected, to be copied by hand
      return;
    }
    button.classList.add("copied");
    said.textContent = `${said.dataset.words}: ${button.dataset.copy}`;
    setTimeout(() => button.classList.remove("copied"), 1500);
  });

// On a narrow screen what she knows would push the website out of sight.
if (matchMedia("(max-width: 61.99rem)").matches) document.querySelector(".people").open = false;

// A link of the cabinet that opens in the phone turns a narrow screen to it.
const phone = document.querySelector('iframe[name="phone"]');
phone.addEventListener("load", () => {
  if (phone.contentDocument?.URL !== phone.src) turnTo("phone");
});

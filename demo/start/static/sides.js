// On a narrow screen website and phone take turns.

const buttons = [...document.querySelectorAll("[data-to]")];
const story = document.querySelector("[data-side]");

/** Show the website (`site`) or the phone (`phone`). On a wide screen both are there anyway. */
export function turnTo(side) {
  story.dataset.side = side;
  for (const button of buttons) {
    button.setAttribute("aria-pressed", String(button.dataset.to === side));
    if (button.dataset.to === side) button.querySelector(".dot").hidden = true;
  }
}

let pointed = "";

/** Say that the story goes on at `side`, once for each `cause`. */
export function pointTo(side, cause) {
  if (pointed === cause) return;
  pointed = cause;
  for (const button of buttons) {
    button.querySelector(".dot").hidden = button.dataset.to !== side || story.dataset.side === side;
  }
}

for (const button of buttons) button.addEventListener("click", () => turnTo(button.dataset.to));

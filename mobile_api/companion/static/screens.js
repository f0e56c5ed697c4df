// One screen at a time, the way back through them, and words where they are read out.

import { sayProblem } from "/design/page.js";

/** The element with this id. */
export const at = (id) => document.getElementById(id);

/** The ways back, the last one first: what the phone's back button does. */
const back = [];
addEventListener("popstate", () => back.pop()?.());

/**
 * Show the screen called `name`. `focus` puts the reading position on its heading; leave it out where the
 * person did not ask for the change.
 */
export function showScreen(name, { focus = false } = {}) {
  for (const screen of document.querySelectorAll("[data-screen]")) screen.hidden = screen.dataset.screen !== name;
  document.body.dataset.at = name;
  window.scrollTo(0, 0);
  if (focus) document.querySelector(`[data-screen="${name}"] h1`)?.focus();
}

/** From here on the phone's back button does `goBack`. */
export function enter(goBack) {
  back.push(goBack);
  history.pushState({ step: back.length }, "");
}

/** What a button "back" on the screen does: the same as the phone's. Done when the screen before is there. */
export function leave() {
  if (!back.length) return Promise.resolve();
  return new Promise((done) => {
    addEventListener("popstate", () => done(), { once: true });
    history.back();
  });
}

/** The steps so far are done; there is no way back through them. */
export function forgetWayBack() {
  back.length = 0;
}

/** Put words into `place`; none empties and hides it. The same words are not read out again. */
export function tell(place, words = "") {
  if (place.textContent !== words) place.textContent = words;
  place.hidden = words === "";
}

/** What went wrong, in the reader's words. */
export function sayRefusal(problem) {
  return sayProblem({ ...problem.body, code: problem.code ?? "other" });
}

/** Mark `input` as wrong, with words below it, or as right again. */
export function complain(input, place, words = "") {
  if (words) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
  tell(place, words);
  if (words) input.focus();
}

/** Behind what was typed, show what is still missing of `mask`. */
export function showMask(input, maskFor) {
  const ghost = input.parentElement.querySelector(".ghost");
  const draw = () => {
    const mask = maskFor(input.value);
    const typed = document.createElement("span");
    typed.textContent = input.value;
    ghost.replaceChildren(typed, mask.slice(input.value.length));
  };
  for (const event of ["input", "focus", "blur", "change"]) input.addEventListener(event, draw);
  draw();
  return draw;
}

/** Do `action` on a form's submit or a button's click, once at a time. */
export function once(element, event, action) {
  let busy = false;
  element.addEventListener(event, async (happened) => {
    happened.preventDefault();
    if (busy) return;
    busy = true;
    element.setAttribute("aria-busy", "true");
    try {
      await action(happened);
    } finally {
      busy = false;
      element.removeAttribute("aria-busy");
    }
  });
}

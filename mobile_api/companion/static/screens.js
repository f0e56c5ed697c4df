// One screen at a time, and words where they are read out.

/** The element with this id. */
export const at = (id) => document.getElementById(id);

/**
 * Show the screen called `name`. `focus` puts the reading position on its heading; leave it out where the
 * person did not ask for the change.
 */
export function showScreen(name, { focus = false } = {}) {
  for (const screen of document.querySelectorAll("[data-screen]")) screen.hidden = screen.dataset.screen !== name;
  window.scrollTo(0, 0);
  if (focus) document.querySelector(`[data-screen="${name}"] h1`)?.focus();
}

/** Put words into `place`; none empties and hides it. */
export function tell(place, words = "") {
  place.textContent = words;
  place.hidden = words === "";
}

/** Mark `input` as wrong, with words below it, or as right again. */
export function complain(input, place, words = "") {
  if (words) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
  tell(place, words);
  if (words) input.focus();
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

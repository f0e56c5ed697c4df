// "I am not a robot": the ALTCHA widget with our texts. What it counts is counted in workers of our own host.
import "./vendor/altcha.min.js";

const place = document.getElementById("captcha");
const language = document.documentElement.lang;
const texts = JSON.parse(place.dataset.texts);
const state = document.getElementById("captcha-state");

$altcha.algorithms.set("PBKDF2/SHA-256", () => new Worker(new URL("./vendor/altcha-pbkdf2.min.js", import.meta.url)));
$altcha.i18n.set(language, { ...$altcha.i18n.get("en"), ...texts });

const widget = document.createElement("altcha-widget");
widget.setAttribute("challenge", place.dataset.challenge);
widget.setAttribute("language", language);
widget.setAttribute("name", "captcha");
widget.setAttribute(
  "configuration",
  JSON.stringify({ credentials: "same-origin", disableAutoFocus: true, hideFooter: true, hideLogo: true, humanInteractionSignature: false }),
);

// How long a solution holds is counted from here on, and not by this device's clock, which may be wrong.
let running_out;
widget.addEventListener("statechange", ({ detail }) => {
  clearTimeout(running_out);
  if (detail.state === "verified") {
    running_out = setTimeout(() => widget.reset("expired"), (Number(place.dataset.seconds) - 30) * 1000);
    document.getElementById(place.dataset.problem).hidden = true;
    box()?.removeAttribute("aria-invalid");
  }
  // The words beside the box are its label; that they change is said aloud here.
  state.textContent = detail.state in texts ? texts[detail.state] : "";
});

const box = () => widget.querySelector('input[type="checkbox"]');
widget.addEventListener("load", () => {
  box().setAttribute("aria-describedby", place.dataset.problem);
  if ("refused" in place.dataset) box().setAttribute("aria-invalid", "true");
});
place.append(widget);

// The panel with the QR code and the one-time password, and what the page around it does when a device was bound.
import "/panel.js";

for (const panel of document.querySelectorAll("pushhub-panel")) {
  // What was there for browsers without JavaScript.
  panel.addEventListener("pushhub:shown", () => panel.replaceChildren());

  panel.addEventListener("pushhub:bound", () => {
    panel.hidden = true;
    for (const past of document.querySelectorAll("[data-until-bound]")) past.hidden = true;
    const bound = document.getElementById("bound");
    bound.textContent = bound.dataset.words;
    bound.hidden = false;
    document.getElementById("send")?.focus({ preventScroll: true });
  });

  // The page knows which offer it shows, so it is the page that has a new one made.
  panel.addEventListener("pushhub:renew", (event) => {
    event.preventDefault();
    location.assign(panel.dataset.again);
  });
}

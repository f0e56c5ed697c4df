// The checklist that ticks while a new password is typed, and the button that shows what was typed.
import { make, say } from "/design/page.js";

export function helpWithPasswords() {
  for (const box of document.querySelectorAll(".secret")) addEye(box);
  const list = document.getElementById("checklist");
  if (list) followTyping(list);
}

function addEye(box) {
  const input = box.querySelector("input");
  const eye = make("button", { type: "button", class: "eye plain", "aria-pressed": "false", "aria-label": say("password.show") });
  eye.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    eye.setAttribute("aria-pressed", String(shown));
    eye.setAttribute("aria-label", say(shown ? "password.hide" : "password.show"));
  });
  input.form.addEventListener("submit", () => (input.type = "password"));
  box.append(eye);
}

function followTyping(list) {
  const password = document.getElementById("password");
  const repeat = document.getElementById("repeat");
  const same = document.getElementById("same");
  const { min, max, special } = list.dataset;
  const met = {
    length: (text) => {
      const { length } = [...text.normalize("NFKC")];
      return length >= Number(min) && length <= Number(max);
    },
    lower: (text) => /[a-z]/.test(text),
    upper: (text) => /[A-Z]/.test(text),
    digit: (text) => /[0-9]/.test(text),
    special: (text) => [...text].some((letter) => special.includes(letter)),
  };
  const problem = document.getElementById("password-problem");
  const draw = () => {
    list.classList.toggle("untouched", password.value === "");
    for (const item of list.querySelectorAll("[data-part]")) {
      const good = met[item.dataset.part](password.value);
      item.classList.toggle("met", good);
      item.querySelector("[data-state]").textContent = `, ${say(good ? "met" : "unmet")}`;
    }
    if (password.value && !list.querySelector("[data-part]:not(.met)")) {
      problem.hidden = true;
      password.removeAttribute("aria-invalid");
    }
    const words = repeat.value === "" ? "" : say(repeat.value === password.value ? "same" : "different");
    if (same.textContent !== words) same.textContent = words;
    same.classList.toggle("good", repeat.value !== "" && repeat.value === password.value);
  };
  password.addEventListener("input", draw);
  repeat.addEventListener("input", draw);
  // What was refused is not in the field any more; the marks of what it missed stay until something is typed.
  if (password.value) draw();
}

// What the scripts of all pages share: texts in the reader's language, elements, the server's time.

const texts = JSON.parse(document.getElementById("texts").textContent);
export const language = document.documentElement.lang;

/** A text by its name, with `{values}` put in. */
export function say(name, values = {}) {
  return (texts[name] ?? name).replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

/** What went wrong, in the reader's words. */
export function sayProblem(problem) {
  const values = { ...problem, when: problem.retry_at ? dateAndTime(problem.retry_at) : "" };
  const name = `error.${problem.code}`;
  return say(name in texts ? name : "error.other", values);
}

/** An element: `make("p", { class: "quiet" }, "text", child)`. Texts are always texts, never markup. */
export function make(tag, traits = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(traits)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

/** Show one of the parts of a page and hide its siblings. */
export function showOnly(part) {
  for (const sibling of part.parentElement.children) sibling.hidden = sibling !== part;
}

let offset = 0;

/**
 * Learn the server's time from an answer: a wrong clock here must not bend a countdown. The header has whole
 * seconds, so a difference within them is none.
 */
export function learnTime(response) {
  const difference = Date.parse(response.headers.get("Date") ?? "") + 500 - Date.now();
  if (difference) offset = Math.abs(difference) > 1500 ? difference : 0;
}

export const serverNow = () => Date.now() + offset;
export const secondsUntil = (time) => Math.max(0, Math.ceil((Date.parse(time) - serverNow()) / 1000));

/** `4:59` */
export const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

// Chromium knows no Kazakh months and units. Dates in digits are written in Kazakh as in Russian.
const kazakh = language === "kk";
export const numbers = kazakh ? "ru" : language;

export const dateAndTime = (time) =>
  new Intl.DateTimeFormat(numbers, { dateStyle: kazakh ? "short" : "long", timeStyle: "short" }).format(new Date(time));
/** `15:35` */
export const timeOnly = (time) => new Intl.DateTimeFormat(numbers, { timeStyle: "short" }).format(new Date(time));

/** `15:35` today, else `19.11, 15:35`. `now` in milliseconds. */
export function dayAndTime(time, now) {
  const moment = new Date(time);
  if (moment.toDateString() === new Date(now).toDateString()) return timeOnly(time);
  return new Intl.DateTimeFormat(numbers, { day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit" }).format(moment);
}

/** `703610887203` → `703 610 887 203` */
export const inGroups = (digits) => digits.replace(/\D/g, "").replace(/(\d{3})(?=\d)/g, "$1 ");

/** `+77057546868` → `+7 (705) 754-68-68`, as far as it is typed; other countries are left as they are. */
export function prettyNumber(text) {
  const digits = text.replace(/[^\d]/g, "");
  if (!/^\+?7/.test(text.trim()) || digits.length > 11) return text;
  const parts = [digits.slice(1, 4), digits.slice(4, 7), digits.slice(7, 9), digits.slice(9, 11)];
  const before = [" (", ") ", "-", "-"];
  return parts.reduce((shown, part, index) => (part ? shown + before[index] + part : shown), "+7");
}

/**
 * Keep a phone number readable while it is typed. The field begins with `+7`, which can be deleted for another
 * country. `8 705 …` and a whole number pasted behind the `+7` are understood.
 */
export function maskNumber(input) {
  const toTheEnd = () => input.setSelectionRange(input.value.length, input.value.length);
  input.addEventListener("focus", () => {
    if (input.value) return;
    input.value = "+7 ";
    toTheEnd();
    // A tap puts the caret where it hit, after this.
    requestAnimationFrame(() => input.value === "+7 " && toTheEnd());
  });
  input.addEventListener("blur", () => input.value.length < 4 && (input.value = ""));
  input.addEventListener("input", () => {
    // Typed in front of it, in the moment before the caret was put to the end.
    const early = /^(\d+)\+7 $/.exec(input.value);
    if (early) {
      input.value = `+7${early[1]}`;
      toTheEnd();
    }
    if (input.selectionEnd !== input.value.length) return;
    let typed = input.value.slice(Math.max(0, input.value.lastIndexOf("+"))).replace(/[^\d+]/g, "");
    if (/^8\d{10}$/.test(typed)) typed = `+7${typed.slice(1)}`;
    else if (/^7\d{10}$/.test(typed)) typed = `+${typed}`;
    else if (/^7\d{9}$/.test(typed)) typed = `+7${typed}`;
    else if (/^\+7[78]\d{10}$/.test(typed)) typed = `+7${typed.slice(3)}`;
    input.value = /^\+7/.test(typed) ? prettyNumber(typed.slice(0, 12)) : typed.slice(0, 16);
  });
}

/** The number as the API takes it. */
export const plainNumber = (text) => text.replace(/[^\d+]/g, "");

// A page that answers a form is kept by the browser as the form that was sent: who goes back to it, or loads it again,
// is asked to send it once more, or sees an error. So it becomes the page at its address, and what was typed comes back
// into its fields. Kept are the fields of one form, of this tab, until somebody signs in: no secrets, no consents, and
// nothing of a form that shows what is stored (`seen`), where what stands now has to be shown.

const KEY = "pushhub:typed";

function typedFields() {
  const fields = [...document.querySelectorAll('form[method="post"] input[name]')];
  const typed = fields.filter((field) => ["text", "tel", "email"].includes(field.type));
  return typed.filter((field) => field.autocomplete !== "one-time-code" && !field.form.elements.seen);
}

function kept() {
  const last = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  const cameBack = ["reload", "back_forward"].includes(performance.getEntriesByType("navigation")[0]?.type);
  const here = last?.path === location.pathname;
  if (here ? !cameBack : document.querySelector("[data-signed-in]")) sessionStorage.removeItem(KEY);
  return here && cameBack ? last.typed : {};
}

function keepOrPutBack() {
  if (document.querySelector("[data-answer]")) {
    history.replaceState(null, "");
    const typed = Object.fromEntries(typedFields().map((field) => [field.name, field.value]));
    sessionStorage.setItem(KEY, JSON.stringify({ path: location.pathname, typed }));
    return;
  }
  const typed = kept();
  const untouched = typedFields().filter((field) => field.value === field.defaultValue);
  for (const field of untouched) if (field.name in typed) field.value = typed[field.name];
}

/** Before other scripts change what stands in the fields. */
export function keepWhatWasTyped() {
  try {
    keepOrPutBack();
  } catch (refusal) {
    if (!(refusal instanceof DOMException)) throw refusal; // a browser that is told to store nothing
  }
}

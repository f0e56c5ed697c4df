// What the panel is made of: elements, and one view for each thing that a person can do.

/** An element: `make("p", { class: "quiet" }, "text", child)`. Texts are always texts, never markup. */
export function make(tag, traits = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(traits)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** What is read out when it changes is written only then. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
const inGroups = (digits) => digits.replace(/(\d{3})(?=\d)/g, "$1 ");
const button = (part, words, act, traits = {}) =>
  make("button", { type: "button", part, class: part.replace("button ", ""), ...(act && { onclick: act }), ...traits }, words);

/** A QR code as SVG, black on white with its quiet zone of four modules. */
function picture(qr, name) {
  const draw = (tag, traits) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(traits)) element.setAttribute(key, value);
    return element;
  };
  const bits = (row) => [...row].map((digit) => parseInt(digit, 16).toString(2).padStart(4, "0")).join("");
  const path = qr.rows
    .flatMap((row, y) => [...bits(row).matchAll(/1+/g)].map((run) => `M${run.index + 4} ${y + 4}h${run[0].length}v1h-${run[0].length}z`))
    .join("");
  const side = qr.size + 8;
  const svg = draw("svg", { viewBox: `0 0 ${side} ${side}`, role: "img", "aria-label": name, "shape-rendering": "crispEdges", part: "qr" });
  svg.append(draw("rect", { width: side, height: side, fill: "#fff" }), draw("path", { d: path, fill: "#000" }));
  return svg;
}

/** A phone without the app: QR code, one-time password with its countdown, and what to do with them. */
export function bindView({ say, left, act, only, bare, target, mayRenew }) {
  const qr = make("figure", { id: "qr" });
  const password = make("p", { id: "one-time-password", part: "password", translate: "no", "aria-labelledby": "password-label" });
  const life = make("progress", { id: "password-life", "aria-hidden": "true" });
  const changes = make("p", { class: "small quiet", part: "countdown", id: "password-changes" });
  const open = make("a", { ...(target ? { target } : { target: "_blank", rel: "noopener" }), part: "link" }, say("open"));
  const until = make("p", { class: "small quiet", part: "countdown", id: "offer-life" });
  const keys = make("div", { class: "keys" }, make("p", { id: "password-label", class: "label" }, say("password")), password, life, changes, make("p", {}, open), until);
  const offer = make("div", { id: "offer", class: "offer" }, qr, keys);
  const how = make("p", { id: "how", part: "how" });
  const warning = make("p", { class: "small note warn", part: "warning" }, say("bind.warn"));
  const again = button("button", say("offer.renew"), () => mayRenew() && act("offer"), { id: "renew" });
  const actions = make("div", { class: "actions" }, again);
  const hint = make("p", { class: "hint bad", role: "alert", part: "hint", id: "hint" });
  let drawn = "";

  return {
    element: make("div", { class: "stack" }, ...(bare ? [offer] : [how, offer, warning]), actions, hint),
    main: again,
    hint: (text) => write(hint, text),
    tell: ({ offer: now, reason }) => {
      if (now && !["pending", "used"].includes(now.status)) return ["warn", say(now.reason === "too_many_tries" ? "offer.guessed" : "offer.over")];
      const why = { never_bound: "why.never_bound", notifications_off: "why.notifications_off" }[reason] ?? "why.gone";
      return ["", only ? "" : say(why)];
    },
    draw({ offer: now }) {
      write(how, say("bind.how"));
      const pending = now?.status === "pending";
      offer.hidden = warning.hidden = how.hidden = !pending;
      actions.hidden = !now || pending || now.status === "used";
      if (!pending) return;
      if (drawn !== now.id) {
        drawn = now.id;
        qr.replaceChildren(picture(now.qr, say("qr")));
        open.href = now.link;
        life.max = now.step_seconds;
      }
      const seconds = left(now.password_changes_at);
      write(password, inGroups(now.password));
      life.value = seconds;
      write(changes, say("password.changes", { seconds }));
      write(until, say("offer.life", { time: minutes(left(now.expires_at)) }));
    },
  };
}

/** The number can be reached: the button that has the code sent. */
export function sendView({ say, act }) {
  const hint = make("p", { class: "hint bad", role: "alert", part: "hint", id: "hint" });
  const send = button("button", say("send"), () => act("send"), { id: "send" });
  return {
    element: make("div", { class: "stack" }, make("div", { class: "actions" }, send), hint),
    main: send,
    tell: ({ offer, way }) => (offer?.status === "used" ? ["good", say("bound.next")] : ["", say(`lead.${way}`)]),
    draw: () => {},
    hint: (text) => write(hint, text),
  };
}

/** The code is under way: the field for it, and sending again. */
export function codeView({ say, left, now, act }) {
  const input = make("input", {
    id: "code", part: "input", type: "text", inputmode: "numeric", autocomplete: "one-time-code", "aria-describedby": "hint code-life", size: "6",
  });
  const hint = make("p", { class: "hint bad", role: "alert", part: "hint", id: "hint" });
  const life = make("p", { class: "small quiet", part: "countdown", id: "code-life" });
  const wait = make("p", { class: "small quiet", part: "countdown", id: "resend-words" });
  const check = make("button", { type: "submit", part: "button", id: "check" }, say("check"));
  const again = button("button second", "", () => act(pending ? "resend" : "send"), { id: "resend" });
  let digits = 4;
  let pending = true;
  let shown = "";
  const refuse = (text) => {
    write(hint, text);
    input.setAttribute("aria-invalid", String(text !== ""));
  };
  input.addEventListener("input", () => {
    // «12 34» is the code too; what is no digit is left out, and so is what is too much.
    const typed = input.value.replace(/\D/g, "").slice(0, digits);
    if (typed !== input.value) input.value = typed;
  });
  const form = make("form", { novalidate: true, class: "stack" },
    make("div", {}, make("label", { for: "code" }, say("code")), make("div", { class: "entry" }, input, check), hint, life),
    make("div", { class: "resend" }, wait, again));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (input.value.length !== digits) refuse(say("code.form", { digits }));
    else await act("check", { code: input.value });
    if (!form.isConnected || input.disabled) return;
    input.focus();
    input.select();
  });

  return {
    element: form,
    main: input,
    tell: ({ verification: { status, way, armed, created_at: asked } }) => {
      if (status !== "pending") return ["", ""];
      if (way !== "push") return ["", say(`sent.${way}`)];
      if (armed) return ["good", say("opened")];
      return now() - Date.parse(asked) > 60_000 ? ["warn", say("late")] : ["", `${say("sent.push")} ${say("within")}`];
    },
    draw({ verification }) {
      digits = verification.digits;
      const seconds = left(verification.expires_at);
      const ended = verification.status === "pending" ? (seconds ? "" : "expired") : verification.status;
      if (ended && pending) refuse(say(ended));
      else if (!ended && !pending) refuse("");
      const leaves = pending && ended && form.contains(form.getRootNode().activeElement);
      pending = !ended;
      if (shown !== verification.id) input.value = "";
      shown = verification.id;
      input.disabled = check.disabled = !pending;
      write(life, pending ? say("code.valid_for", { time: minutes(seconds) }) : "");
      const until = left(verification.resend_at);
      write(wait, pending && until && verification.resends_left ? say("resend.wait", { seconds: until }) : "");
      write(again, say(pending ? "resend" : "ask.anew"));
      again.disabled = pending && (until > 0 || !verification.resends_left);
      form.classList.toggle("ended", !pending);
      if (leaves) again.focus({ preventScroll: true });
    },
    hint: refuse,
  };
}

/** Nothing to do here: what is said above is all. */
export const quietView = (kind, text) => ({ element: make("div"), main: null, tell: () => [kind, text], draw: () => {}, hint: () => {} });

// Beside a promised letter: says that the mail server does not answer as soon as somebody has noticed, and takes it back.
const EVERY = 4000;
const ROUNDS = 30;

export function watchMail() {
  const words = document.querySelector("#mail[data-watch]");
  if (words) look(words, ROUNDS);
}

async function look(words, left) {
  try {
    const answer = await fetch(words.dataset.watch, { headers: { Accept: "application/json" } });
    if (answer.ok) words.hidden = (await answer.json()).mail === "ok";
  } catch {
    // No connection at this moment: the next look tells more.
  }
  if (left > 0) setTimeout(look, EVERY, words, left - 1);
}

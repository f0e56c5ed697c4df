// How the panel looks. A page sets `--pushhub-…` on the element, or styles `::part(…)`. What begins with `--_` is our own.

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host { display: block; container-type: inline-size; text-align: start; color: var(--_ink);
  --_accent: var(--pushhub-accent, light-dark(#0b6b63, #4fc4b6)); --_on-accent: var(--pushhub-on-accent, light-dark(#fff, #06221f));
  --_ink: var(--pushhub-ink, light-dark(#10201e, #e9f2f0)); --_paper: var(--pushhub-paper, light-dark(#fff, #162220));
  --_quiet: var(--pushhub-quiet, light-dark(#4d605d, #a9bcb8)); --_line: var(--pushhub-line, light-dark(#c9d5d2, #31433f));
  --_edge: var(--pushhub-edge, light-dark(#6f8480, #7d938e)); --_tint: var(--pushhub-tint, light-dark(#e2f1ee, #17322e));
  --_good: var(--pushhub-good, light-dark(#15683a, #7ddba0)); --_good-tint: var(--pushhub-good-tint, light-dark(#e2f3e8, #15301f));
  --_warn: var(--pushhub-warn, light-dark(#7a4b00, #f3c875)); --_warn-tint: var(--pushhub-warn-tint, light-dark(#fdf1da, #33270f));
  --_bad: var(--pushhub-bad, light-dark(#a52019, #ffa59e)); --_radius: var(--pushhub-radius, 14px);
  font: 100%/1.5 var(--pushhub-font, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif); }
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
p, figure { margin: 0; }
.panel { background: var(--_paper); border: 1px solid var(--_line); border-radius: var(--_radius); padding: var(--pushhub-padding, 1.25rem); overflow-wrap: break-word; }
.stack, .panel { display: grid; gap: 0.9rem; }
.stack > *, .panel > * { min-width: 0; }
.title { font-size: 1.15rem; font-weight: 700; line-height: 1.3; }
.small { font-size: 0.875rem; }
#resend-words:empty { display: none; }
.quiet { color: var(--_quiet); }
.label, label { display: block; font-weight: 600; margin-bottom: 0.35rem; }
.note { border-radius: calc(var(--_radius) * 0.8); padding: 0.75rem 0.95rem; background: var(--_tint); border-inline-start: 4px solid var(--_accent); }
.note:empty { padding: 0; border: 0; height: 0; margin-top: -0.9rem; }
.note.good { background: var(--_good-tint); border-color: var(--_good); color: var(--_good); }
.note.warn { background: var(--_warn-tint); border-color: var(--_warn); color: var(--_warn); }
.offer { display: grid; gap: 1rem; justify-items: center; }
figure { width: min(100%, 208px); }
svg { display: block; width: 100%; height: auto; border-radius: calc(var(--_radius) * 0.6); }
.keys { display: grid; gap: 0.4rem; width: 100%; justify-items: center; text-align: center; }
.keys .label { margin: 0; }
#one-time-password { font-size: clamp(1.35rem, 8.6cqi, 1.9rem); font-weight: 700; line-height: 1.2; letter-spacing: 0.04em; white-space: nowrap; font-variant-numeric: tabular-nums; }
#password-changes, #offer-life, #code-life { min-height: 1.5em; font-variant-numeric: tabular-nums; }
progress { appearance: none; width: 100%; max-width: 17rem; height: 6px; border: 0; border-radius: 3px; overflow: hidden; background: var(--_line); }
progress::-webkit-progress-bar { background: var(--_line); }
progress::-webkit-progress-value { background: var(--_accent); }
progress::-moz-progress-bar { background: var(--_accent); }
a { display: inline-flex; align-items: center; min-height: 44px; color: var(--_accent); font-weight: 600; }
input { flex: 1 1 8rem; min-width: 0; width: 100%; min-height: 52px; padding: 0.4rem 0.9rem; font: inherit; font-size: 1.5rem; font-weight: 600; letter-spacing: 0.3em; font-variant-numeric: tabular-nums;
  color: inherit; background: transparent; border: 1.5px solid var(--_edge); border-radius: calc(var(--_radius) * 0.8); }
input[aria-invalid="true"] { border: 2px solid var(--_bad); }
input:disabled { opacity: 0.55; }
.entry, .actions, .resend { display: flex; flex-wrap: wrap; gap: 0.6rem; align-items: center; }
.entry { max-width: 24rem; }
.resend { justify-content: space-between; border-top: 1px solid var(--_line); padding-top: 0.9rem; }
.ended .resend { justify-content: flex-start; border: 0; padding: 0; }
.hint { font-size: 0.9rem; margin-top: 0.5rem; }
#code-life { margin-top: 0.5rem; }
.hint:empty { margin: 0; }
.stack > .hint { margin: 0; }
.stack > .hint:empty { margin-top: -0.9rem; }
.bad { color: var(--_bad); }
button { display: inline-flex; align-items: center; justify-content: center; min-height: 48px; padding: 0.5rem 1.25rem; font: inherit; font-weight: 600; cursor: pointer;
  color: var(--_on-accent); background: var(--_accent); border: 1.5px solid var(--_accent); border-radius: calc(var(--_radius) * 0.8); }
.entry button { min-height: 52px; }
button.second { color: var(--_accent); background: transparent; }
button:hover:not(:disabled) { filter: brightness(0.92); }
button:disabled { color: var(--_quiet); background: transparent; border-color: var(--_line); cursor: not-allowed; }
button[aria-busy="true"] { cursor: progress; opacity: 0.7; }
:focus-visible { outline: 3px solid var(--_accent); outline-offset: 2px; border-radius: 6px; }
@container (min-width: 30rem) {
  .offer { grid-template-columns: 208px 1fr; align-items: center; justify-items: start; gap: 1.5rem; }
  .keys { justify-items: start; text-align: start; }
}
@container (max-width: 21rem) { .actions button, .entry button, .resend button { flex: 1 1 100%; } }
@supports not (color: light-dark(#000, #fff)) {
  :host { --_accent: var(--pushhub-accent, #0b6b63); --_on-accent: var(--pushhub-on-accent, #fff); --_ink: var(--pushhub-ink, #10201e); --_paper: var(--pushhub-paper, #fff);
    --_quiet: var(--pushhub-quiet, #4d605d); --_line: var(--pushhub-line, #c9d5d2); --_edge: var(--pushhub-edge, #6f8480); --_tint: var(--pushhub-tint, #e2f1ee);
    --_good: var(--pushhub-good, #15683a); --_good-tint: var(--pushhub-good-tint, #e2f3e8); --_warn: var(--pushhub-warn, #7a4b00); --_warn-tint: var(--pushhub-warn-tint, #fdf1da);
    --_bad: var(--pushhub-bad, #a52019); }
}
@media (prefers-reduced-motion: no-preference) {
  .view { animation: appear 180ms ease-out; }
  @keyframes appear { from { opacity: 0; transform: translateY(4px); } }
}
`.replace(/\n\s*/g, "\n"));

export const look = [sheet];

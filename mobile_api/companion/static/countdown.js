// Counting down to a moment, in whole seconds.

/**
 * Call `show` with the seconds that are left, now and whenever they change, down to 0.
 * `now` gives the service's time in milliseconds. Returns a function that stops it.
 */
export function countdown(moment, now, show) {
  let shown = null;
  const tick = () => {
    const left = Math.max(0, Math.ceil((Date.parse(moment) - now()) / 1000));
    if (left === 0) clearInterval(timer);
    if (left !== shown) {
      shown = left;
      show(left);
    }
  };
  const timer = setInterval(tick, 250);
  tick();
  return () => clearInterval(timer);
}

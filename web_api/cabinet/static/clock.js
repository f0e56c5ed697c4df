// The reference time in the header: the server's clock goes on ticking here, whatever this machine's clock says.

export function showReferenceTime() {
  const shown = document.getElementById("reference-time");
  if (!shown) return;
  const ahead = Date.parse(shown.dateTime) - Date.now();
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: shown.dataset.zone, hourCycle: "h23",
    year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
  });
  const draw = () => {
    const part = Object.fromEntries(format.formatToParts(Date.now() + ahead).map(({ type, value }) => [type, value]));
    shown.textContent = `${part.year}.${part.month}.${part.day} ${part.hour}:${part.minute}:${part.second}`;
  };
  draw();
  setInterval(draw, 1000);
}

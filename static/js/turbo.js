// Counts down what is left of a boost: <b data-left="seconds">. The server said how much is left, so a wrong clock of
// the device does no harm; the end is kept as a moment, so a device that slept shows the truth when it wakes.

const ends = new WeakMap();

const two = (number) => String(number).padStart(2, "0");

function written(seconds) {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

const shown = () => [...document.querySelectorAll("[data-left]")];

function tick() {
  for (const element of shown()) {
    if (!ends.has(element)) ends.set(element, Date.now() + element.dataset.left * 1_000);
    const left = Math.max(Math.round((ends.get(element) - Date.now()) / 1_000), 0);
    element.textContent = written(left);
    element.parentElement.hidden = false;
  }
}

tick();
setInterval(tick, 1_000);
// What live.js has put in its place must not wait for the next second.
new MutationObserver(() => {
  if (shown().some((element) => !ends.has(element))) tick();
}).observe(document.body, { childList: true, subtree: true });

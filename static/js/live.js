// Keeps what is marked data-live="<event> …" fresh: refetches its data-live-url when the stream names an event, polls
// while there is no stream, and falls silent when the person is no longer signed in. What cannot wait for the stream
// says inside in how many seconds it wants to be looked at again: data-live-again="3".

const POLL = 30_000;
const HIDDEN_FOR_LONG = 20_000; // a hidden tab gives its stream back: browsers allow six connections to a host
const AGAIN_AT_MOST = 300_000;
const marked = [...document.querySelectorAll("[data-live]")];
const eventsOf = (element) => element.dataset.live.split(" ");
const events = new Set(marked.flatMap(eventsOf));
const timers = {};
let source = null;
let failures = 0;
let missed = false;
let stopped = events.size === 0;

const later = (name, delay, action) => {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(action, delay * (0.5 + Math.random() / 2));
};

const announcer = document.createElement("p");
announcer.className = "unseen";
announcer.setAttribute("role", "status");
if (!stopped) document.body.append(announcer);

function wordsOf(element) {
  const said = (element.querySelector("[data-live-say]") ?? element).cloneNode(true);
  for (const timer of said.querySelectorAll("[role=timer]")) timer.remove(); // it changes with every look
  return said.textContent.replace(/\s+/g, " ").trim();
}

async function refresh(element) {
  const answer = await fetch(element.dataset.liveUrl, { redirect: "manual", headers: { Accept: "text/html" } });
  if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) return stop();
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("[data-live]") ?? page.body;
  const before = wordsOf(element);
  const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
  element.replaceChildren(...fresh.childNodes);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  if (wordsOf(element) !== before) announcer.textContent = wordsOf(element);
}

function refreshAll(event = null) {
  for (const element of document.querySelectorAll("[data-live]"))
    if (!event || eventsOf(element).includes(event)) refresh(element).catch(() => {}); // the next poll tries again
}

function lookAgain() {
  const waiting = document.querySelector("[data-live-again]");
  if (!waiting || stopped) return;
  const box = waiting.closest("[data-live]"); // by then the stream may have put another content into it
  later("again", waiting.dataset.liveAgain * 1_000, () => {
    if (document.hidden) return;
    const answered = refresh(box).catch(() => {});
    answered.then(lookAgain);
  });
}

function poll() {
  later("poll", POLL, () => {
    if (!document.hidden) refreshAll();
    poll();
  });
}

function open() {
  if (stopped || source || document.hidden) return;
  source = new EventSource("/live/");
  source.onopen = () => {
    failures = 0;
    clearTimeout(timers.poll);
    delete timers.poll;
    if (missed) refreshAll();
    missed = false;
  };
  source.onerror = () => {
    close();
    failures += 1;
    later("open", Math.min(3_000 * 2 ** failures, AGAIN_AT_MOST), open);
  };
  for (const event of events) source.addEventListener(event, () => refreshAll(event));
  source.addEventListener("resync", () => later("resync", 5_000, refreshAll));
  source.addEventListener("bye", () => {
    close();
    later("open", AGAIN_AT_MOST, open);
  });
}

function close() {
  source?.close();
  source = null;
  missed = true;
  if (!stopped && !timers.poll) poll(); // a stream that keeps failing must not put the next poll off
}

function stop() {
  stopped = true;
  close();
  Object.values(timers).forEach(clearTimeout);
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timers.hidden);
  if (document.hidden) later("hidden", HIDDEN_FOR_LONG, close);
  else {
    if (!source && !stopped) later("open", 500, open);
    lookAgain();
  }
});
addEventListener("pagehide", () => close());
addEventListener("pageshow", (event) => event.persisted && open());
open();
if (!stopped && !source) poll();
lookAgain();

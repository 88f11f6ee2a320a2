// The speed test: ping, jitter, download, upload, measured against /speed/ping, /speed/down and /speed/up; a subscriber's
// result is then saved. Nothing moves where the person asked for less motion: the numbers are enough.

const PINGS = { ping: 10, jitter: 20 };
const RAMP = 0.25; // of a phase, until the connections have gained their speed: not counted
const TICK = 100;
const STALLED = 5_000;
const BLOCK = 2 ** 20;
const BLOB_BLOCKS = 32;
const MOST = { down: 64 * BLOCK, up: BLOB_BLOCKS * BLOCK };
const QUICK = 700; // ms; a transfer that took less makes room for one twice as long
const SCALE = 1_000; // Mbit/s at the gauge's end
const OVER = new Error("the phase is over");

class Stopped extends Error {
  constructor(word, seconds = 0) {
    super(word);
    Object.assign(this, { word, seconds });
  }
}

// --- Arithmetic

const sorted = (numbers) => [...numbers].sort((one, other) => one - other);
const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

export function median(numbers) {
  const [low, high] = [Math.floor((numbers.length - 1) / 2), Math.ceil((numbers.length - 1) / 2)];
  return (sorted(numbers)[low] + sorted(numbers)[high]) / 2;
}

export const jitterOf = (times) => mean(times.slice(1).map((time, number) => Math.abs(time - times[number])));

// Mbit/s between two samples, [ms, bytes] each.
export const rate = ([since, before], [until, after]) => ((after - before) * 8) / (until - since) / 1_000;

// The mean of the middle half of a dozen stretches: a hiccup or a burst of a buffer is not the line's speed.
export function estimate(samples, from) {
  const counted = samples.filter(([time]) => time >= from);
  if (counted.length < 3) return rate(samples[0], samples.at(-1)); // the browser had no time to look
  const step = Math.max(1, Math.floor(counted.length / 12));
  const rates = [];
  for (let end = step; end < counted.length; end += step) rates.push(rate(counted[end - step], counted[end]));
  const edge = Math.floor(rates.length / 4);
  return mean(sorted(rates).slice(edge, rates.length - edge));
}

// --- One transfer

function refusal(status, wait) {
  if (status === 429) return new Stopped("limited", wait);
  return status === 503 ? new Stopped("busy", wait) : new Stopped("unreachable");
}

async function ask(address, signal) {
  const answer = await fetch(address, { cache: "no-store", signal });
  if (!answer.ok) throw refusal(answer.status, answer.headers.get("Retry-After"));
  return answer;
}

async function ping(address, signal) {
  const began = performance.now();
  await (await ask(address, signal)).arrayBuffer();
  const took = performance.now() - began;
  const entry = performance.getEntriesByName(new URL(address, location.href).href).at(-1);
  const onTheLine = entry ? entry.responseStart - entry.requestStart : 0;
  return onTheLine > 0 ? onTheLine : took; // without the browser's own work, where it tells
}

async function download(size, meter, signal) {
  const answer = await ask(`/speed/down?bytes=${size}`, signal);
  const reader = answer.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    meter.bytes += value.length;
  }
}

let noise = null;

function madeNoise() {
  const block = new Uint8Array(BLOCK);
  for (let start = 0; start < BLOCK; start += 65_536) crypto.getRandomValues(block.subarray(start, start + 65_536));
  return new Blob(Array(BLOB_BLOCKS).fill(block), { type: "application/octet-stream" });
}

// Not fetch: it does not tell how much of a body has gone.
function upload(size, meter, signal) {
  noise ??= madeNoise();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let counted = 0;
    const count = (loaded) => {
      meter.bytes += loaded - counted;
      counted = loaded;
    };
    const stop = () => {
      request.abort();
      reject(signal.reason);
    };
    request.open("POST", "/speed/up");
    request.upload.onprogress = (event) => count(event.loaded);
    request.onerror = () => reject(new TypeError("network"));
    request.onloadend = () => signal.removeEventListener("abort", stop);
    request.onload = () => {
      if (request.status !== 200) return reject(refusal(request.status, request.getResponseHeader("Retry-After")));
      count(size);
      resolve();
    };
    signal.addEventListener("abort", stop);
    request.send(noise.slice(0, size));
  });
}

// --- A phase

async function keepMoving(move, meter, most, signal) {
  let size = BLOCK / 4;
  while (!signal.aborted) {
    const began = performance.now();
    await move(size, meter, signal);
    if (performance.now() - began < QUICK) size = Math.min(size * 2, most);
  }
}

async function speedOf(move, { connections, seconds, most }, controller, show) {
  const meter = { bytes: 0 };
  const began = performance.now();
  const samples = [[0, 0]];
  let moved = 0;
  const ticking = setInterval(() => {
    const now = performance.now() - began;
    if (meter.bytes !== samples.at(-1)[1]) moved = now;
    else if (now - moved > STALLED) controller.abort(new Stopped("lost"));
    samples.push([now, meter.bytes]);
    show(rate(samples.at(-Math.min(samples.length, 1_000 / TICK)), samples.at(-1)));
  }, TICK);
  const over = setTimeout(() => controller.abort(OVER), seconds * 1_000);
  const movers = Array.from({ length: connections }, () => keepMoving(move, meter, most, controller.signal));
  try {
    await Promise.all(movers);
  } catch (error) {
    const cause = controller.signal.aborted ? controller.signal.reason : error; // not every browser hands it on
    controller.abort(cause);
    if (cause !== OVER) throw cause;
  } finally {
    clearInterval(ticking);
    clearTimeout(over);
    await Promise.allSettled(movers);
  }
  if (!meter.bytes) throw new Stopped("lost");
  samples.push([performance.now() - began, meter.bytes]);
  return estimate(samples, seconds * 1_000 * RAMP);
}

async function timesOf(count, controller, show) {
  const times = [];
  const patience = setTimeout(() => controller.abort(new Stopped("lost")), 4 * STALLED);
  try {
    while (times.length < count) {
      times.push(await ping(`/speed/ping?${Math.random()}`, controller.signal));
      show(times.at(-1));
    }
  } finally {
    clearTimeout(patience);
    performance.clearResourceTimings();
  }
  return times;
}

// --- The page

const panel = document.querySelector("[data-speed]");
const isCalm = matchMedia("(prefers-reduced-motion: reduce)");
const format = (number) =>
  new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: number < 99.95 ? 1 : 0 }).format(number);
let running = null;

function page() {
  const part = (name) => panel.querySelector(`[data-${name}]`);
  const [now, fill, said, start, stop] = ["now", "fill", "said", "start", "stop"].map(part);
  const word = (name) => panel.querySelector(`[data-word=${name}]`).textContent;
  const boxOf = (phase) => panel.querySelector(`[data-phase=${phase}]`);
  let drawn = 0;

  return {
    start,
    stop,
    say: (name, values = {}) => {
      said.textContent = word(name).replace(/\{(\w+)\}/g, (_, key) => values[key]);
    },
    begin: (phase) => {
      boxOf(phase).setAttribute("aria-current", "step");
      drawn = 0;
    },
    end: (phase, value) => {
      boxOf(phase).removeAttribute("aria-current");
      if (value !== undefined) boxOf(phase).querySelector("[data-value]").textContent = format(value);
    },
    gauge: (speed) => {
      if (performance.now() - drawn < (isCalm.matches ? 1_000 : 200)) return;
      drawn = performance.now();
      now.textContent = format(speed);
      const share = Math.min(Math.log10(1 + speed) / Math.log10(1 + SCALE), 1);
      fill.setAttribute("stroke-dasharray", `${100 * share} 101`);
    },
    clear: () => {
      now.textContent = "—";
      fill.setAttribute("stroke-dasharray", "0 101");
    },
    forget: () => {
      for (const value of panel.querySelectorAll("[data-value]")) value.textContent = "—";
    },
    busy: (isBusy) => {
      const hadFocus = [start, stop].includes(document.activeElement);
      start.hidden = isBusy;
      stop.hidden = !isBusy;
      start.lastChild.textContent = word("again");
      if (hadFocus) (isBusy ? stop : start).focus();
    },
  };
}

async function phase(view, name, measure) {
  running = new AbortController();
  view.begin(name);
  view.say(name);
  let value;
  try {
    value = await measure(running);
  } catch (error) {
    throw running.signal.aborted ? running.signal.reason : error;
  } finally {
    view.end(name, value);
  }
  return value;
}

async function measured(view) {
  const { seconds, connections, most } = panel.dataset;
  const of = (way) => ({ seconds: +seconds, connections: +connections, most: Math.min(MOST[way], +most) });
  const nothing = () => {};
  const result = {};
  result.ping = await phase(view, "ping", async (stop) => median((await timesOf(PINGS.ping, stop, nothing)).slice(2)));
  result.jitter = await phase(view, "jitter", async (stop) => jitterOf(await timesOf(PINGS.jitter, stop, nothing)));
  result.down = await phase(view, "down", (stop) => speedOf(download, of("down"), stop, view.gauge));
  result.up = await phase(view, "up", (stop) => speedOf(upload, of("up"), stop, view.gauge));
  return result;
}

function explain(view, error) {
  if (error instanceof Stopped) view.say(error.word, { seconds: error.seconds || 10 });
  else view.say("lost");
}

async function run(view) {
  document.querySelector("[data-result]")?.replaceChildren();
  view.forget();
  view.busy(true);
  try {
    const result = await measured(view);
    view.say("done", Object.fromEntries(Object.entries(result).map(([name, value]) => [name, format(value)])));
    await save(view, result);
  } catch (error) {
    explain(view, error);
  } finally {
    running = null;
    view.clear();
    view.busy(false);
  }
}

function newOperation() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID is there on https alone
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function save(view, result) {
  const form = document.querySelector("[data-save]");
  if (!form) return;
  const body = new FormData(form);
  for (const [name, value] of Object.entries(result)) body.set(name, value.toFixed(3));
  form.elements.operation.value = newOperation();
  try {
    const answer = await fetch(`${form.action}?part=result`, { method: "POST", body, redirect: "manual" });
    if (answer.type === "opaqueredirect") return view.say("signedout");
    if (!answer.ok && ![422, 429].includes(answer.status)) return view.say("unsaved");
    const told = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelector("[data-result]").replaceChildren(...told.body.childNodes);
    offerCopying();
  } catch {
    view.say("unsaved");
  }
}

// --- The result as text

function offerCopying() {
  for (const row of document.querySelectorAll("[data-copy]")) row.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-for]");
  if (!button) return;
  const field = document.getElementById(button.dataset.for);
  field.select();
  await (navigator.clipboard?.writeText(field.value) ?? Promise.reject()).catch(() => document.execCommand("copy"));
  const told = button.parentElement.querySelector("[data-copied]");
  told.textContent = told.dataset.copied;
});

offerCopying();
if (panel) {
  const view = page();
  view.start.disabled = false;
  view.start.addEventListener("click", () => running ?? run(view));
  view.stop.addEventListener("click", () => running?.abort(new Stopped("stopped")));
  addEventListener("offline", () => running?.abort(new Stopped("lost")));
  addEventListener("pagehide", () => running?.abort(new Stopped("away")));
  document.addEventListener("visibilitychange", () => document.hidden && running?.abort(new Stopped("away")));
}

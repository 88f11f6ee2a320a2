// The usual sums fill the field in place, and what a sum gives is told while it is written. Without this script the
// usual sums are links that open the page anew.

const field = document.querySelector("input[name=sum]");
const told = document.querySelector("[data-after]");
const presets = [...document.querySelectorAll("a[data-sum]")];
let asked = null;
let timer = 0;

const sumOf = (text) => Number(text.replace(/[\s₽]/g, "").replace(",", "."));

function mark() {
  for (const preset of presets) {
    if (Number(preset.dataset.sum) === sumOf(field.value)) preset.setAttribute("aria-current", "true");
    else preset.removeAttribute("aria-current");
  }
}

async function tell() {
  asked?.abort();
  asked = new AbortController();
  if (!field.value.trim()) return told.replaceChildren();
  try {
    const address = told.dataset.after + encodeURIComponent(field.value);
    const answer = await fetch(address, { redirect: "manual", signal: asked.signal });
    if (!answer.ok && answer.status !== 422) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    told.classList.toggle("pay__after--wrong", !answer.ok);
    told.replaceChildren(...page.body.childNodes);
  } catch {
    // no network, or asked anew: what stands there stays
  }
}

function changed(pause) {
  mark();
  clearTimeout(timer);
  timer = setTimeout(tell, pause);
}

field.addEventListener("input", () => changed(400));
for (const preset of presets)
  preset.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    field.value = preset.dataset.sum.replace(/\.00$/, "");
    changed(0);
  });

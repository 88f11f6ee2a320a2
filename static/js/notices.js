// Tells that the notices were read once the person has them before their eyes: never for a page that was fetched ahead
// or opened in a tab behind. Their marks stay until the next visit.

const SIGHT = 1_000;
const form = document.querySelector("[data-read-on-sight]");

function look() {
  if (document.hidden || document.prerendering) return;
  document.removeEventListener("visibilitychange", look);
  setTimeout(() => {
    // Without the button: only what stands on this page.
    fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual" }).catch(() => {});
  }, SIGHT);
}

if (form) {
  document.addEventListener("visibilitychange", look);
  document.addEventListener("prerenderingchange", look);
  look();
}

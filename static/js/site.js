// Conveniences of every page; each page works without them.

const { showPassword, hidePassword, icons, worker } = document.body.dataset;

// A second click on a slow line must not send a form twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button:not([type=button])")) button.setAttribute("aria-busy", "true");
});

// The browser's «back» shows the page as it was left: with the form marked as sent.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  }
});

function addShowButton(input) {
  const button = document.createElement("button");
  const draw = () => {
    const isShown = input.type === "text";
    button.setAttribute("aria-label", isShown ? hidePassword : showPassword);
    button.innerHTML = `<svg class="icon" aria-hidden="true"><use href="${icons}#${isShown ? "eye-off" : "eye"}"/></svg>`;
  };
  button.type = "button";
  button.className = "secret__show";
  button.addEventListener("click", () => {
    input.type = input.type === "password" ? "text" : "password";
    draw();
    input.focus();
  });
  const box = document.createElement("div");
  box.className = "secret";
  const hadFocus = document.activeElement === input;
  input.replaceWith(box);
  box.append(input, button);
  if (hadFocus) input.focus();
  // Browsers save what stands in a password field, so it is one again when it is sent.
  input.form?.addEventListener("submit", () => {
    input.type = "password";
    draw();
  });
  draw();
}

for (const input of document.querySelectorAll("input[type=password]")) addShowButton(input);

// A menu opened by hand closes by Escape and by a click beside it.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// Not on a first load, which is to stay light: whoever signs in comes from another page of ours.
if (worker && "serviceWorker" in navigator && document.referrer.startsWith(`${location.origin}/`)) {
  window.addEventListener("load", () => navigator.serviceWorker.register(worker).catch(() => {}));
}

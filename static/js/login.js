// Says at once why a right password will be refused: Caps Lock is on, or the layout is Russian.

const hints = document.querySelector("[data-hints]");
const form = hints?.closest("form");
const CYRILLIC = /[\u0400-\u04ff]/;

function show(name, isNeeded) {
  hints.querySelector(`[data-hint="${name}"]`).hidden = !isNeeded;
}

function watchCapsLock(event) {
  if (event.getModifierState) show("caps", event.getModifierState("CapsLock"));
}

function watchLayout(event) {
  if (event.key?.length === 1) show("layout", CYRILLIC.test(event.key) || hasCyrillic());
}

function hasCyrillic() {
  return ["login", "password"].some((name) => CYRILLIC.test(form.elements[name].value));
}

if (form) {
  for (const name of ["login", "password"]) {
    const field = form.elements[name];
    field.addEventListener("keydown", watchLayout);
    // Pressing Caps Lock itself changes the state after keydown, so both ends of a press are asked.
    field.addEventListener("keydown", watchCapsLock);
    field.addEventListener("keyup", watchCapsLock);
    // A phone's keyboard names no keys: look at what was typed.
    field.addEventListener("input", () => show("layout", hasCyrillic()));
  }
  show("layout", hasCyrillic());
}

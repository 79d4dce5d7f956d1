// What can be changed after the render: saturation, warmth, liveliness, caution, and the colours of places.
const { element: make, address, follow } = window.deoldify;
const find = (role) => element.querySelector(`[data-role=${role}]`);
const adjusting = { id: null, hints: [], pointing: false, cross: [0.5, 0.5], timer: 0, liveliness: null, usual: null };
const said = (role, text) => { find(`${role}-said`).textContent = text; };

function sayNumbers() {
  const [saturation, warmth, caution] = ["saturation", "warmth", "caution"].map((role) => Number(find(role).value));
  said("saturation", `${saturation} %`);
  said("warmth", warmth === 0 ? "as it is" : `${Math.abs(warmth)} % ${warmth > 0 ? "warmer" : "cooler"}`);
  said("caution", caution === 0 ? "none" : `${caution} % quieter where it guesses`);
  if (adjusting.liveliness === null) find("liveliness").value = Math.round(100 * (adjusting.usual || 0));
  said("liveliness", adjusting.liveliness === null ? "as usual" : `${find("liveliness").value} %`);
  find("reset").hidden = saturation === 100 && warmth === 0 && caution === 0 && adjusting.liveliness === null;
}

function ask() {
  sayNumbers();
  window.clearTimeout(adjusting.timer);
  adjusting.timer = window.setTimeout(() => trigger("adjust", {
    id: adjusting.id,
    saturation: Number(find("saturation").value) / 100,
    warmth: Number(find("warmth").value) / 100,
    liveliness: adjusting.liveliness,
    caution: Number(find("caution").value) / 100,
    hints: adjusting.hints.map(([x, y, colour]) => ({ x, y, colour })),
  }), 80);
}

function showHints() {
  const name = (colour) => colour || "no colour";
  find("undo").disabled = adjusting.hints.length === 0;
  find("hints").replaceChildren(...adjusting.hints.map(([x, y, colour], number) => make("li", {},
    make("span", { class: "swatch", style: `background:${colour || "#888"}`, "aria-hidden": "true" }),
    `${name(colour)} at ${Math.round(100 * x)} %, ${Math.round(100 * y)} %`,
    make("button", {
      type: "button", class: "link", "aria-label": `Remove ${name(colour)} at ${Math.round(100 * x)} %, ${Math.round(100 * y)} %`,
      onclick: () => { adjusting.hints.splice(number, 1); showHints(); ask(); find("point").focus(); },
    }, "remove"))));
  const frame = element.querySelector(".frame");
  if (!frame) return;
  for (const old of frame.querySelectorAll(".pin, .cross")) old.remove();
  const at = ([x, y], kind, colour) => make("span", {
    class: kind, "aria-hidden": "true", style: `left:${100 * x}%;top:${100 * y}%;background:${colour || "transparent"}`,
  });
  frame.append(...adjusting.hints.map((hint) => at(hint, "pin", hint[2])));
  if (adjusting.pointing) frame.append(at(adjusting.cross, "cross"));
}

function add(x, y) {
  const share = (value) => Math.round(1e4 * Math.min(1, Math.max(0, value))) / 1e4;
  adjusting.hints.push([share(x), share(y), find("none").checked ? null : find("colour").value]);
  showHints();
  ask();
}

function point(on) {
  adjusting.pointing = on;
  find("point").setAttribute("aria-pressed", String(on));
  find("pointing").hidden = !on;
  const frame = element.querySelector(".frame");
  if (frame) frame.classList.toggle("pointing", on);
  const handle = element.querySelector(".handle");
  if (on && handle) { // a colour that is named shall be seen wherever it is
    handle.value = 0;
    handle.dispatchEvent(new Event("input"));
  }
  showHints();
}

find("point").addEventListener("click", () => point(!adjusting.pointing));
find("point").addEventListener("keydown", (event) => {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (!adjusting.pointing) return;
  if (moves[event.key]) {
    const step = event.shiftKey ? 0.1 : 0.02;
    adjusting.cross = adjusting.cross.map((share, axis) => Math.min(1, Math.max(0, share + step * moves[event.key][axis])));
    showHints();
  } else if (event.key === "Enter") add(...adjusting.cross);
  else if (event.key === "Escape") point(false);
  else return;
  event.preventDefault();
});
find("undo").addEventListener("click", () => { adjusting.hints.pop(); showHints(); ask(); });
find("liveliness").addEventListener("input", () => { adjusting.liveliness = Number(find("liveliness").value) / 100; });
for (const role of ["saturation", "warmth", "liveliness", "caution"]) find(role).addEventListener("input", ask);
find("reset").addEventListener("click", () => {
  adjusting.liveliness = null;
  for (const [role, value] of [["saturation", 100], ["warmth", 0], ["caution", 0]]) find(role).value = value;
  ask();
  find("saturation").focus();
});

// What the server says of the photo that is shown.
function showAdjustments(photo, done) {
  find("adjust").hidden = !done || !done.adjustable;
  if (!done) return;
  find("liveliness-row").hidden = done.usual === null;
  find("caution-row").hidden = !done.guesses;
  adjusting.usual = done.usual;
  if (adjusting.id !== photo.id) {
    adjusting.id = photo.id;
    adjusting.hints = done.hints.map((hint) => [...hint]);
    find("saturation").value = Math.round(100 * done.saturation);
    find("warmth").value = Math.round(100 * done.warmth);
    find("caution").value = Math.round(100 * done.caution);
    adjusting.liveliness = done.liveliness;
    if (done.liveliness !== null) find("liveliness").value = Math.round(100 * done.liveliness);
    point(false);
  }
  sayNumbers();
  showHints();
}

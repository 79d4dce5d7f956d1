// A photo before and after, its download, and what is being done.
const [view, status, bar, more] = ["view", "status", "bar", "more"].map(find);
let shown = "";
let asked = false; // for the ZIP, which is packed now
let wanted = false; // the file, which gets the colours that are shown first
let latest = null;

function compare({ before, after }, name) {
  const frame = make("div", { class: "frame" },
    make("img", { class: "after", src: address(after), alt: `${name}, afterwards`, draggable: "false" }),
    make("img", { class: "before", src: address(before), alt: `${name}, as it was`, draggable: "false" }),
    make("span", { class: "divider", "aria-hidden": "true" }));
  const range = make("input", {
    type: "range", min: 0, max: 100, value: adjusting.pointing ? 0 : 50, class: "handle",
    "aria-label": "Compare: how much of the photo is shown as it was",
  });
  const move = () => {
    frame.style.setProperty("--at", `${range.value}%`);
    range.setAttribute("aria-valuetext", `${range.value} percent as it was`);
  };
  range.addEventListener("input", move);
  move();
  // Sideways it moves the border; up and down it scrolls the page, see touch-action.
  const drag = (event) => {
    const box = frame.getBoundingClientRect();
    range.value = Math.round((100 * (event.clientX - box.left)) / box.width);
    move();
  };
  frame.addEventListener("click", (event) => {
    const box = frame.getBoundingClientRect();
    if (adjusting.pointing) add((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  });
  frame.addEventListener("pointerdown", (event) => {
    if (adjusting.pointing) return;
    if (event.pointerType === "mouse" && event.button === 0) { frame.setPointerCapture(event.pointerId); drag(event); }
  });
  frame.addEventListener("pointermove", (event) => { if (event.buttons === 1 && !adjusting.pointing) drag(event); });
  return [frame, range];
}

// A file whose colours were changed since is written first.
function press(event) {
  if (!latest || !latest.done || !latest.done.stale) return;
  event.preventDefault();
  wanted = true;
  trigger("file", { id: latest.photo.id });
}

function picture({ photo, done }) {
  if (!photo) return [make("p", { class: "hint" }, props.empty)];
  if (photo.state === "failed") return [make("p", { class: "failure" }, photo.why)];
  if (photo.state === "left") return [make("p", { class: "hint" }, `“${photo.name}” was left: it ${photo.why}.`)];
  if (!done) return [make("p", { class: "hint" }, `“${photo.name}” appears here, before and after.`)];
  return [
    make("div", { class: "compare" }, ...compare(done, photo.name)),
    make("a", { id: `${props.prefix}download`, class: "button primary", href: address(done.file), download: done.name, onclick: press },
      `Download ${done.name}`),
    make("p", { id: `${props.prefix}facts`, class: "facts" }, `${done.facts} ${photo.note}`),
  ];
}

follow(props, watch, (value) => {
  latest = value;
  const key = JSON.stringify([value.photo, value.done && [value.done.before, value.done.file, value.done.facts]]);
  if (key === shown && value.done) view.querySelector("img.after").src = address(value.done.after);
  if (key !== shown) {
    const [photo, done] = JSON.parse(shown || "[null,null]");
    const made = value.done && !done && photo && photo.id === value.photo.id; // and not only chosen now
    view.replaceChildren(...picture(value));
    if (made)
      for (const image of view.querySelectorAll("img"))
        image.addEventListener("load", () => view.scrollIntoView({ block: "nearest", behavior: "smooth" }), { once: true });
    shown = key;
  }
  showAdjustments(value.photo, value.done);
  showVersions(value);
  if (wanted && value.done && !value.done.stale) { wanted = false; view.querySelector("a").click(); }
  if (status.textContent !== value.status) status.textContent = value.status;
  bar.hidden = !value.running;
  bar.value = value.share;
  find("carry").hidden = !value.photo || value.photo.state === "failed";
  find("zip").hidden = value.results < 2;
  find("zip").disabled = value.running;
  const archive = find("archive");
  archive.hidden = !value.archive;
  if (value.archive) {
    archive.href = address(value.archive);
    if (asked) { asked = false; archive.click(); }
  }
  more.hidden = find("carry").hidden && find("zip").hidden;
});

find("zip").addEventListener("click", () => {
  const archive = find("archive");
  if (!archive.hidden) archive.click();
  else { asked = true; trigger("zip", {}); }
});
find("carry").addEventListener("click", () => trigger("carry", {}));

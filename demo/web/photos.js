// Where photos come in, and the strip that shows what becomes of each.
const { element: make, address, follow, dropped, receivers } = window.deoldify;
const find = (role) => element.querySelector(`[data-role=${role}]`);
const [drop, files, folder, chosen, strip, word] = ["drop", "files", "folder", "chosen", "strip", "word"].map(find);
const limits = { photos: Number(drop.dataset.photos), bytes: Number(drop.dataset.bytes) };
const STATES = { reading: "being read", waiting: "waiting", working: "being worked on", done: "done", left: "left", failed: "failed" };

const say = (text) => { word.textContent = text; };

async function take(found) {
  found = found.filter(({ name }) => !name.split("/").some((part) => part.startsWith(".")));
  const room = limits.photos - (props.value ? props.value.photos.length : 0);
  if (found.length > room) say(`${limits.photos} photos are the most; ${found.length - room} are left out.`);
  found = found.slice(0, Math.max(0, room));
  const sent = [];
  for (const [number, { file, name }] of found.entries()) {
    if (file.size > limits.bytes) {
      say(`${name} is larger than ${Math.round(limits.bytes / 1048576)} MB, and is left out.`);
      continue;
    }
    say(`Sending ${number + 1} of ${found.length} …`);
    try {
      const { path } = await upload(file);
      sent.push({ path, name });
    } catch {
      say(`${name} could not be sent. Is the page's server still there?`);
      return;
    }
    if (sent.length === 10) trigger("upload", { files: sent.splice(0) }); // so that the first ones are soon seen
  }
  if (sent.length) trigger("upload", { files: sent });
  if (word.textContent.startsWith("Sending")) say("");
}

const fromInput = (input) => input.addEventListener("change", () => {
  take([...input.files].map((file) => ({ file, name: file.webkitRelativePath || file.name })));
  input.value = "";
});
fromInput(files);
fromInput(folder);
find("choose").addEventListener("click", () => files.click());
find("choose-folder").addEventListener("click", () => folder.click());
find("paste").addEventListener("click", async () => {
  try {
    const found = [];
    for (const item of await navigator.clipboard.read()) {
      const type = item.types.find((each) => each.startsWith("image/"));
      if (type) found.push({ file: new File([await item.getType(type)], "pasted.png", { type }), name: "pasted.png" });
    }
    if (found.length) take(found);
    else say("There is no picture in the clipboard.");
  } catch {
    say("The browser does not hand over the clipboard here. Press Ctrl+V (on a Mac ⌘V) instead.");
  }
});

drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", async (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  take(await dropped(event.dataTransfer));
});
receivers.push({ element, take, say });

for (const button of element.querySelectorAll("[data-example]"))
  button.addEventListener("click", () => trigger("example", { number: Number(button.dataset.example) }));
find("clear").addEventListener("click", () => trigger("clear", {}));

function item(photo, isChosen) {
  const state = photo.why ? `${STATES[photo.state]}: ${photo.why}` : STATES[photo.state];
  const picture = photo.small
    ? make("img", { src: address(photo.small), alt: "", loading: "lazy" })
    : make("span", { class: "blank" });
  return make("li", { class: `photo ${photo.state}`, "data-id": photo.id },
    make("button", {
      type: "button", class: "pick", title: `${photo.name}: ${state}`, "aria-label": `${photo.name}, ${state}`,
      "aria-current": isChosen ? "true" : "false", onclick: () => trigger("choose", { id: photo.id }),
    }, picture, make("span", { class: "badge", "aria-hidden": "true" }, { done: "✓", failed: "!", left: "–", working: "…" }[photo.state] || "")),
    make("button", {
      type: "button", class: "remove", "aria-label": `Remove ${photo.name}`, onclick: () => trigger("remove", { id: photo.id }),
    }, "×"));
}

// Only who has been here before may have photos to find again, and work on them to follow.
let returning = window.deoldify.returning;
if (returning) trigger("again", { name: window.deoldify.visitor() });

let shownIds = "";
follow(props, watch, ({ photos, chosen: id, running }) => {
  if (returning && running) trigger("follow", {});
  if (photos.length) returning = false;
  const photo = photos.find((each) => each.id === id);
  drop.classList.toggle("filled", photos.length > 0);
  find("examples").hidden = photos.length > 0;
  const failed = photos.filter((each) => each.state === "failed");
  const left = photos.filter((each) => each.state === "left");
  chosen.replaceChildren(...(photo && photo.large ? [
    make("img", { src: address(photo.large), alt: `Your photo: ${photo.name}` }),
    make("figcaption", {}, `${photo.name}, ${photo.size[0]} × ${photo.size[1]} pixels. ${photo.note}`),
  ] : photo && photo.state === "reading" ? [make("figcaption", {}, `Reading ${photo.name} …`)] : []));
  const active = document.activeElement && element.contains(document.activeElement) && document.activeElement.closest("li");
  const focus = active ? [active.dataset.id, document.activeElement.className] : null;
  strip.replaceChildren(...photos.map((each) => item(each, each.id === id)));
  strip.parentElement.hidden = photos.length === 0;
  if (focus) {
    const again = strip.querySelector(`li[data-id="${focus[0]}"] .${focus[1]}`);
    (again || find("choose")).focus({ preventScroll: true });
  }
  const ids = photos.map((each) => each.id).join();
  if (ids !== shownIds && photos.length > 1) {
    const now = strip.querySelector("[aria-current=true]");
    if (now) strip.scrollLeft = now.parentElement.offsetLeft - strip.offsetLeft;
  }
  shownIds = ids;
  find("failed").replaceChildren(...failed.map((each) => make("li", {}, each.why.includes("“") ? each.why : `“${each.name}”: ${each.why}`)));
  find("left").replaceChildren(...left.map((each) => make("li", {}, `left: “${each.name}” ${each.why}`)),
    ...(left.length ? [make("li", {}, "Switch on “Recolour photos that have colours” to do them all the same.")] : []));
});

"use strict";
// Data comes as scripts, photos-0.js and so on, since a page from the disk may load nothing else.
const PAGE = 60, WORST = ["failed", "skipped"], STEP = 5;
const $ = (id) => document.getElementById(id);
const photos = new Map();
let shown = [], page = 0, open = -1, number = 0;

// What a line of data calls; of several about one photo and result the last holds.
function photo(entry) {
  const [source, output] = entry.k;
  if (output) photos.delete(JSON.stringify([source, ""]));
  entry.i = number++;
  entry.f = source.toLowerCase();
  photos.set(JSON.stringify(entry.k), entry);
}

function load(file) {
  const script = document.createElement("script");
  const next = () => { script.remove(); load(file + 1); };
  script.src = `.deoldify/gallery/photos-${file}.js`;
  script.onload = next;
  script.onerror = () => { script.remove(); choose(); };
  document.head.append(script);
}

// Failed ones are worst, then the least certain, then those of which nothing is known.
function badness(entry) {
  if (WORST.includes(entry.t)) return -1;
  return entry.c ?? (entry.t === "left" ? 2 : 1);
}

const byName = (a, b) => (a.f < b.f ? -1 : a.f > b.f ? 1 : a.i - b.i);
const ORDERS = {
  worst: (a, b) => badness(a) - badness(b) || byName(a, b),
  name: byName,
  newest: (a, b) => b.i - a.i,
};

function choose() {
  const words = $("name").value.toLowerCase().split(/\s+/).filter(Boolean);
  const status = $("status").value, most = Number($("sure").value) / 100;
  $("sure-said").textContent = most < 1 ? `${Math.round(most * 100)} %` : "any";
  shown = [...photos.values()].filter((entry) =>
    (!status || entry.t === status)
    && (most === 1 || (entry.c !== undefined && entry.c <= most))
    && words.every((word) => entry.f.includes(word)));
  shown.sort(ORDERS[$("order").value]);
  page = 0;
  draw();
}

const sure = (entry) => (entry.c === undefined ? "" : `, ${Math.round(entry.c * 100)} % certain`);

function card(entry, index) {
  const item = document.createElement("li"), button = document.createElement("button");
  const picture = document.createElement("span"), said = document.createElement("span");
  item.className = entry.t;
  button.type = "button";
  button.dataset.index = index;
  picture.className = "picture";
  said.className = "said";
  if (entry.p) {
    const image = document.createElement("img");
    image.loading = "lazy";
    image.decoding = "async";
    image.alt = "";
    image.src = entry.p[1];
    picture.append(image);
  } else {
    picture.textContent = entry.t;
  }
  const name = document.createElement("span"), small = document.createElement("small");
  name.className = "name";
  name.textContent = name.title = entry.n;
  small.textContent = entry.t + sure(entry);
  said.append(name, small);
  button.append(picture, said);
  item.append(button);
  return item;
}

function draw() {
  const pages = Math.max(1, Math.ceil(shown.length / PAGE));
  page = Math.min(Math.max(page, 0), pages - 1);
  const from = page * PAGE;
  $("photos").replaceChildren(...shown.slice(from, from + PAGE).map((entry, i) => card(entry, from + i)));
  $("count").textContent = `${shown.length} of ${photos.size} photos`;
  $("page").value = page + 1;
  $("page").max = pages;
  $("pages").textContent = `of ${pages}`;
  $("back").disabled = page === 0;
  $("on").disabled = page === pages - 1;
}

function turn(by) {
  page += by;
  draw();
  scrollTo(0, 0);
}

function link(id, address) {
  $(id).hidden = !address;
  if (address) $(id).href = address;
}

function show(index) {
  if (index < 0 || index >= shown.length) return;
  open = index;
  const entry = shown[index];
  $("compare").classList.toggle("without", !entry.p);
  $("slide").hidden = !entry.p;
  ["before", "after"].forEach((id, i) => {
    if (entry.p) $(id).src = entry.p[i];
    else $(id).removeAttribute("src");
  });
  slide(50);
  $("one-name").textContent = entry.k[0];
  const size = entry.w ? `${entry.w} × ${entry.h} pixels` : "";
  $("facts").textContent = [entry.t + sure(entry), entry.m, size, entry.o, entry.l && `left out: ${entry.l}`]
    .filter(Boolean).join(" · ");
  link("original", entry.b);
  link("result", entry.a);
  $("previous").disabled = index === 0;
  $("next").disabled = index === shown.length - 1;
  if (!$("one").open) $("one").showModal();
}

// How much of the picture, from the left, is as before, in percent of the frame.
function slide(at) {
  const kept = Math.min(100, Math.max(0, at));
  $("at").value = kept;
  $("compare").style.setProperty("--at", `${kept}%`);
}

const slid = () => Number($("at").value);

$("photos").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) show(Number(button.dataset.index));
});
for (const id of ["name", "status", "sure", "order"]) $(id).addEventListener("input", choose);
document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
$("back").addEventListener("click", () => turn(-1));
$("on").addEventListener("click", () => turn(1));
$("page").addEventListener("change", () => { page = Number($("page").value) - 1 || 0; draw(); });
$("at").addEventListener("input", () => slide(slid()));
$("previous").addEventListener("click", () => show(open - 1));
$("next").addEventListener("click", () => show(open + 1));
$("close").addEventListener("click", () => $("one").close());
$("one").addEventListener("close", () => {
  if (Math.floor(open / PAGE) !== page) { page = Math.floor(open / PAGE); draw(); }
  document.querySelector(`#photos button[data-index="${open}"]`)?.focus();
});

function drag(event) {
  const box = $("compare").getBoundingClientRect();
  slide(100 * (event.clientX - box.left) / box.width);
}
$("compare").addEventListener("pointerdown", (event) => {
  $("compare").setPointerCapture(event.pointerId);
  drag(event);
});
$("compare").addEventListener("pointermove", (event) => { if (event.buttons) drag(event); });

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const inside = $("one").open, field = event.target.matches("input, select");
  const ways = { ArrowLeft: -1, ArrowRight: 1, ",": -STEP, ".": STEP };
  if (event.key === "/" && !field && !inside) $("name").focus();
  else if (inside && (event.key === "," || event.key === ".")) slide(slid() + ways[event.key]);
  else if (inside && event.key === " " && !event.target.matches("button, a")) slide(slid() > 50 ? 0 : 100);
  else if (!field && inside && ways[event.key]) show(open + ways[event.key]);
  else if (!field && !inside && ways[event.key] && event.key.startsWith("Arrow")) turn(ways[event.key]);
  else return;
  event.preventDefault();
});

load(0);

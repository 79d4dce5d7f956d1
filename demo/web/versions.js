// Versions of a photo to choose from, and where the render guesses.
const looking = { guesses: false, key: "" };

find("versions").addEventListener("click", () => trigger("versions", { id: adjusting.id }));
find("guesses").addEventListener("click", () => {
  looking.guesses = !looking.guesses;
  showGuesses(latest.done);
});

function showGuesses(done) {
  const able = Boolean(done && done.guesses);
  find("guesses").hidden = !able;
  find("guesses").setAttribute("aria-pressed", String(looking.guesses));
  find("legend").hidden = !(able && looking.guesses);
  const frame = element.querySelector(".frame");
  if (!frame) return;
  const old = frame.querySelector(".guesses");
  if (old) old.remove();
  if (able && looking.guesses)
    frame.querySelector(".after").after(make("span", {
      class: "guesses", role: "img", "aria-label": "Where it guesses", style: `background-image:url("${address(done.guesses)}")`,
    }));
}

// What the server says of the photo that is shown.
function showVersions({ photo, done, running }) {
  find("looks").hidden = !done || !done.adjustable;
  showGuesses(done);
  const versions = (done && done.versions) || [];
  find("versions").hidden = versions.length > 0;
  find("versions").disabled = running;
  find("choices").hidden = versions.length === 0;
  const key = JSON.stringify([photo && photo.id, versions, done && done.taken]);
  if (key === looking.key) return;
  looking.key = key;
  const focused = find("choices").contains(document.activeElement) && document.activeElement.dataset.number;
  find("choices").replaceChildren(...versions.map(({ small, about }, number) => make("button", {
    type: "button", class: "version", "data-number": number, "aria-pressed": String(number === done.taken),
    onclick: () => trigger("take", { id: photo.id, number }),
  }, make("img", { src: address(small), alt: "" }), make("span", {}, about))));
  if (focused) find("choices").querySelector(`[data-number="${focused}"]`).focus({ preventScroll: true });
}

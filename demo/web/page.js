// What the page's own elements share. They are handed data, and make elements of it: nothing of a visitor's is ever HTML.
window.deoldify = {
  // An element with attributes, listeners ("onclick") and children.
  element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value === true) made.setAttribute(name, "");
      else if (value !== false && value != null) made.setAttribute(name, value);
    }
    made.append(...children.filter((child) => child != null));
    return made;
  },

  // Where a file of the server's answers, behind a proxy, too.
  address(path) {
    const config = window.gradio_config;
    return `${config.root}${config.api_prefix}/file=${path.split("/").map(encodeURIComponent).join("/")}`;
  },

  // Call back with a component's value, now and whenever it changes, but never with one that is older than the last.
  follow(props, watch, show) {
    let version = -1;
    const look = () => {
      const value = props.value;
      if (!value || value.version < version) return;
      version = value.version;
      show(value);
    };
    watch("value", look);
    look();
  },

  // All files of what was dropped, with the folders they lie in.
  async dropped(transfer) {
    const walk = async (entry, folder) => {
      if (entry.isFile) {
        const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
        return [{ file, name: folder + file.name }];
      }
      const reader = entry.createReader();
      const found = [];
      for (;;) {
        const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
        if (!some.length) return found;
        for (const inside of some) found.push(...(await walk(inside, `${folder}${entry.name}/`)));
      }
    };
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry());
    if (!entries.some(Boolean)) return [...transfer.files].map((file) => ({ file, name: file.name }));
    return (await Promise.all(entries.filter(Boolean).map((entry) => walk(entry, "")))).flat();
  },

  receivers: [], // of what is pasted: the photos of each tab
};

// A photo may be pasted anywhere on the page; the tab that is seen takes it.
document.addEventListener("paste", (event) => {
  const receiver = window.deoldify.receivers.find((each) => each.element.offsetParent !== null);
  if (!receiver) return;
  const typing = event.target.closest && event.target.closest("input[type=number], input[type=text], textarea");
  const files = [...((event.clipboardData && event.clipboardData.files) || [])];
  if (files.length) {
    event.preventDefault();
    receiver.take(files.map((file) => ({ file, name: file.name || "pasted.png" })));
  } else if (!typing) {
    receiver.say("There is no picture in the clipboard, or the browser does not hand it over. Copy a picture first.");
  }
});

// Settings stand in the address, so that a link can be shared and a refresh keeps them.
window.deoldify.remember = (settings) => {
  const address = new URL(window.location.href);
  for (const [name, value] of Object.entries(settings)) {
    if (value === null || value === "") address.searchParams.delete(name);
    else address.searchParams.set(name, value);
  }
  window.history.replaceState(window.history.state, "", address);
};

// Gradio tells of the first tab, too, while the page comes up: one that the address names is not forgotten over that.
let awaited = new URLSearchParams(window.location.search).get("tab") === "defade";
window.deoldify.rememberTab = (name) => {
  if (name === "defade") awaited = false;
  if (!awaited) window.deoldify.remember({ tab: name });
};

// Who loads the page anew finds photos and work again, by a name that this tab of the browser keeps and nobody can guess.
window.deoldify.returning = (() => {
  try { return window.sessionStorage.getItem("deoldify-visitor") !== null; } catch (error) { return false; }
})();
window.deoldify.visitor = () => {
  try {
    const kept = window.sessionStorage.getItem("deoldify-visitor");
    if (kept) return kept;
    const name = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    window.sessionStorage.setItem("deoldify-visitor", name);
    return name;
  } catch (error) { return ""; }
};

// An offer is made until it is declined, and never again in this browser.
window.deoldify.decline = () => {
  try { window.localStorage.setItem("deoldify-declined", "yes"); } catch (error) { /* a browser that keeps nothing */ }
};
window.deoldify.hasDeclined = () => {
  try { return window.localStorage.getItem("deoldify-declined") === "yes"; } catch (error) { return false; }
};

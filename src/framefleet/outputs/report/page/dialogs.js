// The table of keys, and of signs that the page uses.

const SHORTCUTS = [
  ["Space, k", "play or pause"],
  ["← →", "5 s back or on; with Shift 1 s"],
  ["j l", "10 s back or on"],
  [", .", "the picture looked at before, after"],
  ["[ ]", "the scene before, after"],
  ["Home End", "to the beginning, the end"],
  ["+ − 0", "zoom the timeline in, out, all of it"],
  ["/", "search: words in a row, the last maybe unfinished; #3 is a track"],
  ["m f", "mute, full screen"],
  ["t", "light or dark"],
  ["?", "this table"],
  ["on the picture", "a click plays or pauses; on a box's line or name it tells when that is seen"],
  ["in the transcript", "arrow keys move by word and line, Enter goes there"],
  ["on the timeline", "click or drag seeks; Ctrl or ⌘ + wheel zooms, Shift + wheel or drag moves"],
];

const SIGNS = [
  ["person #3 0.87", "label, its track's number, confidence"],
  ["#3?", "the same thing as before, but that is a guess"],
  ["- - -", "a dashed box: written text"],
  ["word", "in italics: less sure than not", "unsure"],
  [
    "on the timeline",
    "a bar's height: how many in one picture, the highest being the most of that label; ✕: not answered",
  ],
];

function setUpDialogs() {
  const dialog = $("keys");
  const row = (head, text) => el("tr", {}, el("th", { scope: "row" }, head), el("td", {}, text));
  const rows = SHORTCUTS.map(([keys, text]) => row(keysOf(keys), text));
  const signs = SIGNS.map(([sign, text, look = ""]) => row(el("span", { class: look }, sign), text));
  dialog.append(
    el("h2", { id: "h-keys" }, "Keys"),
    el("table", {}, el("tbody", {}, rows)),
    el("h2", {}, "Signs"),
    el("table", {}, el("tbody", {}, signs)),
    el("form", { method: "dialog" }, el("button", { class: "plain", autofocus: true }, "Close")),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  $("help").addEventListener("click", () => dialog.showModal());
}

const keysOf = (text) =>
  text.includes("the ") ? [text] : text.split(" ").map((key) => el("kbd", {}, key.replace(",", "") || ","));

// Light or dark: as the system has it until somebody says otherwise, which is kept where the browser allows.
function setUpTheme(changed) {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    inks.clear();
    changed();
  };
  const kept = remembered();
  if (kept === "light" || kept === "dark") root.dataset.theme = kept;
  system.addEventListener("change", apply);
  let shown;
  addEventListener("beforeprint", () => {
    shown = root.dataset.theme;
    root.dataset.theme = "light"; // paper is
    apply();
  });
  addEventListener("afterprint", () => {
    if (shown) root.dataset.theme = shown;
    else delete root.dataset.theme;
    apply();
  });
  const toggle = () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
    root.dataset.theme = dark ? "light" : "dark";
    try {
      localStorage.setItem("framefleet-theme", root.dataset.theme);
    } catch {
      // a page from disk may not be allowed to keep anything
    }
    apply();
  };
  $("theme").addEventListener("click", toggle);
  return toggle;
}

function remembered() {
  try {
    return localStorage.getItem("framefleet-theme");
  } catch {
    return null;
  }
}

// The dialog with keyboard shortcuts and the legend.

const SHORTCUTS = [
  ["Space, k", "play or pause"],
  ["← →", "5 s back or forward; with Shift 1 s"],
  ["j l", "10 s back or forward"],
  [", .", "previous or next sample"],
  ["[ ]", "previous or next scene"],
  ["Home End", "go to the beginning or the end"],
  ["+ − 0", "zoom the timeline in, out, or show all of it"],
  ["/", "search: consecutive words, the last may be incomplete; #3 is a track"],
  ["m f", "mute, full screen"],
  ["t", "switch between light and dark"],
  ["?", "show this table"],
  ["on the frame", "a click plays or pauses; on a box's outline or name it lists when the object is seen"],
  ["in the transcript", "arrow keys move by word and line, Enter seeks"],
  ["on the timeline", "click or drag seeks; Ctrl or ⌘ + wheel zooms, Shift + wheel or drag moves"],
];

const SIGNS = [
  ["person #3 0.87", "label, track number, confidence"],
  ["#3?", "an uncertain track: it may join different objects"],
  ["- - -", "a dashed box: recognised text"],
  ["word", "in italics: a confidence below 0.5", "unsure"],
  [
    "on the timeline",
    "a bar's height: objects per sample, relative to the maximum of that label; ✕: no answer",
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

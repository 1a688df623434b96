// Keyboard shortcuts of the page, unless an element with keys of its own has the focus.

function setUpKeys(model, player, timeline, toggleTheme) {
  const jump = (by) => () => player.seek(player.time + by);
  const keys = {
    " ": () => player.toggle(),
    k: () => player.toggle(),
    j: jump(-10),
    l: jump(10),
    ArrowLeft: (event) => jump(event.shiftKey ? -1 : -5)(),
    ArrowRight: (event) => jump(event.shiftKey ? 1 : 5)(),
    ",": () => step(model, player, -1),
    ".": () => step(model, player, 1),
    "[": () => stepScene(model, player, -1),
    "]": () => stepScene(model, player, 1),
    Home: () => player.seek(0),
    End: () => player.seek(model.to),
    "+": () => zoomHere(timeline, 2),
    "=": () => zoomHere(timeline, 2),
    "-": () => zoomHere(timeline, 0.5),
    0: () => timeline.view.all(),
    "/": () => {
      $("query").focus();
      $("query").select();
    },
    m: mute,
    f: fullScreen,
    t: toggleTheme,
    "?": () => $("keys").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTaken(event)) return;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act(event);
  });
}

// A field handles all keys; a button or list those that it knows.
function isTaken({ target, key }) {
  if (document.querySelector("dialog[open]")) return true;
  if (target.matches?.("input[type=search], select")) return true;
  if (target.matches?.("input[type=range]")) return key.startsWith("Arrow") || key === "Home" || key === "End";
  if (target.matches?.("button, input, [role=tab]"))
    return key === " " || (target.matches("[role=tab]") && key.startsWith("Arrow"));
  return false;
}

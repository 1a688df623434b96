// Mouse, touch and wheel on the timeline: click or drag seeks, Ctrl + wheel and two fingers zoom, Shift and one finger
// pan; the wheel alone scrolls the page.

function setUpTimelineInput(timeline) {
  const { plot, view, player } = timeline;
  const pointers = new Map();
  const at = (event) => event.clientX - plot.getBoundingClientRect().left;
  let moved = 0;

  plot.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    plot.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at(event));
    moved = 0;
    if (event.pointerType === "mouse" && !event.shiftKey) player.seek(view.time(at(event)));
  });
  plot.addEventListener("pointermove", (event) => {
    hover(timeline, event);
    if (!pointers.has(event.pointerId)) return;
    const [before, now] = [pointers.get(event.pointerId), at(event)];
    pointers.set(event.pointerId, now);
    moved += Math.abs(now - before);
    if (pointers.size === 2) return pinch(view, pointers, event.pointerId, before, now);
    if (event.pointerType === "mouse" && !event.shiftKey) player.seek(view.time(now));
    else view.pan(((before - now) / view.width) * view.span);
  });
  const end = (event) => {
    if (pointers.delete(event.pointerId) && event.type === "pointerup" && event.pointerType !== "mouse" && moved < 8) {
      player.seek(view.time(at(event)));
    }
  };
  plot.addEventListener("pointerup", end);
  plot.addEventListener("pointercancel", end);
  plot.addEventListener("pointerleave", () => ($("hover").hidden = true));
  plot.addEventListener("wheel", (event) => wheel(view, event, at(event)), { passive: false });
  $("zoom-in").addEventListener("click", () => zoomHere(timeline, 2));
  $("zoom-out").addEventListener("click", () => zoomHere(timeline, 0.5));
  $("zoom-all").addEventListener("click", () => view.all());
  setUpOverview(view);
}

// Zooms around the playhead if it is visible, else around the middle.
function zoomHere({ view, player }, by) {
  const time = player.time;
  view.zoom(by, time >= view.from && time <= view.to ? time : (view.from + view.to) / 2);
}

function wheel(view, event, x) {
  const lines = event.deltaMode === 1 ? 30 : 1;
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    event.preventDefault();
    return view.pan((((event.deltaX || event.deltaY) * lines) / view.width) * view.span);
  }
  if (!event.ctrlKey && !event.metaKey) return; // a pinch on a touchpad arrives as Ctrl + wheel
  event.preventDefault();
  view.zoom(Math.exp(-event.deltaY * lines * 0.0022), view.time(x));
}

function pinch(view, pointers, moving, before, now) {
  const other = [...pointers].find(([id]) => id !== moving)[1];
  const by = Math.max(12, Math.abs(now - other)) / Math.max(12, Math.abs(before - other));
  view.zoom(by, view.time((now + other) / 2));
}

function hover(timeline, event) {
  const box = timeline.plot.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const time = timeline.view.time(x);
  const placed = timeline.rowAt(y);
  const what = placed?.row.at(time);
  const lines = [clockTime(time, 1), what && `${placed.row.name || placed.lane.stage}: ${shortened(what, 160)}`];
  const tip = $("hover");
  tip.replaceChildren(...lines.filter(Boolean).map((line) => el("span", { dir: "auto" }, line)));
  tip.hidden = event.pointerType === "touch";
  const left = Math.min(Math.max(0, x + 12), Math.max(0, box.width - tip.offsetWidth - 4));
  tip.style.transform = `translate(${left}px, ${y + 18}px)`;
}

// The draggable bar below, which shows the visible part.
function setUpOverview(view) {
  const [bar, thumb] = [$("overview"), $("thumb")];
  const whole = view.most - view.least;
  const show = () => {
    thumb.style.left = `${(100 * (view.from - view.least)) / whole}%`;
    thumb.style.width = `${(100 * view.span) / whole}%`;
    bar.classList.toggle("idle", view.whole);
  };
  const drag = (event) => {
    if (!(event.buttons & 1)) return;
    const box = bar.getBoundingClientRect();
    view.show(view.least + ((event.clientX - box.left) / box.width) * whole - view.span / 2, view.span);
  };
  bar.addEventListener("pointerdown", (event) => {
    bar.setPointerCapture(event.pointerId);
    drag(event);
  });
  bar.addEventListener("pointermove", drag);
  view.addEventListener("change", show);
  show();
}

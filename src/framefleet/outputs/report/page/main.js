// Builds the page.

async function main() {
  const head = JSON.parse($("head").textContent);
  const model = readModel(head, await readColumns($("columns").textContent, head.lengths));
  $("columns").remove(); // half a megabyte that is no longer needed
  const player = new Player(model, $("video"));
  const filter = new Filter(model);
  title(model);
  leaveOut(model);
  const picture = new Picture(model, player, filter);
  const picked = new Picked(model, player);
  $("overlay").addEventListener("click", (event) => {
    const place = picture.boxAt(event);
    if (place < 0) player.toggle();
    else picked.show(place);
  });
  picture.onDrawn = (drawn) => ($("now").textContent = momentOf(model, drawn));
  setUpControls(model, player);
  setUpFilters(model, filter);
  filter.addEventListener("change", oncePerFrame(picture.draw));
  const timeline = new Timeline(model, player, filter);
  setUpSpeakers(model);
  model.speakers?.addEventListener(
    "change",
    oncePerFrame(() => timeline.lay()),
  );
  setUpTimelineInput(timeline);
  const transcript = new Transcript(model, player);
  const scenes = new Scenes(model, player);
  setUpTabs(() => [transcript, scenes].forEach((list) => list.reveal()));
  setUpFind(model, player);
  drawTiming(model);
  drawBill(model);
  drawFailures(model, player);
  drawMade(model);
  setUpDialogs();
  setUpKeys(
    model,
    player,
    timeline,
    setUpTheme(() => timeline.drawNow()),
  );
  new Source(model, player, picture);
  setUpAddress(player);
  picture.draw();
  // The timeline and the lists are filled in the first animation frame, when their sizes are known.
  requestAnimationFrame(() => requestAnimationFrame(() => (document.documentElement.dataset.ready = "yes")));
}

// Hides elements that do not apply to this document, such as sample buttons without samples, or boxes for audio.
function leaveOut({ video, samples, scenes, segments }) {
  const there = { video: video.width, pictures: samples?.count, scenes: video.width || scenes, words: segments?.count };
  for (const element of document.querySelectorAll("[data-for]")) element.hidden = !there[element.dataset.for];
  document.body.classList.toggle("soundalone", !video.width);
}

function title(model) {
  const { video, samples, boxes, provenance } = model;
  const name = video.path.split(/[\\/]/).at(-1) || video.path;
  document.title = `${name} – FrameFleet`;
  $("name").textContent = name;
  const size = video.width ? `${video.width} × ${video.height}` : "audio only";
  const { known } = answersOf(model, "objects");
  const looked = known ? counted(samples.count, "sample") : "";
  const found = known ? counted(boxes.count, "box", "boxes") : "";
  $("about").textContent = [stamp(video.duration_s), size, looked, found, moment(provenance.finished_at)]
    .filter(Boolean)
    .join(" · ");
}

// A line about the current frame, which screen readers announce too.
function momentOf(model, { sample, state, boxes, left, hidden, until }) {
  if (!model.samples) return "";
  if (sample < 0) return "No sample yet.";
  const which = `Sample ${sample + 1} of ${model.samples.count}, ${stamp(model.samples.shown[sample])}`;
  if (state === "unanswered") return `${which}: no answer, see failures.`;
  if (state === "left out") return `${which}: this part of the video was not analyzed.`;
  if (state === "cut") return `${which}: a cut since; boxes follow with the next sample.`;
  const moving = boxes.filter((box) => box.moves).length;
  const holding = boxes.length - moving;
  const ways = [
    moving && `${holding ? `${moving} ` : ""}moving along ${moving === 1 ? "its track" : "their tracks"}`,
    holding && `${moving ? `${holding} ` : ""}holding until ${until}`,
  ];
  const away = hidden ? `; ${grouped(hidden)} more hidden by the filter` : "";
  const rest = left ? `; ${grouped(left)} with lower confidence are not drawn` : "";
  if (hidden && !boxes.length) return `${which}: ${counted(hidden, "box", "boxes")}, hidden by the filter.`;
  return `${which}: ${counted(boxes.length, "box", "boxes")}${boxes.length ? `, ${ways.filter(Boolean).join(", ")}` : ""}${away}${rest}.`;
}

function setUpTabs(shown) {
  const tabs = [$("tab-transcript"), $("tab-scenes")];
  const open = (tab) => {
    tabs.forEach((one) => {
      one.setAttribute("aria-selected", one === tab);
      one.tabIndex = one === tab ? 0 : -1;
    });
    $("side").dataset.tab = tab.id.replace("tab-", "");
    shown();
  };
  for (const tab of tabs) {
    tab.addEventListener("click", () => open(tab));
    tab.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      const other = tabs[1 - tabs.indexOf(tab)];
      open(other);
      other.focus();
    });
  }
}

main().catch((error) => {
  const old = typeof DecompressionStream === "undefined";
  notice(
    old
      ? "This browser is too old for this page; use one from 2024 or later."
      : `The page cannot be shown: ${error}`,
  );
  console.error(error);
});

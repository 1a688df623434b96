// The list of scenes: thumbnail, objects, speech, sounds and text of each.

class Scenes {
  constructor(model, player) {
    Object.assign(this, { model, player, box: $("shots"), cards: [], scene: -1 });
    const { scenes } = model;
    $("scenes-count").textContent = scenes?.length ? counted(scenes.length, "scene") : "";
    if (!scenes?.length) {
      const why = lacking(model, "scenes", "The scenes stage did not run.", "No scenes were found");
      return void this.box.append(el("p", { class: "empty" }, why));
    }
    const note = pictureNote(model);
    if (note) this.box.append(el("p", { class: "empty" }, note));
    const near = whenNear(this.box, (card) => this.fill(card));
    this.cards = scenes.map((scene, i) => this.card(scene, i));
    this.box.append(...this.cards);
    this.cards.forEach((card) => near.observe(card));
    addEventListener("beforeprint", () => this.cards.forEach((card) => this.fill(card)));
    player.addEventListener("time", ({ detail }) => this.move(detail.time));
    this.move(player.time);
  }

  card(scene, i) {
    const when = `${stamp(scene.start)} – ${stamp(scene.end)}`;
    return el("button", {
      type: "button",
      class: this.model.thumbnails.made ? "shot" : "shot bare",
      "data-scene": i,
      "aria-label": `Scene ${i + 1}, ${when}`,
      onclick: () => this.player.seek(entryOf(this.model, i)),
    });
  }

  // Cards are filled when they are about to become visible, or to be printed.
  fill(card) {
    if (card.firstChild) return;
    const i = Number(card.dataset.scene);
    const scene = this.model.scenes[i];
    const when = `${stamp(scene.start)} – ${stamp(scene.end)}`;
    const seen = Object.entries(scene.seen).map(([label, most]) => `${label}${most > 1 ? ` ×${most}` : ""}`);
    card.append(
      this.model.thumbnails.made ? this.still(i) : "",
      el(
        "span",
        { class: "facts" },
        el("span", { class: "num dim" }, el("b", {}, String(i + 1)), ` ${when}`),
        line("seen", seen.slice(0, 8)),
        line("said", saidIn(this.model, i)),
        line("heard", heardIn(this.model, scene)),
        line("written", writtenIn(this.model, scene)),
        ...this.model.further.map((one) => line(one.label, textsIn(one, scene))),
      ),
    );
  }

  still(i) {
    const { jpegs, video } = this.model;
    const picture = el("span", { class: "still" });
    picture.style.aspectRatio = `${video.width} / ${video.height}`;
    if (!jpegs[i]) return picture;
    const src = `data:image/jpeg;base64,${jpegs[i]}`;
    // a dragged image counts as a file: dropped, it would be taken for the video
    picture.append(el("img", { src, alt: "", decoding: "async", draggable: "false" }));
    return picture;
  }

  move(time) {
    const scene = sceneAt(this.model, time);
    if (scene === this.scene) return;
    this.cards[this.scene]?.removeAttribute("aria-current");
    this.cards[scene]?.setAttribute("aria-current", "true");
    this.scene = scene;
    this.reveal();
  }

  reveal() {
    const card = this.cards[this.scene];
    if (!card || this.box.offsetParent === null || this.box.matches(":hover")) return;
    const [box, place] = [this.box.getBoundingClientRect(), card.getBoundingClientRect()];
    if (place.top < box.top || place.bottom > box.bottom) this.box.scrollTop += place.top - box.top - 8;
  }
}

function pictureNote({ thumbnails, scenes, video }) {
  if (!thumbnails.wanted) return "Made without thumbnails (--no-thumbnails).";
  if (!thumbnails.made)
    return video.url ? "No thumbnail could be decoded." : "No thumbnails: the video was not found.";
  return thumbnails.made < scenes.length
    ? `${thumbnails.made} of ${scenes.length} scenes have a thumbnail, to limit the size of the page.`
    : "";
}

function line(kind, texts) {
  if (!texts.length) return null;
  return el(
    "span",
    { class: `fact ${kind}` },
    el("span", { class: "dim" }, `${kind} `),
    el("bdi", {}, shortened(texts.join(kind === "said" ? " " : ", "), 180)),
  );
}

const SOME = 12; // segments or texts of a scene, enough for its two lines

function saidIn(model, scene) {
  if (!model.segments?.count) return [];
  const found = [];
  // a segment belongs to the scene that it shares most time with, so it may begin a little before
  const first = Math.max(0, lastUpTo(model.segments.starts, model.scenes[scene].start) - 1);
  for (
    let i = first;
    i < model.segments.count && model.segments.starts[i] < model.scenes[scene].end && found.length < SOME;
    i++
  ) {
    if (model.segments.scene[i] === scene) found.push(textOf(model, i));
  }
  return found;
}

function heardIn({ events, heard }, scene) {
  return events
    ? [...new Set(events.stretches.within(scene.start, scene.end).map((i) => heard.labels[events.label[i]]))].slice(
        0,
        SOME,
      )
    : [];
}

const writtenIn = ({ spans }, scene) => (spans ? textsIn(spans, scene) : []);

function textsIn({ stretches, texts }, scene) {
  return [...new Set(stretches.within(scene.start, scene.end).map((i) => texts[i]))].slice(0, SOME);
}

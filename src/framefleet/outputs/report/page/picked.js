// The selected box or track: when it is seen, with buttons for its sightings.

class Picked {
  constructor(model, player) {
    Object.assign(this, { model, player, box: $("picked") });
  }

  // A box without a track shows the sightings of its label.
  show(place) {
    const { boxes, labels, samples } = this.model;
    const id = boxes.track[place];
    const own = (i) => (id ? boxes.track[i] === id : boxes.label[i] === boxes.label[place]);
    const seen = [];
    for (let i = 0; i < boxes.count; i++) if (own(i) && seen.at(-1) !== boxes.sample[i]) seen.push(boxes.sample[i]);
    const times = seen.map((sample) => samples.shown[sample]);
    const name = id ? trackName(this.model, { id, label: boxes.label[place] }) : labels[boxes.label[place]];
    this.box.replaceChildren(
      el("b", {}, el("bdi", {}, shortened(name, 60))),
      el(
        "span",
        { class: "num" },
        `${stamp(times[0])} – ${stamp(times.at(-1))}, in ${counted(times.length, "sample")}`,
      ),
      plain("first", () => this.player.seek(times[0])),
      plain("previous sighting", () => this.go(times, lastUpTo(times, this.player.time - 0.01))),
      plain("next sighting", () => this.go(times, lastUpTo(times, this.player.time + 0.002) + 1)),
      plain("close", () => (this.box.hidden = true)),
    );
    this.box.hidden = false;
  }

  go(times, to) {
    if (to < 0 || to >= times.length) return;
    this.player.pause();
    this.player.seek(times[to]);
  }
}

// The box whose name or outline is at a point of the frame, in pixels; -1 for none. A click inside a box plays or
// pauses.
function boxAt(drawn, [sx, sy], tags, x, y) {
  const near = 6;
  const inside = ({ left, top, wide, high }, by) =>
    x >= left - by && x <= left + wide + by && y >= top - by && y <= top + high + by;
  const tag = tags.find((one) => inside(one, 0));
  if (tag) return tag.place;
  const hit = drawn.boxes.find((box) => {
    const scaled = { left: box.left * sx, top: box.top * sy, wide: box.wide * sx, high: box.high * sy };
    return inside(scaled, near) && !inside(scaled, -near);
  });
  return hit ? hit.place : -1;
}

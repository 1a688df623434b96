// The boxes to draw at a time, and their places.

const MOST_DRAWN = 1000; // per sample, by confidence; as many as a browser draws within an animation frame

const FARTHEST = 2; // seconds between samples over which a box moves: for longer a straight line is a poor guess

// A box is held from its sample to the next one, or moves if its track has a box in both. At a cut all end, since
// the new scene has no sample yet.
function boxesAt(model, filter, time) {
  const { samples, boxes } = model;
  const drawn = { sample: -1, state: "none", boxes: [], left: 0, hidden: 0, until: "" };
  if (!samples?.count) return drawn;
  const at = lastUpTo(samples.shown, time + 0.002); // a frame's own time and the document's may round differently
  if (at < 0) return drawn;
  drawn.sample = at;
  if (!samples.answered[at]) return { ...drawn, state: "unanswered" };
  if (cutBetween(model, samples.shown[at], time)) return { ...drawn, state: "cut" };
  const { parts, fps } = model.config; // between the parts of a video that were analyzed, nothing is known
  if (parts && time > samples.shown[at] + 1 / fps + 0.002 && !parts.some((part) => within(part, time)))
    return { ...drawn, state: "left out" };
  drawn.state = "seen";
  drawn.until = endOf(model, at);
  const along = share(model, at, time);
  for (let i = samples.first[at]; i < samples.first[at + 1]; i++) {
    if (!filter.lets(boxes, i)) drawn.hidden++;
    else if (drawn.boxes.length < MOST_DRAWN) drawn.boxes.push(placed(boxes, i, along));
    else drawn.left++;
  }
  return drawn;
}

// Until when the boxes of a sample are held if they do not move.
function endOf({ samples, cuts }, at) {
  const { shown } = samples;
  if (cuts.length && lastUpTo(cuts, shown[at]) < lastUpTo(cuts, shown[at + 1] ?? Infinity)) return "the cut";
  return at + 1 < shown.length ? "the next sample" : "the end";
}

// The fraction of the way to the next sample, 0 to 1; null if boxes do not move: over a cut, or too far.
function share(model, at, time) {
  const { shown } = model.samples;
  const apart = at + 1 < shown.length ? shown[at + 1] - shown[at] : 0;
  if (apart <= 0 || apart > FARTHEST + 1e-6) return null;
  if (cutBetween(model, shown[at], shown[at + 1])) return null;
  return Math.min(1, Math.max(0, (time - shown[at]) / apart));
}

function within({ start_s, end_s }, time) {
  return time >= start_s && time < end_s;
}

function cutBetween(model, from, to) {
  const { cuts } = model;
  return cuts.length > 0 && lastUpTo(cuts, from) !== lastUpTo(cuts, to);
}

function placed(boxes, i, along) {
  const to = boxes.next[i];
  const moves = to >= 0 && along !== null;
  const between = (column) => (moves ? column[i] + along * (column[to] - column[i]) : column[i]);
  return {
    place: i,
    left: between(boxes.left),
    top: between(boxes.top),
    wide: between(boxes.wide),
    high: between(boxes.high),
    moves,
  };
}

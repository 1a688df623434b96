// Tracks, collected from the boxes, which are sorted by sample.

// By track id: the label, the first and the last sample, and the number of samples.
function tracksOf({ boxes }) {
  const tracks = new Map();
  for (let i = 0; i < (boxes?.count ?? 0); i++) {
    const [id, sample] = [boxes.track[i], boxes.sample[i]];
    if (!id) continue;
    if (!tracks.has(id)) tracks.set(id, { id, label: boxes.label[i], first: sample, last: sample, count: 0 });
    const track = tracks.get(id);
    track.last = sample;
    track.count++;
  }
  return tracks;
}

// `person #1`, or `person #1?` for an uncertain track
const trackName = ({ labels, doubtful }, { id, label }) => `${labels[label]} #${id}${doubtful.has(id) ? "?" : ""}`;

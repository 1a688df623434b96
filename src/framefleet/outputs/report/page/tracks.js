// Tracks as a whole: their boxes stand sample by sample with all others.

// By their id: the label, the first and the last sample, and in how many it is seen.
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

// person #1, and a question mark where its joins are doubtful
const trackName = ({ labels, doubtful }, { id, label }) => `${labels[label]} #${id}${doubtful.has(id) ? "?" : ""}`;

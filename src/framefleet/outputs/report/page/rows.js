// The kinds of row on the timeline. Each draws only its visible part, at most a few marks per pixel.

// Spans in sequence; one that overlaps the one before begins at its end.
class BandRow {
  constructor(name, starts, ends, { colour, text, height = 18, show = true, which = null }) {
    Object.assign(this, { kind: "band", name, colour, text, height, show, which });
    this.starts = starts;
    this.ends = Float64Array.from(ends);
    rising(this.ends);
  }

  draw(context, view, y) {
    const { starts, ends } = this;
    let i = Math.max(0, lastUpTo(ends, view.from) + 1);
    while (i < starts.length && starts[i] < view.to) {
      const left = Math.max(view.x(starts[i]), i ? view.x(ends[i - 1]) : -Infinity, -2);
      const right = Math.min(view.x(ends[i]), view.width + 2);
      context.fillStyle = this.colour(i);
      context.fillRect(left, y + 2, Math.max(1, right - left - (right - left > 3 ? 1 : 0)), this.height - 4);
      if (this.show && right - left > 26) this.label(context, view, i, left, right, y);
      // spans within the same pixel would not be visible
      i = Math.max(i + 1, lastUpTo(ends, view.time(Math.max(right, left + 1))) + 1);
    }
  }

  label(context, view, i, left, right, y) {
    const from = Math.max(left, 0) + 5;
    const most = Math.floor((Math.min(right, view.width) - from - 3) / 7.2); // approximate pixels per character
    if (most < Math.min(5, this.text(i).length)) return;
    context.fillStyle = ink("on-band");
    context.fillText(shortened(this.text(i), most), from, y + this.height / 2 + 0.5);
  }

  at(time) {
    const i = lastUpTo(this.starts, time);
    return i >= 0 && time < this.ends[i] ? this.text(i) : "";
  }
}

// A row without marks, with the reason.
class EmptyRow {
  constructor(name, why) {
    Object.assign(this, { kind: "empty", name, why, height: 18 });
  }

  draw(context, view, y) {
    context.fillStyle = ink("dim");
    context.fillText(this.why, 2, y + this.height / 2 + 0.5);
  }

  at() {
    return "";
  }
}

// A count per sample.
class CountRow {
  constructor(name, samples, counts, { colour, label, height = 16 }) {
    Object.assign(this, { kind: "count", name, samples, counts, colour, label, height });
    this.peaks = new Peaks(counts);
  }

  // `ranges` are the samples of each pixel, the same for all such rows.
  draw(context, view, y, ranges) {
    context.fillStyle = this.colour;
    const most = Math.max(this.peaks.most, 1);
    const tall = this.height - 3;
    let [begin, before] = [0, 0];
    for (let x = 0; x <= view.width; x++) {
      const count =
        x < view.width && ranges.first[x] <= ranges.last[x] ? this.peaks.within(ranges.first[x], ranges.last[x]) : 0;
      if (count === before && x < view.width) continue;
      if (before) {
        const high = Math.max(3, tall * Math.sqrt(before / most));
        context.fillRect(begin, y + this.height - 1 - high, x - begin, high);
      }
      [begin, before] = [x, count];
    }
  }

  at(time) {
    const i = lastUpTo(this.samples.shown, time);
    return i >= 0 && this.counts[i] ? `${this.counts[i]} in the sample at ${stamp(this.samples.shown[i])}` : "";
  }
}

// The samples on screen during each pixel of the view.
function sampleRanges(samples, view) {
  const first = new Int32Array(view.width);
  const last = new Int32Array(view.width).fill(-1);
  if (!samples?.count) return { first: first.fill(1), last };
  for (let x = 0; x < view.width; x++) {
    first[x] = Math.max(0, lastUpTo(samples.shown, view.time(x)));
    last[x] = lastUpTo(samples.shown, view.time(x + 1) - 1e-9);
  }
  return { first, last };
}

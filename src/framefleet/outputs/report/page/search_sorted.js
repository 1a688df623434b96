// Searches by time in sorted data.

// The last index whose value is ≤ `value`; -1 if there is none.
function lastUpTo(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

// Makes times ascending: each is at least the one before.
function rising(values) {
  for (let i = 1; i < values.length; i++) values[i] = Math.max(values[i], values[i - 1]);
  return values;
}

// An index of spans that may overlap: those at a time, or overlapping a span, ordered by start.
class Stretches {
  constructor(starts, ends) {
    this.starts = starts;
    this.ends = ends;
    this.buckets = new Map();
    for (let i = 0; i < starts.length; i++) {
      const last = Stretches.bucket(Math.max(starts[i], ends[i]));
      for (let b = Stretches.bucket(starts[i]); b <= last; b++) {
        if (!this.buckets.has(b)) this.buckets.set(b, []);
        this.buckets.get(b).push(i);
      }
    }
  }

  static bucket(time) {
    return Math.floor(time / 10);
  }

  at(time) {
    return (this.buckets.get(Stretches.bucket(time)) ?? []).filter(
      (i) => this.starts[i] <= time && time < this.ends[i],
    );
  }

  // Spans that overlap the given one or begin in it; those that end at its start do neither.
  within(from, to) {
    const found = new Set();
    for (let b = Stretches.bucket(from); b <= Stretches.bucket(to); b++) {
      for (const i of this.buckets.get(b) ?? []) {
        if (this.starts[i] < to && (this.ends[i] > from || this.starts[i] >= from)) found.add(i);
      }
    }
    return [...found].sort((a, b) => a - b);
  }
}

// The maximum of any range of values in O(log n), from maxima of pairs, of pairs of pairs, ….
class Peaks {
  constructor(values) {
    this.levels = [values];
    while (this.levels.at(-1).length > 1) {
      const below = this.levels.at(-1);
      const above = new Uint32Array((below.length + 1) >> 1);
      for (let i = 0; i < below.length; i++) above[i >> 1] = Math.max(above[i >> 1], below[i]);
      this.levels.push(above);
    }
  }

  get most() {
    return this.levels.at(-1)[0] ?? 0;
  }

  // The maximum of indices `first` to `last`, inclusive.
  within(first, last) {
    let most = 0;
    for (let level = 0; first <= last; level++) {
      const values = this.levels[level];
      if (first & 1) most = Math.max(most, values[first++]);
      if (!(last & 1)) most = Math.max(most, values[last--]);
      first >>= 1;
      last >>= 1;
    }
    return most;
  }
}

// The part of the video shown on the timeline.

const CLOSEST = 0.5; // seconds: the minimum of a zoom

class View extends EventTarget {
  constructor(from, to) {
    super();
    Object.assign(this, { least: from, most: to, from, to, width: 1 });
  }

  get span() {
    return this.to - this.from;
  }

  get whole() {
    return this.span >= this.most - this.least - 1e-9;
  }

  x(time) {
    return ((time - this.from) / this.span) * this.width;
  }

  time(x) {
    return this.from + (x / this.width) * this.span;
  }

  // Shows `span` seconds from `from` on, within the video.
  show(from, span) {
    const full = this.most - this.least;
    const size = Math.min(full, Math.max(Math.min(CLOSEST, full), span));
    this.from = Math.min(Math.max(from, this.least), this.most - size);
    this.to = this.from + size;
    this.dispatchEvent(new Event("change"));
  }

  // Zooms around `time`; `by` 2 shows half as much.
  zoom(by, time) {
    const span = Math.min(this.most - this.least, Math.max(CLOSEST, this.span / by));
    this.show(time - ((time - this.from) * span) / this.span, span);
  }

  pan(seconds) {
    this.show(this.from + seconds, this.span);
  }

  all() {
    this.show(this.least, this.most - this.least);
  }

  // Moves on by a page when `time` would leave the view.
  follow(time) {
    if (time < this.from || time > this.to) this.show(time - 0.1 * this.span, this.span);
  }
}

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200];

// Tick times of the axis, about `gap` pixels apart.
function ticks(view, gap) {
  const step = STEPS.find((one) => (one / view.span) * view.width >= gap) ?? STEPS.at(-1) * Math.ceil((gap * view.span) / view.width / STEPS.at(-1));
  const found = [];
  for (let n = Math.ceil(view.from / step - 1e-9); n * step <= view.to; n++) found.push(n * step);
  return { step, found };
}

// The current time of the page: the video's, or that of a clock of its own if no video is playable.

class Player extends EventTarget {
  constructor(model, video) {
    super();
    this.model = model;
    this.element = video;
    this.video = null; // the element, while it has a source
    this.known = false; // whether the video's clock is known; until then it is not read
    this.lead = model.video.start_s; // the player's time at the document's zero; see learn
    this.at = 0; // the time of the bare clock, or the target of a seek
    this.going = false; // whether the bare clock runs
    this.rate = 1;
    this.wanted = null; // a seek that waits for the one before: dragging seeks faster than a decoder can
    this.listen(video);
  }

  // Switches to the element's time, starting at the current one.
  attach() {
    this.pause();
    clearTimeout(this.late);
    this.at = this.wanted = this.time;
    this.known = false;
    this.video = this.element;
    this.video.requestVideoFrameCallback?.((_, frame) => this.meet(frame.mediaTime));
    this.change();
  }

  get time() {
    if (!this.video || !this.known || this.video.seeking) return this.at;
    return Math.max(this.model.from, this.video.currentTime - this.lead);
  }

  get playing() {
    return this.video ? !this.video.paused && !this.video.ended : this.going;
  }

  get last() {
    return this.model.to - 0.01; // at its exact end a video counts as ended
  }

  // `settled`: the frame on screen is of this time, so boxes can be drawn on it.
  tell(time, settled = true) {
    this.dispatchEvent(new CustomEvent("time", { detail: { time, settled } }));
  }

  change() {
    this.dispatchEvent(new Event("state"));
  }

  seek(time) {
    const aim = Math.min(Math.max(time, this.model.from), this.last);
    this.at = aim;
    if (!this.video) return this.tell(aim);
    this.tell(aim, false);
    if (this.video.seeking || !this.known) this.wanted = aim;
    else this.go(aim);
  }

  go(aim) {
    this.wanted = null;
    // half a millisecond later: the exact time of a frame would otherwise round to the frame before
    this.video.currentTime = aim + this.lead + 0.0005;
  }

  toggle() {
    if (this.playing) return this.pause();
    if (this.time >= this.last - 0.05) this.seek(0);
    if (this.video) return this.video.play().catch(() => this.change());
    this.going = true;
    this.started = performance.now();
    this.change();
    requestAnimationFrame((now) => this.tick(now));
  }

  pause() {
    this.video?.pause();
    this.going = false;
    this.change();
  }

  speed(rate) {
    this.rate = rate;
    this.element.defaultPlaybackRate = this.element.playbackRate = rate; // the first is for the next file
  }

  // Continues without a video, from the current time.
  giveUp() {
    if (!this.video) return;
    this.at = this.wanted ?? this.time;
    this.video = null;
    this.going = false;
    this.change();
    this.tell(this.at);
  }

  tick(now) {
    if (!this.going || this.video) return;
    this.at = Math.min(this.last, this.at + ((now - this.started) / 1000) * this.rate);
    this.started = now;
    this.tell(this.at);
    if (this.at >= this.last) return this.pause();
    requestAnimationFrame((then) => this.tick(then));
  }

  listen(video) {
    const still = () => this.video && this.known && !video.seeking && this.tell(this.time);
    for (const name of ["play", "pause", "ended", "volumechange"]) video.addEventListener(name, () => this.change());
    video.addEventListener("loadeddata", () => this.loaded());
    video.addEventListener("pause", still);
    video.addEventListener("seeking", () => this.sought());
    video.addEventListener("seeked", () => (this.video && this.wanted !== null ? this.go(this.wanted) : still()));
    if (video.requestVideoFrameCallback) this.byFrame(video);
    this.byScreen(video);
  }

  // Audio has no first frame, and a hidden page gets no frame callbacks.
  loaded() {
    if (!this.element.requestVideoFrameCallback || !this.element.videoWidth) this.begin();
    else this.late = setTimeout(() => this.begin(), 1000);
  }

  // The first frame. Some browsers keep the file's own clock, others start at 0 with the earliest stream.
  meet(first) {
    if (!this.video || this.known || this.video.seeking) return;
    const ours = [this.model.video.start_s, -this.model.from];
    this.lead = ours.reduce((a, b) => (Math.abs(first - b) < Math.abs(first - a) ? b : a));
    this.begin();
  }

  begin() {
    if (!this.video || this.known || this.video.seeking) return;
    this.known = true;
    const aim = this.wanted ?? 0;
    this.wanted = null;
    if (Math.abs(this.video.currentTime - this.lead - aim) > 0.001) this.go(aim);
    else this.tell(this.time);
  }

  // The user started playback before the clock was known, so the frame on screen is not the first one.
  sought() {
    if (this.known) return;
    this.known = true;
    this.wanted = null;
  }

  // The exact time of the frame on screen, as soon as it is shown.
  byFrame(video) {
    const shown = (_, frame) => {
      if (this.video && this.playing && !video.seeking) this.tell(frame.mediaTime - this.lead);
      video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback(shown);
  }

  // For browsers without frame callbacks, and for audio.
  byScreen(video) {
    const look = () => {
      if (!this.video || !this.playing || (video.requestVideoFrameCallback && video.videoWidth)) return;
      if (!video.seeking) this.tell(this.time);
      requestAnimationFrame(look);
    };
    video.addEventListener("play", look);
  }
}

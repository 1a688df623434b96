// The frame with its boxes; if the browser cannot show the video, the scene's thumbnail is shown instead.

const TAGS = 60; // maximum boxes with names; more would be illegible

class Picture {
  constructor(model, player, filter) {
    Object.assign(this, { model, player, filter, frame: $("frame"), video: $("video"), canvas: $("overlay") });
    this.stills = new Map();
    this.widths = new Map();
    this.settled = true;
    this.shape(model.video.width, model.video.height);
    this.draw = this.draw.bind(this);
    new ResizeObserver(this.draw).observe(this.frame);
    player.addEventListener("time", ({ detail }) => {
      this.settled = detail.settled;
      if (detail.settled) this.draw();
    });
  }

  shape(width, height) {
    this.frame.parentElement.classList.toggle("soundonly", !width || !height);
    if (width && height) this.frame.style.setProperty("--ratio", width / height);
  }

  draw() {
    const [width, height] = [this.frame.clientWidth, this.frame.clientHeight];
    const context = fitted(this.canvas, width, height);
    const time = this.player.time;
    if (!this.video.videoWidth || !this.player.video) this.still(context, width, height, time);
    const drawn = boxesAt(this.model, this.filter, time);
    const { unit } = this.model;
    const scale = [(unit * width) / (this.model.video.width || 1), (unit * height) / (this.model.video.height || 1)];
    if (this.filter.written) this.written(context, scale, width, time);
    drawn.boxes.toReversed().forEach((box) => this.outline(context, scale, box)); // the surest on top
    const tags = drawn.boxes
      .slice(0, TAGS)
      .toReversed()
      .map((box) => this.tag(context, scale, box, width));
    Object.assign(this, { drawn, scale, tags: tags.reverse() });
    Object.assign(this.canvas.dataset, { time: time.toFixed(3), boxes: drawn.boxes.length, state: drawn.state });
    this.onDrawn?.(drawn);
  }

  // The index of the box at a click; -1 for none.
  boxAt({ offsetX, offsetY }) {
    return boxAt(this.drawn, this.scale, this.tags, offsetX, offsetY);
  }

  outline(context, [sx, sy], box) {
    const colour = colourOf(this.model.boxes.label[box.place]);
    const at = [box.left * sx, box.top * sy, box.wide * sx, box.high * sy];
    context.lineWidth = 4;
    context.strokeStyle = "rgb(0 0 0 / 0.45)";
    context.strokeRect(...at);
    context.lineWidth = 2;
    context.strokeStyle = colour;
    context.strokeRect(...at);
  }

  tag(context, scale, box, width) {
    const { boxes, labels, doubtful } = this.model;
    const id = boxes.track[box.place];
    const name = shortened(labels[boxes.label[box.place]], 24);
    const track = id ? ` #${id}${doubtful.has(id) ? "?" : ""}` : "";
    const text = `${name}${track} ${hundredths(boxes.sure[box.place])}`;
    return { place: box.place, ...this.plate(context, scale, box, width, text, colourOf(boxes.label[box.place])) };
  }

  // Draws text above a box, or in its upper corner, and returns its place in pixels.
  plate(context, [sx, sy], box, width, text, colour) {
    context.font = "600 12px system-ui, sans-serif";
    const wide = this.measure(context, text) + 10;
    const above = box.top * sy;
    const left = Math.max(0, Math.min(box.left * sx - 1, width - wide));
    const top = above >= 19 ? above - 19 : Math.max(0, above) + 1;
    context.fillStyle = colour;
    context.fillRect(left, top, wide, 18);
    context.fillStyle = "#0b0e13";
    context.textBaseline = "middle";
    context.fillText(text, left + 5, top + 9.5);
    return { left, top, wide, high: 18 };
  }

  measure(context, text) {
    if (!this.widths.has(text)) {
      if (this.widths.size > 5000) this.widths.clear();
      this.widths.set(text, context.measureText(text).width);
    }
    return this.widths.get(text);
  }

  written(context, [sx, sy], width, time) {
    const { spans } = this.model;
    const found = (spans?.stretches.at(time) ?? []).slice(0, MOST_DRAWN);
    context.setLineDash([5, 3]);
    context.lineWidth = 1.5;
    context.strokeStyle = "#fff";
    for (const i of found) {
      context.strokeRect(spans.left[i] * sx, spans.top[i] * sy, spans.wide[i] * sx, spans.high[i] * sy);
    }
    context.setLineDash([]);
    for (const i of found.slice(0, TAGS)) {
      const box = { left: spans.left[i], top: spans.top[i] };
      this.plate(context, [sx, sy], box, width, shortened(spans.texts[i], 40), "#fff");
    }
  }

  // The thumbnail of the current scene, once the browser has decoded it.
  still(context, width, height, time) {
    const scene = this.model.scenes ? sceneAt(this.model, Math.max(0, time)) : -1;
    const jpeg = this.model.jpegs[scene];
    if (!jpeg) return;
    if (!this.stills.has(scene)) {
      const image = new Image();
      image.onload = this.draw;
      image.src = `data:image/jpeg;base64,${jpeg}`;
      this.stills.set(scene, image);
    }
    const image = this.stills.get(scene);
    if (image.complete && image.naturalWidth) context.drawImage(image, 0, 0, width, height);
  }
}

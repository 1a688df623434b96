// The timeline: drawn when the view changes; while the video plays only the playhead moves.

const AXIS = 22;
const GAP = 6; // pixels between lanes
const OPENER = { kind: "opener", name: "", height: 18, draw() {}, at: () => "" }; // a row with only a button

// The note of an empty row is drawn on the plot, so screen readers need it in the name.
const plainName = (row, { stage }) =>
  el(
    "span",
    { class: "rowname", title: row.name },
    row.name && (row.person === undefined ? el("i", { class: `mark ${stage}` }) : markOf(row.person)),
    el("bdi", {}, shortened(row.name, 60)),
    row.why && el("span", { class: "sr" }, `: ${row.why}`),
  );

class Timeline {
  constructor(model, player, filter) {
    Object.assign(this, { model, player, filter, canvas: $("rows"), plot: $("plot"), opened: new Set() });
    this.view = new View(model.from, model.to);
    this.draw = oncePerFrame(() => this.drawNow());
    this.view.addEventListener("change", this.draw);
    filter.addEventListener(
      "change",
      oncePerFrame(() => this.lay()),
    );
    player.addEventListener("time", ({ detail }) => this.move(detail.time));
    new ResizeObserver(this.draw).observe(this.plot);
    this.plot.setAttribute("aria-valuemin", model.from.toFixed(1));
    this.plot.setAttribute("aria-valuemax", model.to.toFixed(1));
    this.lay();
    this.move(player.time);
  }

  // Rows and their names, top to bottom.
  lay() {
    let y = AXIS;
    this.rows = [];
    const put = (placed) => {
      this.rows.push({ ...placed, y });
      y += placed.row.height;
    };
    for (const lane of lanesOf(this.model, this.filter, this.opened)) {
      y += GAP;
      for (const row of lane.rows) put({ row, lane });
      if (lane.more > 0) put({ row: OPENER, lane });
    }
    this.height = y + GAP;
    this.plot.style.height = `${this.height}px`;
    $("names").style.height = `${this.height}px`;
    this.name();
    this.draw();
  }

  // Rebuilds the names and keeps the focus: on the same name, or, if that is folded away, on the button that unfolds it.
  name() {
    const names = $("names");
    const focus = names.contains(document.activeElement) ? document.activeElement.dataset.name : null;
    names.replaceChildren(...this.rows.map((placed) => this.nameOf(placed)));
    if (focus) (names.querySelector(`[data-name="${focus}"]`) ?? names.querySelector(".opener"))?.focus();
  }

  nameOf({ row, y, lane }) {
    const name = row === OPENER ? this.opener(lane) : row.kind === "count" ? this.only(row) : plainName(row, lane);
    Object.assign(name.style, { top: `${y}px`, height: `${row.height}px`, lineHeight: `${row.height}px` });
    return name;
  }

  // A button of a label that shows only its boxes, or all again.
  only({ name, label, colour }) {
    const mark = el("i", { class: "mark" });
    mark.style.background = colour;
    return el(
      "button",
      {
        type: "button",
        class: "rowname",
        "data-name": `label-${label}`,
        title: `${name}: click to show only this label, click again to show all`,
        "aria-pressed": this.filter.isOnly(label),
        onclick: () => this.filter.only(this.filter.isOnly(label) ? null : label),
      },
      mark,
      el("bdi", {}, shortened(name, 60)),
    );
  }

  // The button of a lane that unfolds all of its rows.
  opener({ stage, more }) {
    const open = this.opened.has(stage);
    const onclick = () => {
      if (open) this.opened.delete(stage);
      else this.opened.add(stage);
      this.lay();
    };
    return el(
      "button",
      { type: "button", class: "opener", "data-name": `more-${stage}`, "aria-expanded": open, onclick },
      open ? `fewer ${stage}` : `${more} more ${stage}`,
    );
  }

  drawNow() {
    const { view, model } = this;
    view.width = Math.max(1, this.plot.clientWidth);
    const context = fitted(this.canvas, view.width, this.height);
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    this.axis(context);
    const ranges = sampleRanges(model.samples, view);
    for (const { row, y } of this.rows) row.draw(context, view, y, ranges);
    this.canvas.dataset.drawn = Number(this.canvas.dataset.drawn ?? 0) + 1;
    $("window").textContent = `${stamp(view.from)} – ${stamp(view.to)}`;
    this.move(this.player.time);
  }

  axis(context) {
    const { view } = this;
    const { step, found } = ticks(view, 76);
    const digits = step < 1 ? 1 : 0;
    for (const time of found) {
      const x = Math.round(view.x(time)) + 0.5;
      context.fillStyle = ink("line");
      context.fillRect(x - 0.5, AXIS - 4, 1, this.height);
      context.fillStyle = ink("dim");
      const text = clockTime(time, digits);
      const wide = context.measureText(text).width;
      context.fillText(text, Math.min(Math.max(0, x - wide / 2), view.width - wide), AXIS / 2);
    }
  }

  move(time) {
    const { view, plot, player } = this;
    if (player.playing && !view.whole) view.follow(time);
    const x = view.x(time);
    $("playhead").style.transform = `translateX(${x.toFixed(1)}px)`;
    $("playhead").hidden = x < -1 || x > view.width + 1;
    plot.setAttribute("aria-valuenow", time.toFixed(1));
    plot.setAttribute("aria-valuetext", clockTime(time, 1));
  }

  rowAt(y) {
    return this.rows.find((placed) => y >= placed.y && y < placed.y + placed.row.height);
  }
}

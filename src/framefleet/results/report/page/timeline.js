// The timeline: drawn when the view changes; while the video plays only the playhead moves.

const AXIS = 22;
const GAP = 6; // pixels between lanes

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
    this.lanes = lanesOf(this.model, this.filter, this.opened);
    let y = AXIS;
    this.rows = [];
    for (const lane of this.lanes) {
      y += GAP;
      for (const row of lane.rows) {
        this.rows.push({ row, y, lane });
        y += row.height;
      }
    }
    this.height = y + GAP;
    this.plot.style.height = `${this.height}px`;
    $("names").style.height = `${this.height}px`;
    $("names").replaceChildren(...this.rows.map((placed) => this.name(placed)), ...this.openers());
    this.draw();
  }

  name({ row, y, lane }) {
    const mark = (row.name || row.kind === "count") && el("i", { class: `mark ${lane.stage}` });
    if (row.kind === "count") mark.style.background = row.colour;
    const name = el("span", { class: "rowname", title: row.name }, mark, el("bdi", {}, shortened(row.name, 60)));
    Object.assign(name.style, { top: `${y}px`, height: `${row.height}px`, lineHeight: `${row.height}px` });
    return name;
  }

  // Of a lane with many rows, the button for all of them.
  openers() {
    return this.lanes
      .filter((lane) => lane.more > 0)
      .map((lane) => {
        const open = this.opened.has(lane.stage);
        const onclick = () => {
          if (open) this.opened.delete(lane.stage);
          else this.opened.add(lane.stage);
          this.lay();
        };
        const button = el(
          "button",
          {
            type: "button",
            class: "opener",
            onclick,
            "aria-expanded": open,
            "aria-label": open ? `Fewer ${lane.stage}` : `${lane.more} more ${lane.stage}`,
          },
          open ? "less" : `+${lane.more}`,
        );
        const last = this.rows.findLast((placed) => placed.lane === lane);
        if (last) button.style.top = `${last.y + last.row.height / 2 - 8}px`;
        return button;
      });
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

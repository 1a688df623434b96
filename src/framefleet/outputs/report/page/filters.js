// The filter of boxes by label and confidence, for the frame and the timeline.

const CHIPS = 14; // labels shown until unfolded

class Filter extends EventTarget {
  constructor(model) {
    super();
    this.labels = new Uint8Array(model.labels.length).fill(1);
    this.least = 0; // in half hundredths, as in the boxes
    this.written = Boolean(model.spans?.count);
  }

  lets(boxes, i) {
    return boxes.sure[i] >= this.least && Boolean(this.labels[boxes.label[i]]);
  }

  // Shows the labels: all, none, or a single one.
  all(on) {
    this.labels.fill(on ? 1 : 0);
    this.changed();
  }

  only(label) {
    this.labels.fill(label === null ? 1 : 0);
    if (label !== null) this.labels[label] = 1;
    this.changed();
  }

  isOnly(label) {
    return this.labels.length > 1 && this.labels.every((on, i) => Boolean(on) === (i === label));
  }

  count({ boxes }) {
    let count = 0;
    for (let i = 0; i < (boxes?.count ?? 0); i++) if (this.lets(boxes, i)) count++;
    return count;
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }
}

function setUpFilters(model, filter) {
  const counts = new Uint32Array(model.labels.length);
  model.boxes?.label.forEach((label) => counts[label]++);
  const chips = model.labels.map((label, i) =>
    chip(label, grouped(counts[i]), colourOf(i), (on) => (filter.labels[i] = on), filter),
  );
  filter.addEventListener("change", () =>
    chips.forEach((one, i) => one.setAttribute("aria-pressed", Boolean(filter.labels[i]))),
  );
  const bar = el("div", { class: "filterbar" }, el("b", {}, "Boxes"));
  if (!chips.length) {
    const why = lacking(model, "objects", "The objects stage did not run.", "No objects were found");
    bar.append(el("span", { class: "dim" }, why));
  }
  const shelf = el("div", { class: "chips" }, chips);
  if (model.spans?.count)
    shelf.append(
      chip("text", grouped(model.spans.count), null, (on) => (filter.written = Boolean(on)), filter),
    );
  chips.slice(CHIPS).forEach((one) => (one.hidden = true));
  if (chips.length > CHIPS) shelf.append(unfold(chips));
  if (chips.length > 1)
    bar.append(
      plain("all", () => filter.all(true)),
      plain("none", () => filter.all(false)),
    );
  if (chips.length) bar.append(el("span", { class: "gap" }), ...slider(model, filter));
  $("filters").append(bar, shelf);
}

const plain = (text, onclick) => el("button", { type: "button", class: "plain", onclick }, text);

function unfold(chips) {
  const button = plain(`${chips.length - CHIPS} more`, () => {
    chips.forEach((one) => (one.hidden = false));
    button.remove();
  });
  return button;
}

function chip(text, count, colour, put, filter) {
  const dot = el("span", { class: "dot" });
  if (colour) dot.style.background = colour;
  else dot.classList.add("dashed");
  const onclick = () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", on);
    put(on ? 1 : 0);
    filter.changed();
  };
  const name = el("bdi", { class: "chipname", title: text.length > 24 ? text : null }, shortened(text, 60));
  const button = el(
    "button",
    { type: "button", class: "chip", "aria-pressed": true, onclick },
    dot,
    name,
    el("span", { class: "dim" }, count),
  );
  return button;
}

function slider(model, filter) {
  const lowest = Math.floor(Math.max(0, model.config.yolo_conf) * 100) / 100;
  const value = el("output", { class: "num" }, lowest.toFixed(2));
  const input = el("input", {
    type: "range",
    id: "least",
    min: lowest,
    max: 1,
    step: 0.01,
    value: lowest,
    "aria-label": "Minimum confidence",
  });
  input.addEventListener("input", () => {
    filter.least = input.valueAsNumber > lowest ? 2 * Math.round(input.valueAsNumber * 100) : 0;
    value.textContent = input.valueAsNumber.toFixed(2);
    filter.changed();
  });
  const left = el("span", { class: "left dim num", role: "status" });
  const tell = () =>
    (left.textContent = `${grouped(filter.count(model))} of ${counted(model.boxes.count, "box", "boxes")}`);
  filter.addEventListener("change", oncePerFrame(tell));
  tell();
  return [left, el("label", { class: "slider" }, el("span", { class: "dim" }, "confidence ≥"), input, value)];
}

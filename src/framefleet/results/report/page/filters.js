// Which boxes are drawn: by label and by confidence. The timeline shows the same.

const CHIPS = 14; // labels shown until asked for all

class Filter extends EventTarget {
  constructor(model) {
    super();
    this.labels = new Uint8Array(model.labels.length).fill(1);
    this.least = 0; // hundredths
    this.written = Boolean(model.spans?.count);
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
  const all = (on) => {
    filter.labels.fill(on);
    chips.forEach((one) => one.setAttribute("aria-pressed", Boolean(on)));
    filter.changed();
  };
  const bar = el("div", { class: "filterbar" }, el("b", {}, "Boxes"));
  if (!chips.length)
    bar.append(el("span", { class: "dim" }, model.samples ? "No objects were found." : "Objects were not looked for."));
  const shelf = el("div", { class: "chips" }, chips);
  if (model.spans?.count)
    shelf.append(
      chip("written text", grouped(model.spans.count), null, (on) => (filter.written = Boolean(on)), filter),
    );
  chips.slice(CHIPS).forEach((one) => (one.hidden = true));
  if (chips.length > CHIPS) shelf.append(unfold(chips));
  if (chips.length > 1)
    bar.append(
      plain("all", () => all(1)),
      plain("none", () => all(0)),
    );
  if (chips.length) bar.append(el("span", { class: "gap" }), slider(model, filter));
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
    "aria-label": "Least confidence",
  });
  input.addEventListener("input", () => {
    filter.least = input.valueAsNumber > lowest ? Math.round(input.valueAsNumber * 100) : 0;
    value.textContent = input.valueAsNumber.toFixed(2);
    filter.changed();
  });
  return el("label", { class: "slider" }, el("span", { class: "dim" }, "confidence ≥"), input, value);
}

// The lanes of the timeline: one per stage, with one or several rows.

const FEW = 6; // rows of a lane until it is unfolded
const SHARED = 3; // maximum rows for overlapping texts

// Each stage of the run has a lane, also if it found nothing.
function lanesOf(model, filter, opened) {
  const lanes = [
    laneOf(model, "scenes", scenesLane(model)),
    laneOf(model, "objects", objectsLane(model, filter, opened.has("objects")), hides(model, filter)),
    laneOf(model, "speech", speechLane(model)),
    laneOf(model, "speakers", speakersLane(model, opened.has("speakers"))),
    laneOf(model, "sounds", soundsLane(model, opened.has("sounds"))),
    laneOf(model, "text", textLane(model)),
    ...model.further.map(furtherLane),
    failuresLane(model),
  ].filter(Boolean);
  return lanes.length ? lanes : [{ stage: "", rows: [new EmptyRow("", "No stage ran.")] }];
}

function laneOf(model, stage, lane, hidden = false) {
  if (lane?.rows.length) return lane;
  const { known, error } = answersOf(model, stage);
  if (!known && error === null) return null;
  const why = hidden ? "hidden by the filter" : known ? "nothing found" : "failed";
  return { stage, rows: [new EmptyRow(stage, known && error !== null ? `${why}; some requests failed` : why)] };
}

const hides = ({ boxes }, filter) => Boolean(boxes?.count) && !filter.labels.includes(1);

function scenesLane({ scenes }) {
  if (!scenes?.length) return null;
  const ends = scenes.map((scene) => scene.end);
  const colour = (i) => ink(i % 2 ? "scene-odd" : "scene-even");
  const text = (i) => `${i + 1}`;
  return {
    stage: "scenes",
    rows: [
      new BandRow(
        "scenes",
        scenes.map((scene) => scene.start),
        ends,
        { colour, text },
      ),
    ],
  };
}

function objectsLane(model, filter, open) {
  if (!model.boxes?.count) return null;
  const shown = [...model.labels.keys()].filter((label) => filter.labels[label]);
  const some = open ? shown : shown.slice(0, FEW);
  const counts = countsOf(model, filter, some);
  const rows = some.map(
    (label, i) => new CountRow(model.labels[label], model.samples, counts[i], { colour: colourOf(label), label }),
  );
  return { stage: "objects", rows, more: shown.length - FEW };
}

// The number of boxes of each of `labels` in each sample, among those that pass the filter.
function countsOf({ boxes, samples }, filter, labels) {
  const counts = labels.map(() => new Uint32Array(samples.count));
  const row = new Map(labels.map((label, i) => [label, i]));
  for (let i = 0; i < boxes.count; i++) {
    const place = row.get(boxes.label[i]);
    if (place !== undefined && filter.lets(boxes, i)) counts[place][boxes.sample[i]]++;
  }
  return counts;
}

function speechLane(model) {
  if (!model.segments?.count) return null;
  const { starts, ends } = model.segments;
  const options = { colour: () => ink("speech"), text: (i) => textOf(model, i) };
  return { stage: "speech", rows: [new BandRow("speech", starts, ends, options)] };
}

// A row a speaker, each of a colour of its own.
function speakersLane({ speakers }, open) {
  if (!speakers?.count) return null;
  const rows = [];
  for (let i = 0; i < (open ? speakers.count : Math.min(FEW, speakers.count)); i++) {
    const { starts, ends } = speakers.turns[i];
    const options = { colour: () => colourOf(i), text: () => speakers.called(i), height: 14, show: false };
    rows.push(Object.assign(new BandRow(speakers.called(i), starts, ends, options), { person: i }));
  }
  return { stage: "speakers", rows, more: speakers.count - FEW };
}

function soundsLane({ events, heard }, open) {
  if (!events?.count) return null;
  const labels = heard.labels.slice(0, open ? Infinity : FEW - 2);
  const rows = labels.map((name, label) => {
    const which = indicesOf(events.label, (value) => value === label);
    const options = {
      colour: () => ink("sound"),
      text: (i) => `${name} ${(events.score[which[i]] / 100).toFixed(2)}`,
      height: 14,
      show: false,
    };
    return new BandRow(
      `♪ ${name}`,
      which.map((i) => events.starts[i]),
      which.map((i) => events.ends[i]),
      options,
    );
  });
  return { stage: "sounds", rows, more: heard.labels.length - (FEW - 2) };
}

function indicesOf(column, fits) {
  const found = [];
  column.forEach((value, i) => fits(value) && found.push(i));
  return found;
}

function textLane({ spans }) {
  return spans?.count ? { stage: "text", rows: sharedRows(spans, "text") } : null;
}

// The lane of a stage without a view of its own.
function furtherLane({ stage, ...spans }) {
  const rows = spans.count ? sharedRows(spans, stage) : [new EmptyRow(stage, "nothing found")];
  return { stage: "text", rows };
}

// Overlapping texts, spread over a few rows; the first row has the name.
function sharedRows(spans, name) {
  const rows = [];
  for (let i = 0; i < spans.count; i++) {
    let row = rows.find((one) => spans.ends[one.at(-1)] <= spans.starts[i]);
    if (!row && rows.length < SHARED) rows.push((row = []));
    if (!row) row = rows.reduce((a, b) => (spans.ends[a.at(-1)] <= spans.ends[b.at(-1)] ? a : b));
    if (row.at(-1) !== i) row.push(i);
  }
  const rowOf = (which, at) => {
    const options = { colour: () => ink("text-band"), text: (i) => spans.texts[which[i]], height: 16 };
    return new BandRow(
      at ? "" : name,
      which.map((i) => spans.starts[i]),
      which.map((i) => spans.ends[i]),
      options,
    );
  };
  return rows.map(rowOf);
}

// A row for each stage with failures.
function failuresLane(model) {
  const found = failedStretches(model);
  const stages = [...new Set(found.map((one) => one.stage))];
  const rowOf = (stage) => {
    const own = found.filter((one) => one.stage === stage);
    return new BandRow(
      `✕ ${stage}`,
      own.map((one) => one.from),
      own.map((one) => one.to),
      { colour: () => ink("bad"), text: (i) => own[i].error, height: 14, show: false },
    );
  };
  return found.length ? { stage: "failures", rows: stages.map(rowOf) } : null;
}

// The spans of each failure.
function failedStretches(model) {
  const found = [];
  for (const { stage, runs, span, error } of model.failures) {
    for (const [, from, to] of runs) found.push({ stage, error, from, to });
    if (span) found.push({ stage, error, from: span[0], to: span[1] });
  }
  return found.sort((a, b) => a.from - b.from);
}

// The document's data for the page: typed arrays ordered by time, times in seconds, boxes in grid units.

function readModel(head, { columns, rest }) {
  const boxes = head.seen ? sortedBoxes(columns) : null;
  const model = { ...head, boxes, scenes: rest.scenes };
  model.samples = head.seen ? samplesOf(columns) : null;
  model.labels = head.seen?.labels ?? [];
  model.doubtful = new Set(columns.doubtful ?? []);
  model.segments = head.said ? segmentsOf(columns) : null;
  model.words = head.said ? wordsOf(rest.words, columns) : null;
  model.speakers = head.spoke ? new Speakers(head.spoke.people, columns) : null;
  model.events = head.heard ? eventsOf(columns) : null;
  model.spans = head.written ? spansOf(rest.texts, columns) : null;
  model.further = rest.further.map(furtherOf);
  model.cuts = Float64Array.from(rest.scenes ?? [], (scene) => scene.start);
  model.from = Math.min(0, head.video.audio?.start_s ?? 0); // sound may begin before the first frame, which is at 0
  model.to = Math.max(head.video.duration_s, lastOf(model.segments?.ends), model.from + 0.1);
  return model;
}

const lastOf = (values) => (values?.length ? values.at(-1) : 0);

function samplesOf(columns) {
  const first = new Int32Array(columns.sampleBoxes.length + 1);
  columns.sampleBoxes.forEach((count, i) => (first[i + 1] = first[i] + Math.max(0, count)));
  return {
    count: columns.sampleBoxes.length,
    shown: rising(secondsOf(columns.sampleShown)),
    first, // boxes of sample i are first[i] to first[i + 1], exclusive, by descending confidence
    answered: Uint8Array.from(columns.sampleBoxes, (count) => (count >= 0 ? 1 : 0)),
  };
}

// Sorts boxes, which come by track, by sample and descending confidence. `next` is the index of the same track's box
// in the next sample, -1 if it has none.
function sortedBoxes(columns) {
  const n = columns.boxSample.length;
  const keys = Float64Array.from(columns.boxSample, (s, i) => (s * 201 + 200 - columns.boxSure[i]) * n + i).sort();
  const order = Int32Array.from(keys, (key) => key % n);
  const place = new Int32Array(n);
  order.forEach((from, to) => (place[from] = to));
  const next = new Int32Array(n).fill(-1);
  for (let i = 0; i + 1 < n; i++) {
    const same = columns.boxTrack[i] > 0 && columns.boxTrack[i] === columns.boxTrack[i + 1];
    if (same && columns.boxSample[i] + 1 === columns.boxSample[i + 1]) next[place[i]] = place[i + 1];
  }
  const put = (Kind, column) => Kind.from(order, (from) => column[from]);
  return {
    count: n,
    next,
    sample: put(Int32Array, columns.boxSample),
    track: put(Int32Array, columns.boxTrack),
    label: put(Int32Array, columns.boxLabel),
    sure: put(Uint8Array, columns.boxSure), // hundredths rounded down + hundredths rounded
    left: put(Int32Array, columns.boxLeft),
    top: put(Int32Array, columns.boxTop),
    wide: put(Int32Array, columns.boxWide),
    high: put(Int32Array, columns.boxHigh),
  };
}

function segmentsOf(columns) {
  const starts = rising(secondsOf(columns.segmentStart));
  const first = new Int32Array(starts.length + 1);
  columns.segmentWords.forEach((count, i) => (first[i + 1] = first[i] + count));
  return {
    count: starts.length,
    starts,
    ends: endsOf(starts, columns.segmentLong),
    first,
    scene: columns.segmentScene,
  };
}

function wordsOf(texts, columns) {
  const starts = rising(secondsOf(columns.wordStart));
  return { count: texts.length, texts, starts, ends: endsOf(starts, columns.wordLong), sure: columns.wordSure };
}

function eventsOf(columns) {
  const starts = secondsOf(columns.eventStart);
  const ends = endsOf(starts, columns.eventLong);
  const stretches = new Stretches(starts, ends);
  return { count: starts.length, starts, ends, stretches, label: columns.eventLabel, score: columns.eventScore };
}

function spansOf(texts, columns) {
  const starts = secondsOf(columns.spanStart);
  const ends = endsOf(starts, columns.spanLong);
  return {
    count: texts.length,
    texts,
    starts,
    ends,
    stretches: new Stretches(starts, ends),
    left: columns.spanLeft,
    top: columns.spanTop,
    wide: columns.spanWide,
    high: columns.spanHigh,
  };
}

// The results of a stage without a view of its own.
function furtherOf({ stage, label, spans }) {
  const sorted = spans.toSorted((a, b) => a.start_s - b.start_s || a.end_s - b.end_s);
  const starts = Float64Array.from(sorted, (one) => one.start_s);
  const ends = Float64Array.from(sorted, (one) => Math.max(one.end_s, one.start_s));
  const texts = sorted.map((one) => one.text || one.label);
  return { stage, label, count: texts.length, texts, starts, ends, stretches: new Stretches(starts, ends) };
}

const endsOf = (starts, long) => Float64Array.from(starts, (start, i) => start + Math.max(0, long[i]) / 1000);

const RESULTS = { objects: "seen", speech: "said", scenes: "scenes", sounds: "heard", text: "written", speakers: "spoke" };

// Whether a stage has any answer (a frame without objects, or a silence, is one), and its first error, as in
// results/query/availability.py.
function answersOf(model, stage) {
  const error = model.failures.find((one) => one.stage === stage)?.error ?? null;
  const pictures = stage === "objects" && model.samples?.count;
  return { known: pictures ? model.samples.answered.includes(1) : Boolean(model[RESULTS[stage]]), error };
}

// Why a stage has nothing to show: `unasked` if it did not run, `nothing` if it found nothing.
function lacking(model, stage, unasked, nothing) {
  const { known, error } = answersOf(model, stage);
  if (known) return error === null ? `${nothing}.` : `${nothing}; some requests failed.`;
  return error === null ? unasked : `Unknown: ${stage} failed (${shortened(error, 400)}).`;
}

// The scene on screen at a time; -1 for none.
function sceneAt(model, time) {
  const at = lastUpTo(model.cuts, time);
  return at >= 0 && time < model.scenes[at].end ? at : -1;
}

const LATE = 1; // seconds of a scene that may be skipped to start with its first boxes

// Where playback enters a scene: at its first sample, if that is close to the start.
function entryOf({ cuts, scenes, samples }, scene) {
  const first = samples?.shown[lastUpTo(samples.shown, cuts[scene] - 0.002) + 1];
  return first < scenes[scene].end && first - cuts[scene] <= LATE ? first : cuts[scene];
}

const textOf = (model, segment) =>
  model.words.texts
    .slice(model.segments.first[segment], model.segments.first[segment + 1])
    .join("")
    .trim();

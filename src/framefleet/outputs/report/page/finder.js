// Search in speech, text, objects and sounds, with the same results as `framefleet show`.

const MOST_FOUND = 60; // of each kind; the number of further ones is shown
const NONE = { total: 0, found: [] };

class Finder {
  constructor(model) {
    this.model = model;
  }

  // Built on the first search.
  get spoken() {
    return (this.heap ??= new Spoken(this.model.words?.texts ?? []));
  }

  get pressed() {
    return (this.texts ??= (this.model.spans?.texts ?? []).map((text) => tokens(text).join("")));
  }

  get tracks() {
    return (this.paths ??= [...tracksOf(this.model).values()]);
  }

  search(query) {
    const [, name, id] = /^(.*?)#\s*(\d+)\s*\??\s*$/u.exec(query) ?? [];
    const words = tokens(query);
    if (!words.length) return [];
    return [
      { kind: "tracks", ...(id ? this.track(tokens(name), Number(id)) : NONE) },
      { kind: "said", ...this.said(words) },
      { kind: "written", ...this.written(words) },
      { kind: "seen", ...this.seen(words) },
      { kind: "heard", ...this.heard(words) },
      ...this.model.further.map((one) => ({ kind: one.label, ...this.further(one, words) })),
    ].filter((group) => group.total);
  }

  said(words) {
    const found = [];
    let total = 0;
    for (const [first, last] of this.spoken.find(words)) {
      if (++total > MOST_FOUND) continue;
      found.push({ time: this.model.words.starts[first], parts: this.parts(first, last, words) });
    }
    return { found, total };
  }

  // Without word times, each "word" is a whole segment.
  parts(first, last, words) {
    const { said, words: spoken } = this.model;
    return said.words || first !== last ? this.around(first, last) : split(spoken.texts[first].trim(), words);
  }

  // Some words before, the match, and some after.
  around(first, last) {
    const { texts } = this.model.words;
    const join = (from, to) => texts.slice(Math.max(0, from), to).join("");
    const match = join(first, last + 1);
    const bare = match.trimStart(); // Whisper's words include the space before them
    const before = join(first - 6, first) + match.slice(0, match.length - bare.length);
    return [shortenedLeft(before.trimStart(), 60), shortened(bare, 240), shortened(join(last + 1, last + 9), 80)];
  }

  // Also inside words and ignoring spaces, which text recognition loses.
  written(words) {
    const { spans } = this.model;
    const places = indicesOf(this.pressed, (text) => text.includes(words.join("")));
    return {
      total: places.length,
      found: places.slice(0, MOST_FOUND).map((i) => ({ time: spans.starts[i], parts: split(spans.texts[i], words) })),
    };
  }

  further({ texts, starts }, words) {
    const places = indicesOf(texts, (text) => tokens(text).join("").includes(words.join("")));
    const one = (i) => ({ time: starts[i], parts: split(texts[i], words) });
    return { total: places.length, found: places.slice(0, MOST_FOUND).map(one) };
  }

  heard(words) {
    const { events, heard } = this.model;
    const fits = named(heard?.labels, words);
    const places = indicesOf(events?.label ?? [], (label) => fits[label]);
    const one = (i) => ({
      time: events.starts[i],
      parts: split(heard.labels[events.label[i]], words),
      more: `for ${span(events.ends[i] - events.starts[i])}`,
    });
    return { total: places.length, found: places.slice(0, MOST_FOUND).map(one) };
  }

  // Runs of consecutive samples with a label.
  seen(words) {
    const { labels, boxes, samples } = this.model;
    const fits = named(labels, words);
    if (!fits.includes(true)) return NONE;
    const last = new Int32Array(labels.length).fill(-2);
    const runs = [];
    const open = new Map();
    for (let i = 0; i < boxes.count; i++) {
      const [label, sample] = [boxes.label[i], boxes.sample[i]];
      if (!fits[label] || last[label] === sample) continue;
      if (last[label] === sample - 1) open.get(label).samples++;
      else {
        open.set(label, { label, sample, samples: 1 });
        runs.push(open.get(label));
      }
      last[label] = sample;
    }
    const one = (run) => ({
      time: samples.shown[run.sample],
      parts: split(labels[run.label], words),
      more: `in ${counted(run.samples, "sample")}`,
    });
    return { total: runs.length, found: runs.slice(0, MOST_FOUND).map(one) };
  }

  // The track with that number, "dog #2", if its label matches.
  track(words, id) {
    const { labels, samples } = this.model;
    const fits = named(labels, words);
    const found = this.tracks.filter((track) => track.id === id && fits[track.label]);
    const one = (track) => ({
      time: samples.shown[track.first],
      parts: ["", trackName(this.model, track), ""],
      more: `in ${counted(track.count, "sample")}, until ${stamp(samples.shown[track.last])}`,
    });
    return { total: found.length, found: found.map(one) };
  }
}

const named = (labels, words) => (labels ?? []).map((label) => inRow(tokens(label)).includes(inRow(words)));

const shortenedLeft = (text, most) => (text.length > most ? `…${[...text].slice(-most).join("")}` : text);

// The text before, the match, and after; the whole text as the match if folding has moved its place.
function split(text, words) {
  const found = text.length > 400 ? null : new RegExp(words.join(String.raw`[^\p{L}\p{N}]*`), "iu").exec(text);
  if (!found) return ["", shortened(text, 160), ""];
  return [text.slice(0, found.index), found[0], text.slice(found.index + found[0].length)];
}

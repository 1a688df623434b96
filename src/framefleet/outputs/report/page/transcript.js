// The transcript, which follows playback. A line is plain text until it becomes visible; then words are clickable.

class Transcript {
  constructor(model, player) {
    Object.assign(this, { model, player, box: $("said"), lines: [], segment: -1, word: null, focus: -1 });
    const { segments } = model;
    $("said-count").textContent = segments?.count ? amount(model) : "";
    if (!segments?.count) return void this.box.append(el("p", { class: "empty" }, silence(model)));
    const near = whenNear(this.box, (line) => this.split(line));
    for (let i = 0; i < segments.count; i++) this.lines.push(this.line(i));
    this.box.append(...this.lines, ...skippedNotes(model));
    this.lines.forEach((line) => near.observe(line));
    this.box.addEventListener("click", (event) => this.click(event));
    this.box.addEventListener("keydown", (event) => this.key(event));
    for (const name of ["wheel", "touchmove"])
      this.box.addEventListener(name, () => this.follow(false), { passive: true });
    $("follow").addEventListener("change", (event) => event.target.checked && this.reveal());
    player.addEventListener("time", ({ detail }) => this.move(detail.time));
    this.move(player.time);
  }

  line(i) {
    const { segments, said } = this.model;
    const when = el("span", { class: "stamp num" }, stamp(segments.starts[i]));
    const text = el("p", { dir: "auto", lang: said.language }, textOf(this.model, i));
    return el("div", { class: "utterance", "data-segment": i }, this.speaker(i), when, text);
  }

  // Who speaks, if that changes here.
  speaker(i) {
    const { speakers } = this.model;
    if (!speakers?.changes(i)) return null;
    const person = speakers.ofSegment[i];
    const name = el("bdi", {}, speakers.called(person));
    speakers.addEventListener("change", () => name.replaceChildren(speakers.called(person)));
    return el("span", { class: "who" }, markOf(person), name);
  }

  // Creates an element for each word.
  split(line) {
    if (line.dataset.split) return;
    line.dataset.split = "yes";
    const { segments, words } = this.model;
    const i = Number(line.dataset.segment);
    const parts = [];
    for (let w = segments.first[i]; w < segments.first[i + 1]; w++) {
      const text = words.texts[w].trimStart();
      if (parts.length && text !== words.texts[w]) parts.push(" "); // Whisper's words include the space before them
      const doubt = words.sure[w] < 50 ? " unsure" : "";
      const spoken = `${text.trim()}, ${stamp(words.starts[w])}`;
      parts.push(
        el(
          "span",
          {
            class: `word${doubt}`,
            "data-word": w,
            role: "button",
            tabindex: -1,
            "aria-label": spoken,
            title: doubt ? "confidence below 0.5" : null,
          },
          text,
        ),
      );
    }
    line.lastChild.replaceChildren(...parts);
    if (i === this.segment) this.mark(this.word);
  }

  element(word) {
    const line = this.lines[lastUpTo(this.model.segments.first, word)] ?? null;
    if (line) this.split(line);
    return line?.querySelector(`[data-word="${word}"]`) ?? null;
  }

  move(time) {
    const { segments, words } = this.model;
    const segment = lastUpTo(segments.starts, time);
    if (segment !== this.segment) {
      this.lines[this.segment]?.classList.remove("current");
      this.lines[segment]?.classList.add("current");
      this.segment = segment;
      this.reveal();
    }
    const word = lastUpTo(words.starts, time);
    this.mark(word >= 0 && time < words.ends[word] + 0.25 ? word : null);
  }

  mark(word) {
    if (this.word === word && this.marked?.isConnected) return;
    this.marked?.classList.remove("current");
    this.word = word;
    this.marked = word === null ? null : this.lines[this.segment]?.querySelector(`[data-word="${word}"]`);
    this.marked?.classList.add("current");
  }

  follow(on) {
    $("follow").checked = on;
  }

  // Not scrollIntoView, which would scroll the page too.
  reveal() {
    const line = this.lines[this.segment];
    if (!line || !$("follow").checked || this.box.offsetParent === null) return;
    const [box, place] = [this.box.getBoundingClientRect(), line.getBoundingClientRect()];
    if (place.top >= box.top + 8 && place.bottom <= box.bottom - 0.35 * box.height) return;
    this.box.scrollTop += place.top - box.top - 0.25 * box.height;
  }

  click(event) {
    const word = event.target.closest("[data-word]");
    const line = event.target.closest("[data-segment]");
    if (word) this.go(this.model.words.starts[word.dataset.word]);
    else if (line && !String(getSelection())) this.go(this.model.segments.starts[line.dataset.segment]);
  }

  go(time) {
    this.follow(true);
    this.player.seek(time);
  }

  key(event) {
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: "up", ArrowDown: "down" };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in moves) this.focusOn(this.away(moves[event.key]));
    else if (event.key === "Enter" && this.focus >= 0) this.go(this.model.words.starts[this.focus]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // The word next to the focused one, by word or by line.
  away(by) {
    const { segments, words } = this.model;
    if (this.focus < 0) return Math.max(0, lastUpTo(words.starts, this.player.time));
    if (typeof by === "number") return Math.min(words.count - 1, Math.max(0, this.focus + by));
    const line = lastUpTo(segments.first, this.focus) + (by === "up" ? -1 : 1);
    return segments.first[Math.min(segments.count - 1, Math.max(0, line))];
  }

  focusOn(word) {
    this.focus = word;
    this.element(word)?.focus();
  }
}

// Some services return only times of segments; each then counts as one long word.
const amount = ({ said, words, segments }) =>
  said.words ? counted(words.count, "word") : counted(segments.count, "segment");

function silence(model) {
  const reasons = [...new Set(model.said?.skipped.map((one) => one.reason))];
  const nothing = reasons.length ? `No speech was found (${reasons.join(", ")})` : "No speech was found";
  return lacking(model, "speech", "The speech stage did not run.", nothing);
}

function skippedNotes({ said }) {
  if (!said.skipped.length) return [];
  const all = said.skipped.map((one) => `${stamp(one.start_s)}–${stamp(one.end_s)} (${one.reason})`);
  const rest = all.length > 20 ? ` and ${all.length - 20} more` : "";
  return [el("p", { class: "empty" }, `Not transcribed: ${all.slice(0, 20).join(", ")}${rest}.`)];
}

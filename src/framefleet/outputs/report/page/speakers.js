// Who speaks: names can be written over, for this page, and saved to a file for `framefleet name`.

const LONGEST_NAME = 60;

class Speakers extends EventTarget {
  constructor(people, columns) {
    super();
    this.people = people;
    this.count = people.length;
    const starts = secondsOf(columns.turnStart);
    const ends = endsOf(starts, columns.turnLong);
    this.turns = people.map((_, person) => {
      const own = indicesOf(columns.turnSpeaker, (value) => value === person);
      return { starts: Float64Array.from(own, (i) => starts[i]), ends: Float64Array.from(own, (i) => ends[i]) };
    });
    this.ofSegment = columns.segmentSpeaker; // -1: nobody known
  }

  called(person) {
    return this.people[person].name || this.people[person].id;
  }

  rename(person, name) {
    this.people[person].name = name.trim().replace(/\s+/g, " ");
    this.dispatchEvent(new Event("change"));
  }

  // What `framefleet name RESULT --file` reads: a line a speaker.
  file() {
    return this.people.map(({ id, name }) => `${id}=${name ?? ""}\n`).join("");
  }

  // Whether a segment has another speaker than the one before.
  changes(segment) {
    const person = this.ofSegment[segment];
    return person >= 0 && person !== this.ofSegment[segment - 1];
  }
}

// The mark of a speaker, in the colour that the timeline has too.
function markOf(person) {
  const mark = el("i", { class: "mark", "aria-hidden": "true" });
  mark.style.background = colourOf(person);
  return mark;
}

// One field a speaker, and the button that saves the names.
function setUpSpeakers({ speakers, video }) {
  const box = $("speakers");
  if (!speakers?.count) return void (box.hidden = true);
  const field = ({ id, name }, person) =>
    el(
      "label",
      { class: "speaker" },
      markOf(person),
      el("span", { class: "sr" }, `Name of ${id}`),
      el("input", {
        value: name ?? "",
        placeholder: id,
        maxlength: LONGEST_NAME,
        size: 10,
        autocomplete: "off",
        spellcheck: "false",
        oninput: ({ target }) => speakers.rename(person, target.value),
        onkeydown: (event) => event.stopPropagation(), // the page's own keys
      }),
    );
  const stem = (video.path.split(/[\\/]/).at(-1) || "video").replace(/\.[^.]*$/, "");
  const save = () => {
    const url = URL.createObjectURL(new Blob([speakers.file()], { type: "text/plain" }));
    el("a", { href: url, download: `${stem}_speakers.txt` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  };
  const hint = "Saves the names to a file; framefleet name RESULT.json --file FILE puts them into the result";
  box.append(...speakers.people.map(field), el("button", { type: "button", class: "plain", title: hint, onclick: save }, "Save names"));
}

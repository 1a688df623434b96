// Search over everything said, written, seen and heard.

const MOST_FOUND = 60; // of each kind; how many more there are is said

// Letters without case or accents, one for one word, so that places in the text stay those of the words.
const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

class Finder {
  constructor(model) {
    this.model = model;
  }

  // All that is said as one string, and where each word begins in it. Made when it is first searched.
  get spoken() {
    if (!this.heap) {
      const texts = (this.model.words?.texts ?? []).map(folded);
      const begins = new Int32Array(texts.length);
      let at = 0;
      texts.forEach((text, i) => {
        begins[i] = at;
        at += text.length;
      });
      this.heap = { text: texts.join(""), begins };
    }
    return this.heap;
  }

  search(query) {
    const wanted = folded(query.trim());
    if (!wanted) return [];
    return [
      { kind: "said", ...this.said(wanted) },
      { kind: "written", ...this.written(wanted) },
      { kind: "seen", ...this.seen(wanted) },
      { kind: "heard", ...this.heard(wanted) },
    ].filter((group) => group.total);
  }

  said(wanted) {
    const { text, begins } = this.spoken;
    const found = [];
    let total = 0;
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
      if (++total > MOST_FOUND) continue;
      // of a word with a space before it, a match of the space alone is the next one's
      const first = lastUpTo(begins, at);
      const last = lastUpTo(begins, at + wanted.length - 1);
      found.push({ time: this.model.words.starts[first], parts: this.around(first, last) });
    }
    return { found, total };
  }

  // A few words before, the ones found, a few after.
  around(first, last) {
    const { texts } = this.model.words;
    const join = (from, to) => texts.slice(Math.max(0, from), to).join("");
    const match = join(first, last + 1);
    const bare = match.trimStart(); // Whisper's words bring the space before them
    const before = join(first - 6, first) + match.slice(0, match.length - bare.length);
    return [shortenedLeft(before.trimStart(), 60), bare, shortened(join(last + 1, last + 9), 80)];
  }

  written(wanted) {
    const { spans } = this.model;
    const places = indicesOf(spans?.texts ?? [], (text) => folded(text).includes(wanted));
    return {
      total: places.length,
      found: places.slice(0, MOST_FOUND).map((i) => ({ time: spans.starts[i], parts: split(spans.texts[i], wanted) })),
    };
  }

  heard(wanted) {
    const { events, heard } = this.model;
    const fits = (heard?.labels ?? []).map((label) => folded(label).includes(wanted));
    const places = indicesOf(events?.label ?? [], (label) => fits[label]);
    const one = (i) => ({
      time: events.starts[i],
      parts: split(heard.labels[events.label[i]], wanted),
      more: `for ${span(events.ends[i] - events.starts[i])}`,
    });
    return { total: places.length, found: places.slice(0, MOST_FOUND).map(one) };
  }

  // Stretches of samples, one after the other, in which a label is seen.
  seen(wanted) {
    const { labels, boxes, samples } = this.model;
    const fits = labels.map((label) => folded(label).includes(wanted));
    if (!fits.includes(true)) return { total: 0, found: [] };
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
      parts: split(labels[run.label], wanted),
      more: `in ${counted(run.samples, "picture")}`,
    });
    return { total: runs.length, found: runs.slice(0, MOST_FOUND).map(one) };
  }
}

const shortenedLeft = (text, most) => (text.length > most ? `…${[...text].slice(-most).join("")}` : text);

// Before, the match, after; all of it as the match where folding has moved its place.
function split(text, wanted) {
  const at = text.toLowerCase().indexOf(wanted);
  if (at < 0 || text.length > 400) return ["", shortened(text, 160), ""];
  return [text.slice(0, at), text.slice(at, at + wanted.length), text.slice(at + wanted.length)];
}

// The box under the field. Arrow keys choose, Enter goes there, Escape ends.
function setUpFind(model, player) {
  const [query, list, finder] = [$("query"), $("found"), new Finder(model)];
  let chosen = -1;
  const options = () => [...list.querySelectorAll("[role=option]")];
  const choose = (to) => {
    const all = options();
    if (!all.length) return;
    all[chosen]?.setAttribute("aria-selected", "false");
    chosen = (to + all.length) % all.length;
    all[chosen].setAttribute("aria-selected", "true");
    all[chosen].scrollIntoView({ block: "nearest" });
    query.setAttribute("aria-activedescendant", all[chosen].id);
  };
  const open = (on) => {
    list.hidden = !on;
    query.setAttribute("aria-expanded", on);
    if (!on) query.removeAttribute("aria-activedescendant");
  };
  const show = () => {
    chosen = -1;
    const groups = finder.search(query.value);
    list.replaceChildren(...found(groups, player));
    if (!groups.length) list.append(el("p", { class: "empty" }, "Nothing found."));
    open(Boolean(query.value.trim()));
  };
  query.addEventListener("input", show);
  query.addEventListener("focus", () => query.value.trim() && show());
  query.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen - 1);
    else if (event.key === "Enter") options()[Math.max(0, chosen)]?.click();
    else if (event.key === "Escape") {
      if (list.hidden) query.value = "";
      open(false);
    } else return;
    event.preventDefault();
  });
  document.addEventListener("pointerdown", (event) => !event.target.closest(".find") && open(false));
}

function found(groups, player) {
  let number = 0;
  return groups.map(({ kind, total, found }) => {
    const rest = total - found.length;
    const items = found.map((one) => result(one, `found-${number++}`, player));
    const more =
      rest > 0 ? el("p", { class: "empty" }, `and ${grouped(rest)} more; write more to narrow it down`) : null;
    return el(
      "section",
      { role: "listbox", "aria-label": kind },
      el("h3", {}, `${kind} `, el("span", { class: "dim" }, grouped(total))),
      items,
      more,
    );
  });
}

function result({ time, parts, more }, id, player) {
  const [before, match, after] = parts;
  const text = el(
    "span",
    { class: "snippet", dir: "auto" },
    before,
    el("mark", {}, match),
    after,
    more ? el("span", { class: "dim" }, ` ${more}`) : null,
  );
  return el(
    "div",
    { role: "option", id, class: "hit", "aria-selected": "false", onclick: () => player.seek(time) },
    el("span", { class: "num dim" }, stamp(time)),
    text,
  );
}

// Where the video comes from: beside the page, or a file that is chosen; and what is said where it cannot be shown.

// As the report was made, and beside the page by its name: people move the two together, without the folders.
function urlsOf({ url }) {
  if (!url) return [];
  return [...new Set([url, url.slice(url.lastIndexOf("/") + 1)])];
}

class Source {
  constructor(model, player, picture) {
    Object.assign(this, { model, player, picture, element: $("video"), waiting: urlsOf(model.video), found: false });
    this.name = model.video.path;
    this.element.addEventListener("error", () => this.failed());
    this.element.addEventListener("loadedmetadata", () => this.loaded());
    $("choose").addEventListener("click", () => $("file").click());
    $("file").addEventListener("change", () => this.choose($("file")));
    document.addEventListener("dragover", (event) => holdsFile(event) && event.preventDefault());
    document.addEventListener("drop", (event) => this.drop(event));
    if (this.waiting.length) this.next();
    else
      this.say(
        "The video was not found when this report was made.",
        "framefleet report --video FILE says where it is.",
      );
  }

  next() {
    this.play(this.waiting.shift());
  }

  play(url) {
    $("notice").hidden = true;
    this.player.attach();
    this.element.src = url;
  }

  // A file that somebody says is the video.
  take(file) {
    Object.assign(this, { name: file.name, waiting: [], found: true });
    this.play(URL.createObjectURL(file));
  }

  choose(input) {
    if (input.files.length) this.take(input.files[0]);
    input.value = ""; // the same file may be chosen again, which would else be no change
  }

  drop(event) {
    if (!holdsFile(event)) return;
    event.preventDefault();
    this.take(event.dataTransfer.files[0]);
  }

  failed() {
    if (!this.element.error) return;
    const missing = isMissing(this.element.error);
    this.found ||= missing === false;
    if (this.waiting.length) return this.next();
    this.player.giveUp();
    const gone = `${this.name} is not where it was when this report was made, nor beside it`;
    if (this.found) this.say(`This browser cannot play ${this.name} (${this.kind()}).`, RENDER);
    else if (missing) this.say(`${gone}.`);
    else this.say(`${gone}, or this browser cannot play it (${this.kind()}): it does not say which.`, RENDER);
  }

  loaded() {
    const { videoWidth, videoHeight } = this.element;
    if (videoWidth) this.picture.shape(videoWidth, videoHeight);
    else if (this.model.video.width)
      this.say(`This browser plays only the sound of ${this.name}, not its picture (${this.kind()}).`, RENDER);
    this.picture.draw();
  }

  // h264 in .avi
  kind() {
    const ending = /\.\w{1,5}$/.exec(this.name)?.[0];
    return `${this.model.video.codec || "sound"}${ending ? ` in ${ending}` : ""}`;
  }

  // What is wrong, what is seen instead, and what can be done.
  say(wrong, advice = "") {
    const { thumbnails, video } = this.model;
    const stand = thumbnails.made ? "are the scenes' thumbnails" : "is a blank";
    const instead = video.width ? `In its place ${stand}; time, boxes and text go on.` : "Time and text go on.";
    notice([wrong, instead, advice].filter(Boolean).join(" "), true);
  }
}

const RENDER = "framefleet render writes an MP4 that every browser plays.";

const holdsFile = ({ dataTransfer }) => Boolean(dataTransfer?.types.includes("Files"));

// Browsers tell no codes for it, only words: of a file that is not there Chromium the first of these, Firefox the others.
// Of one that it cannot play Chromium has none. Null: not known, where a browser has none at all.
function isMissing({ message }) {
  if (/format error|not found|404|open media/i.test(message)) return true;
  return message || navigator.userAgent.includes("Chrome/") ? false : null;
}

function notice(text, choosing = false) {
  $("wrong").textContent = text;
  $("choose").hidden = !choosing;
  $("notice").hidden = false;
}

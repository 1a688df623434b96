// The source of the video: next to the page, or a file that the user chooses; and messages if it cannot be shown.

// The path when the report was made, and the same folder as the page: both are often moved together.
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
        "Run framefleet report --video FILE with its new path.",
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

  // A file that the user chose as the video.
  take(file) {
    Object.assign(this, { name: file.name, waiting: [], found: true });
    this.play(URL.createObjectURL(file));
  }

  choose(input) {
    if (input.files.length) this.take(input.files[0]);
    input.value = ""; // so that choosing the same file again is a change
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
    const gone = `${this.name} is neither at its old path nor next to this report`;
    if (this.found) this.say(`This browser cannot play ${this.name} (${this.kind()}).`, RENDER);
    else if (missing) this.say(`${gone}.`);
    else this.say(`${gone}, or this browser cannot play it (${this.kind()}).`, RENDER);
  }

  loaded() {
    const { videoWidth, videoHeight } = this.element;
    if (videoWidth) this.picture.shape(videoWidth, videoHeight);
    else if (this.model.video.width)
      this.say(`This browser plays only the sound of ${this.name}, not the video (${this.kind()}).`, RENDER);
    this.picture.draw();
  }

  // h264 in .avi
  kind() {
    const ending = /\.\w{1,5}$/.exec(this.name)?.[0];
    return `${this.model.video.codec || "sound"}${ending ? ` in ${ending}` : ""}`;
  }

  // Shows what is wrong, what is displayed instead, and what to do.
  say(wrong, advice = "") {
    const { thumbnails, video } = this.model;
    const stand = thumbnails.made ? "Thumbnails of the scenes are shown instead" : "No frames are shown";
    const instead = video.width ? `${stand}; time, boxes and text still work.` : "Time and text still work.";
    notice([wrong, instead, advice].filter(Boolean).join(" "), true);
  }
}

const RENDER = "Run framefleet render for an MP4 that every browser plays.";

const holdsFile = ({ dataTransfer }) => Boolean(dataTransfer?.types.includes("Files"));

// Browsers have no code for a missing file, only messages: Chromium the first of these, Firefox the others. For a file
// that it cannot play, Chromium has no message. Null: unknown, in a browser without messages.
function isMissing({ message }) {
  if (/format error|not found|404|open media/i.test(message)) return true;
  return message || navigator.userAgent.includes("Chrome/") ? false : null;
}

function notice(text, choosing = false) {
  $("wrong").textContent = text;
  $("choose").hidden = !choosing;
  $("notice").hidden = false;
}

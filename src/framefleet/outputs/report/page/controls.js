// Buttons below the video.

const PATHS = {
  play: "M6 3.5v13l10.5-6.5z",
  pause: "M5.5 3.5h3v13h-3zM11.5 3.5h3v13h-3z",
  previous: "M5 4h2v12H5zM15.5 4v12L8 10z",
  next: "M13 4h2v12h-2zM4.5 4v12L12 10z",
  sound: "M3 7.5h3L10.5 4v12L6 12.5H3zM13 7.2a4 4 0 0 1 0 5.6M15 5a7 7 0 0 1 0 10",
  silent: "M3 7.5h3L10.5 4v12L6 12.5H3zM13 8l4.5 4.5M17.5 8L13 12.5",
  full: "M3 7.5V3h4.5M12.5 3H17v4.5M17 12.5V17h-4.5M7.5 17H3v-4.5",
};
const SPEEDS = [0.25, 0.5, 1, 1.5, 2, 4];

function setUpControls(model, player) {
  $("length").textContent = ` / ${stamp(model.video.duration_s)}`;
  $("previous").append(icon(PATHS.previous));
  $("next").append(icon(PATHS.next));
  $("full").append(icon(PATHS.full));
  $("speed").append(...SPEEDS.map((speed) => el("option", { value: speed, selected: speed === 1 }, `${speed}×`)));
  $("speed").addEventListener("change", (event) => player.speed(Number(event.target.value)));
  $("play").addEventListener("click", () => player.toggle());
  $("previous").addEventListener("click", () => step(model, player, -1));
  $("next").addEventListener("click", () => step(model, player, 1));
  $("mute").addEventListener("click", () => mute());
  $("full").addEventListener("click", () => fullScreen());
  $("full").hidden = !document.fullscreenEnabled || !model.video.width;
  player.addEventListener("time", ({ detail }) => ($("time").textContent = clockTime(detail.time, 1)));
  player.addEventListener("state", () => showState(model, player));
  showState(model, player);
}

function showState({ video }, player) {
  $("play").replaceChildren(icon(player.playing ? PATHS.pause : PATHS.play));
  $("play").setAttribute("aria-label", player.playing ? "Pause" : "Play");
  $("mute").replaceChildren(icon($("video").muted ? PATHS.silent : PATHS.sound));
  $("mute").setAttribute("aria-label", $("video").muted ? "Sound on" : "Mute");
  $("mute").hidden = !video.audio || !player.video;
}

function mute() {
  $("video").muted = !$("video").muted;
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else $("screen").requestFullscreen?.();
}

// To the previous or next sample; without samples, by a second.
function step(model, player, by) {
  player.pause();
  const { samples } = model;
  if (!samples?.count) return player.seek(player.time + by);
  const here = lastUpTo(samples.shown, player.time + 0.002);
  let to = here + by;
  while (to > 0 && to < samples.count - 1 && samples.shown[to] === samples.shown[here]) to += by;
  if (to >= 0 && to < samples.count) player.seek(samples.shown[to]);
}

function stepScene(model, player, by) {
  if (!model.scenes?.length) return;
  const here = lastUpTo(model.cuts, player.time + 0.002);
  // back goes to the start of this scene first, as in players
  const to = by < 0 && player.time - model.cuts[here] > 1 ? here : here + by;
  if (to >= 0 && to < model.cuts.length) player.seek(entryOf(model, to));
}

// One colour a label, everywhere on the page: on the picture, in the filters, on the timeline.

const HUES = [
  "#3d9bff",
  "#ff8b3d",
  "#2fc58a",
  "#f26bb1",
  "#a98bff",
  "#d8a806",
  "#25c3cc",
  "#ff6666",
  "#8dbf2e",
  "#c79a73",
];

// Of more labels than colours, the commonest have the first ones, and the rest begin again darker.
function colourOf(label) {
  const hue = HUES[label % HUES.length];
  const share = [1, 0.78, 0.6][Math.floor(label / HUES.length) % 3];
  const part = (at) => Math.round(share * parseInt(hue.slice(at, at + 2), 16));
  return `rgb(${part(1)} ${part(3)} ${part(5)})`;
}

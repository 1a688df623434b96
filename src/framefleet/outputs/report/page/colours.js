// One colour a label, everywhere on the page: on the picture, in the filters, on the timeline. HUES and SHARES come
// from outputs/palette.py, which the annotated video has its colours from too.
function colourOf(label) {
  const hue = HUES[label % HUES.length];
  const share = SHARES[Math.floor(label / HUES.length) % SHARES.length];
  const part = (at) => Math.round(share * parseInt(hue.slice(at, at + 2), 16));
  return `rgb(${part(1)} ${part(3)} ${part(5)})`;
}

// A colour per label, on the frame, in the filters and on the timeline. HUES and SHARES come from outputs/palette.py,
// as do the colours of the annotated video.
function colourOf(label) {
  const hue = HUES[label % HUES.length];
  const share = SHARES[Math.floor(label / HUES.length) % SHARES.length];
  const part = (at) => Math.round(share * parseInt(hue.slice(at, at + 2), 16));
  return `rgb(${part(1)} ${part(3)} ${part(5)})`;
}

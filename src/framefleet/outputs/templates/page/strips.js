// A video over time: its frames side by side, and below them lanes for shots, text and speech, on one scale.

const WIDTH = 1000; // of a lane, in units of its own

function strip(video, until = video.duration) {
  const share = until > 0 ? video.duration / until : 1;
  const frames = el("div", { class: "frames" }, ...video.frames.map((jpeg) =>
    el("img", { src: `data:image/jpeg;base64,${jpeg}`, alt: "", loading: "lazy", decoding: "async", draggable: "false" })));
  const picture = el("div", { class: "strip" }, video.frames.length ? frames : el("div", { class: "frames none dim small" }, "no thumbnails"), lanes(video));
  picture.style.width = `${100 * share}%`;
  return el("div", { class: "timed" }, picture);
}

function lanes(video) {
  const rows = [
    ["cut", video.shots, "shots"],
    ["text", video.texts, "text"],
    ["speech", video.speech, "speech"],
  ];
  return el("div", { class: "lanes" }, rows.map(([kind, spans, name]) => lane(kind, spans, name, video.duration)));
}

function lane(kind, spans, name, duration) {
  if (spans === null) return el("div", { class: "lane unknown", title: `${name}: not looked for` });
  const marks = spans.map(([start, end, text], place) => {
    const x = (WIDTH * start) / duration;
    const mark = svg("rect", { x, y: 0, width: Math.max(3, (WIDTH * (end - start)) / duration - (kind === "cut" ? 2 : 0)), height: 10, class: `${kind}${kind === "cut" && place % 2 ? " odd" : ""}` });
    mark.append(svg("title", {}, `${stamp(start)}${text ? ` ${text}` : ""}`));
    return mark;
  });
  const label = `${name}: ${spans.length}`;
  return el("div", { class: "lane" }, svg("svg", { viewBox: `0 0 ${WIDTH} 10`, preserveAspectRatio: "none", role: "img", "aria-label": label }, marks));
}

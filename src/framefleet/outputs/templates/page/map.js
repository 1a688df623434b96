// The map: a dot for each video, in the colour of its template. A click opens its report.

const SIDE = 1000;

function drawMap(videos, colours) {
  const place = (value) => SIDE / 2 + value * (SIDE / 2 - 40);
  const dots = videos.map((video) => {
    const mark = svg("circle", { cx: place(video.x), cy: place(-video.y) * 0.6, r: 11, class: video.cluster ? "" : "alone" });
    mark.style.fill = colours.get(video.cluster);
    const text = `${video.name}: ${video.cluster ? `template ${video.cluster}` : "one-off"}`;
    mark.append(svg("title", {}, text));
    return video.report ? svg("a", { href: video.report, "aria-label": text }, mark) : mark;
  });
  return svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE * 0.6}`, role: "group", "aria-label": "Map of videos" }, dots);
}

// The comparison of two videos: one scale of time, and the figures in which they differ most.

const chosen = [];
const buttons = new Map();

function compareButton(video) {
  const button = el("button", { class: "plain", type: "button", "aria-pressed": false, onclick: () => choose(video) }, "Compare");
  buttons.set(video, button);
  return button;
}

function choose(video) {
  const place = chosen.indexOf(video);
  if (place >= 0) chosen.splice(place, 1);
  else chosen.push(video);
  if (chosen.length > 2) chosen.shift();
  for (const [one, button] of buttons) button.setAttribute("aria-pressed", String(chosen.includes(one)));
  compare();
  if (chosen.length === 2) $("comparison").scrollIntoView({ block: "nearest" });
}

function compare() {
  const [a, b] = chosen;
  if (!b) {
    const hint = a ? `${a.name} is chosen; choose another video.` : "Choose “Compare” at two videos.";
    $("compared").replaceChildren(el("p", { class: "dim" }, hint));
    return;
  }
  const until = Math.max(a.duration, b.duration);
  const rows = differing(a, b);
  $("compared").replaceChildren(
    ...[a, b].map((video) => el("div", { class: "against" }, el("p", { class: "small" }, video.name), strip(video, until))),
    el("div", { class: "scroll" }, el("table", {},
      el("thead", {}, el("tr", {}, ["figure", a.name, b.name, "apart"].map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, rows.map((row) => el("tr", {}, el("th", { scope: "row" }, title(row.name)),
        [row.a, row.b].map((value) => el("td", { class: "num" }, figure(value))), el("td", { class: "num" }, bar(row.apart))))))),
    el("p", { class: "small dim" }, "apart: in noticeable differences. A dash: there is no such thing in the video."));
}

// Figures that are known of both, those that differ most first.
function differing(a, b, most = 16) {
  const rows = [];
  for (const { name, scale, above, group } of head.figures) {
    if (group === "palette" || !(name in a.figures) || !(name in b.figures)) continue;
    const scaled = (value) => (above === null ? value : Math.log(Math.max(value, 0) + above)) / scale;
    const [one, other] = [a.figures[name], b.figures[name]];
    const none = (one === null) + (other === null);
    rows.push({ name, a: one, b: other, apart: none === 2 ? 0 : none ? 1 : Math.abs(scaled(one) - scaled(other)) });
  }
  return rows.sort((x, y) => y.apart - x.apart).slice(0, most);
}

const title = (name) =>
  name.replace(/_3s$/, " in the first 3 s").replace(/_s$/, " (s)").replace(/_per_min/, " per minute").replaceAll("_", " ");

const figure = (value) => (value === null ? "–" : String(+value.toPrecision(3)));

function bar(apart) {
  const mark = el("span", { class: "bar" });
  mark.style.width = `${Math.min(apart, 3) * 16}px`;
  return [mark, apart.toFixed(1)];
}

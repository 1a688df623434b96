// Clusters as rows, with their videos as cards.

const OTHERS = "one-off";

function section(cluster, videos, colour) {
  const members = videos.filter((video) => video.cluster === (cluster?.id ?? null));
  const first = members.find((video) => video.document === cluster?.medoid);
  const ordered = first ? [first, ...members.filter((video) => video !== first)] : members;
  const cards = el("div", { class: "cards" });
  const fill = () => cards.childElementCount || cards.append(...ordered.map((video) => card(video, video === first)));
  whenNear(null, fill).observe(cards);
  addEventListener("beforeprint", fill);
  return el("section", { class: "cluster panel", id: cluster?.id ?? OTHERS, "aria-label": cluster ? `Template ${cluster.id}` : "One-off videos" },
    el("h2", {}, dot(colour), cluster ? `Template ${cluster.id}` : "One-off videos",
      el("span", { class: "dim" }, ` ${counted(members.length, "video")}`)),
    cluster ? recipe(cluster) : el("p", { class: "dim" }, "They follow no template that at least three videos share."),
    cards);
}

function recipe(cluster) {
  const [hook, ...rest] = cluster.template.split("; ");
  const list = (title, found) => found.length > 0 && el("details", { open: title === "What sets it apart" && innerWidth > 900 },
    el("summary", {}, title),
    el("ul", { class: "differences" }, found.map((one) => el("li", {}, one.text))));
  return el("div", { class: "recipe" },
    el("div", {}, el("p", { class: "hook" }, hook), el("p", {}, rest.join(" · "))),
    el("div", {}, list("What sets it apart", cluster.differences), list("Within its family", cluster.from_family)));
}

function card(video, typical) {
  const body = [strip(video), el("span", { class: "name" }, video.name),
    el("span", { class: "dim small" }, span(video.duration), typical ? " · most typical" : "", video.report ? "" : " · no report")];
  const open = video.report
    ? el("a", { class: "open", href: video.report, title: "Open the report" }, body)
    : el("div", { class: "open", title: `framefleet report ${video.document}` }, body);
  return el("article", { class: `card${typical ? " typical" : ""}` }, open, compareButton(video));
}

const dot = (colour) => {
  const mark = el("span", { class: `dot${colour ? "" : " alone"}` });
  if (colour) mark.style.background = colour;
  return mark;
};

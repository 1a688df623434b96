// Puts the page together.

const head = JSON.parse($("head").textContent);
const colours = new Map(head.clusters.map((cluster, place) => [cluster.id, colourOf(place)]));

$("about").textContent = [
  counted(head.videos.length, "video"),
  counted(head.clusters.length, "template"),
  counted(head.alone.length, "one-off video"),
].join(" · ");
setUpTheme(() => {});
$("map").append(drawMap(head.videos, colours));
$("legend").append(...head.clusters.map(({ id }) => el("a", { href: `#${id}` }, dot(colours.get(id)), id)));
if (head.alone.length) $("legend").append(el("a", { href: `#${OTHERS}` }, dot(), "one-off"));
compare();

const families = new Map();
for (const cluster of head.clusters) families.set(cluster.family, [...(families.get(cluster.family) ?? []), cluster]);
for (const [family, clusters] of families) {
  const rows = clusters.map((cluster) => section(cluster, head.videos, colours.get(cluster.id)));
  if (rows.length === 1) $("clusters").append(...rows);
  else
    $("clusters").append(
      el("div", { class: "family", role: "group", "aria-label": `Family ${family}` },
        el("p", { class: "small dim familyname" }, `Family ${family}: ${rows.length} templates that lie close`), rows),
    );
}
if (head.alone.length) $("clusters").append(section(null, head.videos));
document.documentElement.dataset.ready = "";

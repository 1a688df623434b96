// The failures, and the provenance of the document.

const SHOWN_FAILURES = 100;

function drawFailures(model, player) {
  const holder = $("failures");
  const { failures } = model;
  if (!failures.length)
    return void holder.append(el("p", { class: "sum" }, el("b", {}, "None"), ": every request was answered"));
  holder.closest(".card").classList.add("bad");
  $("cards").prepend(holder.closest(".card"));
  $("alarm").textContent = counted(failures.length, "failure");
  $("alarm").hidden = false;
  holder.append(
    el(
      "p",
      { class: "sum" },
      el("b", {}, counted(failures.length, "failure")),
      ": these parts have no answer. Run the same command again to retry them.",
    ),
  );
  holder.append(
    el(
      "ul",
      { class: "failures scrolls", tabindex: 0, "aria-label": "Failures" },
      failures.slice(0, SHOWN_FAILURES).map((one) => failure(player, one)),
    ),
  );
  if (failures.length > SHOWN_FAILURES)
    holder.append(
      el("p", { class: "empty" }, `and ${grouped(failures.length - SHOWN_FAILURES)} more, in the document`),
    );
}

function failure(player, { stage, runs, span: lost, error, attempts }) {
  const pictures = runs.reduce((sum, [count]) => sum + count, 0);
  const from = lost ? lost[0] : runs.length ? runs[0][1] : null;
  const what = lost
    ? `${stamp(lost[0])}–${stamp(lost[1])}`
    : runs.length
      ? `${counted(pictures, "frame")} from ${stamp(from)}`
      : "everything";
  const where =
    from === null
      ? el("span", {}, what)
      : el("button", { type: "button", class: "plain", onclick: () => player.seek(from) }, what);
  const tried = attempts > 0 && counted(attempts, "attempt"); // without attempts the error is enough
  return el(
    "li",
    {},
    el("b", {}, stage),
    " ",
    where,
    " ",
    el("bdi", {}, shortened(error, 400)),
    tried && el("span", { class: "dim" }, ` · ${tried}`),
  );
}

function drawMade({ provenance, config, video, seen }) {
  const models = Object.entries(provenance.models).flatMap(([stage, all]) =>
    all.map((one) => [stage, `${one.model} on ${one.gpu ?? one.device}`, `sha256 ${one.model_id.slice(0, 12)}…`]),
  );
  const rows = [
    ...models,
    video.width && [
      "sampled",
      `${config.fps} ${config.fps === 1 ? "frame" : "frames"} per second, ${config.sampling}`,
      config.crop ? `crop ${config.crop.width} × ${config.crop.height}` : "",
    ],
    ["run", moment(provenance.started_at), `FrameFleet ${provenance.framefleet_version}, Python ${provenance.python}`],
    ["on", provenance.platform, ""],
    [
      "video",
      [video.codec, video.audio ? `${video.audio.codec} sound` : "no sound"].filter(Boolean).join(", "),
      video.path,
    ],
  ];
  if (seen?.note) rows.push(["tracks", seen.note, ""]);
  $("made").append(
    el(
      "dl",
      { class: "facts" },
      rows
        .filter(Boolean)
        .flatMap(([name, value, more]) => [
          el("dt", {}, name),
          el("dd", {}, el("bdi", {}, value), more ? el("span", { class: "dim" }, " ", el("bdi", {}, more)) : null),
        ]),
    ),
  );
}

const moment = (iso) => iso.replace("T", " ").replace(/(:\d\d)?(\.\d+)?(\+00:00|Z)$/, " UTC");

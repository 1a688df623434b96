// Cost and timing, as bars with numbers.

function drawTiming({ timing, video }) {
  const parts = [
    ...Object.entries(timing.decode).map(([name, one]) => ({ name: `decode ${name}`, ...one })),
    ...Object.entries(timing.prefilter ?? {}).map(([name, one]) => ({ name: `prefilter ${name}`, ...one })),
    ...Object.entries(timing.stages).map(([name, one]) => ({ name, ...one })),
  ];
  const most = Math.max(timing.wall_s, ...parts.map((one) => one.busy_s + one.waiting_s), 1e-9);
  const slowest = timing.bottleneck === "decode" ? "decode pictures" : timing.bottleneck;
  const rows = parts.map((one) => timeRow(one, most, one.name === slowest));
  const pace = timing.wall_s > 0 ? video.duration_s / timing.wall_s : 0;
  $("timing").append(
    el(
      "p",
      { class: "sum" },
      el("b", {}, span(timing.wall_s)),
      ` in all, ${pace >= 10 ? pace.toFixed(0) : pace.toFixed(1)} × real time; average parallelism ${timing.overlap.toFixed(2)}`,
    ),
    el("div", { class: "legend" }, swatch("busy", "busy"), swatch("waiting", "waiting"), QUEUED()),
    el("div", { class: "bars" }, rows),
  );
  if (slowest) $("timing").append(bottleneck(timing));
}

// The bottleneck and the advice.
function bottleneck({ bottleneck, advice }) {
  const cause = bottleneck === "decode" ? "decoding the frames" : bottleneck;
  return el(
    "div",
    { class: "advice" },
    el("p", {}, el("b", {}, `Bottleneck: ${cause}`)),
    advice && el("p", {}, advice),
  );
}

const QUEUED = () => el("span", {}, "queued: average number of requests ready and not yet sent");

const swatch = (kind, text) => el("span", {}, el("i", { class: `swatch ${kind}` }), text);

function timeRow(one, most, slowest) {
  const facts = [span(one.busy_s)];
  if (one.waiting_s >= 0.005) facts.push(`waited ${span(one.waiting_s)}`);
  if (one.per_s) facts.push(`${+one.per_s.toPrecision(3)}/s`);
  if (one.queue_mean !== null && one.queue_mean !== undefined) facts.push(`${+one.queue_mean.toFixed(1)} queued`);
  return bar(
    one.name,
    [
      ["busy", one.busy_s / most],
      ["waiting", one.waiting_s / most],
    ],
    facts.join(" · "),
    slowest,
  );
}

// A row with a name, parts of the full width, and numbers.
function bar(name, parts, text, strong = false) {
  const track = el(
    "span",
    { class: "track" },
    parts.map(([kind, share]) => {
      const piece = el("i", { class: kind });
      piece.style.width = `${(100 * Math.min(1, share)).toFixed(2)}%`;
      return piece;
    }),
  );
  return el(
    "div",
    { class: strong ? "bar strong" : "bar" },
    el("span", { class: "barname" }, name),
    track,
    el("span", { class: "num dim" }, text),
  );
}

function drawBill({ cost }) {
  const stages = Object.entries(cost.stages);
  const paid = stages.filter(([, one]) => one.backend === "runpod");
  const api = stages.some(([, one]) => one.backend === "api");
  const holder = $("bill");
  if (!paid.length) {
    holder.append(
      el(
        "p",
        { class: "sum" },
        el("b", {}, api ? "Unknown" : "Free"),
        api
          ? ": the transcription service has its own bill; the rest ran on this machine"
          : ": everything ran on this machine",
      ),
    );
  } else {
    holder.append(
      el(
        "p",
        { class: "sum" },
        el("b", {}, usd(cost.usd)),
        ` billed${cost.usd_all_runs > cost.usd ? ` in this run, ${usd(cost.usd_all_runs)} in all runs` : ""}, ${usd(cost.usd_estimated)} estimated, ${usd(cost.usd_sequential)} sequential${api ? "; the transcription service has its own bill" : ""}`,
      ),
    );
    holder.append(
      el(
        "div",
        { class: "legend" },
        swatch("work", "execution"),
        swatch("wasted", "billed without execution"),
        swatch("expected", "estimated"),
      ),
    );
    const most = Math.max(...paid.map(([, one]) => Math.max(one.usd, one.usd_estimated)), 1e-12);
    holder.append(
      el(
        "div",
        { class: "bars" },
        paid.flatMap(([name, one]) => billRows(name, one, most)),
      ),
    );
  }
  holder.append(billTable(stages));
  if (paid.length) holder.append(el("p", { class: "small dim" }, `Billed ${cost.rule}.`));
}

// Dollars for billed seconds in which no job ran: idle workers and rounding up.
function wasted(one) {
  const workUsd = Math.min(one.usd, one.execution_s * one.usd_per_s);
  return Math.max(0, one.usd - workUsd);
}

function billRows(name, one, most) {
  const idle = wasted(one);
  return [
    bar(
      name,
      [
        ["work", (one.usd - idle) / most],
        ["wasted", idle / most],
      ],
      `${usd(one.usd)} · ${usd(idle)} without execution`,
    ),
    bar("", [["expected", one.usd_estimated / most]], `${usd(one.usd_estimated)} estimated`),
  ];
}

function billTable(stages) {
  const head = ["stage", "backend", "requests", "workers", "execution", "billed"];
  const row = ([name, one]) => [
    name,
    one.backend,
    grouped(one.requests),
    String(one.workers),
    span(one.execution_s),
    one.backend === "runpod" ? span(one.billed_s) : "–",
  ];
  const cells = (kind, texts) =>
    el(
      "tr",
      {},
      texts.map((text, i) =>
        el(
          i && kind === "td" ? "td" : "th",
          { scope: kind === "th" ? "col" : i ? null : "row", class: i > 1 ? "num" : null },
          text,
        ),
      ),
    );
  return el(
    "div",
    { class: "wide" },
    el(
      "table",
      {},
      el("thead", {}, cells("th", head)),
      el(
        "tbody",
        {},
        stages.map((stage) => cells("td", row(stage))),
      ),
    ),
  );
}

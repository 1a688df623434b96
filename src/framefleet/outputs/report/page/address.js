// A time in the page's address, for links: report.html#t=12.5

const timeOf = (hash) => {
  const found = /^#t=(\d+(?:\.\d*)?)$/.exec(hash);
  return found ? Number(found[1]) : null;
};

// While paused, the address has the current time. Updates are throttled, as browsers limit them.
function setUpAddress(player) {
  const start = timeOf(location.hash);
  if (start !== null) player.seek(start);
  window.addEventListener("hashchange", () => {
    const time = timeOf(location.hash);
    if (time !== null) player.seek(time);
  });
  let waiting = 0;
  const keep = () => {
    waiting = 0;
    const hash = `#t=${Math.max(0, player.time).toFixed(2)}`;
    if (!player.playing && hash !== location.hash) history.replaceState(null, "", hash);
  };
  const soon = () => {
    if (player.playing) return;
    clearTimeout(waiting);
    waiting = setTimeout(keep, 300);
  };
  player.addEventListener("time", ({ detail }) => detail.settled && (detail.time > 0 || location.hash) && soon());
  player.addEventListener("state", () => player.time > 0 && soon());
}

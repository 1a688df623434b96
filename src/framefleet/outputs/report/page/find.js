// The search field and its results.

// The list under the field. Arrow keys choose, Enter seeks, Escape closes.
function setUpFind(model, player) {
  const [query, list, finder] = [$("query"), $("found"), new Finder(model)];
  let chosen = -1;
  const options = () => [...list.querySelectorAll("[role=option]")];
  const choose = (to) => {
    const all = options();
    if (!all.length) return;
    all[chosen]?.setAttribute("aria-selected", "false");
    chosen = (to + all.length) % all.length;
    all[chosen].setAttribute("aria-selected", "true");
    all[chosen].scrollIntoView({ block: "nearest" });
    query.setAttribute("aria-activedescendant", all[chosen].id);
  };
  const open = (on) => {
    list.hidden = !on;
    query.setAttribute("aria-expanded", on);
    if (!on) query.removeAttribute("aria-activedescendant");
  };
  const show = () => {
    chosen = -1;
    const groups = finder.search(query.value);
    list.replaceChildren(...found(groups, (time) => player.seek(time)));
    if (!groups.length) list.append(el("p", { class: "empty" }, "No matches."));
    open(Boolean(query.value.trim()));
  };
  // Seeks and returns to the player's keys. A click keeps the list open for the next result.
  const enter = () => {
    const option = options()[Math.max(0, chosen)];
    if (!option) return;
    option.click();
    open(false);
    $("play").focus();
  };
  query.addEventListener("input", show);
  query.addEventListener("focus", () => query.value.trim() && show());
  query.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen - 1);
    else if (event.key === "Enter") enter();
    else if (event.key === "Escape") {
      if (list.hidden) query.value = "";
      open(false);
    } else return;
    event.preventDefault();
  });
  document.addEventListener("pointerdown", (event) => !event.target.closest(".find") && open(false));
}

function found(groups, go) {
  let number = 0;
  return groups.map(({ kind, total, found }) => {
    const rest = total - found.length;
    const items = found.map((one) => result(one, `found-${number++}`, go));
    const more =
      rest > 0 ? el("p", { class: "empty" }, `and ${grouped(rest)} more; add words to narrow the search`) : null;
    return el(
      "section",
      { role: "listbox", "aria-label": kind },
      el("h3", {}, `${kind} `, el("span", { class: "dim" }, grouped(total))),
      items,
      more,
    );
  });
}

function result({ time, parts, more }, id, go) {
  const [before, match, after] = parts;
  const text = el(
    "span",
    { class: "snippet", dir: "auto" },
    before,
    el("mark", {}, match),
    after,
    more ? el("span", { class: "dim" }, ` ${more}`) : null,
  );
  return el(
    "div",
    { role: "option", id, class: "hit", "aria-selected": "false", onclick: () => go(time) },
    el("span", { class: "num dim" }, stamp(time)),
    text,
  );
}

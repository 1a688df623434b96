// Light or dark: the system's setting until the user changes it; the choice is stored if the browser allows it.
function setUpTheme(changed) {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    inks.clear();
    changed();
  };
  const kept = remembered();
  if (kept === "light" || kept === "dark") root.dataset.theme = kept;
  system.addEventListener("change", apply);
  let shown;
  addEventListener("beforeprint", () => {
    shown = root.dataset.theme;
    root.dataset.theme = "light"; // paper is
    apply();
  });
  addEventListener("afterprint", () => {
    if (shown) root.dataset.theme = shown;
    else delete root.dataset.theme;
    apply();
  });
  const toggle = () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
    root.dataset.theme = dark ? "light" : "dark";
    try {
      localStorage.setItem("framefleet-theme", root.dataset.theme);
    } catch {
      // a page from disk may not be allowed to store anything
    }
    apply();
  };
  $("theme").addEventListener("click", toggle);
  return toggle;
}

function remembered() {
  try {
    return localStorage.getItem("framefleet-theme");
  } catch {
    return null;
  }
}

// The only place where elements are created. Text becomes text nodes, so text from a video is never read as markup.

const $ = (id) => document.getElementById(id);

function make(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name.startsWith("aria-") && typeof value === "boolean") element.setAttribute(name, String(value));
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// el("button", {class: "x", onclick: go}, "text", other)
const el = (tag, attributes, ...children) => make(document.createElement(tag), attributes, children);

const svg = (tag, attributes, ...children) =>
  make(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

// A line icon, from a path in a 20 × 20 box.
const icon = (path) => svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, svg("path", { d: path }));

// Calls fill(element) once, when the element is about to become visible in `root`, so that long lists stay cheap.
function whenNear(root, fill) {
  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        observer.unobserve(entry.target);
        fill(entry.target);
      }
    },
    { root, rootMargin: "600px 0px" },
  );
  return observer;
}

// Runs at most once per animation frame, however often it is called.
function oncePerFrame(work) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      work();
    });
  };
}

// Colours for a canvas, which supports neither CSS variables nor light-dark().
const inks = new Map();

function ink(name) {
  if (!inks.has(name)) {
    const probe = el("span", { hidden: true });
    document.body.append(probe);
    probe.style.color = `var(--${name})`;
    inks.set(name, getComputedStyle(probe).color);
    probe.remove();
  }
  return inks.get(name);
}

// Fits a canvas to its box and the pixel ratio, and returns its context, in units of CSS pixels.
function fitted(canvas, width, height) {
  const dense = Math.min(window.devicePixelRatio || 1, 3);
  const [w, h] = [Math.round(width * dense), Math.round(height * dense)];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  const context = canvas.getContext("2d");
  context.setTransform(dense, 0, 0, dense, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

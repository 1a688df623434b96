// Elements are made here and nowhere else. Text becomes text nodes, so whatever a video says is never read as markup.

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

// One line pictogram, from the path of a 20 × 20 drawing.
const icon = (path) => svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, svg("path", { d: path }));

// Calls fill(element) once, when the element comes near to what is seen of `root`: long lists cost what is looked at.
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

// At most once a frame, however often it is asked for.
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

// Colours as a canvas takes them: it knows neither variables nor light-dark().
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

// A canvas as large as its box, on sharp screens too. Gives its context, in units of CSS pixels.
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

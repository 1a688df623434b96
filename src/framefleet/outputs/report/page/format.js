// Formatting of numbers and times.

const two = (value) => String(value).padStart(2, "0");

// Rounds half to even, as Python does, so that the terminal shows the same times.
const rounded = (value) => (Math.abs(value % 1) === 0.5 ? 2 * Math.round(value / 2) : Math.round(value));

// 63.2 → "1:03", with digits 1 → "1:03.2"; with hours if there are any.
function clockTime(seconds, digits = 0) {
  const ticks = rounded(Math.abs(seconds) * 10 ** digits);
  const sign = seconds < 0 && ticks ? "−" : "";
  const whole = Math.floor(ticks / 10 ** digits);
  const rest = digits ? `.${String(ticks % 10 ** digits).padStart(digits, "0")}` : "";
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const head = hours ? `${hours}:${two(minutes)}` : String(minutes);
  return `${sign}${head}:${two(whole % 60)}${rest}`;
}

// A time as on the terminal: to a tenth; from an hour on in whole seconds.
const stamp = (seconds) => clockTime(seconds, 1).replace(/(:\d\d:\d\d)\.\d$/, "$1");

// 1.25 s, 3 min 20 s
function span(seconds) {
  if (seconds < 10) return `${+seconds.toFixed(2)} s`;
  if (seconds < 120) return `${+seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
}

// The rounded hundredths of the sum of hundredths rounded down and rounded.
const hundredths = (sure) => (Math.ceil(sure / 2) / 100).toFixed(2);

const usd = (value) => (value >= 100 ? `$${value.toFixed(2)}` : `$${value.toFixed(4)}`);
const grouped = (value) => value.toLocaleString("en").replaceAll(",", "\u202f");
const counted = (value, one, many = `${one}s`) => `${grouped(value)} ${value === 1 ? one : many}`;
const percent = (share) => `${Math.round(100 * share)} %`;
const shortened = (text, most) => (text.length > most ? `${[...text].slice(0, most - 1).join("")}…` : text);

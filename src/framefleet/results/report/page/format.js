// Numbers as people read them.

const two = (value) => String(value).padStart(2, "0");

// 63.2 → "1:03", with digits 1 → "1:03.2"; hours where there are any.
function clockTime(seconds, digits = 0) {
  const sign = seconds < 0 ? "−" : "";
  const ticks = Math.floor(Math.abs(seconds) * 10 ** digits + 1e-6);
  const whole = Math.floor(ticks / 10 ** digits);
  const rest = digits ? `.${String(ticks % 10 ** digits).padStart(digits, "0")}` : "";
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const head = hours ? `${hours}:${two(minutes)}` : String(minutes);
  return `${sign}${head}:${two(whole % 60)}${rest}`;
}

// 1.25 s, 3 min 20 s
function span(seconds) {
  if (seconds < 10) return `${+seconds.toFixed(2)} s`;
  if (seconds < 120) return `${+seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
}

const usd = (value) => (value >= 100 ? `$${value.toFixed(2)}` : `$${value.toFixed(4)}`);
const grouped = (value) => value.toLocaleString("en").replaceAll(",", "\u202f");
const counted = (value, one, many = `${one}s`) => `${grouped(value)} ${value === 1 ? one : many}`;
const percent = (share) => `${Math.round(100 * share)} %`;
const shortened = (text, most) => (text.length > most ? `${[...text].slice(0, most - 1).join("")}…` : text);

// Elements, and how things are written. Nothing here knows HTML: text stays text,
// wherever it comes from.

// h makes an element. Functions under keys that begin with "on" are listeners, true
// sets an attribute without a value, and null, undefined or false leave it out.
// Children are nodes, texts, numbers, or arrays of these; nothing becomes nothing.
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "indeterminate") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  return fill(element, children, false);
}

// fill puts children into an element, in place of those that were there.
export function fill(element, children, replace = true) {
  const nodes = [children].flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false)
    .map((c) => (c instanceof Node ? c : document.createTextNode(String(c))));
  if (replace) element.replaceChildren(...nodes);
  else element.append(...nodes);
  return element;
}

const units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];

// bytes writes a size.
export function bytes(n) {
  if (n === undefined || n === null || n < 0) return "–";
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) { n /= 1024; unit++; }
  const digits = unit === 0 || n >= 100 ? 0 : n >= 10 ? 1 : 2;
  return `${n.toFixed(digits)} ${n === 1 && unit === 0 ? "byte" : units[unit]}`;
}

// span writes a number of seconds.
export function span(seconds) {
  if (!isFinite(seconds)) return "–";
  if (seconds < 0.1) return "under 0.1 s";
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

// when writes how long ago a time is, and the time itself for those who point at it.
export function when(time) {
  if (!time) return "–";
  const at = new Date(time);
  const ago = (Date.now() - at) / 1000;
  return h("time", { datetime: at.toISOString(), title: at.toLocaleString() }, ago < 10 ? "just now" : `${span(ago)} ago`);
}

// plural writes a number of things.
export const plural = (n, one, many = one + "s") => `${n} ${n === 1 ? one : many}`;

// say tells those who do not see the page what has happened.
export const say = (text) => { document.getElementById("said").textContent = text; };

// copyable shows a text, shortened or not, that a click copies.
export function copyable(text, what, shown = text) {
  const button = h("button", { type: "button", class: "copy", title: `Copy: ${text}`, "aria-label": `${shown}, copy the ${what}` }, shown);
  button.addEventListener("click", async () => {
    await writeClipboard(text);
    say(`${what} copied`);
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 1500);
  });
  return button;
}

// The clipboard is there on secure pages only; the selection is everywhere.
async function writeClipboard(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = h("textarea", { readonly: true, class: "unseen", value: text });
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

// digest shows the beginning of a digest.
export const digest = (hex, algorithm = "SHA-256") => (hex ? copyable(hex, algorithm, hex.slice(0, 12) + "…") : "–");

// chip shows a state; kind is good, busy, warn, bad or nothing.
export const chip = (kind, ...text) => h("span", { class: kind ? `chip ${kind}` : "chip" }, ...text);

// bar shows how much of something is done, with words about it.
export function bar(done, total, label, words) {
  const known = total > 0;
  const meter = h("progress", { max: 1, "aria-label": label });
  if (known) meter.value = Math.min(1, done / total);
  return h("div", { class: "bar" }, meter, h("small", null, words ?? (known ? `${bytes(done)} of ${bytes(total)}` : done > 0 ? bytes(done) : "")));
}

// facts is a list of names and values; pairs without a value are left out.
export const facts = (pairs) => h("dl", { class: "facts" }, pairs.filter(([, value]) => value !== undefined && value !== null && value !== "" && value !== false)
  .map(([name, value]) => [h("dt", null, name), h("dd", null, value)]));

// finding shows what is wrong with a package, and how to cure it.
export function finding(f) {
  const place = f.file ? `${f.file}${f.line ? `:${f.line}${f.column ? `:${f.column}` : ""}` : ""}` : "";
  return h("li", { class: `finding ${f.severity}` },
    h("p", null, h("strong", null, f.severity === "warning" ? "Warning: " : "Error: "), f.message),
    facts([["Where", place && h("code", null, place)], ["Expected", f.expected], ["Found", f.found], ["Cure", f.cure], ["Code", h("code", null, f.code)]]));
}

// findings shows a list of them.
export const findings = (list) => (list?.length ? h("ul", { class: "list", "aria-label": "Findings" }, list.map(finding)) : null);

// problem shows why a request did not succeed, with all that the server said.
export function problem(err) {
  const report = err.problem?.report;
  return h("div", { class: "problem", role: "alert" },
    h("strong", null, `${err.title ?? "This page has a fault"}. `), err.detail ?? err.message,
    err.problem?.errors?.length ? h("ul", null, err.problem.errors.map((e) => h("li", null, [e.location, e.message].filter(Boolean).join(": ")))) : null,
    findings(report?.findings));
}

// empty stands where a list has nothing.
export const empty = (title, ...more) => h("div", { class: "empty" }, h("strong", null, title), ...more);

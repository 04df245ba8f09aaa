// The dialog that adds an image, from a file or a URL.

import { h, fill, bytes } from "./dom.js";
import { path, get, send } from "./api.js";
import { dialog, field } from "./dialog.js";
import { uploadImage, fetchImage } from "./upload.js";

const head = 4 << 20; // bytes of a file that the server looks at to know it
const diskFormats = ["qcow2", "raw", "vmdk", "vdi", "vhd", "vhdx", "iso", "ploop", "ami", "ari", "aki"];
const containerFormats = ["bare", "ovf", "ova", "docker", "ami", "ari", "aki"];

// stated makes of what somebody pasted an expected digest: hex of SHA-256 or SHA-512,
// with or without its name before it.
export function stated(text) {
  const [, , hex] = text.trim().toLowerCase().match(/^(sha-?(?:256|512)[:= ])?\s*([0-9a-f]+)$/) ?? [];
  const algorithm = { 64: "sha256", 128: "sha512" }[hex?.length];
  if (!algorithm) return null;
  const raw = String.fromCharCode(...hex.match(/../g).map((pair) => parseInt(pair, 16)));
  return { algorithm, hex, field: `${algorithm.replace("sha", "sha-")}=:${btoa(raw)}:` };
}

const number = (min = 0) => h("input", { type: "number", min, step: 1, value: "0", inputmode: "numeric" });
const options = (names, first) => h("select", null, first && h("option", { value: "" }, first), names.map((name) => h("option", null, name)));

// addImage shows the dialog. It returns true if an image is on its way.
export function addImage(signal, given) {
  return dialog(signal, "Add an image", (close) => form(given, close));
}

function form(given, close) {
  let chosen = null;
  const touched = new Set(); // what the user has said
  const said = (event) => touched.add(event.target);
  const files = h("input", { type: "file", onchange: () => files.files[0] && choose(files.files[0]) });
  const url = h("input", { type: "url", placeholder: "https://", inputmode: "url", oninput: () => nameIt(url.value.split(/[?#]/)[0].split("/").at(-1)) });
  const file = field("File", files, { hint: "Choose it, or drop it on this dialog." });
  const where = field("URL", url, { hint: "The server fetches it, and tries again if it breaks off. No passwords in it, please." });
  const reference = h("input", { type: "checkbox" });
  const later = h("label", { class: "check" }, reference, "Store the URL only, and fetch the bytes at the first launch");
  const name = field("Name", h("input", { required: true, maxlength: 255, autocomplete: "off", oninput: (event) => { said(event); askName(); } }), { hint: "Unique in the project; VDUs call the image by it." });
  const disk = field("Disk format", options(diskFormats, "Found from the bytes"), { size: "half", hint: " " });
  const container = field("Container format", options(containerFormats), { size: "half", hint: "Nearly always bare." });
  disk.control.addEventListener("change", said);
  const minDisk = field("Min disk, GB", number(), { size: "third" });
  minDisk.control.addEventListener("input", said);
  const minRam = field("Min RAM, MB", number(), { size: "third" });
  const minCPU = field("Min CPUs", number(), { size: "third" });
  const shared = h("input", { type: "checkbox" });
  const expected = field("Expected digest", h("input", { class: "mono", autocomplete: "off", spellcheck: "false", oninput: askName }), { hint: "SHA-256 or SHA-512 in hex, if you know it: other bytes are refused." });
  const fromFile = h("input", { type: "radio", name: "from", value: "file", checked: true, onchange: turn });
  const fromURL = h("input", { type: "radio", name: "from", value: "url", onchange: turn });
  const go = h("button", { type: "submit", class: "main" }, "Add");

  function turn() {
    const byURL = fromURL.checked;
    file.element.hidden = byURL;
    where.element.hidden = later.hidden = !byURL;
    files.required = !byURL && !chosen;
    url.required = byURL;
    if (byURL) propose({});
    fill(disk.words, byURL ? "Left open, it is found from the bytes." : chosen ? disk.words.textContent : "Choose the file first, and it is found.");
  }

  // propose fills in what the bytes say, where the user has said nothing.
  function propose({ diskFormat, minDisk: disks }) {
    if (!touched.has(disk.control)) disk.control.value = diskFormats.includes(diskFormat) ? diskFormat : "";
    if (!touched.has(minDisk.control)) minDisk.control.value = disks ?? 0;
  }

  function nameIt(text) {
    if (touched.has(name.control) || !text) return;
    name.control.value = text.replace(/\.(qcow2|img|raw|vmdk|vdi|vhdx?|iso)$/i, "");
    askName();
  }

  // choose takes a file, and asks the server what its first bytes say.
  async function choose(picked) {
    chosen = picked;
    fromFile.checked = true;
    turn();
    if (files.files[0] !== picked) fill(file.words, `${picked.name}, ${bytes(picked.size)}`);
    nameIt(picked.name);
    fill(disk.words, "Looking at the file …");
    try {
      const answer = await send("POST", `${path("inspect")}?size=${picked.size}`, { body: picked.slice(0, head), headers: { "Content-Type": "application/octet-stream" } });
      const found = await answer.json();
      if (chosen !== picked) return;
      propose(found);
      fill(disk.words, found.virtualSize > 0 ? `Found: ${found.diskFormat}, a disk of ${bytes(found.virtualSize)}.` : `Found: ${found.diskFormat}.`);
      disk.refuse(...(found.problems?.length ? [found.problems.join("; ")] : found.compressed ? ["The file is compressed: unpack it first, as no VIM boots it."] : []));
    } catch (err) {
      fill(disk.words, "It is found when the file is stored.");
    }
  }

  // askName tells a conflict before anything is sent.
  let asked;
  function askName() {
    clearTimeout(asked);
    asked = setTimeout(async () => {
      const wanted = name.control.value.trim();
      const free = await conflict(wanted, stated(expected.control.value));
      if (name.control.value.trim() === wanted) name.refuse(...free);
    }, 250);
  }

  async function submit(event) {
    event.preventDefault();
    const digest = expected.control.value.trim() ? stated(expected.control.value) : null;
    expected.refuse(...(expected.control.value.trim() && !digest ? ["This is neither the 64 hex digits of a SHA-256 nor the 128 of a SHA-512."] : []));
    const wanted = name.control.value.trim();
    go.disabled = true;
    const taken = await conflict(wanted, digest);
    if (!element.isConnected) return; // it was closed meanwhile
    go.disabled = false;
    name.refuse(...taken);
    if (taken.length) return name.control.focus();
    if (expected.control.matches("[aria-invalid]")) return expected.control.focus();
    const image = {
      name: wanted, diskFormat: disk.control.value, containerFormat: container.control.value, minDisk: Number(minDisk.control.value),
      minRam: Number(minRam.control.value), minCPU: Number(minCPU.control.value), isPublic: shared.checked, digest,
    };
    if (fromURL.checked) fetchImage({ ...image, url: url.value.trim(), images: reference.checked ? "reference" : undefined });
    else uploadImage(chosen, image);
    close(true);
  }

  const element = h("form", { onsubmit: submit, ondragover: (event) => event.preventDefault(), ondrop: (event) => { event.preventDefault(); if (event.dataTransfer.files[0]) choose(event.dataTransfer.files[0]); } },
    h("h2", null, "Add an image"),
    h("div", { class: "form" },
      h("fieldset", null, h("legend", null, "Where it is"), h("div", { class: "choice" }, h("label", { class: "check" }, fromFile, "A file"), h("label", { class: "check" }, fromURL, "A URL"))),
      file.element, where.element, later, name.element, disk.element, container.element, minDisk.element, minRam.element, minCPU.element,
      h("label", { class: "check" }, shared, "Public: publish it on VIMs for all of their projects"), expected.element),
    h("div", { class: "buttons" }, h("button", { type: "button", onclick: () => close() }, "Cancel"), go));
  turn();
  if (given) choose(given);
  return element;
}

// conflict says why a name cannot be had, or nothing.
async function conflict(name, digest) {
  if (!name) return [];
  try {
    const there = await get(path("images", name));
    if (there.name !== name) return []; // found by an ID
    if (digest && there.digests[digest.algorithm] === digest.hex) return [];
    return [`The name is taken by an image of ${bytes(there.size)}${there.packages.length ? `, which ${there.packages[0].name} uses` : ""}. Images are never overwritten: choose another name.`];
  } catch (err) {
    return err.status === 404 ? [] : [`It cannot be told whether the name is free: ${err.detail || err.title}`];
  }
}

// Images: the list, one of them, and how they are added and deleted.

import { h, fill, bytes, when, chip, copyable, digest, facts, problem, empty, plural } from "./dom.js";
import { path, address, get, remove, every, query, sleep } from "./api.js";
import { list } from "./table.js";
import { confirm } from "./dialog.js";
import { dropping } from "./drop.js";
import { addImage } from "./addimage.js";

export const presences = { there: ["good", "there"], coming: ["busy", "coming"], absent: ["", "missing"], differs: ["bad", "differs"], unknown: ["warn", "unknown"] };

// located remembers what the VIMs have, as they are asked once in a while only.
const located = { at: 0, project: "", vims: new Map() };

// locate asks every VIM what it has of the project's images: one listing each.
async function locate(project, signal) {
  if (located.project === project && Date.now() - located.at < 20000) return;
  Object.assign(located, { at: Date.now(), project });
  const names = await get(path("vims"), { signal });
  const vims = new Map(names.map((name) => [name, null])); // in their order, whoever answers first
  await Promise.all(names.map(async (name) => {
    try {
      const has = await every(path("vims", name, "images"), { signal });
      vims.set(name, Object.assign(new Map(has.map((image) => [image.id, image.presence])), { more: has.more }));
    } catch (err) {
      if (signal.aborted) located.at = 0;
      vims.set(name, null);
    }
  }));
  located.vims = vims;
}

function places(image) {
  const chips = [...located.vims].map(([name, has]) => {
    const presence = has?.get(image.id) ?? (!has || has.more ? "unknown" : "absent");
    if (presence === "absent") return null;
    const [kind, word] = presences[presence];
    return h("span", { class: `chip ${kind}`, title: `${name}: ${word}` }, name, h("span", { class: "unseen" }, `: ${word}`));
  }).filter(Boolean);
  return chips.length ? h("span", { class: "chips" }, chips) : "–";
}

const form = (image) => (image.containerFormat === "bare" || !image.containerFormat ? image.diskFormat : `${image.diskFormat} in ${image.containerFormat}`);

export function images({ content, link, signal, role }) {
  const project = link("").split("/")[1];
  const formats = h("select", { "aria-label": "Disk format", onchange: () => rows.restart() }, h("option", { value: "" }, "All formats"),
    ["qcow2", "raw", "vmdk", "vdi", "vhd", "vhdx", "iso", "ami", "ari", "aki", "ploop"].map((f) => h("option", null, f)));
  const rows = list(signal, {
    label: "Images", url: path("images"), sort: "name", search: "Search images",
    parameters: () => ({ diskFormat: formats.value }),
    more: (image) => [...located.vims].map(([name, has]) => `${name} ${has?.get(image.id)}`).join(),
    columns: [
      { label: "Image", sort: "name", show: (i) => [h("a", { class: "name", href: link("images", i.id) }, i.name), i.url && !i.digests.sha256 && h("span", { class: "sub" }, "by reference: ", i.url)] },
      { label: "Size", sort: "size", kind: "num", show: (i) => (i.digests.sha256 ? bytes(i.size) : "–") },
      { label: "SHA-256", kind: "word", show: (i) => digest(i.digests.sha256) },
      { label: "Format", kind: "word", show: form },
      { label: "Min disk", kind: "num", show: (i) => (i.minDisk ? `${i.minDisk} GB` : "–") },
      { label: "Min RAM", kind: "num", show: (i) => (i.minRam ? `${i.minRam} MB` : "–") },
      { label: "Public", show: (i) => (i.isPublic ? "yes" : "no") },
      { label: "Packages", show: (i) => users(i, link) },
      { label: "On VIMs", show: (i) => (i.digests.sha256 ? places(i) : "–") },
      { label: "Added", sort: "createdAt", kind: "word", show: (i) => when(i.createdAt) },
      { label: "", kind: "acts", show: (i) => actions(i, role, signal, rows.look) },
    ],
    none: () => (formats.value ? empty("No image has this format") : empty("There are no images yet", "Packages bring theirs along; others can be added from a file or a URL.")),
  });
  const add = (file) => addImage(signal, file).then((began) => began && rows.look());
  if (role.writes) dropping(signal, "Drop an image file to add it", ([file]) => add(file));
  document.addEventListener("changed", () => { located.at = 0; rows.look(); }, { signal });
  (async () => {
    while (!signal.aborted) {
      try { await locate(project, signal); rows.look(); } catch { /* the column stays as it is */ }
      await sleep(20000, signal);
    }
  })();
  fill(content, [
    h("div", { class: "head" }, h("h1", { class: "grow" }, "Images"),
      h("div", { class: "tools" }, rows.tools, formats, role.writes && h("button", { type: "button", class: "main", onclick: () => add() }, "Add an image"))),
    rows.element]);
}

function users(image, link) {
  const [first, ...others] = image.packages;
  if (!first) return "–";
  return h("span", null, h("a", { href: link("packages", first.id) }, first.name, first.version && ` ${first.version}`),
    others.length > 0 && h("span", { class: "soft", title: others.map((p) => `${p.name} ${p.version}`).join(", ") }, ` and ${others.length} more`));
}

function actions(image, role, signal, then) {
  return [
    image.digests.sha256 && h("a", { class: "button plain", href: address("images", image.id, "file"), download: true, "aria-label": `Download ${image.name}` }, "Download"),
    role.writes && h("button", { type: "button", class: "plain danger", onclick: () => deleteImage(image, signal, then), "aria-label": `Delete ${image.name}` }, "Delete"),
  ];
}

async function deleteImage(image, signal, then) {
  const used = image.packages.length > 0;
  const done = await confirm(signal, `Delete ${image.name}?`, [
    used ? [h("p", null, `${plural(image.packages.length, "package uses", "packages use")} it, and cannot be launched without it where a VIM lacks it:`),
      h("ul", null, image.packages.map((p) => h("li", null, [p.vendor, p.name].filter(Boolean).join("/"), p.version && ` ${p.version}`)))]
      : h("p", null, "No package uses it."),
    h("p", { class: "soft" }, "What VIMs have already is not touched."),
  ], used ? "Delete it all the same" : "Delete", () => remove(path("images", image.id) + query({ force: used })));
  if (done) then(done);
}

export async function oneImage({ content, id, link, signal, role }) {
  const back = h("a", { class: "back", href: link("images") }, "← Images");
  let image;
  try { image = await get(path("images", id), { signal }); } catch (err) { if (!signal.aborted) fill(content, [back, problem(err)]); return; }
  const vims = h("div", { class: "card" }, h("p", { class: "soft" }, "Asking the VIMs …"));
  const size = image.digests.sha256 ? [bytes(image.size), image.size >= 1024 && h("span", { class: "soft" }, ` (${image.size.toLocaleString("en")} bytes)`)] : null;
  fill(content, [
    back,
    h("div", { class: "head" }, h("h1", { class: "grow" }, image.name), h("div", { class: "tools" }, actions(image, role, signal, () => { location.hash = link("images"); }))),
    h("div", { class: "pair" },
      h("section", null, h("h2", null, "Image"), h("div", { class: "card" }, facts([
        ["ID", copyable(image.id, "image ID")], ["Size", size], ["Disk format", image.diskFormat], ["Container format", image.containerFormat],
        ["Min disk", image.minDisk > 0 && `${image.minDisk} GB`], ["Min RAM", image.minRam > 0 && `${image.minRam} MB`], ["Min CPUs", image.minCPU || null],
        ["Public", image.isPublic ? "yes, published on VIMs" : "no"], ["Added", when(image.createdAt)], ["From", image.url && h("code", null, image.url)],
        ...Object.entries(image.digests).map(([algorithm, hex]) => [algorithm.toUpperCase().replace("SHA", "SHA-"), copyable(hex, algorithm)]),
        ...Object.entries(image.properties ?? {}).map(([name, value]) => [name, value]),
      ]))),
      h("div", null,
        h("section", null, h("h2", null, "On VIMs"), vims),
        h("section", null, h("h2", null, "Packages that use it"), h("div", { class: "card" }, image.packages.length
          ? h("ul", { class: "list" }, image.packages.map((p) => h("li", null, h("a", { href: link("packages", p.id) }, [p.vendor, p.name].filter(Boolean).join("/")), p.version && ` ${p.version}`)))
          : h("p", { class: "soft" }, "None."))))),
  ]);
  if (!image.digests.sha256) { fill(vims, h("p", { class: "soft" }, "Its bytes are at its URL only, and come at the first launch.")); return; }
  try {
    const at = await get(path("images", id, "vims"), { signal });
    fill(vims, at.length ? facts(at.map((l) => [l.vim, h("span", null, chip(...presences[l.presence]), " ", l.id && copyable(l.id, "ID on the VIM"), l.error && h("span", { class: "soft" }, l.error))])) : h("p", { class: "soft" }, "No VIM is configured."));
  } catch (err) { if (!signal.aborted) fill(vims, problem(err)); }
}

// Packages: the list, one of them, and how they come in.

import { h, fill, bytes, when, chip, copyable, digest, facts, findings, problem, empty, plural } from "./dom.js";
import { path, address, get, remove, every, query, sleep } from "./api.js";
import { list, table } from "./table.js";
import { confirm, tell } from "./dialog.js";
import { uploadPackage, unfinished, giveUp } from "./upload.js";
import { dropping } from "./drop.js";

const states = {
  CREATED: ["", "Created"], UPLOADING: ["busy", "Uploading"], PROCESSING: ["busy", "Processing"],
  ONBOARDED: ["good", "Onboarded"], ERROR: ["bad", "Refused"],
};

const state = (p) => [chip(...states[p.state]), p.operationalState === "DISABLED" && p.state === "ONBOARDED" ? " " : null,
  p.operationalState === "DISABLED" && p.state === "ONBOARDED" ? chip("warn", "Disabled") : null];

const dialects = { "openbaton-tar": "Open Baton tar", "openbaton-csar": "Open Baton CSAR", sol004: "ETSI SOL004", "tosca-simple": "TOSCA simple", osm: "OSM" };

// called is what people call a package.
export const called = (p) => [p.vendor, p.name].filter(Boolean).join("/") || p.filename || "Not yet known";

export function packages({ content, link, signal, role }) {
  const filter = h("select", { "aria-label": "State", onchange: () => rows.restart() },
    h("option", { value: "" }, "All states"), Object.entries(states).map(([value, [, label]]) => h("option", { value }, label)));
  const rows = list(signal, {
    label: "Packages", url: path("packages"), sort: "-createdAt", search: "Search packages",
    parameters: () => ({ state: filter.value }),
    columns: [
      { label: "Package", sort: "name", show: (p) => [h("a", { class: "name", href: link("packages", p.id) }, called(p)), p.version && ` ${p.version}`,
        p.failure && h("span", { class: "sub" }, p.failure.detail)] },
      { label: "State", show: state },
      { label: "Images", kind: "num", show: (p) => (p.state === "ONBOARDED" ? p.images.length : "–") },
      { label: "Archive", kind: "num", show: (p) => (p.archive ? bytes(p.archive.size) : "–") },
      { label: "Dialect", kind: "word", show: (p) => dialects[p.dialect] ?? p.dialect },
      { label: "Added", sort: "createdAt", kind: "word", show: (p) => when(p.createdAt) },
      { label: "", kind: "acts", show: (p) => actions(p, link, role, signal, rows.look) },
    ],
    none: () => (filter.value ? empty("No package is in this state") : empty("There are no packages yet",
      role.writes ? "Drop VNF packages here: Open Baton tars, TOSCA CSARs or ETSI SOL004 packages." : "Somebody who may write has to onboard one.")),
  });
  const chosen = h("input", { type: "file", multiple: true, hidden: true,
    onchange: () => { take([...chosen.files]); chosen.value = ""; } });
  const left = h("div");
  const take = (files) => { for (const file of files) uploadPackage(file); left.replaceChildren(); };
  // remind tells of uploads that this browser began and did not end.
  async function remind() {
    const waiting = await unfinished(signal);
    if (signal.aborted) return;
    fill(left, waiting.map((note) => h("p", { class: "card" }, h("strong", null, note.name), `: ${bytes(note.offset)} of ${bytes(note.size)} are there. Choose the file again, and it goes on from there. `,
      h("button", { type: "button", class: "link", onclick: async () => { try { await giveUp(note); } catch (err) { tell(signal, "It cannot be given up", err); } remind(); } }, "Give it up"))));
  }
  if (role.writes) {
    remind();
    document.addEventListener("changed", remind, { signal });
    dropping(signal, "Drop packages to onboard them", take);
  }
  document.addEventListener("changed", rows.look, { signal });
  fill(content, [
    h("div", { class: "head" }, h("h1", { class: "grow" }, "Packages"),
      h("div", { class: "tools" }, rows.tools, filter, role.writes && [chosen, h("button", { type: "button", class: "main", onclick: () => chosen.click() }, "Upload packages")])),
    left, rows.element]);
}

function actions(p, link, role, signal, then) {
  const name = called(p);
  return [
    p.state === "ONBOARDED" && role.writes && h("a", { class: "button plain", href: link("launches", "new", { package: p.id }), "aria-label": `Launch ${name}` }, "Launch"),
    p.archive?.kept && h("a", { class: "button plain", href: address("packages", p.id, "file"), download: true, "aria-label": `Download ${name}` }, "Download"),
    role.writes && h("button", { type: "button", class: "plain danger", onclick: () => deletePackage(p, signal, then), "aria-label": `Delete ${name}` }, "Delete"),
  ];
}

// deletePackage asks the server what would go, shows it, and deletes.
async function deletePackage(p, signal, then) {
  let goes;
  try {
    goes = await remove(path("packages", p.id) + "?dryRun=true");
  } catch (err) {
    return tell(signal, `${called(p)} cannot be deleted`, err);
  }
  const keep = h("input", { type: "checkbox" });
  const images = goes.images.length > 0 && [
    h("p", null, `Only this package uses ${plural(goes.images.length, "image")}, which will go with it:`),
    h("ul", null, goes.images.map((image) => h("li", null, image.name))),
    h("label", { class: "check" }, keep, "Keep the images"),
  ];
  const done = await confirm(signal, `Delete ${called(p)} ${p.version ?? ""}?`, [images || h("p", null, p.state === "ONBOARDED" ? "No image goes with it: none is used by it alone." : "What is under way for it is cancelled."),
    h("p", { class: "soft" }, "What VIMs have already is not touched.")], "Delete", () => remove(path("packages", p.id) + query({ keepImages: keep.checked })));
  if (done) then(done);
}

export function onePackage({ content, id, link, signal, role }) {
  let seen = "";
  async function look() {
    let p;
    try {
      p = await get(path("packages", id), { signal });
      const look = JSON.stringify(p);
      if (look !== seen) {
        const images = p.state === "ONBOARDED" && p.images.length ? await every(path("images") + query({ package: p.id }), { signal }) : [];
        seen = look;
        fill(content, detail(p, images, { link, role, signal }));
      }
    } catch (err) {
      if (!signal.aborted && !seen) fill(content, [back(link), problem(err)]);
      return !seen || err.status === 404;
    }
    return p && ["ONBOARDED", "ERROR"].includes(p.state);
  }
  (async () => { while (!signal.aborted && !(await look())) await sleep(1500, signal); })();
}

const back = (link) => h("a", { class: "back", href: link("packages") }, "← Packages");

function detail(p, images, { link, role, signal }) {
  const model = p.model ?? {};
  const byName = new Map(images.flatMap((image) => [[image.name, image], [image.id, image]]));
  const reference = (name) => (byName.has(name) ? h("a", { href: link("images", byName.get(name).id) }, name) : name);
  const scripts = (p.files ?? []).filter((f) => f.role === "script");
  const others = (p.files ?? []).filter((f) => f.role !== "script");
  return [
    back(link),
    h("div", { class: "head" }, h("h1", null, called(p), p.version && ` ${p.version}`), h("span", { class: "grow" }, state(p)),
      h("div", { class: "tools" }, actions(p, link, role, signal, () => { location.hash = link("packages"); }))),
    model.description && h("p", null, model.description),
    p.failure && h("section", { "aria-label": "Why it was refused" }, h("div", { class: "problem" }, h("strong", null, "Refused. "), p.failure.detail), findings(p.failure.findings)),
    h("div", { class: "card wide" }, facts([
      ["Vendor", p.vendor], ["Version", p.version], ["Software version", model.softwareVersion], ["Dialect", dialects[p.dialect] ?? p.dialect],
      ["VNFD ID", model.descriptorId && copyable(model.descriptorId, "VNFD ID")], ["Package ID", copyable(p.id, "package ID")],
      ["Added", when(p.createdAt)], ["Archive", p.archive && [bytes(p.archive.size), p.archive.kept ? "" : ", not kept"]],
      ["SHA-256 of the archive", p.archive && digest(p.archive.sha256)], ["VIM types", model.vimTypes?.join(", ")],
      ["In use", p.inUse && "A launch of it is recorded"], ["Job", p.job && p.state !== "ONBOARDED" && h("a", { href: link("jobs", p.job) }, "Show what works at it")],
    ])),
    p.state === "ONBOARDED" && [
      section("VDUs", model.vdus, [
        { label: "VDU", show: (v) => h("span", { class: "name" }, v.name) },
        { label: "VNF", show: (v) => v.vnf },
        { label: "Images, any of which will do", show: (v) => h("span", null, v.images.map((name, i) => [i > 0 && ", ", reference(name)])) },
        { label: "Software image", show: (v) => v.softwareImageId },
      ], "It has no VDU.", (v, i) => i),
      section("Images", images, [
        { label: "Image", show: (i) => h("a", { class: "name", href: link("images", i.id) }, i.name) },
        { label: "Size", kind: "num", show: (i) => bytes(i.size) },
        { label: "SHA-256", show: (i) => digest(i.digests.sha256) },
        { label: "Format", show: (i) => `${i.diskFormat} in ${i.containerFormat}` },
        { label: "Min disk", kind: "num", show: (i) => (i.minDisk ? `${i.minDisk} GB` : "–") },
        { label: "Min RAM", kind: "num", show: (i) => (i.minRam ? `${i.minRam} MB` : "–") },
      ], "It brought no image."),
      section("Scripts", scripts, fileColumns(p), "It has no script.", (f) => f.path),
      section("Descriptors and artifacts", others, fileColumns(p), "It has no other file.", (f) => f.path),
    ],
  ];
}

const fileColumns = (p) => [
  { label: "File", show: (f) => h("a", { class: "mono", download: true, href: address("packages", p.id, "files", ...f.path.split("/")) }, f.path) },
  { label: "Kind", show: (f) => f.role },
  { label: "Size", kind: "num", show: (f) => bytes(f.size) },
  { label: "SHA-256", show: (f) => digest(f.sha256) },
];

function section(title, items, columns, none, key) {
  if (!items?.length) return h("section", null, h("h2", null, title), h("p", { class: "soft" }, none));
  const rows = table(columns, { label: title });
  rows.update(items, key);
  return h("section", null, h("h2", null, `${title} `, h("span", { class: "soft" }, items.length)), h("div", { class: "scroll" }, rows.element));
}

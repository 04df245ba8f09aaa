// Launches: their history, one of them as it happens, and a new one with its plan.

import { h, fill, bytes, span, when, chip, bar, copyable, problem, empty, plural } from "./dom.js";
import { path, get, post, every, watch } from "./api.js";
import { list, table } from "./table.js";
import { tell } from "./dialog.js";
import { called } from "./packages.js";

export const jobStates = { queued: ["", "Waiting"], running: ["busy", "Running"], succeeded: ["good", "Done"], failed: ["bad", "Failed"], cancelled: ["warn", "Cancelled"] };
const actions = { present: ["good", "There"], joined: ["good", "Uploaded by another launch"], uploaded: ["good", "Uploaded"], planned: ["busy", "To upload"], missing: ["bad", "Nobody has it"] };

const what = (l) => (l.package ? called(l.package) + (l.package.version ? ` ${l.package.version}` : "") : "VDUs written out");

export function launches({ content, link, signal, role }) {
  const rows = list(signal, {
    label: "Launches", url: path("launches"), parameters: () => ({ dryRun: "false" }),
    columns: [
      { label: "Package", show: (l) => h("a", { class: "name", href: link("launches", l.id) }, what(l)) },
      { label: "VIMs", show: (l) => l.vims?.join(", ") },
      { label: "State", show: (l) => [chip(...jobStates[l.state]), l.error && h("span", { class: "sub" }, l.error)] },
      { label: "Sent", kind: "num", show: (l) => (l.state === "running" && l.progress.total > 0 ? bar(l.progress.done, l.progress.total, `Launch of ${what(l)}`) : l.progress.total > 0 ? bytes(l.progress.done) : "–") },
      { label: "By", kind: "word", show: (l) => l.by },
      { label: "Began", kind: "word", show: (l) => when(l.createdAt) },
      { label: "Took", kind: "num", show: (l) => (l.endedAt ? span((new Date(l.endedAt) - new Date(l.createdAt)) / 1000) : "–") },
    ],
    none: () => empty("Nothing was launched yet", "A launch gives VIMs the images that they lack, and tells their IDs there."),
  });
  document.addEventListener("changed", rows.look, { signal });
  fill(content, [h("div", { class: "head" }, h("h1", { class: "grow" }, "Launches"),
    h("div", { class: "tools" }, role.writes && h("a", { class: "button main", href: link("launches", "new") }, "New launch"))), rows.element]);
}

const back = (link) => h("a", { class: "back", href: link("launches") }, "← Launches");

// outcome shows, per VIM and VDU, what a launch did or would do.
function outcome(report, link) {
  return report.vims.map((on) => {
    const rows = table([
      { label: "VDU", show: (v) => h("span", { class: "name" }, v.name) },
      { label: "Image", show: (v) => v.image.name },
      { label: "Size", kind: "num", show: (v) => (v.image.size ? bytes(v.image.size) : "–") },
      { label: "State", show: (v) => [v.image.action && chip(...actions[v.image.action]), v.error && h("span", { class: "sub" }, v.error), v.warnings?.map((w) => h("span", { class: "sub" }, w))] },
      { label: "Proven", show: (v) => (v.image.action === "planned" || v.image.action === "missing" ? "–" : v.image.verified ? "by the VIM's hash" : "no") },
      { label: "Glance ID", show: (v) => v.image.id && copyable(v.image.id, "Glance ID") },
    ], { label: `VDUs on ${on.vim}` });
    rows.update(on.vdus, (v, i) => i);
    return h("section", null, h("h2", null, "On ", h("a", { href: link("vims", on.vim) }, on.vim)), on.error && h("div", { class: "problem" }, on.error),
      on.vdus.length > 0 && h("div", { class: "scroll" }, rows.element));
  });
}

export async function oneLaunch({ content, id, link, signal, role }) {
  let l;
  try { l = await get(path("launches", id), { signal }); } catch (err) { if (!signal.aborted) fill(content, [back(link), problem(err)]); return; }
  const status = h("span", { class: "grow", role: "status" });
  const cancel = h("button", { type: "button", onclick: async () => {
    cancel.disabled = true;
    try { await post(path("jobs", id, "cancel")); } catch (err) { tell(signal, "It cannot be cancelled", err); cancel.disabled = false; }
  } }, "Cancel");
  const said = h("div");
  const bars = h("section", { class: "card", "aria-label": "Uploads", hidden: true });
  const result = h("div");
  fill(content, [back(link), h("div", { class: "head" }, h("h1", null, what(l)), status, h("div", { class: "tools" }, role.writes && cancel, l.package?.id && h("a", { class: "button", href: link("packages", l.package.id) }, "Package"))),
    h("p", { class: "soft" }, "On ", (l.vims ?? []).join(", "), l.by && ` by ${l.by}`, ", begun ", when(l.createdAt)), said, bars, result]);

  const meters = new Map();
  function progress(p) {
    bars.hidden = !(p.total > 0);
    for (const part of [{ at: "", what: "All", done: p.done, total: p.total }, ...(p.parts ?? [])]) {
      const name = part.at ? `${part.what} to ${part.at}` : "All uploads";
      if (!meters.has(name)) {
        const meter = bar(part.done, part.total, name);
        meters.set(name, { meter, total: part.total });
        bars.append(h("div", null, h("strong", null, name), meter));
      }
      set(name, part.done, part.total);
    }
    // Those that are no more under way have all their bytes, unless the sum says that
    // one of them failed.
    const busy = new Map((p.parts ?? []).map((part) => [`${part.what} to ${part.at}`, part.done]));
    const ended = [...meters].filter(([name]) => name !== "All uploads" && !busy.has(name));
    const theirs = p.done - [...busy.values()].reduce((sum, done) => sum + done, 0);
    if (theirs >= ended.reduce((sum, [, { total }]) => sum + total, 0)) for (const [name, { total }] of ended) set(name, total, total);
  }
  function set(name, done, total) {
    const { meter } = meters.get(name);
    meter.querySelector("progress").value = total > 0 ? done / total : 0;
    meter.querySelector("small").textContent = `${bytes(done)} of ${bytes(total)}`;
  }
  const show = (state) => { fill(status, chip(...jobStates[state])); cancel.hidden = !["queued", "running"].includes(state); };
  async function end() {
    l = await get(path("launches", id), { signal });
    show(l.state);
    if (l.state === "succeeded") for (const [name, { total }] of meters) set(name, total, total);
    fill(result, [l.error && h("div", { class: "problem", role: "alert" }, h("strong", null, l.state === "cancelled" ? "Cancelled. " : "It failed. "), l.error), l.report && outcome(l.report, link)]);
    document.dispatchEvent(new Event("changed"));
  }
  show(l.state);
  if (l.endedAt) { await end(); return; }
  progress(l.progress);
  try {
    await watch(id, ({ type, data }) => (type === "progress" ? progress(data) : show(data.state)), signal);
    if (!signal.aborted) await end();
  } catch (err) { if (!signal.aborted) fill(said, problem(err)); }
}

export async function newLaunch({ content, link, signal, parameters, role }) {
  const place = h("div");
  fill(content, [back(link), h("div", { class: "head" }, h("h1", null, "New launch")), place]);
  if (!role.writes) { fill(place, h("p", null, "Launching takes the role writer in the project.")); return; }
  let all, names;
  try {
    [all, names] = await Promise.all([every(path("packages") + "?state=ONBOARDED&sort=name", { signal }), get(path("vims"), { signal })]);
    all = all.filter((p) => p.operationalState === "ENABLED");
  } catch (err) { if (!signal.aborted) fill(place, problem(err)); return; }
  if (!all.length) { fill(place, h("div", { class: "card" }, empty("There is no package to launch", h("a", { href: link("packages") }, "Onboard one first")))); return; }

  const wanted = parameters.get("package");
  const select = h("select", { id: "package", onchange: stale }, all.map((p) => h("option", { value: p.id, selected: p.id === wanted }, `${called(p)} ${p.version}`)));
  const ticks = names.map((name) => h("input", { type: "checkbox", value: name, checked: names.length === 1, onchange: stale }));
  const strict = h("input", { type: "checkbox", onchange: stale });
  const fallback = h("input", { type: "checkbox", onchange: stale });
  const plan = h("div", { role: "status" });
  const see = h("button", { type: "submit" }, "See the plan");
  const start = h("button", { type: "button", class: "main", onclick: launch, disabled: true }, "Launch");
  const request = () => ({
    package: select.value, vims: ticks.filter((t) => t.checked).map((t) => t.value),
    requireDigest: strict.checked || undefined, visibilityFallback: fallback.checked ? "private" : undefined,
  });
  function stale() { fill(plan, []); start.disabled = !ticks.some((t) => t.checked); see.disabled = start.disabled; }

  async function look(event) {
    event?.preventDefault();
    const asked = request();
    if (!asked.vims.length) return;
    see.disabled = true;
    fill(plan, h("p", { class: "soft" }, "Asking the VIMs …"));
    try {
      let report;
      try {
        report = await post(path("launches"), { ...asked, dryRun: true }, { signal, headers: { Prefer: "wait=60" } });
      } catch (err) {
        if (!err.problem?.report?.vims) throw err;
        report = err.problem.report;
      }
      if (JSON.stringify(request()) !== JSON.stringify(asked)) return;
      if (!report.vims) { fill(plan, h("p", null, "The VIMs take long to answer. The launch can be started without a plan.")); return; }
      fill(plan, [summary(report), outcome(report, link)]);
    } catch (err) { if (!signal.aborted) fill(plan, problem(err)); }
    see.disabled = false;
  }
  async function launch() {
    start.disabled = true;
    try {
      const begun = await post(path("launches"), request(), { headers: { Prefer: "respond-async" } });
      if (!signal.aborted) location.hash = link("launches", begun.id);
    } catch (err) { fill(plan, problem(err)); start.disabled = false; }
  }
  fill(place, h("form", { class: "card", onsubmit: look }, h("div", { class: "form" },
    h("div", { class: "field half" }, h("label", { for: "package" }, "Package"), select),
    h("fieldset", null, h("legend", null, "VIMs"), names.length ? h("div", { class: "choice" }, ticks.map((t) => h("label", { class: "check" }, t, t.value))) : h("p", { class: "soft" }, "No VIM is configured.")),
    h("fieldset", null, h("legend", null, "How"),
      h("label", { class: "check" }, strict, "Refuse images on a VIM that are not proven to have our bytes"),
      h("label", { class: "check" }, fallback, "Upload privately where publishing is forbidden"))),
  h("div", { class: "buttons" }, see, start)));
  place.append(plan);
  stale();
  if (wanted && ticks.some((t) => t.checked)) look();
}

// summary counts what a launch would do: every image once for each VIM.
function summary(report) {
  const count = { present: 0, planned: 0, missing: 0 };
  let sum = 0;
  for (const on of report.vims) {
    const seen = new Set();
    for (const { image } of on.vdus) {
      if (seen.has(image.name)) continue;
      seen.add(image.name);
      const action = image.action === "joined" ? "present" : image.action;
      count[action] = (count[action] ?? 0) + 1;
      if (action === "planned") sum += image.size ?? 0;
    }
  }
  return h("p", null, h("strong", null, "The plan: "), `${plural(count.planned, "image")} to upload (${bytes(sum)}), ${count.present} there already, ${count.missing} missing.`,
    count.missing > 0 && " Where an image is missing, nothing is uploaded.");
}

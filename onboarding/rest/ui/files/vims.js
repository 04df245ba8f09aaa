// VIMs: whether they can be used, and what they have of our images.

import { h, fill, bytes, chip, copyable, facts, problem, empty } from "./dom.js";
import { path, get, post, every, sleep } from "./api.js";
import { table } from "./table.js";
import { presences } from "./images.js";

const reachable = (check) => (check.error ? chip("bad", "Not reachable") : check.problems.length ? chip("warn", "Reachable, with problems") : chip("good", "Reachable"));

// tally counts images by their presence.
const tally = (images) => images.reduce((n, image) => ({ ...n, [image.presence]: (n[image.presence] ?? 0) + 1 }), {});

export async function vims({ content, link, signal }) {
  const place = h("div");
  fill(content, [h("div", { class: "head" }, h("h1", { class: "grow" }, "VIMs"), h("div", { class: "tools" },
    h("button", { type: "button", onclick: () => look(true) }, "Ask them again"))), place]);
  const rows = table([
    { label: "VIM", show: (v) => [h("a", { class: "name", href: link("vims", v.name) }, v.name), h("span", { class: "sub" }, v.check?.authUrl)] },
    { label: "State", show: (v) => (v.check ? [reachable(v.check), (v.check.error || v.check.problems[0]) && h("span", { class: "sub" }, v.check.error || v.check.problems[0])] : v.failure ? [chip("warn", "Not known"), h("span", { class: "sub" }, v.failure)] : h("span", { class: "soft" }, "Asking …")) },
    { label: "Region", show: (v) => v.check?.region },
    { label: "Hash", show: (v) => v.check?.hashAlgorithm },
    { label: "May publish", show: (v) => v.check && !v.check.error && v.check.mayPublish.verdict },
    { label: "Has of our images", show: (v) => v.count && h("span", { class: "chips" }, ["there", "coming", "differs", "unknown", "absent"].map((p) => v.count[p] && chip(presences[p][0], `${v.count[p]} ${presences[p][1]}`)),
      Object.keys(v.count).length === 0 && h("span", { class: "soft" }, "We have none.")) },
    { label: "Answers in", kind: "num", show: (v) => v.check && !v.check.error && `${v.check.latencyMs} ms` },
  ], { label: "VIMs" });
  let known = [];
  const show = () => { rows.update(known, (v) => v.name); };
  async function look() {
    try {
      const names = await get(path("vims"), { signal });
      if (!names.length) { fill(place, h("div", { class: "card" }, empty("No VIM is configured", "VIMs are the clouds of the server's clouds.yaml."))); return; }
      known = names.map((name) => known.find((v) => v.name === name) ?? { name });
      if (!place.contains(rows.element)) fill(place, h("div", { class: "scroll" }, rows.element));
      show();
      await Promise.all(known.map(async (v) => {
        try {
          v.check = await get(path("vims", v.name, "check"), { signal });
          show();
          if (!v.check.error) v.count = tally(await every(path("vims", v.name, "images"), { signal }));
          v.failure = null;
        } catch (err) { if (!signal.aborted) v.failure = err.detail || err.title; }
        if (!signal.aborted) show();
      }));
    } catch (err) { if (!signal.aborted) fill(place, problem(err)); }
  }
  while (!signal.aborted) {
    if (!document.hidden) await look();
    await sleep(30000, signal);
  }
}

export async function oneVIM({ content, id, link, signal, role }) {
  const place = h("div", null, h("p", { class: "soft" }, "Asking the VIM …"));
  const state = h("span", { class: "grow", role: "status" });
  const images = h("section", { "aria-label": "Our images" });
  const probing = h("button", { type: "button", onclick: () => look(() => post(path("vims", id, "probe"), undefined, { signal })) , title: "Creates an empty public image there, and deletes it" }, "Try to publish");
  fill(content, [
    h("a", { class: "back", href: link("vims") }, "← VIMs"),
    h("div", { class: "head" }, h("h1", null, id), state, h("div", { class: "tools" }, h("button", { type: "button", onclick: () => { look(); lookImages(); } }, "Ask again"), role.writes && probing)),
    place, images]);

  async function look(ask = () => get(path("vims", id, "check"), { signal })) {
    probing.disabled = true;
    try {
      const check = await ask();
      fill(state, reachable(check));
      fill(place, [
        check.error && h("div", { class: "problem" }, h("strong", null, "It cannot be used. "), check.error),
        check.problems.length > 0 && h("ul", { class: "list" }, check.problems.map((p) => h("li", { class: "finding warning" }, p))),
        h("div", { class: "card wide" }, facts([
          ["Keystone", h("code", null, check.authUrl)], ["Region", check.region], ["User", check.user], ["Project there", check.project.name], ["Roles", check.roles.join(", ")],
          ["Glance", check.endpoint && h("code", null, check.endpoint)], ["API version", check.apiVersion], ["Hash algorithm", check.hashAlgorithm], ["Import methods", check.importMethods.join(", ")],
          ["May publish images", !check.error && `${check.mayPublish.verdict}${check.mayPublish.how ? `: ${check.mayPublish.how}` : ""}`], ["Answers in", !check.error && `${check.latencyMs} ms`],
          ...check.quotas.map((q) => [q.name, `${q.used.toLocaleString("en")} of ${q.limit < 0 ? "any number" : q.limit.toLocaleString("en")}`]),
        ])),
      ]);
    } catch (err) { if (!signal.aborted) fill(place, problem(err)); }
    probing.disabled = false;
  }

  let which = "";
  async function lookImages() {
    fill(images, [h("h2", null, "Our images"), h("p", { class: "soft" }, "Asking …")]);
    try {
      const all = await every(path("vims", id, "images"), { signal });
      const count = tally(all);
      const rows = table([
        { label: "Image", show: (i) => h("a", { class: "name", href: link("images", i.id) }, i.name) },
        { label: "Size", kind: "num", show: (i) => bytes(i.size) },
        { label: "There", show: (i) => [chip(...presences[i.presence]), i.detail && h("span", { class: "sub" }, i.detail)] },
        { label: "Name there", show: (i) => i.vimName },
        { label: "Glance ID", show: (i) => i.vimId && copyable(i.vimId, "Glance ID") },
      ], { label: "Our images" });
      const filter = h("select", { "aria-label": "Which images", onchange: () => { which = filter.value; show(); } }, h("option", { value: "" }, `All (${all.more ? "the first " : ""}${all.length})`),
        ["there", "coming", "absent", "differs", "unknown"].map((p) => h("option", { value: p }, `${presences[p][1]} (${count[p] ?? 0})`)));
      filter.value = which;
      const show = () => rows.update(all.filter((i) => !which || i.presence === which));
      show();
      fill(images, [h("div", { class: "head" }, h("h2", { class: "grow" }, "Our images"), h("div", { class: "tools" }, filter)),
        all.length ? h("div", { class: "scroll" }, rows.element) : h("div", { class: "card" }, empty("The project has no images"))]);
    } catch (err) { if (!signal.aborted) fill(images, [h("h2", null, "Our images"), problem(err)]); }
  }
  await Promise.all([look(), lookImages()]);
}

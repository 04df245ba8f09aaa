// Jobs: what runs, and what has ended in the last days.

import { h, fill, span, when, chip, bar, copyable, facts, findings, problem, empty } from "./dom.js";
import { path, get, post, passing, sleep } from "./api.js";
import { list } from "./table.js";
import { tell } from "./dialog.js";
import { jobStates } from "./launches.js";

const kinds = { onboard: "Onboarding", fetch: "Fetching a package", launch: "Launch", image: "Image by URL", doctor: "Doctor", notify: "Notification" };
const kind = (j) => kinds[j.kind] ?? j.kind;

const state = (j) => [chip(...jobStates[j.state]), j.cancelling && j.state === "running" && h("span", { class: "sub" }, "is being cancelled"), j.error && h("span", { class: "sub" }, j.error)];
const under = (j) => ["queued", "running"].includes(j.state);

function cancel(j, signal, then) {
  const button = h("button", { type: "button", disabled: j.cancelling, "aria-label": `Cancel ${kind(j)} ${j.title ?? ""}`, onclick: async () => {
    button.disabled = true;
    try {
      await post(path("jobs", j.id, "cancel"));
      then();
    } catch (err) {
      button.disabled = false;
      tell(signal, "It cannot be cancelled", err);
    }
  } }, "Cancel");
  return button;
}

export function jobs({ content, link, signal, role }) {
  const which = h("select", { "aria-label": "State", onchange: () => rows.restart() }, h("option", { value: "" }, "All states"), h("option", { value: "queued,running" }, "Under way"),
    h("option", { value: "failed,cancelled" }, "Failed or cancelled"), h("option", { value: "succeeded" }, "Done"));
  const of = h("select", { "aria-label": "Kind", onchange: () => rows.restart() }, h("option", { value: "" }, "All kinds"), Object.entries(kinds).map(([value, label]) => h("option", { value }, label)));
  const rows = list(signal, {
    label: "Jobs", url: path("jobs"), parameters: () => ({ state: which.value, kind: of.value }),
    columns: [
      { label: "Job", show: (j) => [h("a", { class: "name", href: link(j.kind === "launch" ? "launches" : "jobs", j.id) }, kind(j)), j.title && h("span", { class: "sub" }, j.title)] },
      { label: "State", show: state },
      { label: "Progress", show: (j) => (j.state === "running" ? bar(j.progress.done, j.progress.total, `${kind(j)} ${j.title ?? ""}`, j.progress.step && !(j.progress.total > 0) ? j.progress.step : undefined) : "–") },
      { label: "By", kind: "word", show: (j) => j.by },
      { label: "Added", kind: "word", show: (j) => when(j.createdAt) },
      { label: "Took", kind: "num", show: (j) => (j.endedAt && j.startedAt ? span((new Date(j.endedAt) - new Date(j.startedAt)) / 1000) : "–") },
      { label: "", kind: "acts", show: (j) => (under(j) && role.writes ? cancel(j, signal, rows.look) : null) },
    ],
    none: () => (which.value || of.value ? empty("No job fits") : empty("There are no jobs", "Jobs are kept for a week after their end.")),
  });
  fill(content, [h("div", { class: "head" }, h("h1", { class: "grow" }, "Jobs"), h("div", { class: "tools" }, which, of)), rows.element]);
}

export async function oneJob({ content, id, link, signal, role }) {
  const title = h("h1");
  const status = h("span", { class: "grow", role: "status" });
  const tools = h("div", { class: "tools" });
  const body = h("div");
  fill(content, [h("a", { class: "back", href: link("jobs") }, "← Jobs"), h("div", { class: "head" }, title, status, tools), body]);
  let seen = {};
  function show(j) {
    if (JSON.stringify(seen) === JSON.stringify(j)) return;
    if (seen.state !== j.state || seen.cancelling !== j.cancelling) {
      fill(title, [kind(j), j.title && ` · ${j.title}`]);
      fill(status, chip(...jobStates[j.state]));
      fill(tools, under(j) && role.writes && cancel(j, signal, () => {}));
    }
    seen = j;
    const report = j.result?.report ?? j.result ?? {};
    fill(body, [
      j.error && h("div", { class: "problem" }, h("strong", null, "It did not succeed. "), j.error),
      j.state === "running" && h("div", { class: "card" }, bar(j.progress.done, j.progress.total, kind(j)), j.progress.step),
      findings(report.findings),
      h("div", { class: "card wide" }, facts([
        ["ID", copyable(j.id, "job ID")], ["By", j.by], ["Added", when(j.createdAt)], ["Begun", j.startedAt && when(j.startedAt)], ["Ended", j.endedAt && when(j.endedAt)],
        ["Attempts", j.attempt], ["Failures", j.failures || null], ["Next attempt", j.state === "queued" && j.notBefore && new Date(j.notBefore).toLocaleTimeString()],
        ["Package", ["onboard", "fetch"].includes(j.kind) && j.subject && h("a", { href: link("packages", j.subject) }, "Show it")],
        ["Launch", j.kind === "launch" && h("a", { href: link("launches", j.id) }, "Show it")],
      ])),
    ]);
  }
  while (!signal.aborted) {
    try {
      show(await get(path("jobs", id), { signal }));
      if (!under(seen)) return;
    } catch (err) {
      if (signal.aborted) return;
      if (!seen.id || !passing(err)) { fill(body, problem(err)); return; }
    }
    await sleep(1000, signal);
  }
}

// What is being brought in, and what becomes of it. It belongs to no view: it goes on
// whatever is shown, and is in sight at the bottom of the page.

import { h, fill, bytes, span, bar, chip, findings, problem, plural, say } from "./dom.js";
import { Failure, context, headers, failureOf, send, get, path, passing, sleep } from "./api.js";

const panel = document.getElementById("transfers");
const heading = h("h2");
const rows = h("ul", { class: "list" });
const transfers = new Set();
panel.append(h("div", { class: "bartop" }, heading,
  h("button", { type: "button", class: "plain", onclick: () => { for (const t of transfers) if (t.over) t.dismiss(); } }, "Clear those that ended")), rows);

// underWay are the transfers that have not ended.
export const underWay = () => [...transfers].filter((t) => !t.over);

function count() {
  panel.hidden = !transfers.size;
  const busy = underWay().length;
  heading.textContent = busy ? `${plural(busy, "transfer")} under way` : "Transfers";
}

// leave ends what is being sent and clears the panel. Uploads of packages can go on
// later.
export function leave() {
  for (const t of transfers) { t.stop.abort(); t.over = true; t.dismiss(); }
}

// What is being sent is cut by leaving the page; an upload of a package goes on later,
// but only from a file that is chosen again.
addEventListener("beforeunload", (event) => { if (underWay().some((t) => t.sending)) event.preventDefault(); });

// A browser has six connections to a server, which must not all be taken by bodies.
const lanes = { free: 2, waiting: [] };

// inLane runs work when one of the lanes for bodies is free.
async function inLane(signal, work) {
  while (lanes.free === 0) {
    await new Promise((resolve) => { lanes.waiting.push(resolve); signal.addEventListener("abort", resolve, { once: true }); });
    signal.throwIfAborted();
  }
  lanes.free--;
  try {
    return await work();
  } finally {
    lanes.free++;
    for (const go of lanes.waiting.splice(0)) go();
  }
}

// Speed tells the rate over the last seconds.
class Speed {
  constructor() { this.marks = []; }
  add(done) {
    const now = performance.now();
    this.marks.push([now, done]);
    while (this.marks.length > 2 && now - this.marks[0][0] > 5000) this.marks.shift();
  }
  get rate() {
    const [first, last] = [this.marks[0], this.marks.at(-1)];
    return last && last[0] - first[0] > 200 ? ((last[1] - first[1]) * 1000) / (last[0] - first[0]) : 0;
  }
}

// Transfer is one row of the panel. run(t) does the work; what it throws is shown, with
// a button that runs it again, for what is left. oncancel tells the server, and
// onrejected(report) may return a button that offers another way.
export class Transfer {
  constructor(name, about, run) {
    Object.assign(this, { name, about, run, project: context.project, over: false, sending: false });
    this.state = h("div");
    this.more = h("div", { class: "more" });
    this.acts = h("div", { class: "acts" });
    this.row = h("li", null, h("div", null, h("strong", null, name), h("div", { class: "soft" }, about)), this.state, this.acts, this.more);
    transfers.add(this);
    rows.prepend(this.row);
    this.start();
  }
  async start() {
    Object.assign(this, { over: false, stop: new AbortController() });
    fill(this.more, []);
    this.button("Cancel", () => this.cancel());
    this.show("", "Waiting for its turn");
    count();
    try {
      await this.run(this);
    } catch (err) {
      if (!this.stop.signal.aborted) this.fail(err);
    }
    this.sending = false;
    count();
  }
  get signal() { return this.stop.signal; }
  headers(more) { return headers({ "Gangway-Project": this.project, ...more }); }
  button(label, act, ...others) {
    fill(this.acts, [...others, h("button", { type: "button", onclick: act, "aria-label": `${label} ${this.name}` }, label)]);
  }
  // sent shows how much of the file has gone.
  sent(done, total) {
    this.speed.add(done);
    const rate = this.speed.rate;
    this.show("busy", "Sending", done, total, `${bytes(done)} of ${bytes(total)}` + (rate > 0 ? ` · ${bytes(rate)}/s · ${span((total - done) / rate)} left` : ""));
  }
  // show says where it is, with a bar if there is a total.
  show(kind, state, done, total, words) {
    if (!(total > 0)) {
      this.bar = null;
      fill(this.state, [chip(kind, state), words && " " + words]);
      return;
    }
    if (!this.bar) {
      this.bar = bar(done, total, `${this.name}: ${state}`, words);
      this.line = h("div");
      fill(this.state, [this.line, this.bar]);
    }
    fill(this.line, chip(kind, state));
    this.bar.querySelector("progress").value = Math.min(1, done / total);
    this.bar.querySelector("small").textContent = words ?? `${bytes(done)} of ${bytes(total)}`;
  }
  end(kind, state, ...more) {
    Object.assign(this, { over: true, sending: false });
    this.show(kind, state);
    fill(this.more, more);
    this.button("Dismiss", () => this.dismiss());
    say(`${this.name}: ${state}`);
    count();
    document.dispatchEvent(new Event("changed"));
  }
  fail(err) {
    const rejected = err.problem?.report?.status === "rejected";
    this.end("bad", rejected ? "Rejected" : "Not done", problem(err));
    if (!rejected) this.button("Dismiss", () => this.dismiss(), h("button", { type: "button", onclick: () => this.start(), "aria-label": `Try ${this.name} again` }, "Try again"));
  }
  async cancel() {
    this.stop.abort();
    this.show("", "Cancelling");
    try {
      await this.oncancel?.();
      this.end("", "Cancelled");
    } catch (err) {
      this.fail(err);
    }
  }
  dismiss() { transfers.delete(this); this.row.remove(); count(); }

  // put sends a file from an offset and returns the request, whose answer has the rest.
  // It tells how much has gone, which fetch cannot.
  put(method, url, file, offset, fields) {
    return inLane(this.signal, async () => {
      try {
        await file.slice(offset, offset + 1).arrayBuffer();
      } catch {
        throw Object.assign(new Failure(400, {}), { title: "The file cannot be read", detail: "It was changed or removed meanwhile, or is a folder. Choose it again." });
      }
      this.sending = true;
      this.speed = new Speed();
      this.sent(offset, file.size);
      try {
        return await this.#put(method, url, file, offset, fields);
      } finally {
        this.sending = false;
      }
    });
  }
  #put(method, url, file, offset, fields) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open(method, url);
      for (const [name, value] of this.headers(fields)) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded }) => { if (this.sending) this.sent(offset + loaded, file.size); };
      request.upload.onload = () => this.show("busy", "Storing");
      const stop = () => request.abort();
      this.signal.addEventListener("abort", stop);
      request.onloadend = () => this.signal.removeEventListener("abort", stop);
      request.onload = () => (request.status < 300 ? resolve(request) : reject(failureOf(request.status, request.responseText, request.getResponseHeader("Gangway-Job"))));
      request.onerror = () => reject(new Failure(0, {}));
      request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
      request.send(file.slice(offset));
    });
  }

  // follow shows a job until its end. It asks again and again, so that no connection
  // is taken for as long as jobs last.
  async follow(id) {
    this.oncancel = () => send("POST", path("jobs", id, "cancel"), { headers: this.headers() });
    this.show("busy", "Processing");
    document.dispatchEvent(new Event("changed"));
    for (;;) {
      try {
        const job = await get(path("jobs", id), { headers: this.headers(), signal: this.signal });
        if (!["queued", "running"].includes(job.state)) return this.told(job);
        const { step, done, total } = job.progress;
        this.show("busy", job.state === "queued" ? "Waiting for a worker" : "Processing", done, total, total > 0 && step ? `${step}: ${bytes(done)} of ${bytes(total)}` : step);
      } catch (err) {
        if (this.signal.aborted || !passing(err)) throw err;
        this.show("warn", "Processing", 0, 0, patience(err));
      }
      await sleep(Math.max(700, 200 * underWay().length), this.signal);
      if (this.signal.aborted) return;
    }
  }

  // told shows what became of a job that took something in.
  told(job) {
    const report = job.result?.report ?? job.result ?? {};
    const found = findings(report.findings);
    if (job.state !== "succeeded") {
      const rejected = report.status === "rejected";
      this.end("bad", rejected ? "Rejected" : job.state === "cancelled" ? "Cancelled" : "Not done",
        !rejected && h("div", { class: "problem" }, job.error || "It was cancelled."), found, rejected && this.onrejected?.(report));
      return;
    }
    const link = (view, id, words) => h("a", { href: `#/${encodeURIComponent(this.project)}/${view}/${encodeURIComponent(id)}` }, words);
    const pkg = report.package;
    this.end("good", report.status === "unchanged" ? "Was there already" : "Onboarded", pkg?.id
      ? h("p", null, link("packages", pkg.id, [pkg.vendor, pkg.name].filter(Boolean).join("/") + (pkg.version ? ` ${pkg.version}` : "")), ` · ${plural(report.images?.length ?? 0, "image")}`)
      : report.images?.map((image) => image.id && h("p", null, link("images", image.id, image.name))), found);
  }
}

// patience says what is waited for after a failure that passes.
export const patience = (err) => (err.status === 401 ? "It goes on when you have logged in again."
  : err.status ? `${err.detail || err.title} It is tried again by itself.` : "The connection is broken; it goes on as soon as the server answers.");

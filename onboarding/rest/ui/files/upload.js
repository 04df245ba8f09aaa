// Packages and images on their way to the server.

import { h, bytes } from "./dom.js";
import { context, headers, send, path, query, passing, sleep } from "./api.js";
import { Transfer, underWay, patience } from "./transfer.js";

const tus = { "Tus-Resumable": "1.0.0" };
const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

// jobIn is the ID of the job that an address leads to.
const jobIn = (address) => address?.split("/").at(-1);

// Uploads that have begun are noted by project and file, so that the same file goes on
// where it was, also after the page was left. Their time says whether one is being
// sent, perhaps in another tab.
const prefix = "upload ";
const fresh = 120000; // milliseconds; tabs out of sight may have a turn only once a minute
const notes = {
  read(key) { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } },
  write(key, url, at = Date.now()) { try { localStorage.setItem(key, JSON.stringify({ url, at })); } catch { /* full or forbidden: then it begins anew */ } },
  forget(key) { localStorage.removeItem(key); },
};

// Who leaves the page sends no more.
addEventListener("pagehide", () => {
  for (const { note } of underWay()) if (note && notes.read(note)) notes.write(note, notes.read(note).url, 0);
});

// noteOf names a file by what it is called, how large and old it is, and a sum of its
// first and last bytes: a package that was built anew is another one.
async function noteOf(file) {
  const edge = 64 << 10;
  let sum = 0x811c9dc5; // FNV-1a, 32 bits
  for (const part of [file.slice(0, edge), file.slice(Math.max(0, file.size - edge))]) {
    for (const byte of new Uint8Array(await part.arrayBuffer())) sum = Math.imul(sum ^ byte, 0x01000193) >>> 0;
  }
  return prefix + JSON.stringify([context.project, file.name, file.size, file.lastModified, sum]);
}

// unfinished tells the uploads that this browser has begun in the project, and which
// wait for their rest.
export async function unfinished(signal) {
  const project = context.project;
  const waiting = [];
  for (const key of Object.keys(localStorage).filter((key) => key.startsWith(prefix))) {
    const note = notes.read(key);
    let of, name, size;
    try { [of, name, size] = JSON.parse(key.slice(prefix.length)); } catch { continue; }
    if (of !== project || !note || Date.now() - note.at < fresh || underWay().some((t) => t.note === key)) continue;
    try {
      const answer = await send("HEAD", note.url, { headers: headers({ ...tus, "Gangway-Project": project }), signal });
      if (answer.headers.get("Gangway-Job")) notes.forget(key);
      else waiting.push({ key, project, name, size, offset: Number(answer.headers.get("Upload-Offset")) });
    } catch (err) {
      if ([404, 410].includes(err.status)) notes.forget(key);
    }
  }
  return waiting;
}

// giveUp takes away what the server has of an upload.
export async function giveUp({ key, project }) {
  const note = notes.read(key);
  try {
    if (note) await send("DELETE", note.url, { headers: headers({ ...tus, "Gangway-Project": project }) });
  } catch (err) {
    if (![404, 409, 410].includes(err.status)) throw err;
  }
  notes.forget(key);
}

// uploadPackage sends a package by the tus protocol, which goes on from the last byte
// that arrived, and follows its job until it is onboarded or refused.
export function uploadPackage(file, onConflict = "reject") {
  let job = null;
  new Transfer(file.name, `Package · ${bytes(file.size)}`, async (t) => {
    if (!job) {
      t.note = await noteOf(file).catch(() => null); // sending says that it cannot be read
      t.oncancel = () => (t.note ? giveUp({ key: t.note, project: t.project }) : undefined);
      job = await sendAll(t, file, onConflict);
    }
    t.onrejected = ({ findings }) => findings.some((f) => f.code === "image-name-taken") && onConflict === "reject"
      && h("button", { type: "button", onclick: () => { t.dismiss(); uploadPackage(file, "keep"); } }, "Send it again, and keep the images that are there");
    await t.follow(job);
  });
}

// sendAll returns the ID of the job that onboards the package.
async function sendAll(t, file, onConflict) {
  let { url } = notes.read(t.note) ?? {};
  for (let pause = 500; ; pause = Math.min(pause * 2, 8000)) {
    try {
      let offset = 0;
      if (url) {
        const answer = await send("HEAD", url, { headers: t.headers(tus), signal: t.signal });
        const job = jobIn(answer.headers.get("Gangway-Job"));
        if (job) return arrived(t, job);
        offset = Number(answer.headers.get("Upload-Offset"));
      } else {
        const answer = await send("POST", path("uploads"), { signal: t.signal,
          headers: t.headers({ ...tus, "Upload-Length": file.size, "Upload-Metadata": `filename ${base64(file.name)},on-conflict ${base64(onConflict)}` }) });
        url = new URL(answer.headers.get("Location"), location.href).pathname;
      }
      notes.write(t.note, url);
      const beat = setInterval(() => { if (t.sending) notes.write(t.note, url); }, 5000);
      try {
        const request = await t.put("PATCH", url, file, offset, { ...tus, "Content-Type": "application/offset+octet-stream", "Upload-Offset": offset });
        const job = jobIn(request.getResponseHeader("Gangway-Job"));
        if (job) return arrived(t, job);
      } finally {
        clearInterval(beat);
      }
    } catch (err) {
      if (t.signal.aborted) throw err;
      if (url && err.job) return arrived(t, jobIn(err.job)); // it has ended already
      const lost = url && [404, 410].includes(err.status);
      if (lost) {
        notes.forget(t.note);
        url = null;
      } else if (!passing(err) && ![409, 423].includes(err.status)) {
        throw err;
      }
      if (!lost) t.show("warn", "Waiting", 0, 0, patience(err));
    }
    await sleep(pause, t.signal);
    t.signal.throwIfAborted();
  }
}

function arrived(t, job) {
  notes.forget(t.note);
  return job;
}

// uploadImage sends the file of an image.
export function uploadImage(file, image) {
  const url = path("images", image.name) + query({ diskFormat: image.diskFormat, containerFormat: image.containerFormat,
    minDisk: image.minDisk, minRam: image.minRam, minCPU: image.minCPU, isPublic: image.isPublic });
  new Transfer(image.name, `Image · ${bytes(file.size)}`, async (t) => {
    const request = await t.put("PUT", url, file, 0, { "Content-Type": "application/octet-stream", ...(image.digest && { "Repr-Digest": image.digest.field }) });
    const added = JSON.parse(request.responseText);
    t.told({ state: "succeeded", result: { status: request.status === 200 ? "unchanged" : "onboarded", images: [added], findings: added.findings } });
  });
}

// fetchImage has the server fetch an image, and follows it.
export function fetchImage({ digest, diskFormat, ...image }) {
  let job = null;
  new Transfer(image.name, "Image from a URL", async (t) => {
    job ??= (await (await send("POST", path("images"), { headers: t.headers({ Prefer: "respond-async" }), signal: t.signal,
      json: { ...image, diskFormat: diskFormat || undefined, digests: digest && { [digest.algorithm]: digest.hex } } })).json()).id;
    await t.follow(job);
  });
}

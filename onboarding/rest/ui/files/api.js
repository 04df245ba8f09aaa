// Requests to gangway's API. The browser keeps the credential in a cookie that no
// script can read; the project goes along in a header.

const root = "/api/v1";

// context is what every request needs. onLoggedOut is called when the server does not
// know the caller any more.
export const context = { project: "", onLoggedOut: () => {} };

// Failure is a request that did not succeed. Its status is 0 if there was no answer.
export class Failure extends Error {
  constructor(status, problem, job) {
    super(problem.detail ?? problem.title ?? "");
    this.status = status;
    this.problem = problem;
    this.job = job; // where to look for what became of an upload that has ended
    this.title = status ? problem.title || `Status ${status}` : "The server does not answer";
    this.detail = problem.detail ?? (status ? "" : "Look whether it runs and can be reached; what was begun goes on by itself.");
  }
}

export const path = (...parts) => root + parts.map((p) => "/" + encodeURIComponent(p)).join("");

// address is that of a file, for links, which can send no headers.
export const address = (...parts) => `${path(...parts)}?project=${encodeURIComponent(context.project)}`;

export function headers(more) {
  const all = new Headers(more);
  if (context.project && !all.has("Gangway-Project")) all.set("Gangway-Project", context.project);
  return all;
}

// failureOf makes what the server said of an error out of its answer.
export function failureOf(status, text, job) {
  let said = {};
  try { said = JSON.parse(text); } catch { said = { title: text.slice(0, 200) }; }
  const failure = new Failure(status, said ?? {}, job);
  if (status === 401) context.onLoggedOut();
  return failure;
}

// send sends a request and returns the answer, or throws a Failure.
export async function send(method, url, { json, headers: more, ...options } = {}) {
  const all = headers(more);
  if (json !== undefined) all.set("Content-Type", "application/json");
  let answer;
  try {
    answer = await fetch(url, { method, headers: all, body: json === undefined ? undefined : JSON.stringify(json), ...options });
  } catch (err) {
    if (err.name === "AbortError") throw err;
    throw new Failure(0, {});
  }
  if (!answer.ok) throw failureOf(answer.status, await answer.text().catch(() => ""), answer.headers.get("Gangway-Job"));
  return answer;
}

// parsed is what an answer holds. One that breaks off is as good as none.
async function parsed(answer) {
  try {
    return answer.status === 204 ? null : await answer.json();
  } catch (err) {
    if (err.name === "AbortError") throw err;
    throw new Failure(0, {});
  }
}

// query writes parameters, without those that are empty.
export function query(parameters) {
  const all = new URLSearchParams(Object.entries(parameters).filter(([, v]) => v !== undefined && v !== null && v !== "" && v !== false));
  return all.size ? "?" + all : "";
}

export const get = async (url, options) => parsed(await send("GET", url, options));
export const post = async (url, json, options) => parsed(await send("POST", url, { json, ...options }));
export const remove = async (url, options) => parsed(await send("DELETE", url, options));

// page returns a page of a list with the marker of the next one, if there is one.
export async function page(url, options) {
  const answer = await send("GET", url, options);
  const next = answer.headers.get("Link")?.match(/<([^>]*)>; rel="next"/)?.[1];
  return { items: await parsed(answer), next: next ? new URL(next, location.href).searchParams.get("marker") : null };
}

// every returns all items of a list, page by page, but no more than most; more says
// whether there are others.
export async function every(url, { most = 2000, ...options } = {}) {
  const all = [];
  let marker = "";
  while (marker !== null && all.length < most) {
    const { items, next } = await page(url + (url.includes("?") ? "&" : "?") + new URLSearchParams({ limit: 1000, ...(marker && { marker }) }), options);
    all.push(...items);
    marker = next;
  }
  return Object.assign(all, { more: marker !== null });
}

// sleep waits, or returns at once when the signal says so.
export const sleep = (ms, signal) => new Promise((resolve) => {
  const done = () => { clearTimeout(timer); signal?.removeEventListener("abort", done); resolve(); };
  const timer = setTimeout(done, signal?.aborted ? 0 : ms);
  signal?.addEventListener("abort", done);
});

// passing tells failures that end by themselves, or when somebody has logged in again.
export const passing = (err) => err instanceof Failure && (err.status === 0 || err.status >= 500 || [401, 408, 429].includes(err.status)) && err.status !== 507;

// watch tells the events of a job as they come, each once, however often the
// connection breaks, until the job has ended or the signal says so. The events of
// the browser's own EventSource could not say which project they are of.
export async function watch(id, tell, signal, project = context.project) {
  let last = 0;
  for (let pause = 500; !signal.aborted;) {
    try {
      const answer = await send("GET", path("jobs", id, "events"), { signal, headers: { Accept: "text/event-stream", "Gangway-Project": project, ...(last && { "Last-Event-ID": last }) } });
      if (answer.status === 204) return;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ""; ;) {
        const { done, value } = await reader.read();
        if (done) break;
        pause = 500;
        const blocks = (rest + value).split("\n\n");
        rest = blocks.pop();
        for (const block of blocks) {
          const field = Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s, 2)));
          if (!field.data) continue;
          last = Number(field.id);
          tell({ type: field.event, data: JSON.parse(field.data) });
        }
      }
    } catch (err) {
      if (signal.aborted) return;
      if (err instanceof Failure && !passing(err)) throw err;
    }
    await sleep(pause, signal);
    pause = Math.min(pause * 2, 8000);
  }
}

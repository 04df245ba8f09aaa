// The frame: who is logged in, which project, which view.

import { h, fill, problem } from "./dom.js";
import { context, get, post, remove, path, query, page, sleep } from "./api.js";
import { packages, onePackage } from "./packages.js";
import { images, oneImage } from "./images.js";
import { vims, oneVIM } from "./vims.js";
import { launches, oneLaunch, newLaunch } from "./launches.js";
import { jobs, oneJob } from "./jobs.js";
import { tell } from "./dialog.js";
import { leave } from "./transfer.js";

const main = document.getElementById("main");
const top = document.getElementById("top");
const notice = document.getElementById("notice");

const views = {
  packages: { title: "Packages", all: packages, one: onePackage },
  images: { title: "Images", all: images, one: oneImage },
  vims: { title: "VIMs", all: vims, one: oneVIM },
  launches: { title: "Launches", all: launches, one: oneLaunch, new: newLaunch },
  jobs: { title: "Jobs", all: jobs, one: oneJob },
};
const known = (view) => Object.hasOwn(views, view ?? "");

let session = null;
let shown = null; // the AbortController of the view that is shown

// parts of the address: #/PROJECT/VIEW/ID?parameters
function place() {
  const [where, parameters] = location.hash.replace(/^#\/?/, "").split("?", 2);
  const [project, view, id] = where.split("/").map((part) => { try { return decodeURIComponent(part); } catch { return part; } });
  return { project, view, id, parameters: new URLSearchParams(parameters) };
}

export const link = (view, id, parameters = {}) => ["#", context.project, view, id].filter((p) => p !== undefined).map((p, i) => (i ? encodeURIComponent(p) : p)).join("/") + query(parameters);

function route(event) {
  if (!session) return;
  const { project, view, id, parameters } = place();
  const own = session.projects.map((p) => p.name);
  const stays = project && (own.includes(project) || session.everywhere);
  if (!stays || !known(view)) {
    const last = localStorage.getItem("project");
    const home = stays ? project : own.includes(last) ? last : own.includes("default") ? "default" : own[0] ?? "default";
    location.replace(`#/${encodeURIComponent(home)}/${known(view) ? view : "packages"}`);
    return;
  }
  context.project = project;
  localStorage.setItem("project", project);
  shown?.abort();
  shown = new AbortController();
  frame(view);
  const content = h("div");
  const render = id === undefined ? views[view].all : (id === "new" && views[view].new || views[view].one);
  document.title = `${views[view].title} · ${project} · gangway`;
  fill(main, content);
  render({ content, id, parameters, link, signal: shown.signal, role: role(project), session });
  if (event) { scrollTo(0, 0); main.focus({ preventScroll: true }); }
}

const ranks = ["reader", "writer", "admin"];

// role is what the caller may do in a project.
function role(project) {
  const own = session.projects.find((p) => p.name === project)?.role;
  const name = ranks[Math.max(ranks.indexOf(own), ranks.indexOf(session.everywhere))];
  return { name, writes: ranks.indexOf(name) >= 1 };
}

const count = h("span", { class: "count", hidden: true });

function frame(current) {
  top.hidden = false;
  fill(document.getElementById("nav"), Object.entries(views).map(([name, view]) =>
    h("a", { href: link(name), "aria-current": name === current ? "page" : null }, view.title, name === "jobs" && [" ", count])));
  const names = [...new Set([...session.projects.map((p) => p.name), context.project])].sort();
  const select = h("select", { "aria-label": "Project", onchange: () => { location.hash = `#/${encodeURIComponent(select.value)}/${current}`; } },
    names.map((name) => h("option", { value: name }, name)));
  select.value = context.project;
  fill(document.getElementById("session"), [
    h("span", { class: "soft who", title: `${session.subject} is ${role(context.project).name} in ${context.project}` }, session.subject),
    select, h("button", { type: "button", class: "plain", onclick: logOut }, "Log out")]);
  countJobs();
}

async function countJobs() {
  try {
    const { items, next } = await page(path("jobs") + "?state=queued,running&limit=50", { signal: shown?.signal });
    count.hidden = !items.length;
    fill(count, [items.length, next && "+", h("span", { class: "unseen" }, " under way")]);
    fill(notice, []);
  } catch (err) {
    if (err.status === 0) fill(notice, h("p", null, "The server does not answer. What was begun goes on; this page tries again by itself."));
  }
}
setInterval(() => { if (session && !document.hidden) countJobs(); }, 4000);
document.addEventListener("changed", countJobs);

async function logOut() {
  try {
    await remove(path("session"));
  } catch (err) {
    if (err.status !== 401) return tell(shown.signal, "The login could not be ended", err);
  }
  leave();
  loggedOut();
}

function loggedOut(reason) {
  session = null;
  shown?.abort();
  top.hidden = true;
  document.title = "Log in · gangway";
  fill(main, login(reason));
  main.querySelector("input[type=password]")?.focus();
}
context.onLoggedOut = () => { if (session) loggedOut("Your login has ended. Log in again, and go on where you were."); };

function login(reason) {
  const kind = (value, label, checked) => h("label", { class: "check" }, h("input", { type: "radio", name: "kind", value, checked, onchange: turn }), label);
  const user = h("input", { id: "user", name: "user", autocomplete: "username" });
  const secret = h("input", { id: "secret", name: "secret", type: "password", autocomplete: "current-password", required: true });
  const label = h("label", { for: "secret" }, "Token");
  const userField = h("div", { class: "field", hidden: true }, h("label", { for: "user" }, "User"), user);
  const said = h("div");
  const go = h("button", { type: "submit", class: "main" }, "Log in");
  function turn(event) {
    const withUser = event.target.value === "user";
    userField.hidden = !withUser;
    user.required = withUser;
    label.textContent = withUser ? "Password" : "Token";
  }
  return h("div", { class: "card login" },
    h("h1", null, "gangway"),
    h("p", { class: "soft" }, "VNF packages and images, aboard the telco cloud."),
    reason && h("p", { role: "status" }, reason),
    h("form", {
      class: "form",
      onsubmit: async (event) => {
        event.preventDefault();
        go.disabled = true;
        const value = secret.value.trim();
        try {
          await begin(await post(path("session"), userField.hidden ? { token: value } : { user: user.value.trim(), password: value }));
        } catch (err) {
          go.disabled = false;
          fill(said, problem(err));
        }
      },
    },
    h("fieldset", null, h("legend", { class: "unseen" }, "Log in with"), h("div", { class: "choice" }, kind("token", "Token", true), kind("user", "Open Baton user", false))),
    userField, h("div", { class: "field" }, label, secret), said, go));
}

// begin goes on as who has logged in. What somebody else had begun does not go on in
// that name.
let subject = null;
async function begin(said) {
  if (subject !== null && subject !== said.subject) leave();
  session = said;
  subject = said.subject;
  notice.replaceChildren();
  route();
}

addEventListener("hashchange", route);
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
for (;;) {
  try {
    await begin(await get(path("session")));
    break;
  } catch (err) {
    if (err.status === 401) { loggedOut(); break; }
    fill(main, problem(err));
    await sleep(3000);
  }
}

// A list that is searched, sorted and paged by the server, and kept up to date.

import { h, fill, empty, problem } from "./dom.js";
import { page, query, sleep } from "./api.js";

const pageSize = 50;
const refresh = 4000; // milliseconds between looks

// table shows rows. A column is {label, show(item), sort, kind}: sort is what the
// server calls it, and kind a class of the cells. Rows that look as before stay the
// same elements, so that what has the focus keeps it.
export function table(columns, { label, onsort, sorted } = {}) {
  const body = h("tbody", { role: "rowgroup" }); // roles are said as narrow screens show tables in another way
  const heads = columns.map((c) => {
    const title = c.sort && onsort ? h("button", { type: "button", onclick: () => onsort(c.sort) }, c.label) : c.label || h("span", { class: "unseen" }, "Actions");
    return h("th", { role: "columnheader", scope: "col", class: c.kind }, title);
  });
  const element = h("table", { role: "table", class: "stack", "aria-label": label }, h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads)), body);
  let rows = new Map();
  const mark = (by) => columns.forEach((c, i) => {
    if (!c.sort || !onsort) return;
    const way = by === c.sort ? "ascending" : by === "-" + c.sort ? "descending" : null;
    if (way) heads[i].setAttribute("aria-sort", way);
    else heads[i].removeAttribute("aria-sort");
    heads[i].firstChild.textContent = c.label + (way ? (way === "ascending" ? " ↑" : " ↓") : "");
  });
  mark(sorted);
  return {
    element,
    mark,
    // update shows items; more is what else than the item a row depends on.
    update(items, key = (item) => item.id, more = () => "") {
      const kept = new Map();
      const minute = Math.floor(Date.now() / 60000); // ages are shown
      for (const [i, item] of items.entries()) {
        const name = key(item, i);
        const look = JSON.stringify(item) + more(item) + minute;
        const before = rows.get(name);
        if (before?.look === look) { kept.set(name, before); continue; }
        const row = h("tr", { role: "row" }, columns.map((c) => {
          const shown = c.show(item);
          const none = shown === null || shown === undefined || shown === "" || shown === "–";
          return h("td", { role: "cell", class: [c.kind, none && "none"].filter(Boolean).join(" ") || null, "data-label": c.label || null }, !none ? shown : c.label ? "–" : "");
        }));
        if (before) refocus(before.row, row);
        kept.set(name, { look, row });
      }
      rows = kept;
      const wanted = [...kept.values()].map((r) => r.row);
      if (wanted.length !== body.children.length || wanted.some((row, i) => row !== body.children[i])) {
        const focused = body.contains(document.activeElement) ? document.activeElement : null;
        body.replaceChildren(...wanted);
        focused?.focus({ preventScroll: true });
      }
    },
  };
}

// refocus moves the focus from a part of an old row to the same part of the new one.
function refocus(old, row) {
  if (!old.contains(document.activeElement)) return;
  const parts = (r) => [...r.querySelectorAll("a, button, input")];
  const at = parts(old).indexOf(document.activeElement);
  queueMicrotask(() => parts(row)[at]?.focus({ preventScroll: true }));
}

// list is a table with its search, its pages, and a look at the server every few
// seconds. Options: url, parameters() (of filters), columns, sort, search (the words
// of the field), none() (what an empty list shows), key and more as in update.
export function list(signal, options) {
  const state = { sort: options.sort, search: "", markers: [""] };
  const place = h("div");
  const count = h("span", { role: "status" });
  const previous = h("button", { type: "button", onclick: () => turn(state.markers.slice(0, -1)) }, "Previous");
  const following = h("button", { type: "button", onclick: () => turn([...state.markers, state.next]) }, "Next");
  const foot = h("div", { class: "foot", hidden: true }, count, previous, following);
  const orderBy = (by) => { state.sort = by; rows.mark(by); sorter.value = by; restart(); };
  const rows = table(options.columns, {
    label: options.label, sorted: state.sort, onsort: options.sort && ((by) => orderBy(state.sort === by ? "-" + by : by)),
  });
  // Narrow screens show no heads to sort by.
  const sorter = h("select", { class: "narrow", "aria-label": "Order", onchange: () => orderBy(sorter.value) },
    options.columns.filter((c) => c.sort).flatMap((c) => [h("option", { value: c.sort }, `${c.label} ↑`), h("option", { value: "-" + c.sort }, `${c.label} ↓`)]));
  sorter.value = state.sort ?? "";
  const scroll = h("div", { class: "scroll" }, rows.element);
  const search = options.search && h("input", { type: "search", placeholder: options.search, "aria-label": options.search });
  let typing;
  search?.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => { state.search = search.value.trim(); restart(); }, 200);
  });

  let asking = null;
  async function look() {
    asking?.abort();
    const mine = new AbortController();
    asking = mine;
    const stop = AbortSignal.any([signal, mine.signal]);
    try {
      const { items, next } = await page(options.url + query({ ...options.parameters?.(), sort: state.sort, search: state.search, limit: pageSize, marker: state.markers.at(-1) }), { signal: stop });
      if (!stop.aborted) show(items, next);
    } catch (err) {
      if (stop.aborted) return;
      if (!place.contains(scroll)) fill(place, problem(err));
      else write(count, `${err.title}. ${err.detail}`);
    }
  }
  function show(items, next) {
    const first = state.markers.length === 1;
    const nothing = !items.length && first;
    state.next = next;
    rows.update(items, options.key, options.more);
    if (nothing) fill(place, h("div", { class: "card" }, state.search ? empty("Nothing fits", "No name has these letters.") : options.none()));
    else if (!place.contains(scroll)) fill(place, scroll);
    foot.hidden = nothing;
    previous.hidden = following.hidden = first && !next;
    previous.disabled = first;
    following.disabled = !next;
    write(count, first && !next ? `${items.length} in all` : `page ${state.markers.length}`);
  }
  // write changes a text only where it is another, so that it is not read out again.
  function write(element, text) { if (element.textContent !== text) element.textContent = text; }
  function turn(markers) { state.markers = markers; return look(); }
  function restart() { return turn([""]); }

  async function keep() {
    while (!signal.aborted) {
      if (!document.hidden) await look();
      await sleep(refresh, signal);
    }
  }
  keep();
  return { element: h("div", null, place, foot), tools: [search, options.sort && sorter], look, restart };
}

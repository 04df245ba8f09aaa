// Dialogs: the browser's own, which keep the focus and close with Escape.

import { h, fill, problem } from "./dom.js";

// dialog shows content(close) over the page and returns a promise of what close was
// called with; undefined if it was dismissed, or went with the view of the signal.
export function dialog(signal, label, content) {
  return new Promise((resolve) => {
    let result;
    const element = h("dialog", { "aria-label": label });
    const close = (value) => { result = value; element.close(); };
    fill(element, content(close));
    const go = () => element.close();
    signal.addEventListener("abort", go);
    element.addEventListener("close", () => { signal.removeEventListener("abort", go); element.remove(); resolve(result); });
    document.body.append(element);
    element.showModal();
  });
}

// confirm asks before something that cannot be undone. act does it; while it fails
// the dialog stays and says why. It returns what act returned, or undefined.
export function confirm(signal, title, content, label, act) {
  return dialog(signal, title, (close) => {
    const said = h("div");
    const go = h("button", { type: "submit", class: "main danger" }, label);
    return h("form", {
      method: "dialog",
      onsubmit: async (event) => {
        event.preventDefault();
        go.disabled = true;
        try { close((await act()) ?? true); } catch (err) { fill(said, problem(err)); go.disabled = false; }
      },
    }, h("h2", null, title), content, said,
    h("div", { class: "buttons" }, h("button", { type: "button", autofocus: true, onclick: () => close() }, "Keep"), go));
  });
}

// tell says why something could not be done.
export const tell = (signal, title, err) => dialog(signal, title, (close) => h("div", null, h("h2", null, title), problem(err),
  h("div", { class: "buttons" }, h("button", { type: "button", onclick: () => close() }, "Close"))));

// field is a label with a control, a hint, and a place for what is wrong with it.
let fields = 0;
export function field(label, control, { hint, size } = {}) {
  const id = `field-${++fields}`;
  control.id ||= id;
  const wrong = h("span", { class: "wrong", id: `${id}-wrong`, role: "status" });
  const words = hint && h("small", { class: "soft", id: `${id}-hint` }, hint);
  control.setAttribute("aria-describedby", [words?.id, wrong.id].filter(Boolean).join(" "));
  const element = h("div", { class: size ? `field ${size}` : "field" }, h("label", { for: control.id }, label), control, words, wrong);
  return {
    element, control, words,
    // refuse says what is wrong, or that nothing is.
    refuse(...text) {
      fill(wrong, text);
      if (text.length) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
    },
  };
}

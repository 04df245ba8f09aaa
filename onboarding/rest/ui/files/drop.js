// Files that are dropped anywhere on the page.

// dropping calls take with the files that are dropped until the signal; words are
// shown while they hang over the page. While a dialog is open it may take them itself.
export function dropping(signal, words, take) {
  let inside = 0;
  const over = (on) => { document.body.classList.toggle("dropping", on); document.body.dataset.drop = words; if (!on) inside = 0; };
  const files = (event) => event.dataTransfer?.types.includes("Files") && !document.querySelector("dialog[open]");
  addEventListener("dragenter", (event) => { if (files(event)) { inside++; over(true); event.preventDefault(); } }, { signal });
  addEventListener("dragleave", (event) => { if (files(event) && --inside <= 0) over(false); }, { signal });
  addEventListener("dragover", (event) => { if (files(event)) event.preventDefault(); }, { signal });
  addEventListener("drop", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    over(false);
    take([...event.dataTransfer.files]);
  }, { signal });
  signal.addEventListener("abort", () => over(false), { once: true });
}

// A file that misses must not replace the page.
for (const name of ["dragover", "drop"]) addEventListener(name, (event) => { if (event.dataTransfer?.types.includes("Files")) event.preventDefault(); });

// Package ui is the page that a browser shows at / : packages, images, VIMs, launches
// and jobs, for people. It is a door that serves files and nothing else. Whatever
// the page shows or does goes through gangway's API, as any program's requests do,
// so that nothing is possible here only.
//
// The files are in the binary, and are what a browser runs: there is no build step.
// index.html is the frame, app.js begins; a view is a module of its own in files,
// and what several of them need is in dom.js (elements), api.js (requests, events),
// table.js, dialog.js and transfer.js (uploads, which go on whatever is shown).
//
// # What a browser may do
//
// Names come from vendors' packages, so that text never becomes markup: elements are
// built by dom.js, which knows no HTML, and the Content-Security-Policy allows
// neither inline scripts and styles nor strings as markup (Trusted Types), and
// nothing from elsewhere.
package ui

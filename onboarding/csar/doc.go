// Package csar opens VNF packages as containers of files, whatever wraps
// them, and refuses those that lie. What the files say is package tosca's
// business.
//
//	Source ──▶ sniff ──┬─▶ zip ── directory checks ──────────────┐
//	                   │    ▲                                    ├─▶ names, limits ──▶ Archive
//	                   │  spool, when it is a stream             │    (inventory)        │
//	                   └─▶ [gzip xz zstd bzip2] ─▶ tar, in order ┘                       ├─ tosca.Nest
//	                                                 │ images, large members             ├─ OpenMember, Walk
//	                                                 └─▶ KeepFunc                        └─ Outer
//
// A container is told by its bytes, never by its name. A zip is read by its
// central directory and every member can be read at any time, a deflated one
// also in the form in which it lies there ([Archive.Deflated]). A tar is read
// once, in order: small members stay in memory, the others are handed to a
// [KeepFunc] as they pass. Exactly one layer of compression is taken off.
//
// Archives are hostile until proven otherwise. Nothing is ever written to a
// path that an archive names, no link is followed, and what is ambiguous is
// refused, since another reader might see another package in the same bytes.
// A fault of the archive is a [tosca.Finding] with a code of [Codes]; an error
// of Open means that the source, the spool or the KeepFunc broke.
//
// Ranges of a zip that its directory does not mention are never read and so
// are tolerated, but the directory must end where the end record begins, and
// the end record where the file ends.
package csar

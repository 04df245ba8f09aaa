// Package tosca reads what a VNF package says: bytes in, one model out.
//
// It is the "describe" stage of the pipeline. The archive stage hands it the
// package's members as [Files]; [Read] tells the dialect by the files
// themselves and returns a [Package] together with [Findings]:
//
//	Files ─▶ dialect? ─┬─ Metadata.yaml + VNFD (JSON) ───────────▶ openbaton-tar
//	                   ├─ TOSCA.meta + Metadata.yaml + template ─▶ openbaton-csar
//	                   ├─ TOSCA.meta or one root template ───────▶ sol004, tosca-simple
//	                   └─ vnfd: or nsd: at the root or the entry ▶ osm
//	                                                       │
//	                               Package{VDUs, Images, Files}, Findings
//
// The model answers the two questions of the stages that follow: which images
// does the package bring, by file or by URL, and which images does each VDU
// need on the VIM.
//
// Everything is read leniently and reported strictly. Reading never stops at
// the first problem: a finding carries a stable code (see [Codes]), a place,
// what was expected and found, and how to mend it. A finding of severity
// [Error] refuses the package; everything that merely deviates from the
// specification, but has one plausible meaning, is a [Warning].
//
// The package touches neither disk nor network, never panics on bad input, and
// bounds its work: files are read once, imports are followed from the entry
// definitions only, type files are parsed only when a node's type cannot be
// told by its name, aliases are never expanded.
//
// The specifications are ETSI GS NFV-SOL 001 (VNFD), SOL 004 (package), TOSCA
// Simple Profile in YAML 1.x, and the documentation and behaviour of Open
// Baton's NFVO for its two package forms.
package tosca

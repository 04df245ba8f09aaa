// Package imagerepo is the image repository: images with names that are unique
// in their project, files that are called by the image's ID, and digests that
// prove both.
//
// In the pipeline it stands between a package and a cloud. An [Intake] takes
// the bytes of a package's images in, and makes them visible together with the
// package in one step:
//
//	reader ──▶ Stage ──▶ file in a session ──▶ fsync ──▶ link to its final name
//	             │                                              │
//	             ├─ SHA-256 and stated digests                  ▼
//	             └─ compared with what is there     one catalogue transaction
//
// A reader that delivers what the repository already has writes nothing: its
// bytes are compared with the stored file as they pass, and only a difference
// starts a new file. Either way the session holds the bytes from then on, and
// because they were just proven they also take the place of any stored file
// of the same content that is not the same file: taking an image in again heals
// it. Where they come compressed as they came before, [Intake.StagePacked] proves
// the stored file instead, without unpacking them (see [Packing]).
//
// Two narrow seams carry it: a [Catalog] of names, digests and references, and
// [Blobs], the files. Package catalog has the first on SQLite, package fsstore
// the second in a folder. What a session of Blobs has put in place and the
// catalogue does not know is litter, and is removed when the session ends or,
// after a crash, at the next start. That one rule covers onboarding, deleting
// and repairing. Files are put in place and removed while the catalogue is
// locked for writing, so nobody removes what somebody else is about to claim.
//
// [Repository.Doctor] proves that catalogue, files and digests agree.
package imagerepo

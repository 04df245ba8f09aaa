// Package vim gives a VIM (an OpenStack cloud) the images that a VNF's VDUs
// need, and only those that it lacks.
//
// In the pipeline it is the last stage, launch, without any knowledge of
// packages or of the repository:
//
//	[]Want ──▶ resolve ──▶ Plan ──▶ apply ──▶ Result
//	             │                    │
//	             ▼                    ▼
//	       one listing pass     create → upload → verify, exactly once
//	                 \               /
//	                  Cloud (vim/glance)
//
// [Resolve] compares what is wanted with what is there and changes nothing.
// [Launch] does so for several VIMs at once and then gives each what it lacks.
//
// # Exactly once
//
// Any number of goroutines, processes and hosts may launch the same image on
// the same project at the same time, and one of them uploads it. The only lock
// is Glance itself:
//
//   - The image's ID is not drawn but derived, from the project on the VIM, the
//     content and a generation (see [RecordID]). Glance accepts one creation of
//     an ID and answers the others with 409.
//   - Of several uploads to one ID Glance lets one win, by compare-and-set from
//     queued to saving. Who loses waits for the winner and joins it.
//   - While it sends, an uploader changes a property of its record every few
//     seconds, the beat. A record in saving that stands still for
//     [Options.StallAfter] has lost its uploader; one that waits deletes it and
//     goes on with the next generation. A record in queued needs no such
//     patience: uploading to it is safe at any time.
//   - Glance keeps the IDs of deleted images. An ID that is taken but cannot be
//     read is such a tombstone, and also means the next generation.
//
// Only records that bear our [Mark] are ever changed or deleted. Standing still
// is judged by changes seen on our own clock; the VIM's clock is not consulted.
//
// # What counts as equal
//
// An image is verified when its hash, as the VIM computed it, equals ours in
// the same algorithm. The algorithm is the VIM's choice (os_hash_algo). MD5
// counts only where the VIM has no other hash. An algorithm that we cannot
// compute leaves the image unverified, which is said in a warning.
package vim

// Package glancetest is an OpenStack for tests and demonstrations, in the
// manner of net/http/httptest: a Keystone and one Glance per region, in this
// process, speaking real HTTP on loopback.
//
// In the pipeline it stands where the cloud stands, behind vim/glance:
//
//	onboarding → vim → vim/glance ── HTTP ──▶ Keystone  tokens, catalogue
//	                                      └─▶ Glance    RegionOne, RegionTwo, …
//
// A test starts one, points its client at [Server.CloudsYAML], and looks at
// what arrived with [Glance.Images] and [Server.Stats]:
//
//	cloud := glancetest.New(glancetest.Options{})
//	defer cloud.Close()
//	cloud.Inject(glancetest.Fault{Route: glancetest.Upload, AfterBytes: 1 << 20, Status: 401})
//
// # What it keeps to
//
// States, statuses, texts and visibility rules are those of Glance 25 (Zed)
// and Keystone 22, observed on a real installation; the conformance test of
// this package sends one table of exchanges to both. What matters most to an
// uploader:
//
//   - An image goes queued → saving → active. Exactly one of several uploads
//     to one image wins; the others are answered 409.
//   - A cut upload falls back to queued on the same ID; while it runs, size is
//     null and updated_at moves only when somebody patches the image.
//   - Names are not unique. IDs may be chosen by the client, are unique for
//     ever, and stay taken after a delete.
//   - When an upload ends, well or not, attributes and properties are written
//     back as they were when it began.
//
// # What it leaves out
//
// Import and staging, image members, locations, tasks and the metadata
// definitions are not there and answer 404. A token that was revoked is
// refused at once, where Glance may serve it from its cache for some minutes.
// Content is never inspected, as this Glance doesn't either.
//
// The package depends on the standard library alone, so that a binary may
// carry it.
package glancetest

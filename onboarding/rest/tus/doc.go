// Package tus takes packages in with the tus protocol 1.0 for resumable uploads,
// under /api/v1/uploads: an upload that broke off goes on from its last byte, also
// after the server was killed. The extensions are creation, creation-with-upload,
// termination, expiration and checksum.
//
// An upload is a package resource from its beginning. The pairs of Upload-Metadata
// are kept as the resource's user data; four of them say how the package is
// onboarded: filename, sha256 (of the whole archive, in hex), on-conflict (reject or
// keep) and images (fetch or reference). The answer that ends an upload, and HEAD
// from then on, say in Gangway-Package and Gangway-Job where to look for what
// becomes of it.
//
// The protocol is translated here and not by a library: tusd, the usual one, knows
// no checksums, keeps errors of the body from the store, and sets deadlines on the
// connection that are the server's business here.
package tus

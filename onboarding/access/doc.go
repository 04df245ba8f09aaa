// Package access says who may do what at the server's doors.
//
//	credential ─▶ Authenticator ─▶ Identity ─▶ role in a project ─▶ allowed or not
//
// Projects own packages and images. An [Identity] has a role in some projects, or
// in all: a reader may look, a writer may also change and launch, an admin may
// also see the audit log, issue tokens and repair. What belongs to a project in
// which an identity has no role does not exist for it.
//
// Tokens of gangway are random, stored as their SHA-256 and shown once. Tokens of
// a Keystone and of an OpenID Connect issuer are asked for behind the same
// interface, in the packages below this one.
package access

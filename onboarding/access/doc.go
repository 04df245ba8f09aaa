// Package access says who may do what at the server's doors.
//
//	            ┌─ too many failures from this address?
//	credential ─┤                                         ┌─ Tokens    gw_…, in the store
//	            └─▶ Gate ─▶ the first that recognises it ─┼─ oidc      signed by an issuer
//	                 │                                    └─ keystone  asked about
//	                 ▼
//	              Identity ─▶ Role in a project ─▶ allowed or not ─▶ Audit
//
// Projects own packages and images. An [Identity] has a role in some projects, or
// in all: a reader may look, a writer may also change and launch, an admin may
// also see the audit log, issue tokens and repair. What belongs to a project in
// which an identity has no role does not exist for it.
//
// Tokens of gangway are random, stored as their SHA-256 and shown once; [Tokens]
// makes them. The password grant gives a token that stands for another, for some
// hours. Tokens of a Keystone and of an OpenID Connect issuer are judged behind
// the same interface, in the packages below this one.
//
// The [Gate] keeps in memory what it has found out, good or bad, for as long as
// each judge allows: at most ten seconds for a token of gangway, so long may a
// revoked one go on, and a minute for those of others.
package access

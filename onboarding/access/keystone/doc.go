// Package keystone lets the tokens of an OpenStack Keystone in at the server's
// doors.
//
//	token ─▶ GET /v3/auth/tokens ─▶ user, project, roles ─▶ [Config] ─▶ access.Identity
//
// A Keystone token is of one project, and so is the identity that it becomes.
// Which project of gangway that is, and which role, is a matter of configuration.
// Nothing is kept here: the gate in front keeps an identity for a minute at most,
// which is how long a revoked token may go on.
package keystone

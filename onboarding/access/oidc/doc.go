// Package oidc lets the signed tokens (JWT) of an OpenID Connect issuer in at the
// server's doors.
//
//	token ─▶ signature, issuer, audience, expiry ─▶ claims ─▶ [Config] ─▶ access.Identity
//
// The issuer is asked for its keys, not about tokens: when it is first needed,
// and again when a token is signed with a key that is not known yet. What a claim
// lets somebody do is a matter of configuration; a token without such a claim may
// do nothing.
package oidc

// Package client works on a gangway server as the packages of this module work on a
// repository of their own: the same values go in and come out, whether a command, a
// CI job or an NFVO asks.
//
//	file   ─▶ /api/v1/uploads (tus) ──┐
//	stream ─▶ /api/v1/packages ───────┼─▶ a job ─▶ its events ─▶ onboarding.Report
//	URL    ─▶ /api/v1/packages ───────┘
//
// It expects that connections break, servers are restarted and proxies answer in
// their place. What may be repeated is, with pauses that grow or are as long as a
// server asks for, until nothing has moved for [Options.Patience]: an upload goes on
// from the last byte that the server has, a download from the last byte that was
// read, the watching of a job from its last event. What is answered at once is tried
// for seconds only, unless the server says when to come back. With [Options.StateDir]
// another process, too, goes on with the upload of one that was killed.
//
// Not repeated are streams of which something was read, changes that may have been
// made, and what gangway itself says to have failed at. Of the last, GET requests and
// the steps of a file's upload are repeated none the less.
//
// What a server has accepted is its own from then on. Who stops waiting for a job
// gets a [*PendingError] with its ID, and nothing is cancelled.
//
// As with [onboarding.Pipeline.Onboard], a package that is refused is a report and no
// error. Errors that the server tells are an [*Error].
//
// A token is sent to the server that it is for and to no other: redirects are not
// followed, of the addresses that the server answers with only the last element or,
// for the next page of a list, the query is taken, and without TLS a token goes to this machine alone, unless
// [Options.PlainHTTP] says otherwise.
package client

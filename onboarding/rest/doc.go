// Package rest is the server's HTTP side: what all doors have in common. A door
// is a list of [Route]s, and each of the packages below this one is one door that
// only translates: etsi (SOL005 and SOL003), tus (resumable uploads), openbaton, and api,
// gangway's own.
//
//	request ─▶ path ─▶ credential ─▶ method ─▶ role in the project ─▶ handler
//	            404     400 401 429     405         404 403               │
//	                              audit log, metrics, request log ◀───────┘
//
// What a route needs is part of the route, so that no handler can forget to ask,
// and tests can go through all of them. The method is judged by the shape of the
// path alone, before anything is looked up or read, but not before the caller is
// known (NFV-TST 010). A path may have doubled slashes and one at its end.
//
// A handler finds in its context who calls and for which project ([CallerOf]), and
// answers an error with [Fail], which says it in the form of the door that the
// request came through. What an error means in HTTP is in one table, whatever the
// door.
//
// # Time
//
// No request has a time-out as a whole: what moves is never cut. A body that
// brings nothing for [Options.Stall], and a client that takes nothing for as long,
// end their request.
package rest

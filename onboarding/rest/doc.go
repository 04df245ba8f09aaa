// Package rest is the server's HTTP side: what all doors have in common. A door
// is a list of [Route]s, and each of the packages below this one is one door that
// only translates: etsi (SOL005 and SOL003), openbaton, and api, gangway's own.
//
//	request ─▶ method and path ─▶ authentication ─▶ role in the project ─▶ handler
//	                                    audit log, metrics, log ◀───────────┘
//
// What a route needs is part of the route, so that no handler can forget to ask,
// and tests can go through all of them.
package rest

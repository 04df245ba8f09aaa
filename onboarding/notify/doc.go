// Package notify tells subscribers what happens to packages (SOL003 and SOL005,
// subscriptions and notifications of VNF package management).
//
//	subscriber ─▶ Subscribe ─▶ subscription ─┐
//	                 │ test of the callback  ├─▶ delivery, a durable job ─▶ callback
//	package ─▶ event, in the change's own ───┘        ▲         │
//	                    transaction                   └─────────┘ until it is taken
//
// # What a subscriber may rely on
//
// A change of a package and the jobs that tell of it are written in one
// transaction, so nothing is told that did not happen, and nothing that happened
// while a subscription was there is forgotten, whatever becomes of the process.
//
// Every notification is delivered at least once: it counts as delivered when the
// callback has answered with a status of 2xx. If the process dies between the
// answer and the note of it, the notification comes again, with the same id. Until
// the answer, and for as long as [Config].Patience says, it is tried again, with
// growing pauses.
//
// The notifications of a subscription come one after the other, in the order in
// which the changes were made, as far as the clock of the machine is not put back: a
// notification of before and one of after can then change places. One that cannot be delivered holds up those behind
// it until it is given up. Subscriptions do not hold up each other.
//
// # What a subscriber may not do
//
// Callbacks and token endpoints are URLs from outside: they pass the source guard
// (see package fetch), redirects are not followed, and little of an answer is
// read. The credentials that a subscriber hands in are stored sealed with a [Key]
// that is not in the database, and no answer shows them.
package notify

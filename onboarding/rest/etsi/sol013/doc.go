// Package sol013 reads the queries by which the lists of ETSI's REST APIs are
// asked (NFV-SOL 013, clause 5), for any resource type:
//
//	query string ─▶ filter ─────────▶ which resources   (clause 5.2)
//	             ├▶ selectors ──────▶ what of each      (clause 5.3)
//	             └▶ opaque marker ──▶ from where on     (clause 5.4)
//
// What a type's attributes are is read from the Go type that is encoded, so a
// filter may name every attribute that an answer can have, and no other. Queries
// work on decoded JSON: what encoding/json makes of an answer with UseNumber.
//
// A list in a resource matches if one of its elements fulfils all expressions of
// the filter that have the same attribute prefix. An attribute that is not there
// is neither equal to anything nor contains it: neq, nin and ncont match it, and
// no other operator does.
//
// The query strings of the editions before SOL 013 are understood, too:
// attribute.op=value, with eq for no op.
package sol013

// Package catalog keeps the image repository's names, digests and references
// in SQLite, embedded in the program. One file, in write-ahead mode with full
// synchronisation: what a method has returned survives a power cut, and readers
// never wait for writers.
//
// Of SQLite's own the statements use the JSON aggregates and nothing else, and
// none needs a transaction to go on after a violated constraint, so that
// PostgreSQL can take the same place.
package catalog

// Package catalog keeps the image repository's names, digests and references
// in SQLite, embedded in the program. One file, in write-ahead mode with full
// synchronisation: what a method has returned survives a power cut, and readers
// never wait for writers.
//
// The statements use numbered parameters and nothing that is SQLite's alone
// beyond the opening, so that PostgreSQL can take the same place.
package catalog

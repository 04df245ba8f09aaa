// Package ledger keeps the server's own records in the catalogue's database: jobs,
// tokens, package resources and their uploads, subscriptions and notifications,
// the audit log. It implements the stores that the packages beside it declare;
// one file has one of them, and no other package of the server speaks SQL.
//
// The statements are written with numbered parameters and without features that
// only SQLite has, so that PostgreSQL can take its place.
package ledger

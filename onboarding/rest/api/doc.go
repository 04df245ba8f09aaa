// Package api is gangway's own JSON API, the door of everything that the command
// line does:
//
//	/api/v1/images      list, add by file or URL, show, download, delete, on which VIMs
//	/api/v1/inspect     what a file is, by its first bytes
//	/api/v1/packages    list, upload, show, delete; /api/v1/validate stores nothing
//	/api/v1/uploads     packages in parts; served by package tus, described here
//	/api/v1/launches    give VIMs what a package or a list of VDUs needs
//	/api/v1/jobs        what is under way: list, show, watch, cancel
//	/api/v1/vims        list, check, compare, probe
//	/api/v1/doctor      examine the repository
//	/api/v1/tokens      list, create, revoke
//	/api/v1/audit       who changed what
//	/api/v1/session     who the caller is; log in and out with a browser
//	/openapi.json       all of that as OpenAPI 3.1, made from this package
//
// Values have the forms that the command line prints (docs/output.md). Files are
// sent and received as they are: a body is the file, and what is said of it stands
// in the query.
//
// What takes its time is a job: the answer is 202 with its address in Location.
// "Prefer: wait=SECONDS" (RFC 7240) waits for the end of it and answers with the
// outcome, if it comes in time.
package api

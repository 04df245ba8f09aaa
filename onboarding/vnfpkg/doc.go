// Package vnfpkg keeps package resources: what a caller creates, fills with an
// archive, watches, reads and deletes, from whichever door.
//
//	Create ─▶ CREATED ─▶ UPLOADING ─▶ PROCESSING ─▶ ONBOARDED ─▶ Delete
//	             ▲           │             │
//	             └───────────┘             └─▶ ERROR, with every finding
//	          the body broke off
//
// A body goes to a file of the package folder as it comes and is hashed on the
// way. It is accepted when file and hash are durable; then one transaction
// makes the resource PROCESSING and adds the job that takes the file through the
// pipeline of package onboarding. A tar is taken through it while it arrives. A
// body that comes in one request leaves nothing if it breaks off; a resumable one
// keeps its bytes, and the state of the hash, until it expires, so that it goes
// on from its last byte, also in a server that was killed.
//
// The ID of a resource is the ID of the package in the catalogue. A package that
// came by the command line has no resource; it is told as one that is ONBOARDED
// and ENABLED, and gets one when it is changed.
//
// Every file in the package folder belongs to a resource that says so. Others are
// litter of a process that was killed, and are removed. Who writes a file holds
// its lock, which the kernel gives up with the process.
package vnfpkg

// Package fsstore keeps the files of the image repository in a folder:
//
//	<folder>/<image ID>                          a visible image
//	<folder>/.quarantine/<image ID>              one that was found corrupt
//	<folder>/.staging/<process>.lock             held while the process lives
//	<folder>/.staging/<process>/<session>/<ID>   a file of a session, or an empty note
//
// A file becomes visible by a hard link to its final name, after its bytes are
// durable, so a name either has the whole file or does not exist. The names in
// a session stay until it is settled: they are what the session touched, which
// is all that a later process needs to know to clean up after one that was
// killed. The kernel gives up the lock of a process with the process, whatever
// its end.
//
// Only files that are named by an ID as the repository makes them count: others
// in the folder, such as those of the repository that used it before, are never
// listed and never removed. The folder and what is below it must be on one file
// system, which must know hard links.
package fsstore

// Package fsstore keeps the files of the image repository in a folder:
//
//	<folder>/<image ID>                          a visible image
//	<folder>/.staging/<process>.lock             held while the process lives
//	<folder>/.staging/<process>/<session>/<ID>   a file of a session, or a note of one
//
// A file becomes visible by a hard link to its final name, after its bytes are
// durable, so a name either has the whole file or does not exist. The name in
// the session stays until the session is settled: what it lists is what the
// session touched, which is all that a later process needs to know to clean up
// after one that was killed. The kernel gives up the lock of a process with
// the process, whatever its end.
package fsstore

// Package resttest has what the tests of HTTP doors share: a server of real parts
// on a folder, tokens without a store, and requests in one line.
//
//	request ──▶ Server (Gate, Audit) ──▶ the door that is tested ──▶ Packages, Operations, Queue, Pipeline
//
// A door is made of the parts of a [Server] and then served by it:
//
//	s := resttest.New(t, resttest.Config{})
//	resttest.NoError(t, s.Serve(rest.Options{}, tus.New(tus.Config{Packages: s.Packages, Queue: s.Queue})))
//	s.Do(t, "OPTIONS", "/api/v1/uploads", nil).Want(t, 204)
package resttest

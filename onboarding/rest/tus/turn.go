package tus

import (
	"context"
	"net/http"
	"sync"

	"github.com/gangway-nfv/gangway/onboarding/rest"
)

// turns lets the newest request of an upload go ahead. A client that comes back has
// lost the connection of the request before, which the server cannot see: without
// bytes or an end, that one would hold the upload until it has stood still for too
// long.
type turns struct {
	mu     sync.Mutex
	newest map[string]*turn // by the path of the upload
}

type turn struct {
	interrupt context.CancelCauseFunc
	ended     chan struct{}
}

// errOvertaken is no 409 or 423, after which clients come back to overtake the other.
var errOvertaken = rest.Errorf(http.StatusBadRequest, "another request goes on with the upload")

// take ends the request that has the upload of a path, waits until that one has made
// durable what it took, and calls the turn the caller's, until it calls the function
// that is returned. A turn is ended early by interrupt.
func (t *turns) take(upload string, interrupt context.CancelCauseFunc) (release func()) {
	own := &turn{interrupt, make(chan struct{})}
	t.mu.Lock()
	before := t.newest[upload]
	t.newest[upload] = own
	t.mu.Unlock()
	if before != nil {
		before.interrupt(errOvertaken)
		<-before.ended
	}
	return func() {
		close(own.ended)
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.newest[upload] == own {
			delete(t.newest, upload)
		}
	}
}

package client_test

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
)

// way forwards connections to a server. What happens to them can be planned: each new
// connection takes the next fault, and none once all are taken.
type way struct {
	net.Listener

	mu     sync.Mutex
	target string
	faults []fault
	taken  int
	conns  map[net.Conn]struct{}
	closed bool
	work   sync.WaitGroup
}

// fault is what happens to a connection.
type fault struct {
	// up and down are after how many bytes to the server, or from it, the client's
	// side is cut; zero means never.
	up, down int64
	// hold leaves the server's side as it is then, as a network does that is gone.
	hold bool
	// stall forwards no more, and leaves the client's side as it is.
	stall bool
}

func newWay(t *testing.T) *way {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	resttest.NoError(t, err)
	w := &way{Listener: listener, conns: make(map[net.Conn]struct{})}
	w.work.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			w.work.Go(func() { w.forward(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		w.mu.Lock()
		w.closed = true
		for conn := range w.conns {
			_ = conn.Close()
		}
		w.mu.Unlock()
		w.work.Wait()
	})
	return w
}

// lead says where the way leads to.
func (w *way) lead(target string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.target = target
}

// plan says what happens to the next connections.
func (w *way) plan(faults ...fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, faults...)
}

// happened returns how many of the faults have been taken.
func (w *way) happened() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.taken
}

// keep has a connection closed at the end, at the latest.
func (w *way) keep(conn net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		_ = conn.Close()
		return false
	}
	w.conns[conn] = struct{}{}
	return true
}

func (w *way) next() (string, fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.faults) == 0 {
		return w.target, fault{}
	}
	f := w.faults[0]
	w.faults = w.faults[1:]
	w.taken++
	return w.target, f
}

var errCut = errors.New("cut")

func (w *way) forward(near net.Conn) {
	if !w.keep(near) {
		return
	}
	// Else the kernel would take whole uploads while nothing is forwarded.
	if tcp, is := near.(*net.TCPConn); is {
		_ = tcp.SetReadBuffer(64 << 10)
	}
	target, f := w.next()
	far, err := net.Dial("tcp", target)
	if err != nil || !w.keep(far) {
		_ = near.Close()
		return
	}
	ends := make(chan error, 2)
	pass := func(to, from net.Conn, limit int64) {
		var err error
		if limit > 0 {
			if _, err = io.CopyN(to, from, limit); err == nil {
				err = errCut
			}
		} else {
			_, err = io.Copy(to, from)
		}
		ends <- err
	}
	w.work.Go(func() { pass(far, near, f.up) })
	w.work.Go(func() { pass(near, far, f.down) })
	err = <-ends
	cut := errors.Is(err, errCut)
	if !cut || !f.stall {
		_ = near.Close()
	}
	if !cut || !f.hold {
		_ = far.Close()
	}
}

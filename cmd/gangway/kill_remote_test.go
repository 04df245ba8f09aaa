package main

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

// way is a way to a server that holds what is sent on it back after so many bytes.
type way struct {
	net.Listener

	mu      sync.Mutex
	moved   sync.Cond
	server  string // address
	allowed int64  // bytes
	sent    int64  // bytes
}

func newWay(t *testing.T) *way {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &way{Listener: listener}
	w.moved.L = &w.mu
	var open sync.WaitGroup
	open.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { w.pass(client) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		w.leadTo("", 1<<62)
		open.Wait()
	})
	return w
}

func (w *way) pass(client net.Conn) {
	defer client.Close()
	w.mu.Lock()
	address := w.server
	w.mu.Unlock()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	var answers sync.WaitGroup
	answers.Go(func() {
		defer client.Close()
		_, _ = io.Copy(client, server) // ends with either of them
	})
	_, _ = io.Copy(server, readerFunc(func(p []byte) (int, error) {
		n, err := client.Read(p)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.sent += int64(n)
		w.moved.Broadcast()
		for w.sent > w.allowed {
			w.moved.Wait()
		}
		return n, err
	}))
	server.Close()
	answers.Wait()
}

// leadTo has the way lead to a server, and lets so many bytes more pass.
func (w *way) leadTo(address string, more int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.server, w.allowed = address, w.sent+more
	w.moved.Broadcast()
}

// full waits until all bytes that may pass have passed.
func (w *way) full(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.moved.Broadcast()
	})()
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.sent <= w.allowed {
		if ctx.Err() != nil {
			t.Fatalf("%d of %d bytes have been sent: %v", w.sent, w.allowed, ctx.Err())
		}
		w.moved.Wait()
	}
}

func (w *way) total() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent
}

// errands are a home to serve, and another user's to onboard a package from.
type errands struct {
	server, user *home
	way          *way
	file         string
	size         int64 // bytes
}

func newErrands(t *testing.T, binary string) *errands {
	e := &errands{server: newHome(t, binary), way: newWay(t), file: filepath.Join(t.TempDir(), "firewall.tar")}
	content := onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{
		Name: "firewall", Images: []onboardingtest.SoftwareImage{onboardingtest.Embed("image", onboardingtest.QCOW2(24<<20, 32<<20, 1))}}))
	e.size = int64(len(content))
	if err := os.WriteFile(e.file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return e
}

// serve starts the server, and lets so many bytes of the user's pass to it.
func (e *errands) serve(t *testing.T, bytes int64) (*process, *served, string) {
	p, s, admin := e.server.serve()
	e.user = newHome(t, e.server.binary, "GANGWAY_SERVER=http://"+e.way.Addr().String(), "GANGWAY_TOKEN="+admin,
		"XDG_STATE_HOME="+filepath.Join(filepath.Dir(e.file), "state"))
	e.way.leadTo(s.URL[len("http://"):], bytes)
	return p, s, admin
}

// done checks that the package is there, once, and that little was sent twice.
func (e *errands) done(t *testing.T, report string, s *served, admin string) {
	t.Helper()
	if got := decode[onboarding.Report](t, report); got.Status != onboarding.Onboarded || got.Source != e.file {
		t.Errorf("the report is %+v", got)
	}
	_, text := s.get(t, "/api/v1/packages", admin)
	if packages := decode[[]view.Resource](t, text); len(packages) != 1 || packages[0].State != "ONBOARDED" {
		t.Errorf("packages: %s", text)
	}
	if sent := e.way.total(); sent > e.size*3/2 {
		t.Errorf("%d bytes were sent for %d", sent, e.size)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(e.file), "state", "gangway", "uploads", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("uploads that are noted still: %v, %v", left, err)
	}
}

// The command that onboards at a server is killed again and again. The same command
// goes on where it was.
func remoteOnboardKilled(t *testing.T, binary string) {
	e := newErrands(t, binary)
	const kills = 4
	_, s, admin := e.serve(t, e.size/(kills+1))
	for range kills {
		p := e.user.start(nil, "onboard", e.file)
		e.way.full(t)
		p.kill()
		e.way.leadTo(s.URL[len("http://"):], e.size/(kills+1))
	}
	e.way.leadTo(s.URL[len("http://"):], 2*e.size)
	e.done(t, e.user.run("onboard", e.file, "-o", "json"), s, admin)
}

// The server is killed again and again beneath a command that onboards there, which
// goes on with each that comes after.
func remoteServerKilled(t *testing.T, binary string) {
	e := newErrands(t, binary)
	const kills = 3
	server, s, admin := e.serve(t, e.size/(kills+1))
	p := e.user.start(nil, "onboard", e.file, "-o", "json")
	for range kills {
		e.way.full(t)
		server.kill()
		server, s, admin = e.server.serve()
		e.way.leadTo(s.URL[len("http://"):], e.size/(kills+1))
	}
	e.way.full(t)
	e.way.leadTo(s.URL[len("http://"):], 2*e.size)
	if code := p.exited(); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &p.stderr)
	}
	e.done(t, p.stdout.String(), s, admin)
}

package rest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

// fixture is a server with the tokens reader, writer and admin of project red, root
// of all projects, and both of two projects, and the events of its audit log.
type fixture struct {
	*httptest.Server
	metrics *Metrics

	mu     sync.Mutex
	events []access.Event
}

// Authenticate implements [Gate].
func (f *fixture) Authenticate(_ context.Context, token string, _ netip.Addr) (access.Identity, error) {
	grants := map[string]map[string]access.Role{
		"reader": {"red": access.Reader}, "writer": {"red": access.Writer}, "admin": {"red": access.Admin},
		"root": {access.AllProjects: access.Admin}, "auditor": {access.AllProjects: access.Reader},
		"both": {"red": access.Reader, "blue": access.Writer},
	}[token]
	switch {
	case token == "down":
		return access.Identity{}, access.ErrUnavailable
	case token == "guesser":
		return access.Identity{}, &access.TooManyError{RetryAfter: 1500 * time.Millisecond}
	case grants == nil:
		return access.Identity{}, access.ErrInvalid
	}
	return access.Identity{Subject: "token " + token, Grants: grants}, nil
}

// Record implements [Audit].
func (f *fixture) Record(_ context.Context, e access.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, e)
	return nil
}

func (f *fixture) options() Options {
	f.metrics = NewMetrics()
	return Options{Metrics: f.metrics, Gate: f, Audit: f}
}

func start(t *testing.T, doors ...Door) *fixture {
	t.Helper()
	f := &fixture{}
	serve(t, f, f.options(), doors...)
	return f
}

func serve(t *testing.T, f *fixture, options Options, doors ...Door) {
	t.Helper()
	s, err := New(doors, options)
	if err != nil {
		t.Fatal(err)
	}
	f.Server = httptest.NewServer(s)
	t.Cleanup(f.Close)
}

// do sends a request with header lines such as "Project-Id: red".
func (f *fixture) do(t *testing.T, method, path string, header ...string) (*http.Response, string) {
	t.Helper()
	return do(t, f.Client(), method, f.URL+path, header...)
}

func do(t *testing.T, client *http.Client, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return errors.New("redirected") }
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// problemIn checks that an answer is a problem whose status is that of the answer.
func problemIn(t *testing.T, resp *http.Response, text string) Problem {
	t.Helper()
	var p Problem
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatalf("answer %d %q is no problem: %v", resp.StatusCode, text, err)
	}
	if p.Status != resp.StatusCode || p.Detail == "" || p.Title == "" || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("answer %d (%s) has the problem %+v", resp.StatusCode, resp.Header.Get("Content-Type"), p)
	}
	return p
}

// telling answers with the caller's project and subject.
func telling(w http.ResponseWriter, r *http.Request) {
	caller := CallerOf(r.Context())
	_, _ = io.WriteString(w, caller.Project+" "+caller.Subject)
}

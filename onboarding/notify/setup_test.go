package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
	"github.com/gangway-nfv/gangway/onboarding/notify"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// bench is a service on a database of its own.
type bench struct {
	*notify.Service
	path   string // of the database
	ledger *ledger.Ledger
	jobs   ledger.Jobs
}

func newBench(t *testing.T, config notify.Config) *bench {
	t.Helper()
	folder := t.TempDir()
	b := &bench{path: filepath.Join(folder, "gangway.db")}
	c, err := catalog.Open(t.Context(), b.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	if b.ledger, err = ledger.Open(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if config.Key, err = notify.OpenKey(filepath.Join(folder, "secret.key")); err != nil {
		t.Fatal(err)
	}
	config.Store = b.ledger.Subscriptions()
	b.Service, b.jobs = notify.New(config), b.ledger.Jobs()
	return b
}

// run runs deliveries until the test ends or the returned function is called.
func (b *bench) run(t *testing.T) (*job.Queue, func()) {
	t.Helper()
	q := job.NewQueue(b.jobs, job.Options{Poll: 10 * time.Second, Beat: 5 * time.Second, Lease: 30 * time.Second})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx, map[job.Kind]job.KindOptions{notify.Kind: b.Jobs(4)}) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("queue: %v", err)
		}
	})
	t.Cleanup(stop)
	return q, stop
}

func (b *bench) subscribe(t *testing.T, r notify.Request) notify.Subscription {
	t.Helper()
	if r.Project == "" {
		r.Project = "p"
	}
	r.API, r.Root = "sol005", "https://nfvo.example/sol005/vnfpkgm/v1"
	s, existed, err := b.Subscribe(t.Context(), r)
	if err != nil || existed {
		t.Fatalf("subscribe: existed %t, %v", existed, err)
	}
	return s
}

// tell tells of an event, as a change of a package does.
func (b *bench) tell(t *testing.T, e vnfpkg.Event) {
	t.Helper()
	packages := b.ledger.Resources()
	err := packages.Insert(t.Context(), vnfpkg.Row{Resource: vnfpkg.Resource{ID: e.Package, Project: e.Project}}, 0)
	if err == nil || errors.Is(err, imagerepo.ErrExists) {
		_, err = packages.Edit(t.Context(), e.Package, func(edit *vnfpkg.Edit) error { edit.Event = &e; return nil })
	}
	if err != nil {
		t.Fatal(err)
	}
}

// deliveries returns the jobs of deliveries in their order.
func (b *bench) deliveries(t *testing.T) []job.Job {
	t.Helper()
	jobs, err := b.jobs.Jobs(t.Context(), job.Filter{Kind: notify.Kind})
	if err != nil {
		t.Fatal(err)
	}
	for i, j := 0, len(jobs)-1; i < j; i, j = i+1, j-1 {
		jobs[i], jobs[j] = jobs[j], jobs[i]
	}
	return jobs
}

func onboarded(id string) vnfpkg.Event {
	return vnfpkg.Event{
		Type: vnfpkg.EventOnboarded, At: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC), Project: "p", Package: id, DescriptorID: "vnfd-" + id,
		Vendor: "Acme", Name: "Router", Version: "2.0", SoftwareVersion: "1.0", Operational: vnfpkg.Enabled,
	}
}

// consumer is a callback in memory, so that time can be a test's own.
type consumer struct {
	answer func(*http.Request) (*http.Response, error) // nil: 204

	mu    sync.Mutex
	tests int
	got   []notify.Notification // taken or not
}

func status(code int) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.WriteHeader(code)
	return w.Result(), nil
}

// RoundTrip implements http.RoundTripper.
func (c *consumer) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.tests++
		return status(http.StatusNoContent)
	}
	var n notify.Notification
	text, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(text, &n)
	}
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.got = append(c.got, n)
	c.mu.Unlock()
	if c.answer == nil {
		return status(http.StatusNoContent)
	}
	return c.answer(r)
}

func (c *consumer) client() *http.Client { return &http.Client{Transport: c} }

// packages returns the packages of the notifications that came, in their order.
func (c *consumer) packages() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []string
	for _, n := range c.got {
		ids = append(ids, n.PackageID)
	}
	return ids
}

package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/imagerepo/fsstore"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/client"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/rest/api"
	"github.com/gangway-nfv/gangway/onboarding/rest/tus"
	"github.com/gangway-nfv/gangway/onboarding/view"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glance"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// fixture is a server with a repository in a temporary folder, an OpenStack of one
// region, and a way to it on which faults can be had. It can be stopped and started
// again at the same address. Tokens are PROJECT-ROLE, and root is an admin
// everywhere.
type fixture struct {
	t     *testing.T
	home  string
	cloud *glancetest.Server
	way   *way
	setting

	mu       sync.Mutex
	requests []string // that the server has got: method, path, and what they are about
	*served
}

// setting is how a server is set up. The zero value works.
type setting struct {
	stall time.Duration
	idle  bool // jobs are not worked at
	// before sees every request first; it has answered it if it returns true.
	before func(w http.ResponseWriter, r *http.Request) bool
	ahead  atomic.Int64 // of its clock
}

// served is a server that runs.
type served struct {
	pipeline *onboarding.Pipeline
	packages *vnfpkg.Service
	queue    *job.Queue
	close    func()
}

func start(t *testing.T, change func(*setting)) *fixture {
	t.Helper()
	watchGoroutines(t)
	f := &fixture{t: t, home: t.TempDir()}
	f.stall = time.Minute
	if change != nil {
		change(&f.setting)
	}
	f.cloud = glancetest.New(glancetest.Options{})
	t.Cleanup(f.cloud.Close)
	path := filepath.Join(f.home, "clouds.yaml")
	noError(t, os.WriteFile(path, f.cloud.CloudsYAML(), 0o600))
	t.Setenv("OS_CLIENT_CONFIG_FILE", path)
	f.way = newWay(t)
	f.open()
	t.Cleanup(func() { f.close() })
	return f
}

// serve builds a server on a home and runs its jobs until it is closed. It panics
// where that cannot be done.
func serve(home string, set *setting) (http.Handler, *served) {
	check := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	log := slog.New(slog.DiscardHandler)
	names, err := catalog.Open(ctx, filepath.Join(home, "gangway.db"))
	check(err)
	files, err := fsstore.Open(filepath.Join(home, "images"))
	check(err)
	records, err := ledger.Open(ctx, names)
	check(err)
	fetcher, err := fetch.New(fetch.Options{Allow: []string{"127.0.0.1"}, Attempts: 1})
	check(err)
	pool, err := glance.NewPool(glance.Options{}, log)
	check(err)
	s := &served{queue: job.NewQueue(records.Jobs(), job.Options{}),
		pipeline: &onboarding.Pipeline{Repository: imagerepo.New(names, files, log), Fetch: fetcher}}
	s.packages, err = vnfpkg.New(vnfpkg.Config{Pipeline: s.pipeline, Store: records.Resources(), Queue: s.queue,
		Folder: filepath.Join(home, "packages"), Keep: true, Expiry: time.Hour, Limits: vnfpkg.Limits{PackageSize: 12 << 20},
		Now: func() time.Time { return time.Now().Add(time.Duration(set.ahead.Load())) }})
	check(err)
	operations := operation.New(operation.Config{Pipeline: s.pipeline, Queue: s.queue, VIMs: vims{pool}, Log: log,
		Launches: vim.Options{Poll: 2 * time.Millisecond}})
	own, err := api.New(api.Config{Pipeline: s.pipeline, Operations: operations, Queue: s.queue, VIMs: vims{pool}, Packages: s.packages,
		Tokens: access.NewTokens(records.Tokens(), access.Config{}), Audit: access.NewAudit(records.Events(), access.Config{})})
	check(err)
	doors := []rest.Door{own, tus.New(tus.Config{Packages: s.packages, Queue: s.queue})}
	server, err := rest.New(doors, rest.Options{Gate: gate{}, Audit: access.NewAudit(records.Events(), access.Config{}), Stall: set.stall})
	check(err)
	var running sync.WaitGroup
	if !set.idle {
		running.Go(func() {
			kinds := operations.Kinds()
			maps.Copy(kinds, s.packages.Kinds())
			check(s.queue.Run(ctx, kinds))
		})
	}
	s.close = sync.OnceFunc(func() {
		stop()
		running.Wait()
		check(errors.Join(s.packages.Close(), files.Close(), names.Close()))
		pool.Close()
		fetcher.Close()
	})
	return server, s
}

// open starts the server.
func (f *fixture) open() {
	t := f.t
	t.Helper()
	handler, s := serve(f.home, &f.setting)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	noError(t, err)
	f.way.lead(listener.Addr().String())
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.note(r)
		if f.before == nil || !f.before(w, r) {
			handler.ServeHTTP(w, r)
		}
	}), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	var running sync.WaitGroup
	running.Go(func() { _ = web.Serve(listener) })
	inside := s.close
	s.close = sync.OnceFunc(func() {
		_ = web.Close()
		running.Wait()
		inside()
	})
	f.served = s
}

// note keeps what a request is about.
func (f *fixture) note(r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := r.Method + " " + r.URL.EscapedPath()
	for _, name := range []string{"Upload-Offset", "Range", "Last-Event-ID"} {
		if value := r.Header.Get(name); value != "" {
			text += " " + value
		}
	}
	f.requests = append(f.requests, text)
}

// count returns how many requests have begun so.
func (f *fixture) count(prefix string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, request := range f.requests {
		if strings.HasPrefix(request, prefix) {
			n++
		}
	}
	return n
}

// client returns one that is impatient enough for a test, for red's writer.
func (f *fixture) client(change func(*client.Options)) *client.Client {
	f.t.Helper()
	o := client.Options{Server: "http://" + f.way.Addr().String(), Token: "red-writer", BackoffMin: time.Millisecond, BackoffMax: 20 * time.Millisecond}
	if change != nil {
		change(&o)
	}
	c, err := client.New(o)
	noError(f.t, err)
	f.t.Cleanup(c.Close)
	return c
}

type gate struct{}

// Authenticate implements [rest.Gate].
func (gate) Authenticate(_ context.Context, token string, _ netip.Addr) (access.Identity, error) {
	project, role, found := strings.Cut(token, "-")
	switch {
	case token == "root":
		return access.Identity{Subject: "token root", Grants: map[string]access.Role{access.AllProjects: access.Admin}}, nil
	case !found:
		return access.Identity{}, access.ErrInvalid
	}
	return access.Identity{Subject: "token " + token, Grants: map[string]access.Role{project: access.Role(role)}}, nil
}

type vims struct{ *glance.Pool }

// Open implements [operation.VIMs].
func (v vims) Open(name string) (vim.Cloud, error) {
	cloud, err := v.Pool.Open(name)
	if err != nil {
		return nil, fmt.Errorf("vim %s: %w", name, operation.ErrUnknownVIM)
	}
	return cloud, nil
}

// Check implements [api.VIMs].
func (v vims) Check(ctx context.Context, name string, probe bool) (view.Check, error) {
	cloud, err := v.Open(name)
	if err != nil {
		return view.Check{}, err
	}
	project, err := cloud.Project(ctx)
	return view.Check{VIM: name, Project: view.Project(project), Roles: []string{fmt.Sprint(probe)}}, err
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// archive is a package of a name with an image of so many bytes.
func archive(name string, size int64) []byte {
	image := onboardingtest.Embed("disk-"+name, onboardingtest.QCOW2(size, size, 7))
	return onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: name, Images: []onboardingtest.SoftwareImage{image}}))
}

// file writes a package to a file.
func file(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "package.tar")
	noError(t, os.WriteFile(path, content, 0o600))
	return path
}

// disk is the content of an image.
func disk(t *testing.T, seed uint64) []byte {
	t.Helper()
	content, err := io.ReadAll(onboardingtest.QCOW2(384<<10, 1<<20, seed).Reader())
	noError(t, err)
	return content
}

// is checks how an onboarding has ended.
func is(t *testing.T, report onboarding.Report, err error, want onboarding.Status) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if report.Status != want {
		text, _ := json.Marshal(report)
		t.Fatalf("the report is %s, want %s: %s", report.Status, want, text)
	}
}

// kept checks that the server has got a package as it was sent.
func (f *fixture) kept(report onboarding.Report, content []byte) {
	f.t.Helper()
	got, err := f.packages.Content(f.t.Context(), "red", report.Package.ID)
	noError(f.t, err)
	defer got.Close()
	text, err := io.ReadAll(got)
	noError(f.t, err)
	if !bytes.Equal(text, content) {
		f.t.Error("the server has other bytes than were sent")
	}
}

// watchGoroutines fails a test whose client leaves goroutines behind.
func watchGoroutines(t *testing.T) {
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		deadline := time.Now().Add(5 * time.Second)
		for {
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			left := ""
			for stack := range strings.SplitSeq(string(stacks), "\n\n") {
				if strings.Contains(stack, "onboarding/client.") || strings.Contains(stack, "net/http.(*persistConn)") {
					left += stack + "\n\n"
				}
			}
			if left == "" {
				return
			}
			if time.Now().After(deadline) {
				t.Errorf("goroutines are left:\n%s", left)
				return
			}
			runtime.Gosched()
		}
	})
}

// until waits for something that happens soon.
func until(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

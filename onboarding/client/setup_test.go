package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/client"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/rest/api"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/rest/tus"
	"github.com/gangway-nfv/gangway/onboarding/view"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// fixture is a server with a repository in a temporary folder, an OpenStack of one
// region, and a way to it on which faults can be had. It can be stopped and started
// again at the same address.
type fixture struct {
	*resttest.Server
	t     *testing.T
	home  string
	cloud *glancetest.Server
	way   *way
	setting

	mu       sync.Mutex
	requests []string // that the server has got: method, path, and what they are about
}

// setting is how a server is set up. The zero value works.
type setting struct {
	stall time.Duration
	idle  bool // jobs are not worked at
	// before sees every request first; it has answered it if it returns true.
	before func(w http.ResponseWriter, r *http.Request) bool
}

func start(t *testing.T, change func(*setting)) *fixture {
	t.Helper()
	watchGoroutines(t)
	f := &fixture{t: t, home: t.TempDir(), cloud: resttest.Clouds(t, glancetest.Options{})}
	f.stall = time.Minute
	if change != nil {
		change(&f.setting)
	}
	f.way = newWay(t)
	f.open()
	t.Cleanup(f.stop)
	return f
}

// serve starts a server on a home.
func serve(home string, set setting, wrap func(http.Handler) http.Handler) (*resttest.Server, error) {
	s, err := resttest.Open(context.Background(), home, resttest.Config{
		Packages: vnfpkg.Config{Keep: true, Expiry: time.Hour, Limits: vnfpkg.Limits{PackageSize: 12 << 20}}, Idle: set.idle, Wrap: wrap})
	if err != nil {
		return nil, err
	}
	audit := access.NewAudit(s.Records.Events(), access.Config{})
	own, err := api.New(api.Config{Pipeline: s.Pipeline, Operations: s.Operations, Queue: s.Queue, VIMs: vims{s.VIMs}, Packages: s.Packages,
		Tokens: access.NewTokens(s.Records.Tokens(), access.Config{}), Audit: audit})
	if err == nil {
		err = s.Serve(rest.Options{Audit: audit, Stall: set.stall}, own, tus.New(tus.Config{Packages: s.Packages, Queue: s.Queue}))
	}
	return s, err
}

// open starts the server.
func (f *fixture) open() {
	f.t.Helper()
	s, err := serve(f.home, f.setting, func(handler http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f.note(r)
			if f.before == nil || !f.before(w, r) {
				handler.ServeHTTP(w, r)
			}
		})
	})
	resttest.NoError(f.t, err)
	f.Server = s
	f.way.lead(s.Listener.Addr().String())
}

// stop stops the server.
func (f *fixture) stop() {
	f.t.Helper()
	resttest.NoError(f.t, f.Close())
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
	resttest.NoError(f.t, err)
	f.t.Cleanup(c.Close)
	return c
}

type vims struct{ resttest.VIMs }

// Check implements [api.VIMs].
func (v vims) Check(ctx context.Context, name string, probe bool) (view.Check, error) {
	cloud, err := v.Open(name)
	if err != nil {
		return view.Check{}, err
	}
	project, err := cloud.Project(ctx)
	return view.Check{VIM: name, Project: view.Project(project), Roles: []string{fmt.Sprint(probe)}}, err
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
	resttest.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

// disk is the content of an image.
func disk(t *testing.T, seed uint64) []byte {
	t.Helper()
	content, err := io.ReadAll(onboardingtest.QCOW2(384<<10, 1<<20, seed).Reader())
	resttest.NoError(t, err)
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
	got, err := f.Packages.Content(f.t.Context(), "red", report.Package.ID)
	resttest.NoError(f.t, err)
	defer got.Close()
	text, err := io.ReadAll(got)
	resttest.NoError(f.t, err)
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

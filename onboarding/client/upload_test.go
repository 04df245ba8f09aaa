package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/client"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

func TestAnUploadGoesOnAfterEveryBreak(t *testing.T) {
	f := start(t, nil)
	content := archive("fw", 6*mib)
	f.way.plan(fault{up: mib}, fault{up: mib}, fault{up: 200}, fault{down: 1}, fault{up: mib, hold: false})
	report, err := f.client(nil).Onboard(t.Context(), onboarding.FileSource(file(t, content)), onboarding.Options{})
	is(t, report, err, onboarding.Onboarded)
	f.kept(report, content)
	if f.way.happened() != 5 || f.count("POST /api/v1/uploads") != 1 || f.count("PATCH "+"/api/v1/uploads/"+report.Package.ID+" 0") != 1 {
		t.Errorf("%d faults, and the requests %q", f.way.happened(), f.requests)
	}
}

func TestAnUploadGoesOnWhenTheServerIsBack(t *testing.T) {
	f := start(t, nil)
	content := archive("fw", 8*mib)
	f.way.plan(fault{up: 3 * mib})
	var down sync.Once
	report, err := f.client(nil).Onboard(t.Context(), onboarding.FileSource(file(t, content)), onboarding.Options{Progress: func(p onboarding.Progress) {
		if p.Done > 2*mib {
			down.Do(func() {
				f.stop()
				f.open()
			})
		}
	}})
	is(t, report, err, onboarding.Onboarded)
	f.kept(report, content)
	if n := f.count("POST /api/v1/uploads"); n != 1 {
		t.Errorf("the upload was begun %d times", n)
	}
}

// A network that is gone leaves the server with a connection on which nothing comes.
func TestAnUploadGoesOnWhileTheServerHoldsADeadConnection(t *testing.T) {
	f := start(t, nil)
	content := archive("fw", 4*mib)
	f.way.plan(fault{up: mib, hold: true})
	report, err := f.client(nil).Onboard(t.Context(), onboarding.FileSource(file(t, content)), onboarding.Options{})
	is(t, report, err, onboarding.Onboarded)
	f.kept(report, content)
	if f.count("PATCH ") != 2 {
		t.Errorf("the upload did not go on at once: %q", f.requests)
	}
}

func TestAnUploadThatStandsStillGoesOn(t *testing.T) {
	f := start(t, func(s *setting) { s.stall = 100 * time.Millisecond })
	content := archive("fw", 8*mib)
	f.way.plan(fault{up: mib, stall: true})
	c := f.client(func(o *client.Options) { o.Stall = 300 * time.Millisecond })
	report, err := c.Onboard(t.Context(), onboarding.FileSource(file(t, content)), onboarding.Options{})
	is(t, report, err, onboarding.Onboarded)
	f.kept(report, content)
}

func TestAnUploadOutlastsAnswersOfProxies(t *testing.T) {
	var mu sync.Mutex
	answers := []int{503, 502, 404, 429, 504, 500}
	f := start(t, func(s *setting) {
		s.before = func(w http.ResponseWriter, r *http.Request) bool {
			mu.Lock()
			defer mu.Unlock()
			if r.Method != http.MethodPatch && r.Method != http.MethodHead || len(answers) == 0 {
				return false
			}
			http.Error(w, "a proxy is here", answers[0])
			answers = answers[1:]
			return true
		}
	})
	content := archive("fw", mib)
	report, err := f.client(nil).Onboard(t.Context(), onboarding.FileSource(file(t, content)), onboarding.Options{})
	is(t, report, err, onboarding.Onboarded)
	f.kept(report, content)
	if n := f.count("POST /api/v1/uploads"); n != 1 {
		t.Errorf("the upload was begun %d times", n)
	}
}

// cutShort begins to onboard a file and ends when a part of it was sent.
func cutShort(t *testing.T, c *client.Client, path string, after int64) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	report, err := c.Onboard(ctx, onboarding.FileSource(path), onboarding.Options{Progress: func(p onboarding.Progress) {
		if p.Done >= after {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || report.Status != onboarding.Failed {
		t.Fatalf("%v: %+v", err, report)
	}
	return err
}

func TestAnotherProcessGoesOnWhereAnUploadWas(t *testing.T) {
	f := start(t, nil)
	state := filepath.Join(t.TempDir(), "state", "uploads")
	c := func() *client.Client { return f.client(func(o *client.Options) { o.StateDir = state }) }
	content := archive("fw", 6*mib)
	path := file(t, content)
	err := cutShort(t, c(), path, 2*mib)
	if !strings.Contains(err.Error(), "goes on from there") {
		t.Error(err)
	}
	notes, err := os.ReadDir(state)
	resttest.NoError(t, err)
	if len(notes) != 1 {
		t.Fatalf("notes: %v", notes)
	}
	info, err := notes[0].Info()
	resttest.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(state, notes[0].Name()))
	resttest.NoError(t, err)
	if info.Mode().Perm() != 0o600 || bytes.Contains(text, []byte("red-writer")) || !json.Valid(text) {
		t.Errorf("the note is %v: %s", info.Mode(), text)
	}
	report, err := c().Onboard(t.Context(), onboarding.FileSource(path), onboarding.Options{})
	is(t, report, err, onboarding.Onboarded)
	f.kept(report, content)
	if f.count("POST /api/v1/uploads") != 1 || f.count("PATCH /api/v1/uploads/"+report.Package.ID+" 0") != 1 {
		t.Errorf("the upload began anew: %q", f.requests)
	}
	if notes, err := os.ReadDir(state); err != nil || len(notes) > 0 {
		t.Errorf("notes are left: %v, %v", notes, err)
	}
}

func TestAnUploadThatNobodyCanGoOnWithIsRemoved(t *testing.T) {
	f := start(t, nil)
	err := cutShort(t, f.client(nil), file(t, archive("fw", 6*mib)), 2*mib)
	for r, err := range f.Packages.List(t.Context(), vnfpkg.Filter{Project: "red"}) {
		t.Errorf("the server has %+v, %v", r, err)
	}
	if strings.Contains(err.Error(), "goes on") {
		t.Error(err)
	}
}

func TestANoteThatLeadsNowhereIsPassedOver(t *testing.T) {
	for _, test := range []struct {
		name   string
		before func(t *testing.T, f *fixture, path string)
		begun  int
	}{
		{"the upload has expired", func(t *testing.T, f *fixture, _ string) {
			f.Ahead.Store(int64(2 * time.Hour))
			resttest.NoError(t, f.Packages.Recover(t.Context()))
		}, 2},
		{"the upload was terminated", func(t *testing.T, f *fixture, _ string) {
			for r, err := range f.Packages.List(t.Context(), vnfpkg.Filter{Project: "red"}) {
				resttest.NoError(t, err)
				resttest.NoError(t, f.Packages.Abandon(t.Context(), "red", r.ID))
			}
		}, 2},
		{"the file was written to", func(t *testing.T, _ *fixture, path string) {
			resttest.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)))
		}, 2},
		{"the server has lost bytes", func(t *testing.T, f *fixture, _ string) {
			archives, err := filepath.Glob(filepath.Join(f.home, "packages", "*"))
			resttest.NoError(t, err)
			for _, name := range archives {
				if info, err := os.Stat(name); err == nil && info.Size() > 2000 {
					resttest.NoError(t, os.Truncate(name, 1000))
				}
			}
		}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := start(t, nil)
			c := f.client(func(o *client.Options) { o.StateDir = t.TempDir() })
			content := archive("fw", 6*mib)
			path := file(t, content)
			_ = cutShort(t, c, path, 2*mib)
			resttest.Until(t, func() bool { // the server knows what it has
				for r := range f.Packages.List(t.Context(), vnfpkg.Filter{Project: "red"}) {
					return r.Received > 2000
				}
				return false
			})
			test.before(t, f, path)
			report, err := c.Onboard(t.Context(), onboarding.FileSource(path), onboarding.Options{})
			is(t, report, err, onboarding.Onboarded)
			f.kept(report, content)
			if n := f.count("POST /api/v1/uploads"); n != test.begun {
				t.Errorf("the upload was begun %d times", n)
			}
		})
	}
}

func TestAnUploadThatTheServerLosesBeginsAnewOnce(t *testing.T) {
	var lose func(r *http.Request)
	f := start(t, func(s *setting) {
		s.before = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPatch {
				lose(r)
			}
			return false
		}
	})
	abandon := func(r *http.Request) {
		resttest.NoError(t, f.Packages.Abandon(t.Context(), "red", filepath.Base(r.URL.Path)))
	}
	content := archive("fw", mib)
	src := onboarding.FileSource(file(t, content))

	var once sync.Once
	lose = func(r *http.Request) { once.Do(func() { abandon(r) }) }
	report, err := f.client(nil).Onboard(t.Context(), src, onboarding.Options{})
	is(t, report, err, onboarding.Onboarded)
	f.kept(report, content)

	lose = abandon
	report, err = f.client(nil).Onboard(t.Context(), src, onboarding.Options{})
	if err == nil || report.Status != onboarding.Failed || f.count("POST /api/v1/uploads") != 4 {
		t.Errorf("%v: %+v", err, report)
	}
}

func TestTwoProcessesMaySendTheSameFile(t *testing.T) {
	f := start(t, nil)
	state := t.TempDir()
	path := file(t, archive("fw", 4*mib))
	one, other := f.client(func(o *client.Options) { o.StateDir = state }), f.client(func(o *client.Options) { o.StateDir, o.Patience = state, 5*time.Second })
	var once sync.Once
	report, err := one.Onboard(t.Context(), onboarding.FileSource(path), onboarding.Options{Progress: func(onboarding.Progress) {
		once.Do(func() { // in the middle of it
			report, err := other.Onboard(t.Context(), onboarding.FileSource(path), onboarding.Options{})
			is(t, report, err, onboarding.Onboarded)
		})
	}})
	is(t, report, err, onboarding.Unchanged)
	if left, err := os.ReadDir(state); err != nil || len(left) > 0 {
		t.Errorf("notes are left: %v, %v", left, err)
	}
}

// A token that is good elsewhere does not make the upload of the right one lost.
func TestAWrongTokenDoesNotForgetAnUpload(t *testing.T) {
	f := start(t, nil)
	state := t.TempDir()
	as := func(token string) *client.Client {
		return f.client(func(o *client.Options) { o.StateDir, o.Project, o.Token = state, "red", token })
	}
	content := archive("fw", 6*mib)
	path := file(t, content)
	_ = cutShort(t, as("red-writer"), path, 2*mib)
	_, err := as("blue-writer").Onboard(t.Context(), onboarding.FileSource(path), onboarding.Options{})
	if told, ok := errors.AsType[*client.Error](err); !ok || told.Status != http.StatusNotFound {
		t.Errorf("with a token of another project: %v", err)
	}
	report, err := as("red-writer").Onboard(t.Context(), onboarding.FileSource(path), onboarding.Options{})
	is(t, report, err, onboarding.Onboarded)
	f.kept(report, content)
	if n := f.count("POST /api/v1/uploads"); n != 2 { // one of them refused
		t.Errorf("the upload began anew: %q", f.requests)
	}
}

// Who calls again after a rejection that nobody waited for has mended the reason.
func TestAnOldRejectionIsNotTheOutcomeOfANewCall(t *testing.T) {
	f := start(t, func(s *setting) { s.idle = true })
	c := f.client(func(o *client.Options) { o.StateDir = t.TempDir() })
	path := file(t, archive("fw", mib))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f.before = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/api/v1/jobs/") {
			cancel()
		}
		return false
	}
	_, err := c.Onboard(ctx, onboarding.FileSource(path), onboarding.Options{})
	pending, ok := errors.AsType[*client.PendingError](err)
	if !ok {
		t.Fatal(err)
	}
	add(t, f.client(nil), "disk-fw", disk(t, 8)) // has the name of the package's image
	f.stop()
	f.idle = false
	f.open()
	j, err := f.Queue.Wait(t.Context(), pending.Job)
	if j.State != job.Failed {
		t.Fatalf("the job is %+v, %v", j, err)
	}
	_, err = c.DeleteImage(t.Context(), "disk-fw", false)
	resttest.NoError(t, err)
	report, err := c.Onboard(t.Context(), onboarding.FileSource(path), onboarding.Options{})
	is(t, report, err, onboarding.Onboarded)
}

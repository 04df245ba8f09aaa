package tus_test

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
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
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/rest/tus"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

const limit = 8 << 20 // bytes of a package

// fixture is a server with the door alone. Tokens are PROJECT-ROLE.
type fixture struct {
	*httptest.Server
	packages *vnfpkg.Service
	queue    *job.Queue
	later    atomic.Int64 // how far its clock is ahead
}

func start(t *testing.T) *fixture {
	t.Helper()
	home := t.TempDir()
	names, err := catalog.Open(t.Context(), filepath.Join(home, "gangway.db"))
	noError(t, err)
	t.Cleanup(func() { noError(t, names.Close()) })
	files, err := fsstore.Open(filepath.Join(home, "images"))
	noError(t, err)
	t.Cleanup(func() { noError(t, files.Close()) })
	records, err := ledger.Open(t.Context(), names)
	noError(t, err)
	client, err := fetch.New(fetch.Options{})
	noError(t, err)
	t.Cleanup(client.Close)
	f := &fixture{queue: job.NewQueue(records.Jobs(), job.Options{})}
	f.packages, err = vnfpkg.New(vnfpkg.Config{
		Pipeline: &onboarding.Pipeline{Repository: imagerepo.New(names, files, slog.New(slog.DiscardHandler)), Fetch: client},
		Store:    records.Resources(), Queue: f.queue, Folder: filepath.Join(home, "packages"), Keep: true,
		Limits: vnfpkg.Limits{PackageSize: limit}, Expiry: time.Hour,
		Now: func() time.Time { return time.Now().Add(time.Duration(f.later.Load())) },
	})
	noError(t, err)
	server, err := rest.New([]rest.Door{tus.New(tus.Config{Packages: f.packages, Queue: f.queue})}, rest.Options{Gate: gate{}, Audit: trail{}})
	noError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := errors.Join(f.queue.Run(ctx, f.packages.Kinds()), f.packages.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(running.Wait)
	t.Cleanup(stop)
	f.Server = httptest.NewServer(server)
	t.Cleanup(f.Close)
	return f
}

type gate struct{}

// Authenticate implements [rest.Gate].
func (gate) Authenticate(_ context.Context, token string, _ netip.Addr) (access.Identity, error) {
	project, role, found := strings.Cut(token, "-")
	if !found {
		return access.Identity{}, access.ErrInvalid
	}
	return access.Identity{Subject: "token " + token, Grants: map[string]access.Role{project: access.Role(role)}}, nil
}

type trail struct{}

// Record implements [rest.Audit].
func (trail) Record(context.Context, access.Event) error { return nil }

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// archive is a package of a name with an image of 384 KiB.
func archive(name string) []byte {
	image := onboardingtest.Embed("disk-"+name, onboardingtest.QCOW2(384<<10, 1<<20, 7))
	return onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: name, Images: []onboardingtest.SoftwareImage{image}}))
}

// send sends a request for red's writer. Header lines are "Name: value", and one
// with an empty value takes a field away.
func (f *fixture) send(ctx context.Context, method, at string, body io.Reader, header ...string) (*http.Response, error) {
	if strings.HasPrefix(at, "/") {
		at = f.URL + at
	}
	req, err := http.NewRequestWithContext(ctx, method, at, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer red-writer")
	req.Header.Set("Tus-Resumable", "1.0.0")
	if body != nil {
		req.Header.Set("Content-Type", "application/offset+octet-stream")
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		if req.Header.Del(name); value != "" {
			req.Header.Set(name, value)
		}
	}
	return f.Client().Do(req)
}

// do sends a request and checks the status.
func (f *fixture) do(t *testing.T, status int, method, at string, body []byte, header ...string) *http.Response {
	t.Helper()
	var content io.Reader
	if body != nil {
		content = strings.NewReader(string(body))
	}
	resp, err := f.send(t.Context(), method, at, content, header...)
	noError(t, err)
	text, err := io.ReadAll(resp.Body)
	noError(t, errors.Join(err, resp.Body.Close()))
	if resp.StatusCode != status {
		t.Fatalf("%s %s: %d %s, want %d", method, at, resp.StatusCode, text, status)
	}
	if method != http.MethodOptions || status < 300 {
		field(t, resp, "Tus-Resumable", "1.0.0")
	}
	if status >= 400 && method != http.MethodHead && resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: an error of type %s", at, resp.Header.Get("Content-Type"))
	}
	return resp
}

// field checks one field of the header.
func field(t *testing.T, resp *http.Response, name, want string) {
	t.Helper()
	if got := resp.Header.Get(name); got != want {
		t.Errorf("%s %s: %s is %q, want %q", resp.Request.Method, resp.Request.URL.Path, name, got, want)
	}
}

func checksum(content []byte) string {
	sum := sha1.Sum(content)
	return "Upload-Checksum: sha1 " + base64.StdEncoding.EncodeToString(sum[:])
}

func pair(key, value string) string {
	return key + " " + base64.StdEncoding.EncodeToString([]byte(value))
}

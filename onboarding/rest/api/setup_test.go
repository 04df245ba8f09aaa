package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
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
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/rest/api"
	"github.com/gangway-nfv/gangway/onboarding/view"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glance"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// fixture is a server with the API's door on a repository in a temporary folder and
// an OpenStack of two regions. Tokens are PROJECT-ROLE, and root is an admin
// everywhere.
type fixture struct {
	*httptest.Server
	pipeline *onboarding.Pipeline
	packages *vnfpkg.Service
	queue    *job.Queue
	cloud    *glancetest.Server
	images   string // folder of the image files
	tokens   *access.Tokens
	audit    *trail
}

func start(t *testing.T) *fixture {
	t.Helper()
	home := t.TempDir()
	log := slog.New(slog.DiscardHandler)
	names, err := catalog.Open(t.Context(), filepath.Join(home, "gangway.db"))
	noError(t, err)
	t.Cleanup(func() { noError(t, names.Close()) })
	f := &fixture{images: filepath.Join(home, "images"), audit: &trail{}}
	files, err := fsstore.Open(f.images)
	noError(t, err)
	t.Cleanup(func() { noError(t, files.Close()) })
	records, err := ledger.Open(t.Context(), names)
	noError(t, err)
	client, err := fetch.New(fetch.Options{Allow: []string{"127.0.0.1"}, Attempts: 1})
	noError(t, err)
	t.Cleanup(client.Close)
	f.pipeline = &onboarding.Pipeline{Repository: imagerepo.New(names, files, log), Fetch: client}
	f.queue = job.NewQueue(records.Jobs(), job.Options{})
	f.cloud = glancetest.New(glancetest.Options{Regions: []glancetest.Region{{Name: "RegionOne"}, {Name: "RegionTwo", HashAlgorithm: "sha256"}}})
	t.Cleanup(f.cloud.Close)
	path := filepath.Join(home, "clouds.yaml")
	noError(t, os.WriteFile(path, f.cloud.CloudsYAML(), 0o600))
	t.Setenv("OS_CLIENT_CONFIG_FILE", path)
	pool, err := glance.NewPool(glance.Options{}, log)
	noError(t, err)
	t.Cleanup(pool.Close)
	packages, err := vnfpkg.New(vnfpkg.Config{Pipeline: f.pipeline, Store: records.Resources(), Queue: f.queue, Folder: filepath.Join(home, "packages"),
		Limits: vnfpkg.Limits{PackageSize: 4 << 20, ProjectBytes: 20 << 20, ProjectPackages: 20, ProjectUploads: 20}, Keep: true, Followers: 2})
	noError(t, err)
	f.packages = packages
	operations := operation.New(operation.Config{Pipeline: f.pipeline, Queue: f.queue, VIMs: vims{pool}, Packages: packages, Log: log,
		Launches: vim.Options{Poll: 2 * time.Millisecond}, ProjectLaunches: 2, MaxImage: 1 << 20})
	f.tokens = access.NewTokens(records.Tokens(), access.Config{})
	logins := gate{access.NewGate(f.tokens, access.Config{})}
	door, err := api.New(api.Config{Tokens: f.tokens, Pipeline: f.pipeline, Operations: operations, Queue: f.queue, VIMs: vims{pool}, Packages: packages,
		Logins: logins, Projects: records, MaxImage: 1 << 20, Version: "1.2.3"})
	noError(t, err)
	server, err := rest.New([]rest.Door{door}, rest.Options{Gate: logins, Audit: f.audit})
	noError(t, err)

	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		kinds := operations.Kinds()
		maps.Copy(kinds, packages.Kinds())
		if err := errors.Join(f.queue.Run(ctx, kinds), packages.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(running.Wait)
	t.Cleanup(stop)
	f.Server = httptest.NewServer(server)
	t.Cleanup(f.Close)
	return f
}

type gate struct{ *access.Gate }

// Authenticate implements [rest.Gate].
func (g gate) Authenticate(ctx context.Context, token string, from netip.Addr) (access.Identity, error) {
	project, role, found := strings.Cut(token, "-")
	switch {
	case strings.HasPrefix(token, "gw_"):
		return g.Gate.Authenticate(ctx, token, from)
	case token == "root":
		return access.Identity{Subject: "token root", Grants: map[string]access.Role{access.AllProjects: access.Admin}}, nil
	case !found:
		return access.Identity{}, access.ErrInvalid
	}
	return access.Identity{Subject: "token " + token, Grants: map[string]access.Role{project: access.Role(role)}}, nil
}

// trail is what was audited.
type trail struct {
	mu     sync.Mutex
	events []access.Event
}

// Record implements [rest.Audit].
func (a *trail) Record(_ context.Context, e access.Event) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, e)
	return nil
}

// forget forgets what was audited.
func (a *trail) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = nil
}

// told returns what was audited, as action, target and outcome.
func (a *trail) told() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var told []string
	for _, e := range a.events {
		told = append(told, e.Action+" "+e.Target+" "+string(e.Outcome))
	}
	return told
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
	found := cloud.(*glance.Cloud).Check(ctx, probe)
	return view.Check{VIM: name, Project: view.Project(found.Project), Roles: found.Roles,
		MayPublish: view.Answer{Verdict: string(found.MayPublish.Verdict), How: found.MayPublish.How}}, found.Err
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// answer is what came back.
type answer struct {
	*http.Response
	text string
}

// do sends a request for red's writer, unless a header line says X-Auth-Token. A
// body that is a string or []byte is sent as it is, any other as JSON.
func (f *fixture) do(t *testing.T, method, path string, body any, header ...string) answer {
	t.Helper()
	var content io.Reader
	kind := "application/octet-stream"
	switch b := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(b)
	case []byte:
		content = bytes.NewReader(b)
	case io.Reader:
		content = b
	default:
		text, err := json.Marshal(b)
		noError(t, err)
		content, kind = bytes.NewReader(text), "application/json"
	}
	req, err := http.NewRequestWithContext(t.Context(), method, f.URL+path, content)
	noError(t, err)
	req.Header.Set("Content-Type", kind)
	req.Header.Set("X-Auth-Token", "red-writer")
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	resp, err := f.Client().Do(req)
	noError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	noError(t, err)
	return answer{resp, string(text)}
}

// want checks the status.
func (a answer) want(t *testing.T, status int) answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: %d %.500s, want %d", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.text, status)
	}
	if status >= 400 && a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("an error of type %s", a.Header.Get("Content-Type"))
	}
	return a
}

// into decodes the body.
func into[T any](t *testing.T, a answer) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(a.text), &value); err != nil {
		t.Fatalf("%.500q: %v", a.text, err)
	}
	return value
}

// disk is the content of an image.
func disk(t *testing.T, seed uint64) []byte {
	t.Helper()
	image := onboardingtest.QCOW2(384<<10, 1<<20, seed)
	content := make([]byte, image.Size())
	_, err := image.ReadAt(content, 0)
	noError(t, err)
	return content
}

// stored counts the files of images, whole or not.
func (f *fixture) stored(t *testing.T) int {
	t.Helper()
	n := 0
	noError(t, filepath.WalkDir(f.images, func(_ string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !strings.HasSuffix(entry.Name(), ".lock") {
			n++
		}
		return err
	}))
	return n
}

// onboard takes in a package of red with the images.
func (f *fixture) onboard(t *testing.T, name string, images ...onboardingtest.SoftwareImage) string {
	t.Helper()
	var archive bytes.Buffer
	_, err := archive.Write(onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: name, Images: images})))
	noError(t, err)
	report, err := f.pipeline.Onboard(t.Context(), onboarding.StreamSource(name, &archive), onboarding.Options{Project: "red"})
	noError(t, err)
	if report.Status != onboarding.Onboarded {
		t.Fatalf("%s: %+v", name, report)
	}
	return report.Package.ID
}

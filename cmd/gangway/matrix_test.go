package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
	"github.com/gangway-nfv/gangway/onboarding/notify"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// harmless are the routes that change nothing although their method could. Others
// of such methods are in the audit log.
var harmless = []string{"POST /api/v1/validate", "POST /api/v1/inspect"}

// making are the routes whose path names what they make.
var making = []string{"PUT /api/v1/images/{image}"}

// TestEveryRouteAsksWhoMayUseIt sends every route of every door a request of
// everybody who could. The routes come from the doors, so that a new one is tested
// without being written down here; only what its path names has to be in
// [tenants.things].
func TestEveryRouteAsksWhoMayUseIt(t *testing.T) {
	m := newTenants(t)
	var routes []doorRoute
	for _, door := range m.server.rest.Doors() {
		for _, route := range door.Routes {
			routes = append(routes, doorRoute{door.Name, route})
			if unsafe := !slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, route.Method); unsafe && route.Action == "" &&
				route.Need != rest.Public && !slices.Contains(harmless, route.Method+" "+route.Pattern) {
				t.Errorf("%s %s is not in the audit log", route.Method, route.Pattern)
			}
		}
	}
	// What reads comes first: what deletes leaves nothing to be read.
	slices.SortStableFunc(routes, func(a, b doorRoute) int { return boolToInt(a.Method != "GET") - boolToInt(b.Method != "GET") })
	for _, route := range routes {
		t.Run(strings.ReplaceAll(route.Method+" "+route.Pattern, "/", "∕"), func(t *testing.T) {
			path, owned := m.path(t, route)
			for _, who := range m.callers() {
				m.check(t, route, path, owned, who)
			}
			if route.Need == rest.Public {
				return
			}
			if status, _, _ := m.send(t, "BREW", path, caller{}); status != http.StatusUnauthorized {
				t.Errorf("a method that is not there, without a token: %d", status)
			}
			status, header, _ := m.send(t, "BREW", path, caller{token: m.tokens["red reader"], project: "red"})
			if status != http.StatusMethodNotAllowed || !strings.Contains(header.Get("Allow"), route.Method) {
				t.Errorf("a method that is not there: %d, Allow %q", status, header.Get("Allow"))
			}
		})
	}
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

type doorRoute struct {
	door string
	rest.Route
}

// tenants is a server with things of project red, and tokens of many.
type tenants struct {
	*httptest.Server
	server *server
	tokens map[string]string
	// things has what a segment of a path stands for, by the segment before it, or
	// by the door and that.
	things map[string]string
}

// shared are segments that name what belongs to no project.
var shared = []string{"vims/{vim}"}

var parameter = regexp.MustCompile(`([a-z_-]+)/\{([a-z]+)(\.\.\.)?\}`)

// path fills in the pattern of a route, and reports whether it names a thing that
// belongs to red.
func (m *tenants) path(t *testing.T, route doorRoute) (path string, owned bool) {
	t.Helper()
	path = parameter.ReplaceAllStringFunc(route.Pattern, func(found string) string {
		thing, known := m.things[route.door+" "+found]
		if !known {
			thing, known = m.things[found]
		}
		if !known {
			t.Errorf("%s of door %s: what %s stands for is not in the things of this test", route.Pattern, route.door, found)
		}
		owned = owned || !slices.Contains(shared, found)
		before, _, _ := strings.Cut(found, "/")
		return before + "/" + thing
	})
	path = strings.TrimSuffix(path, "{$}") // the pattern's end
	if strings.Contains(path, "{") {
		t.Errorf("%s: a segment that is not understood", route.Pattern)
	}
	return path, owned && !slices.Contains(making, route.Method+" "+route.Pattern)
}

// absent is the path of a route whose things are not there.
func absent(pattern string) string {
	return parameter.ReplaceAllStringFunc(pattern, func(found string) string {
		before, _, _ := strings.Cut(found, "/")
		return before + "/" + imagerepo.NewID()
	})
}

// caller is somebody who sends a request, and what is to be answered.
type caller struct {
	name    string
	token   string
	raw     string // the whole Authorization header
	cookie  string // a token in a browser's cookie
	project string
	role    access.Role // in red
	all     access.Role // in all projects
	status  int         // of a request of somebody who is nobody
}

func (m *tenants) callers() []caller {
	return []caller{
		{name: "no token", status: 401},
		{name: "malformed", raw: "Bear " + m.tokens["red admin"], status: 400},
		{name: "no token behind the scheme", raw: "Bearer", status: 400},
		{name: "unknown token", token: "gw_" + strings.Repeat("A", 43), status: 401},
		{name: "expired token", token: m.tokens["expired"], status: 401},
		{name: "admin of another project who names this one", token: m.tokens["blue admin"], project: "red"},
		{name: "admin of another project", token: m.tokens["blue admin"], project: "blue"},
		{name: "reader", token: m.tokens["red reader"], role: access.Reader},
		{name: "reader with a browser", cookie: m.tokens["red reader"], role: access.Reader},
		{name: "writer", token: m.tokens["red writer"], role: access.Writer},
		{name: "admin", token: m.tokens["red admin"], role: access.Admin},
		{name: "reader of all projects", token: m.tokens["all reader"], project: "red", role: access.Reader, all: access.Reader},
		{name: "admin of all projects", token: m.tokens["all admin"], project: "red", role: access.Admin, all: access.Admin},
	}
}

func (m *tenants) check(t *testing.T, route doorRoute, path string, owned bool, who caller) {
	t.Helper()
	status, header, body := m.send(t, route.Method, path, who)
	stranger := who.status == 0 && who.role == ""
	want, reason := 0, ""
	switch {
	case route.Need == rest.Public:
	case who.status != 0:
		want, reason = who.status, "it is nobody"
	case route.Need == rest.Known:
	case route.Everywhere:
		if !who.all.Includes(route.Need) {
			want, reason = 403, "it takes a role in all projects"
		}
	case stranger && who.project == "red":
		want, reason = 404, "there is no such project for others"
	case stranger && owned:
		// What is wrong with the request may be told before.
		if want, reason = 404, "it is not there for others"; status != want && status >= 400 {
			want, _, _ = m.send(t, route.Method, absent(route.Pattern), who)
		}
	case stranger:
	case !who.role.Includes(route.Need):
		want, reason = 403, "the role is too small"
	}
	switch {
	case want != 0 && status != want:
		t.Errorf("%s: %d, want %d, as %s: %.200s", who.name, status, want, reason, body)
	case want == 0 && (status >= 500 || status == 403 || status == 405 || status == 401 && route.Need != rest.Public):
		t.Errorf("%s: %d, although it is allowed: %.200s", who.name, status, body)
	case want == 0 && route.Method == "GET" && owned && !stranger && status == 404 && route.Need != rest.Public:
		t.Errorf("%s does not find what it may see: %.200s", who.name, body)
	}
	if status == 401 && route.Need != rest.Public && header.Get("Www-Authenticate") == "" {
		t.Errorf("%s: a 401 without a challenge", who.name)
	}
	if who.status != 0 || stranger {
		for name, thing := range m.things {
			if len(thing) > 20 && strings.Contains(body, thing) && !strings.Contains(path, thing) {
				t.Errorf("%s is told of %s: %.200s", who.name, name, body)
			}
		}
	}
}

func (m *tenants) send(t *testing.T, method, path string, who caller) (int, http.Header, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, m.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if who.token != "" {
		req.Header.Set("Authorization", "Bearer "+who.token)
	}
	if who.cookie != "" {
		req.AddCookie(&http.Cookie{Name: "gangway-session", Value: who.cookie})
	}
	if who.raw != "" {
		req.Header.Set("Authorization", who.raw)
	}
	req.Header.Set("Tus-Resumable", "1.0.0") // else nothing more is looked at
	if who.project != "" {
		req.Header.Set("Gangway-Project", who.project)
	}
	resp, err := m.Client().Do(req)
	if err != nil {
		t.Fatalf("%s: %v", who.name, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", who.name, err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

func newTenants(t *testing.T) *tenants {
	t.Helper()
	cloud := glancetest.New(glancetest.Options{})
	t.Cleanup(cloud.Close)
	home := t.TempDir()
	clouds := filepath.Join(home, "clouds.yaml")
	if err := os.WriteFile(clouds, cloud.CloudsYAML(), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OS_CLIENT_CONFIG_FILE", clouds)
	subscriber := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(subscriber.Close)

	a := &app{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, log: slog.New(slog.DiscardHandler)}
	a.config.Home, a.config.Project, a.config.AllowSource = home, "red", []string{"127.0.0.1"}
	// Failed logins are what this is about.
	a.config.Serve.Access.FailedLogins = 1 << 20
	m := &tenants{tokens: make(map[string]string), things: make(map[string]string)}
	ready, done := make(chan error, 1), make(chan struct{})
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		defer close(done)
		err := a.openAll(ctx, func(names *catalog.Catalog, files imagerepo.Blobs, p *onboarding.Pipeline) (err error) {
			m.server = &server{app: a, names: names, files: files, pipeline: p, flags: &serveFlags{keepPackages: true, jobs: 2, stallTimeout: within,
				launches: vim.Options{Poll: time.Millisecond}}}
			defer func() { err = errors.Join(err, m.server.close()) }()
			if err := m.server.build(ctx); err != nil {
				return err
			}
			m.Server = httptest.NewServer(m.server.rest)
			defer m.Close()
			var running sync.WaitGroup
			defer running.Wait()
			running.Go(func() { _ = m.server.queue.Run(ctx, m.server.kinds()) })
			ready <- m.fill(ctx, subscriber.URL)
			<-ctx.Done()
			return nil
		})
		if err != nil {
			ready <- err
		}
	}()
	t.Cleanup(func() { stop(); <-done })
	if err := <-ready; err != nil {
		t.Fatal(err)
	}
	return m
}

// fill makes the tokens and the things.
func (m *tenants) fill(ctx context.Context, subscriber string) error {
	for name, grant := range map[string]access.NewToken{
		"red reader": {Project: "red", Role: access.Reader}, "red writer": {Project: "red", Role: access.Writer}, "red admin": {Project: "red", Role: access.Admin},
		"blue admin": {Project: "blue", Role: access.Admin},
		"all reader": {Project: access.AllProjects, Role: access.Reader}, "all admin": {Project: access.AllProjects, Role: access.Admin},
	} {
		_, secret, err := m.server.tokens.Create(ctx, grant)
		if err != nil {
			return err
		}
		m.tokens[name] = secret
	}
	records, err := ledger.Open(ctx, m.server.names)
	if err != nil {
		return err
	}
	expired := "gw_" + base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	m.tokens["expired"] = expired
	digest := sha256.Sum256([]byte(expired))
	if err := records.Tokens().AddToken(ctx, access.Token{ID: imagerepo.NewID(), Name: "expired", Project: "red", Role: access.Admin,
		CreatedAt: time.Now().Add(-time.Hour), ExpiresAt: time.Now().Add(-time.Minute)}, hex.EncodeToString(digest[:])); err != nil {
		return err
	}

	archive := onboardingtest.Bytes(onboardingtest.Zip, onboardingtest.SOL004(onboardingtest.Spec{Name: "firewall-of-red", Images: []onboardingtest.SoftwareImage{
		onboardingtest.Embed("image-of-project-red-alone", onboardingtest.QCOW2(384<<10, 1<<20, 1))}}))
	receipt, err := m.onboard(ctx, archive)
	if err != nil {
		return err
	}
	made := receipt.Resource
	scripted, err := m.onboard(ctx, onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: "router-of-red"})))
	if err != nil {
		return err
	}
	script, err := m.script(ctx, scripted.Resource.ID)
	if err != nil {
		return err
	}
	launch, err := m.server.operations.Launch(ctx, operation.Asked{Project: "red"}, operation.Launch{Package: made.ID, VIMs: []string{"region-one"}}, false)
	if err != nil {
		return err
	}
	if _, err := m.server.queue.Wait(ctx, launch.ID); err != nil {
		return err
	}
	img, err := m.server.pipeline.Repository.Find(ctx, "red", "image-of-project-red-alone")
	if err != nil {
		return err
	}
	resource, err := m.server.packages.Get(ctx, "red", made.ID)
	if err != nil {
		return err
	}
	model, err := resource.Model()
	if err != nil {
		return err
	}
	for _, api := range []string{"sol003", "sol005"} {
		made, _, err := m.server.notify.Subscribe(ctx, notify.Request{Project: "red", API: api, Root: m.URL + "/" + api + "/vnfpkgm/v1", CallbackURI: subscriber})
		if err != nil {
			return err
		}
		m.things[api+" subscriptions/{id}"] = made.ID
	}
	token, _, err := m.server.tokens.Create(ctx, access.NewToken{Name: "token-of-project-red", Project: "red", Role: access.Reader})
	if err != nil {
		return err
	}
	begun, err := m.server.packages.Create(ctx, vnfpkg.NewResource{Project: "red"})
	if err != nil {
		return err
	}
	if _, err := m.server.packages.Begin(ctx, "red", begun.ID, vnfpkg.BeginOptions{Size: 100}); err != nil {
		return err
	}
	maps.Copy(m.things, map[string]string{
		"uploads/{upload}": begun.ID, "tokens/{token}": token.ID,
		"images/{image}": img.ID, "packages/{package}": made.ID, "jobs/{job}": receipt.Job.ID, "launches/{job}": launch.ID, "vims/{vim}": "region-one",
		"vnf_packages/{id}": made.ID, "onboarded_vnf_packages/{id}": model.DescriptorID, "artifacts/{path...}": model.Descriptor, "files/{path...}": model.Descriptor,
		"vnf-packages/{id}": scripted.Resource.ID, "scripts/{script}": script, "nfvimage/{id}": img.ID, "file/{id}": img.ID,
	})
	return nil
}

// onboard onboards a package of red.
func (m *tenants) onboard(ctx context.Context, archive []byte) (vnfpkg.Receipt, error) {
	receipt, err := m.server.packages.Fill(ctx, vnfpkg.NewResource{Project: "red"}, func(id string) (vnfpkg.Receipt, error) {
		return m.server.packages.Receive(ctx, "red", id, bytes.NewReader(archive), vnfpkg.ReceiveOptions{})
	})
	if err != nil {
		return receipt, err
	}
	j, err := m.server.queue.Wait(ctx, receipt.Job.ID)
	if err == nil {
		_, err = vnfpkg.OutcomeOf(j)
	}
	return receipt, err
}

// script returns the ID of a package's script.
func (m *tenants) script(ctx context.Context, pkg string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.URL+"/api/v1/vnf-packages/"+pkg, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+m.tokens["red reader"])
	resp, err := m.Client().Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var shown struct{ Scripts []struct{ ID string } }
	if err := json.NewDecoder(resp.Body).Decode(&shown); err != nil || len(shown.Scripts) != 1 {
		return "", fmt.Errorf("package %s has scripts %v: %w", pkg, shown.Scripts, err)
	}
	return shown.Scripts[0].ID, nil
}

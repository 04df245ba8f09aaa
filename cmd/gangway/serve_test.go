package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

// served is gangway serve in this process.
type served struct {
	URL        string `json:"url"`
	AdminToken string `json:"adminToken"` // path
	// stop ends it and returns its exit code.
	stop func() int
	log  *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// startServe runs gangway serve on a home until it is stopped or the test ends.
func startServe(t *testing.T, home string, args ...string) *served {
	t.Helper()
	s := &served{log: &lockedBuffer{}}
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, append([]string{"serve", "--home", home, "--listen", "127.0.0.1:0", "-o", "json"}, args...), strings.NewReader(""), in, s.log)
		in.Close()
	}()
	s.stop = sync.OnceValue(func() int {
		cancel()
		return <-code
	})
	t.Cleanup(func() { s.stop() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("gangway serve ended with %d: %s", s.stop(), s.log)
	}
	if err := json.Unmarshal(line, s); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return s
}

// get asks for a path with a token, and returns status and body.
func (s *served) get(t *testing.T, path, token string) (int, string) {
	t.Helper()
	return s.send(t, http.MethodGet, path, token, nil)
}

func (s *served) send(t *testing.T, method, path, token string, body io.Reader, header ...string) (int, string) {
	t.Helper()
	resp, err := s.do(t.Context(), method, path, token, body, header...)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// do sends a request, which may have no token. Headers are lines.
func (s *served) do(ctx context.Context, method, path, token string, body io.Reader, header ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, body)
	if err != nil {
		return nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	return http.DefaultClient.Do(req)
}

func (s *served) admin(t *testing.T) string {
	t.Helper()
	token, err := os.ReadFile(s.AdminToken)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(token))
}

func TestMetricsTellHowJobsHaveEnded(t *testing.T) {
	origin := origintest.New()
	t.Cleanup(origin.Close)
	s := startServe(t, filepath.Join(t.TempDir(), "home"), "--allow-source", "127.0.0.1")
	admin := s.admin(t)
	archive := string(onboardingtest.Bytes(onboardingtest.Zip, onboardingtest.SOL004(onboardingtest.Spec{Name: "firewall"})))
	link := func(path string) string { return `{"name": "image", "url": "` + origin.URL + path + `"}` }
	origin.Serve("/image", origintest.Plain(make([]byte, 1000)))
	origin.Serve("/other", origintest.Plain(bytes.Repeat([]byte("x"), 1000)))
	for _, sent := range []struct {
		path, body, kind string
		status           int
	}{
		{"packages", archive, "", 201},
		{"packages", archive, "", 200},
		{"packages", archive, "", 200},
		{"packages", "no archive", "", 422},
		{"packages", link("/none"), "application/json", 502},
		{"images", link("/image"), "application/json", 200},
		{"images", link("/other"), "application/json", 409},
		{"doctor", "{}", "application/json", 200},
	} {
		status, text := s.send(t, http.MethodPost, "/api/v1/"+sent.path, admin, strings.NewReader(sent.body), "Prefer: wait=60", "Content-Type: "+sent.kind)
		if status != sent.status {
			t.Errorf("%s: %d %s", sent.path, status, text)
		}
	}
	_, text := s.get(t, "/metrics", admin)
	var got []string
	for line := range strings.Lines(text) {
		if ended, found := strings.CutPrefix(line, "gangway_work_duration_seconds_count"); found {
			got = append(got, strings.TrimSpace(ended))
		}
	}
	want := []string{
		`{outcome="failed",work="fetch"} 1`, `{outcome="onboarded",work="image"} 1`, `{outcome="onboarded",work="onboard"} 1`,
		`{outcome="rejected",work="image"} 1`, `{outcome="rejected",work="onboard"} 1`, `{outcome="succeeded",work="doctor"} 1`, `{outcome="unchanged",work="onboard"} 2`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("ends of jobs (-want +got):\n%s", d)
	}
}

func TestServe(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	s := startServe(t, home)
	info, err := os.Stat(s.AdminToken)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the admin token's file is %v, %v", info, err)
	}
	admin := s.admin(t)
	for _, path := range []string{"/healthz", "/readyz", "/openapi.json"} {
		if status, text := s.get(t, path, ""); status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	content := make([]byte, 1000)
	if status, text := s.send(t, http.MethodPut, "/api/v1/images/raw?diskFormat=raw", admin, bytes.NewReader(content), "Gangway-Project: acme"); status != http.StatusCreated {
		t.Fatalf("an image is put: %d %s", status, text)
	}
	if status, text := s.get(t, "/api/v1/projects/", admin); status != http.StatusOK || text != `[{"id":"acme","name":"acme"},{"id":"default","name":"default"}]`+"\n" {
		t.Errorf("projects, as Open Baton lists them: %d %s", status, text)
	}
	if status, text := s.send(t, http.MethodGet, "/api/v1/audit", admin, nil, "Gangway-Project: acme"); status != http.StatusOK ||
		!strings.Contains(text, `"action":"image.add"`) || !strings.Contains(text, `"subject":"token admin"`) {
		t.Errorf("the audit log: %d %s", status, text)
	}
	status, text := s.get(t, "/metrics", admin)
	for _, line := range []string{
		`gangway_images{project="acme"} 1`, `gangway_image_bytes{project="acme"} 1000`, `gangway_image_oldest_timestamp_seconds{project="acme"} `,
		`gangway_http_requests_total{door="api",method="PUT",route="/api/v1/images/{image}",status="201"} 1`,
		`gangway_http_received_bytes_total{door="api"} 1000`, "process_resident_memory_bytes ",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("metrics (%d) have no %s", status, line)
		}
	}
	if code := s.stop(); code != exitOK {
		t.Errorf("exit code %d: %s", code, s.log)
	}
	if log := s.log.String(); !strings.Contains(log, "path=/api/v1/images/raw") || strings.Contains(log, "/healthz") || strings.Contains(log, admin) {
		t.Errorf("log:\n%s", log)
	}

	again := startServe(t, home, "--log-level", "error")
	if again.AdminToken != "" {
		t.Error("a second admin token was made")
	}
	if status, text := again.send(t, http.MethodGet, "/api/v1/images", admin, nil, "Gangway-Project: acme"); status != http.StatusOK || !strings.Contains(text, `"name":"raw"`) {
		t.Errorf("after the restart: %d %s", status, text)
	}
	if again.stop(); strings.Contains(again.log.String(), "path=") {
		t.Errorf("the log at level error tells requests:\n%s", again.log)
	}
}

func TestServeSaysAllThatIsWrongAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gangway.yaml")
	config := `
jobs: 0
max-package-size: 5GB
serve:
  access:
    failed-logins: -1
  keystone:
    url: ftp://example.org
    roles: {member: owner}
  oidc:
    issuer: https://example.org
`
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var told bytes.Buffer
	code := run(t.Context(), []string{"serve", "--config", file, "--tls-cert", "cert.pem", "--trusted-proxy", "proxy", "--external-url", "example.org"}, strings.NewReader(""), io.Discard, &told)
	if code != exitUsage {
		t.Errorf("exit code %d", code)
	}
	for _, part := range []string{
		"max-package-size", "serve.access.failed-logins", "serve.keystone.url", "serve.keystone.roles", "serve.oidc.audience", "serve.oidc.grants",
		"--jobs", "--tls-key", "--trusted-proxy", "--external-url",
	} {
		if !strings.Contains(told.String(), part) {
			t.Errorf("%s is not told of:\n%s", part, told.String())
		}
	}
}

func TestServeListensOnLoopbackOnlyWithoutTLS(t *testing.T) {
	var told bytes.Buffer
	code := run(t.Context(), []string{"serve", "--home", t.TempDir(), "--listen", ":0"}, strings.NewReader(""), io.Discard, &told)
	if code != exitFailed || !strings.Contains(told.String(), "--plain-http") {
		t.Errorf("exit code %d: %s", code, told.String())
	}
}

// A stopped server leaves what it has accepted to the next.
func TestServeGoesOnWithItsJobs(t *testing.T) {
	home := t.TempDir()
	s := startServe(t, home)
	admin := s.admin(t)
	var ids []string
	for i := range 5 {
		archive := onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{
			Name: fmt.Sprint("vnf-", i), Images: []onboardingtest.SoftwareImage{onboardingtest.Embed(fmt.Sprint("image-", i), onboardingtest.QCOW2(384<<10, 1<<20, uint64(i)))}}))
		status, text := s.send(t, http.MethodPost, "/api/v1/packages", admin, bytes.NewReader(archive))
		if status != http.StatusAccepted {
			t.Fatalf("upload: %d %s", status, text)
		}
		var accepted struct{ Subject string }
		if err := json.Unmarshal([]byte(text), &accepted); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, accepted.Subject)
	}
	if code := s.stop(); code != exitOK {
		t.Fatalf("exit code %d: %s", code, s.log)
	}
	s = startServe(t, home)
	for _, id := range ids {
		_, text := s.get(t, "/api/v1/jobs?subject="+id, admin)
		var jobs []struct{ ID string }
		if err := json.Unmarshal([]byte(text), &jobs); err != nil || len(jobs) != 1 {
			t.Fatalf("jobs of %s: %s", id, text)
		}
		s.get(t, "/api/v1/jobs/"+jobs[0].ID+"/events", admin) // until its end
		status, text := s.get(t, "/api/v1/packages/"+id, admin)
		var shown view.Resource
		if err := json.Unmarshal([]byte(text), &shown); err != nil || status != http.StatusOK || len(shown.Images) != 1 {
			t.Errorf("package %s: %d %s", id, status, text)
		}
	}
}

package glance_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glance"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

func TestVIMsComeFromCloudsYAML(t *testing.T) {
	s := startCloud(t, glancetest.Options{})
	config := configure(t, s.CloudsYAML())
	if diff := cmp.Diff([]string{"admin-one", "other-one", "region-one"}, config.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if _, err := config.Open("nowhere", glance.Options{}); !errors.Is(err, glance.ErrUnknownVIM) {
		t.Errorf("error %v", err)
	}
}

func TestStandardLocations(t *testing.T) {
	t.Chdir(t.TempDir())
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", "")
	write := func(path string) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("clouds: {a: {}}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	xdg := filepath.Join(t.TempDir(), "config")
	steps := []struct {
		env  func()
		path string
		want string
	}{
		{func() {}, filepath.Join(home, ".config/openstack/clouds.yaml"), filepath.Join(home, ".config/openstack/clouds.yaml")},
		{func() { t.Setenv("XDG_CONFIG_HOME", xdg) }, filepath.Join(xdg, "openstack/clouds.yaml"), filepath.Join(xdg, "openstack/clouds.yaml")},
		{func() {}, "clouds.yaml", "clouds.yaml"},
		{func() { t.Setenv("OS_CLIENT_CONFIG_FILE", filepath.Join(home, "c.yaml")) }, filepath.Join(home, "c.yaml"), filepath.Join(home, "c.yaml")},
	}
	for _, step := range steps {
		step.env()
		write(step.path)
		config, err := glance.Load()
		if err != nil {
			t.Fatal(err)
		}
		if config.File != step.want {
			t.Errorf("read %s, want %s", config.File, step.want)
		}
	}
	t.Setenv("OS_CLIENT_CONFIG_FILE", filepath.Join(home, "none.yaml"))
	if _, err := glance.Load(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is asked for is not there: error %v", err)
	}
}

func TestVIMFromTheEnvironment(t *testing.T) {
	s := startCloud(t, glancetest.Options{Regions: []glancetest.Region{{Name: "RegionOne"}, {Name: "RegionTwo"}}})
	s.Glance("RegionTwo").Put(glancetest.Image{Name: "in-two", Visibility: "public", Status: "active", DiskFormat: "raw", ContainerFormat: "bare"})
	config := configure(t, s.CloudsYAML())
	for name, value := range map[string]string{
		"OS_AUTH_URL": s.AuthURL, "OS_USERNAME": "nfvo", "OS_PASSWORD": "secret", "OS_PROJECT_NAME": "nfvo",
		"OS_USER_DOMAIN_NAME": "Default", "OS_PROJECT_DOMAIN_NAME": "Default", "OS_REGION_NAME": "RegionTwo",
	} {
		t.Setenv(name, value)
	}
	config, err := glance.Load()
	if err != nil {
		t.Fatal(err)
	}
	count := func(name string) (n int) {
		for _, err := range open(t, config, name, glance.Options{}).Images(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	if n := count(glance.EnvironmentCloud); n != 1 {
		t.Errorf("%d images in the region of the environment, want 1", n)
	}
	if n := count("region-one"); n != 0 {
		t.Errorf("OS_REGION_NAME moves a cloud of clouds.yaml")
	}
}

func TestSecureYAMLHasThePassword(t *testing.T) {
	s := startCloud(t, glancetest.Options{})
	folder := t.TempDir()
	for file, content := range map[string]string{
		"clouds.yaml": strings.ReplaceAll(string(s.CloudsYAML()), `password: "secret"`, ""),
		"secure.yaml": "clouds:\n  region-one:\n    auth:\n      password: secret\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := open(t, load(t, filepath.Join(folder, "clouds.yaml")), "region-one", glance.Options{})
	if _, err := c.Project(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTLS(t *testing.T) {
	s := startCloud(t, glancetest.Options{})
	keystone := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.TrimSuffix(s.AuthURL, "/v3")+r.URL.Path, http.StatusPermanentRedirect)
	}))
	keystone.Config.ErrorLog = log.New(io.Discard, "", 0)
	keystone.StartTLS()
	t.Cleanup(keystone.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: keystone.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, setting string
		ok            bool
	}{
		{"a certificate of an unknown authority is refused", "", false},
		{"cacert names the authority", "cacert: " + ca, true},
		{"verify: false asks for no proof", "verify: false", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			yaml := strings.ReplaceAll(string(s.CloudsYAML()), s.AuthURL, keystone.URL+"/v3")
			yaml = strings.ReplaceAll(yaml, "    identity_api_version: 3", "    "+tt.setting)
			c := open(t, configure(t, []byte(yaml)), "region-one", glance.Options{Tries: 1})
			if _, err := c.Project(t.Context()); (err == nil) != tt.ok {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestConnectingIsTriedAgainAfterAFailure(t *testing.T) {
	s, c := start(t, glance.Options{Tries: 1})
	s.Inject(glancetest.Fault{Route: glancetest.Authenticate, Status: 503})
	if _, err := c.Project(t.Context()); err == nil {
		t.Fatal("no error")
	}
	if _, err := c.Project(t.Context()); err != nil {
		t.Error(err)
	}
	if n := s.Stats().Requests[glancetest.Authenticate]; n != 2 {
		t.Errorf("%d logins, want 2", n)
	}
}

func TestSmallRequestsAreRepeated(t *testing.T) {
	s, c := start(t, glance.Options{})
	if _, err := c.Project(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, fault := range []glancetest.Fault{
		{Route: glancetest.List, Status: 503}, {Route: glancetest.List, Cut: true},
		{Route: glancetest.Create, Status: 502}, {Route: glancetest.Update, Cut: true}, {Route: glancetest.Delete, Status: 504},
	} {
		s.Inject(fault)
	}
	s.ExpireTokens()
	create(t, c, id)
	if err := c.Beat(t.Context(), id, "1"); err != nil {
		t.Error(err)
	}
	for img, err := range c.Images(t.Context()) {
		if err != nil || img.ID != id || img.Mark.Beat != "1" {
			t.Errorf("%+v, error %v", img, err)
		}
	}
	for range 2 { // what is gone is gone
		if err := c.Delete(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Image(t.Context(), id); !errors.Is(err, vim.ErrNotFound) {
		t.Errorf("error %v", err)
	}
}

func TestErrorsHoldNoSecret(t *testing.T) {
	s := startCloud(t, glancetest.Options{})
	yaml := strings.ReplaceAll(string(s.CloudsYAML()), `password: "secret"`, `password: "hunter2"`)
	c := open(t, configure(t, []byte(yaml)), "region-one", glance.Options{})
	_, err := c.Project(t.Context())
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "requires authentication") {
		t.Errorf("error %v", err)
	}
}

func TestCheck(t *testing.T) {
	s := startCloud(t, glancetest.Options{})
	config := configure(t, s.CloudsYAML())
	s.Glance("").Put(glancetest.Image{Name: "a", Visibility: "public", Status: "active", HashAlgo: "sha512", HashValue: "00", DiskFormat: "raw", ContainerFormat: "bare"})
	member := open(t, config, "region-one", glance.Options{})

	got := member.Check(t.Context(), false)
	want := glance.Check{
		VIM: "region-one", AuthURL: s.AuthURL, Region: "RegionOne", User: "nfvo", Roles: []string{"member"},
		Project:  vim.Project{ID: glancetest.ProjectID("nfvo"), Name: "nfvo"},
		Endpoint: s.Glance("").URL + "/", APIVersion: "v2.15", HashAlgorithm: "sha512", ImportTypes: []string{},
		MayPublish: glance.Answer{Verdict: glance.Unknown, How: "by default policy only the role admin may; the user has member"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(glance.Check{}, "Latency")); diff != "" {
		t.Errorf("check (-want +got):\n%s", diff)
	}
	if got.Latency <= 0 {
		t.Errorf("latency %s", got.Latency)
	}
	before := s.Stats().Requests[glancetest.Create]
	if before != 0 {
		t.Errorf("%d images created without probe", before)
	}
	if got := member.Check(t.Context(), true); got.MayPublish != (glance.Answer{Verdict: glance.No, How: "policy publicize_image refused a trial"}) {
		t.Errorf("a member's trial: %+v", got.MayPublish)
	}
	if got := open(t, config, "admin-one", glance.Options{}).Check(t.Context(), true); got.MayPublish.Verdict != glance.Yes || len(s.Glance("").Images()) != 1 {
		t.Errorf("an administrator's trial: %+v, %d images", got.MayPublish, len(s.Glance("").Images()))
	}
}

func TestCheckOfAVIMThatCannotBeReached(t *testing.T) {
	s := glancetest.New(glancetest.Options{})
	c := open(t, configure(t, s.CloudsYAML()), "region-one", glance.Options{})
	s.Close()
	if got := c.Check(t.Context(), false); got.Err == nil || !strings.Contains(got.Err.Error(), s.AuthURL) {
		t.Errorf("error %v, want one that names %s", got.Err, s.AuthURL)
	}
}

func TestQuotasFromKeystonesLimits(t *testing.T) {
	c := stub(t, "/image", map[string]string{
		"/image/v2/images":     `{"images": []}`,
		"/image/v2/info/usage": `{"usage": {"image_size_total": {"limit": 1000, "usage": 300}, "image_count_total": {"limit": -1, "usage": 3}}}`,
	})
	check := c.Check(t.Context(), false)
	want := []glance.Quota{{Name: "image_count_total", Limit: -1, Used: 3}, {Name: "image_size_total", Limit: 1000, Used: 300}}
	if diff := cmp.Diff(want, check.Quotas); diff != "" || check.Err != nil {
		t.Errorf("error %v, quotas (-want +got):\n%s", check.Err, diff)
	}
}

// Glance's link to the next page lacks the prefix that a proxy gave it, and
// some catalogues have the version in the endpoint.
func TestPagesBehindAProxyWithAPrefix(t *testing.T) {
	for _, endpoint := range []string{"/image", "/image/", "/image/v2", "/image/v2/"} {
		c := stub(t, endpoint, map[string]string{
			"/image/v2/images":           `{"images": [{"id": "a"}], "next": "/v2/images?marker=a&limit=1000"}`,
			"/image/v2/images?marker=a&": `{"images": [{"id": "b"}]}`,
		})
		var ids []string
		for img, err := range c.Images(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, img.ID)
		}
		if diff := cmp.Diff([]string{"a", "b"}, ids); diff != "" {
			t.Errorf("endpoint %s: images (-want +got):\n%s", endpoint, diff)
		}
	}
}

func TestAPageThatLinksToItselfIsAnError(t *testing.T) {
	c := stub(t, "/", map[string]string{"/v2/images": `{"images": [], "next": "/v2/images?limit=1000"}`})
	for _, err := range c.Images(t.Context()) {
		if err == nil {
			t.Error("an image")
		}
		return
	}
	t.Error("the list ends well")
}

// stub is a client of a cloud that gives fixed answers. The image service has
// an endpoint of the given path; a key with a query answers those that begin
// with it.
func stub(t *testing.T, endpoint string, answers map[string]string) *glance.Cloud {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v3/auth/tokens" {
			w.Header().Set("X-Subject-Token", "t")
			w.WriteHeader(http.StatusCreated)
			fmt.Fprintf(w, `{"token": {"project": {"id": "p1", "name": "nfvo"}, "catalog": [{"type": "image",
				"endpoints": [{"interface": "public", "region_id": "RegionOne", "region": "RegionOne", "url": "http://%s%s"}]}]}}`, r.Host, endpoint)
			return
		}
		for _, address := range []string{r.URL.Path + "?" + strings.SplitAfter(r.URL.RawQuery+"&", "&")[0], r.URL.Path} {
			if answer, ok := answers[address]; ok {
				fmt.Fprint(w, answer)
				return
			}
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(server.Close)
	yaml := fmt.Sprintf("clouds: {stub: {auth: {auth_url: %q, username: u, password: p, user_domain_name: Default, project_id: p1}}}", server.URL+"/v3")
	return open(t, configure(t, []byte(yaml)), "stub", glance.Options{})
}

func TestCancellingEndsAPause(t *testing.T) {
	s, c := start(t, glance.Options{})
	s.Inject(glancetest.Fault{Route: glancetest.Authenticate, Times: -1, Status: 503, RetryAfter: time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Project(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

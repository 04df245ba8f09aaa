package etsi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/imagerepo/fsstore"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
	"github.com/gangway-nfv/gangway/onboarding/notify"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/rest/etsi"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// server is both doors with all that is behind them.
type server struct {
	*httptest.Server
	packages   *vnfpkg.Service
	pipeline   *onboarding.Pipeline
	queue      *job.Queue
	validators map[string]*jsonschema.Schema
}

// Authenticate implements [rest.Gate]: a token is a role and a project.
func (s *server) Authenticate(_ context.Context, token string, _ netip.Addr) (access.Identity, error) {
	role, project, ok := strings.Cut(token, "@")
	if !ok || !access.Role(role).Valid() {
		return access.Identity{}, access.ErrInvalid
	}
	return access.Identity{Subject: "token " + token, Grants: map[string]access.Role{project: access.Role(role)}}, nil
}

// Record implements [rest.Audit].
func (s *server) Record(context.Context, access.Event) error { return nil }

type options struct {
	pageSize int
	drop     bool // archives are not kept
	idle     bool // jobs are not run
	wait     time.Duration

	subscriptions int // that a project may have
}

func start(t *testing.T, o options) *server {
	t.Helper()
	home := t.TempDir()
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	names, err := catalog.Open(t.Context(), filepath.Join(home, "catalogue.db"))
	must(err)
	files, err := fsstore.Open(filepath.Join(home, "images"))
	must(err)
	records, err := ledger.Open(t.Context(), names)
	must(err)
	client, err := fetch.New(fetch.Options{Allow: []string{"127.0.0.1"}, Attempts: 1})
	must(err)
	key, err := notify.OpenKey(filepath.Join(home, "secret.key"))
	must(err)
	repository := imagerepo.New(names, files, slog.New(slog.DiscardHandler))

	s := &server{queue: job.NewQueue(records.Jobs(), job.Options{}), validators: schemas(t)}
	s.pipeline = &onboarding.Pipeline{Repository: repository, Fetch: client}
	s.packages, err = vnfpkg.New(vnfpkg.Config{
		Pipeline: s.pipeline, Store: records.Resources(), Queue: s.queue, Folder: filepath.Join(home, "packages"), Keep: !o.drop,
	})
	must(err)
	subscriptions := notify.New(notify.Config{Store: records.Subscriptions(), Client: client.HTTP(), Key: key, Timeout: 5 * time.Second, ProjectSubscriptions: o.subscriptions})
	doors, err := rest.New(etsi.Doors(etsi.Config{
		Packages: s.packages, Images: names, Subscriptions: subscriptions, PageSize: o.pageSize, Wait: o.wait,
	}), rest.Options{Gate: s, Audit: s})
	must(err)
	s.Server = httptest.NewServer(doors)

	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	if !o.idle {
		kinds := s.packages.Kinds()
		kinds[notify.Kind] = subscriptions.Jobs(2)
		kinds[vnfpkg.KindLaunch] = job.KindOptions{Handler: func(ctx context.Context, _ *job.Task) (any, error) {
			<-ctx.Done() // launches are under way until they are cancelled
			return nil, ctx.Err()
		}}
		running.Go(func() {
			if err := s.queue.Run(ctx, kinds); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() {
		s.Close()
		cancel()
		running.Wait()
		for _, close := range []func() error{s.packages.Close, files.Close, names.Close} {
			if err := close(); err != nil {
				t.Error(err)
			}
		}
		client.Close()
	})
	return s
}

// schemas returns the compiled schemas of ETSI's types by their names.
func schemas(t testing.TB) map[string]*jsonschema.Schema {
	t.Helper()
	file, err := os.Open("testdata/schemas.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	document, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("schemas.json", document); err != nil {
		t.Fatal(err)
	}
	all := make(map[string]*jsonschema.Schema)
	for name := range document.(map[string]any)["$defs"].(map[string]any) {
		if all[name], err = compiler.Compile("schemas.json#/$defs/" + name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// answer is a response that was read.
type answer struct {
	*http.Response
	body []byte
}

// json decodes the body.
func (a answer) json(t testing.TB, value any) {
	t.Helper()
	if err := json.Unmarshal(a.body, value); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
}

func (a answer) info(t testing.TB) (info etsi.VnfPkgInfo) {
	t.Helper()
	a.json(t, &info)
	return info
}

func (a answer) infos(t testing.TB) (infos []etsi.VnfPkgInfo) {
	t.Helper()
	a.json(t, &infos)
	return infos
}

// want fails unless the answer has a status.
func (a answer) want(t testing.TB, status int) answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: got %d %s, want %d", a.Request.Method, a.Request.URL, a.StatusCode, a.body, status)
	}
	return a
}

const (
	base = "/sol005/vnfpkgm/v1"
	read = "/sol003/vnfpkgm/v1"
)

// do sends a request as ETSI's suites do, with header lines such as
// "If-Match: *", as the writer of project p unless another token is named. What
// comes back is checked against the rules that hold for every answer.
func (s *server) do(t testing.TB, method, path string, body any, header ...string) answer {
	t.Helper()
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(b)
	case []byte:
		content = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.NewReader(text)
	}
	url := path
	if strings.HasPrefix(path, "/") {
		url = s.URL + path
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, content)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer writer@p")
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		if req.Header.Del(name); value != "" {
			req.Header.Set(name, value)
		}
	}
	client := &http.Client{Transport: s.Client().Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{resp, text}
	s.check(t, a)
	return a
}

// check proves what every answer must be.
func (s *server) check(t testing.TB, a answer) {
	t.Helper()
	media := a.Header.Get("Content-Type")
	wrong := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s %s: %d %s", a.Request.Method, a.Request.URL, a.StatusCode, fmt.Sprintf(format, args...))
	}
	switch {
	case a.StatusCode >= 400:
		if media != "application/problem+json" {
			wrong("has the type %s", media)
		}
		s.valid(t, "ProblemDetails", a.body)
		var problem struct{ Status int }
		if a.json(t, &problem); problem.Status != a.StatusCode {
			wrong("tells the status %d", problem.Status)
		}
		if a.StatusCode == http.StatusUnauthorized && !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") {
			wrong("has no WWW-Authenticate")
		}
		if a.StatusCode == http.StatusMethodNotAllowed && a.Header.Get("Allow") == "" {
			wrong("has no Allow")
		}
		return
	case a.StatusCode == 202, a.StatusCode == 204, a.StatusCode == 303, a.StatusCode == 304, a.Request.Method == http.MethodHead:
		if len(a.body) > 0 {
			wrong("has a body: %s", a.body)
		}
		return
	}
	for _, kind := range []struct{ method, path, schema string }{
		{"GET", `/vnfpkgm(/v\d)?/api_versions?$`, "ApiVersionInformation"},
		{"GET", `/vnfpkgm/v\d/(onboarded_)?vnf_packages$`, "VnfPkgInfos"},
		{"POST", `/vnfpkgm/v\d/vnf_packages$`, "VnfPkgInfo"},
		{"GET", `/vnfpkgm/v\d/(onboarded_)?vnf_packages/[^/]+$`, "VnfPkgInfo"},
		{"PATCH", `/vnfpkgm/v\d/vnf_packages/[^/]+$`, "VnfPkgInfoModifications"},
		{"GET", `/vnfpkgm/v\d/subscriptions$`, "PkgmSubscriptions"},
		{"POST", `/vnfpkgm/v\d/subscriptions$`, "PkgmSubscription"},
		{"GET", `/vnfpkgm/v\d/subscriptions/[^/]+$`, "PkgmSubscription"},
	} {
		if a.Request.Method != kind.method || !regexp.MustCompile(kind.path).MatchString(a.Request.URL.Path) {
			continue
		}
		if media != "application/json" {
			wrong("has the type %s", media)
		}
		s.valid(t, kind.schema, a.body)
		return
	}
	if media == "" || media == "application/json" {
		wrong("is of no schema")
	}
}

// valid fails unless a text is of a type.
func (s *server) valid(t testing.TB, schema string, text []byte) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err == nil {
		err = s.validators[schema].Validate(value)
	}
	if err != nil {
		t.Errorf("%s is no %s: %v", text, schema, err)
	}
}

// create makes a resource and returns its URL.
func (s *server) create(t testing.TB) string {
	t.Helper()
	a := s.do(t, "POST", base+"/vnf_packages", `{}`).want(t, http.StatusCreated)
	return a.Header.Get("Location")
}

// upload sends an archive to a new resource and waits until it was processed.
func (s *server) upload(t testing.TB, archive []byte) etsi.VnfPkgInfo {
	t.Helper()
	url := s.create(t)
	s.do(t, "PUT", url+"/package_content", archive).want(t, http.StatusAccepted)
	return s.processed(t, url)
}

// onboard onboards a package that is known to be good.
func (s *server) onboard(t testing.TB, members []onboardingtest.Member) etsi.VnfPkgInfo {
	t.Helper()
	info := s.upload(t, onboardingtest.Bytes(onboardingtest.Zip, members))
	if info.OnboardingState != vnfpkg.Onboarded {
		t.Fatalf("got %s: %+v", info.OnboardingState, info.FailureDetails)
	}
	return info
}

// processed waits until a resource is ONBOARDED or ERROR.
func (s *server) processed(t testing.TB, url string) etsi.VnfPkgInfo {
	t.Helper()
	id := url[strings.LastIndexByte(url, '/')+1:]
	for {
		jobs, err := s.queue.List(t.Context(), job.Filter{Subject: id, Limit: 1})
		if err != nil || len(jobs) == 0 {
			t.Fatalf("%s has no job: %v", url, err)
		}
		if _, err := s.queue.Wait(t.Context(), jobs[0].ID); err != nil {
			t.Fatal(err)
		}
		info := s.do(t, "GET", url, nil).want(t, http.StatusOK).info(t)
		if info.OnboardingState == vnfpkg.Onboarded || info.OnboardingState == vnfpkg.Error {
			return info
		}
	}
}

// firewall is a package with two images, a script, and a VNFD of two files.
func firewall(version string) []onboardingtest.Member {
	members := onboardingtest.SOL004(onboardingtest.Spec{Name: "firewall", Vendor: "Acme", Version: version, Images: []onboardingtest.SoftwareImage{
		{Name: "fw-" + version, Content: ptr(onboardingtest.QCOW2(300_000, 1<<20, 7)), MinDisk: 2, MinRAM: 512},
		{Name: "raw-" + version, Content: ptr(onboardingtest.Raw(4096, 9))},
	}})
	return append(members, onboardingtest.Text("Scripts/start.sh", "#!/bin/sh\necho hello\n"),
		onboardingtest.Text("Artifacts/a b/page.html", "<html><script>alert(1)</script></html>"),
		onboardingtest.Text("Artifacts/blob", "\x00\x01\x02\xff"))
}

// small is a package whose VNFD is one file.
func small(version string) []onboardingtest.Member {
	return []onboardingtest.Member{
		onboardingtest.Text("TOSCA-Metadata/TOSCA.meta", "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: Acme\nEntry-Definitions: vnfd.yaml\n"),
		onboardingtest.Text("vnfd.yaml", vnfdText(version)),
		onboardingtest.Text("ChangeLog.txt", "first\n"),
	}
}

func vnfdText(version string) string {
	return fmt.Sprintf(`tosca_definitions_version: tosca_simple_yaml_1_3
topology_template:
  node_templates:
    VNF:
      type: tosca.nodes.nfv.VNF
      properties:
        descriptor_id: small-%[1]s
        descriptor_version: "%[1]s"
        software_version: "7.%[1]s"
        provider: Acme
        product_name: small
        flavour_id: simple
        flavour_description: one
        vnfm_info: [any]
`, version)
}

func ptr[T any](v T) *T { return &v }

package etsi_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/notify"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/rest/etsi"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// server is both doors with all that is behind them.
type server struct {
	*resttest.Server
	validators map[string]*jsonschema.Schema
}

type options struct {
	pageSize int
	drop     bool // archives are not kept
	idle     bool // jobs are not run
	wait     time.Duration

	subscriptions int // that a project may have
}

// start starts a server whose requests are as ETSI's suites send them, from the
// writer of project p unless another token is named.
func start(t *testing.T, o options) *server {
	t.Helper()
	s := &server{resttest.New(t, resttest.Config{Packages: vnfpkg.Config{Keep: !o.drop}, Idle: o.idle}), schemas(t)}
	s.Header = []string{"Accept: application/json", "Content-Type: application/json", "Authorization: Bearer p-writer"}
	s.Check = s.check
	key, err := notify.OpenKey(filepath.Join(s.Home, "secret.key"))
	resttest.NoError(t, err)
	subscriptions := notify.New(notify.Config{Store: s.Records.Subscriptions(), Client: s.Fetch.HTTP(), Key: key, Timeout: 5 * time.Second, ProjectSubscriptions: o.subscriptions})
	s.Kinds[notify.Kind] = subscriptions.Jobs(2)
	s.Kinds[vnfpkg.KindLaunch] = job.KindOptions{Handler: func(ctx context.Context, _ *job.Task) (any, error) {
		<-ctx.Done() // launches are under way until they are cancelled
		return nil, ctx.Err()
	}}
	resttest.NoError(t, s.Serve(rest.Options{}, etsi.Doors(etsi.Config{
		Packages: s.Packages, Images: s.Catalog, Subscriptions: subscriptions, PageSize: o.pageSize, Wait: o.wait,
	})...))
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

const (
	base = "/sol005/vnfpkgm/v1"
	read = "/sol003/vnfpkgm/v1"
)

// check proves what every answer must be.
func (s *server) check(t testing.TB, a resttest.Answer) {
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
		s.valid(t, "ProblemDetails", a.Text)
		var problem struct{ Status int }
		if a.Decode(t, &problem); problem.Status != a.StatusCode {
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
		if len(a.Text) > 0 {
			wrong("has a body: %s", a.Text)
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
		s.valid(t, kind.schema, a.Text)
		return
	}
	if media == "" || media == "application/json" {
		wrong("is of no schema")
	}
}

// valid fails unless a text is of a type.
func (s *server) valid(t testing.TB, schema, text string) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
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
	a := s.Do(t, "POST", base+"/vnf_packages", `{}`).Want(t, http.StatusCreated)
	return a.Header.Get("Location")
}

// upload sends an archive to a new resource and waits until it was processed.
func (s *server) upload(t testing.TB, archive []byte) etsi.VnfPkgInfo {
	t.Helper()
	url := s.create(t)
	s.Do(t, "PUT", url+"/package_content", archive).Want(t, http.StatusAccepted)
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
		jobs, err := s.Queue.List(t.Context(), job.Filter{Subject: id, Limit: 1})
		if err != nil || len(jobs) == 0 {
			t.Fatalf("%s has no job: %v", url, err)
		}
		if _, err := s.Queue.Wait(t.Context(), jobs[0].ID); err != nil {
			t.Fatal(err)
		}
		info := resttest.Into[etsi.VnfPkgInfo](t, s.Do(t, "GET", url, nil).Want(t, http.StatusOK))
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

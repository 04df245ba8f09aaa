package etsi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/rest/etsi"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

func TestTheLifeOfAPackage(t *testing.T) {
	s := start(t, options{})
	created := s.Do(t, "POST", base+"/vnf_packages", `{"userDefinedData": {"owner": "ops"}}`).Want(t, http.StatusCreated)
	info := resttest.Into[etsi.VnfPkgInfo](t, created)
	self := s.URL + base + "/vnf_packages/" + info.ID
	want := etsi.VnfPkgInfo{
		ID: info.ID, OnboardingState: vnfpkg.Created, OperationalState: vnfpkg.Disabled, UsageState: "NOT_IN_USE",
		UserDefinedData: map[string]any{"owner": "ops"},
		Links:           etsi.PackageLinks{Self: etsi.Link{Href: self}, PackageContent: etsi.Link{Href: self + "/package_content"}},
	}
	if diff := cmp.Diff(want, info); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	if got := created.Header.Get("Location"); got != self {
		t.Errorf("Location is %s, want %s", got, self)
	}
	shown := s.Do(t, "GET", self, nil).Want(t, http.StatusOK)
	if diff := cmp.Diff(want, resttest.Into[etsi.VnfPkgInfo](t, shown)); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}

	archive := onboardingtest.Bytes(onboardingtest.Zip, firewall("1.0"))
	s.Do(t, "PUT", self+"/package_content", archive, "Content-Type: application/zip", "Accept: application/zip").Want(t, http.StatusAccepted)
	info = s.processed(t, self)
	if info.Checksum == nil || info.Checksum.Hash != sha256Hex(archive) {
		t.Errorf("checksum %+v is not that of the archive", info.Checksum)
	}
	want.OnboardingState, want.OperationalState = vnfpkg.Onboarded, vnfpkg.Enabled
	want.VNFDID, want.Provider, want.ProductName, want.VNFDVersion, want.SoftwareVersion = info.VNFDID, "Acme", "firewall", "1.0", "1.0"
	want.Links.VNFD = &etsi.Link{Href: self + "/vnfd"}
	want.Checksum = info.Checksum
	qcow2, raw := onboardingtest.QCOW2(300_000, 1<<20, 7), onboardingtest.Raw(4096, 9)
	for i, image := range []etsi.SoftwareImage{
		{ID: "vdu_1", Name: "fw-1.0", Checksum: etsi.Checksum{Algorithm: "SHA-256", Hash: qcow2.SHA256()}, DiskFormat: "QCOW2",
			MinDisk: 2 << 30, MinRAM: 512 << 20, Size: qcow2.Size(), ImagePath: "Files/images/fw-1.0"},
		{ID: "vdu_2", Name: "raw-1.0", Checksum: etsi.Checksum{Algorithm: "SHA-256", Hash: raw.SHA256()}, DiskFormat: "RAW",
			Size: raw.Size(), ImagePath: "Files/images/raw-1.0"},
	} {
		image.Provider, image.Version, image.ContainerFormat = "Acme", "1.0", "BARE"
		image.CreatedAt = info.SoftwareImages[i].CreatedAt
		want.SoftwareImages = append(want.SoftwareImages, image)
	}
	for _, path := range []string{"Artifacts/a b/page.html", "Artifacts/blob", "ChangeLog.txt", "Scripts/start.sh", "TOSCA-Metadata/TOSCA.meta", "firewall.mf"} {
		i := len(want.AdditionalArtifacts)
		want.AdditionalArtifacts = append(want.AdditionalArtifacts, etsi.Artifact{Path: path, Checksum: info.AdditionalArtifacts[i].Checksum})
	}
	if diff := cmp.Diff(want, info); diff != "" {
		t.Errorf("onboarded (-want +got):\n%s", diff)
	}

	patched := s.Do(t, "PATCH", self, `{"operationalState": "DISABLED"}`).Want(t, http.StatusOK)
	if got := strings.TrimSpace(patched.Text); got != `{"operationalState":"DISABLED"}` {
		t.Errorf("modifications are %s", got)
	}
	if got := resttest.Into[etsi.VnfPkgInfo](t, s.Do(t, "GET", self, nil)).OperationalState; got != vnfpkg.Disabled {
		t.Errorf("it is %s", got)
	}
	s.Do(t, "DELETE", self, nil).Want(t, http.StatusNoContent)
	for _, path := range []string{"", "/package_content", "/vnfd", "/artifacts/ChangeLog.txt", "/artifacts", "/manifest"} {
		s.Do(t, "GET", self+path, nil, "Accept: */*").Want(t, http.StatusNotFound)
	}
}

func TestBodiesOfCreation(t *testing.T) {
	s := start(t, options{idle: true})
	tests := []struct {
		name string
		body any
		want int
	}{
		{"none", nil, 201},
		{"an empty object", `{}`, 201},
		{"members that are not known", `{"vnfdId": "x"}`, 201},
		{"null", `{"userDefinedData": null}`, 201},
		{"no object for the data", `{"userDefinedData": ["x"]}`, 400},
		{"a list", `[]`, 400},
		{"half of one", `{"userDefined`, 400},
		{"two", `{} {}`, 400},
		{"too much", `{"userDefinedData": {"x": "` + strings.Repeat("x", 2<<20) + `"}}`, 413},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { s.Do(t, "POST", base+"/vnf_packages", tt.body).Want(t, tt.want) })
	}
}

func TestModifications(t *testing.T) {
	s := start(t, options{})
	tests := []struct {
		name, body, contentType string
		want                    int
		state                   vnfpkg.Operational
		data                    map[string]any
	}{
		{"disabling", `{"operationalState": "DISABLED"}`, "application/json", 200, vnfpkg.Disabled, nil},
		{"disabling again", `{"operationalState": "DISABLED"}`, "application/json", 409, vnfpkg.Disabled, nil},
		{"enabling, as a merge patch", `{"operationalState": "ENABLED"}`, "application/merge-patch+json; charset=utf-8", 200, vnfpkg.Enabled, nil},
		{"enabling again, with data", `{"operationalState": "ENABLED", "userDefinedData": {"x": 1}}`, "application/json", 409, vnfpkg.Enabled, nil},
		{"data", `{"userDefinedData": {"a": "1", "b": {"c": 2, "d": 3}}}`, "application/merge-patch+json", 200, vnfpkg.Enabled,
			map[string]any{"a": "1", "b": map[string]any{"c": 2.0, "d": 3.0}}},
		{"parts of the data", `{"userDefinedData": {"a": null, "b": {"c": null}, "e": "5"}}`, "application/json", 200, vnfpkg.Enabled,
			map[string]any{"b": map[string]any{"d": 3.0}, "e": "5"}},
		{"both", `{"operationalState": "DISABLED", "userDefinedData": {"e": "6"}}`, "", 200, vnfpkg.Disabled,
			map[string]any{"b": map[string]any{"d": 3.0}, "e": "6"}},
		{"no data any more", `{"userDefinedData": null}`, "application/json", 200, vnfpkg.Disabled, nil},
		{"nothing", `{}`, "application/json", 400, vnfpkg.Disabled, nil},
		{"what is not known", `{"usageState": "IN_USE"}`, "application/json", 400, vnfpkg.Disabled, nil},
		{"another state", `{"operationalState": "ON"}`, "application/json", 400, vnfpkg.Disabled, nil},
		{"no object for the data", `{"userDefinedData": 1}`, "application/json", 400, vnfpkg.Disabled, nil},
		{"no JSON", `operationalState=ENABLED`, "application/json", 400, vnfpkg.Disabled, nil},
		{"no body", ``, "application/json", 400, vnfpkg.Disabled, nil},
		{"another type", `<x/>`, "application/xml", 415, vnfpkg.Disabled, nil},
	}
	for _, created := range []bool{false, true} { // data can be changed at any time
		url := s.create(t)
		if !created {
			url = s.onboard(t, small("1.0")).Links.Self.Href
		}
		for _, tt := range tests {
			t.Run(fmt.Sprintf("%s, created %t", tt.name, created), func(t *testing.T) {
				want := tt.want
				if created && strings.Contains(tt.body, "operationalState") && want == 200 {
					want = 409
				}
				s.Do(t, "PATCH", url, tt.body, "Content-Type: "+tt.contentType).Want(t, want)
				if created {
					return
				}
				info := resttest.Into[etsi.VnfPkgInfo](t, s.Do(t, "GET", url, nil))
				if diff := cmp.Diff(tt.data, info.UserDefinedData); diff != "" || info.OperationalState != tt.state {
					t.Errorf("it is %s, want %s; data (-want +got):\n%s", info.OperationalState, tt.state, diff)
				}
			})
		}
	}
}

func TestDataThatGrowsBeyondWhatAPackageMayHaveIsRefused(t *testing.T) {
	s := start(t, options{})
	url := s.create(t)
	half := func(name string) string {
		return `{"userDefinedData": {"` + name + `": "` + strings.Repeat("x", 600<<10) + `"}}`
	}
	s.Do(t, "PATCH", url, half("a")).Want(t, 200)
	s.Do(t, "PATCH", url, half("b")).Want(t, 413)
	if info := resttest.Into[etsi.VnfPkgInfo](t, s.Do(t, "GET", url, nil).Want(t, 200)); len(info.UserDefinedData) != 1 {
		t.Errorf("it has %d members", len(info.UserDefinedData))
	}
	s.Do(t, "PATCH", url, `{"userDefinedData": {"a": null}}`).Want(t, 200)
	s.Do(t, "PATCH", url, half("b")).Want(t, 200)
}

func TestWhatIsPossibleInWhichState(t *testing.T) {
	s := start(t, options{})
	archive := onboardingtest.Bytes(onboardingtest.Zip, small("2.0"))
	origin := origintest.New()
	defer origin.Close()
	from := map[string]string{"addressInformation": origin.Serve("/p.csar", origintest.Plain(archive))}
	requests := []struct {
		name, method, path string
		body               any
	}{
		{"receive", "PUT", "/package_content", archive},
		{"fetch", "POST", "/package_content/upload_from_uri", from},
		{"content", "GET", "/package_content", nil},
		{"vnfd", "GET", "/vnfd", nil},
		{"artifact", "GET", "/artifacts/ChangeLog.txt", nil},
		{"artifacts", "GET", "/artifacts", nil},
		{"manifest", "GET", "/manifest", nil},
		{"enable", "PATCH", "", `{"operationalState": "ENABLED"}`},
		{"delete", "DELETE", "", nil},
		{"disable", "PATCH", "", `{"operationalState": "DISABLED"}`},
	}
	inError := func(t *testing.T) string { return s.upload(t, []byte("no archive")).Links.Self.Href }
	states := []struct {
		name  string
		make  func(*testing.T) string
		wants map[string]int // 409 for those that are not in it
	}{
		{"created", func(t *testing.T) string { return s.create(t) }, map[string]int{"receive": 202, "fetch": 202, "delete": 204}},
		{"onboarded", func(t *testing.T) string {
			return s.onboard(t, firewall("2.0")).Links.Self.Href
		}, map[string]int{"content": 200, "vnfd": 200, "artifact": 200, "artifacts": 200, "manifest": 200, "disable": 200}},
		{"error", inError, map[string]int{"delete": 204}},
	}
	for _, state := range states {
		url := ""
		for _, r := range requests {
			t.Run(r.name+" when "+state.name, func(t *testing.T) {
				if url == "" {
					url = state.make(t)
				}
				want := http.StatusConflict
				if status, ok := state.wants[r.name]; ok {
					want = status
				}
				s.Do(t, r.method, url+r.path, r.body, "Accept: */*").Want(t, want)
				if want == http.StatusAccepted {
					if info := s.processed(t, url); info.OnboardingState != vnfpkg.Onboarded || info.VNFDID != "small-2.0" {
						t.Errorf("got %+v", info)
					}
					// Another of it would be refused.
					if _, _, err := s.Packages.Delete(t.Context(), "p", url[strings.LastIndexByte(url, '/')+1:], vnfpkg.DeleteOptions{}); err != nil {
						t.Error(err)
					}
				}
				if want == http.StatusAccepted || want == http.StatusNoContent {
					url = ""
				}
			})
		}
	}
}

func TestAPackageInUseIsNotDeleted(t *testing.T) {
	s := start(t, options{})
	info := s.onboard(t, small("1.0"))
	url := info.Links.Self.Href
	s.Do(t, "PATCH", url, `{"operationalState": "DISABLED"}`).Want(t, 200)
	before := s.Do(t, "GET", url, nil).Header.Get("Etag")
	launch, err := s.Queue.Add(t.Context(), job.New{Project: "p", Kind: vnfpkg.KindLaunch, Subject: info.ID})
	if err != nil {
		t.Fatal(err)
	}
	shown := s.Do(t, "GET", url, nil)
	if got := resttest.Into[etsi.VnfPkgInfo](t, shown).UsageState; got != "IN_USE" || shown.Header.Get("Etag") == before {
		t.Errorf("it is %s, with the tag %s", got, shown.Header.Get("Etag"))
	}
	if got := resttest.Into[[]etsi.VnfPkgInfo](t, s.Do(t, "GET", base+"/vnf_packages?filter=(eq,usageState,IN_USE)", nil)); len(got) != 1 {
		t.Errorf("%d packages are in use", len(got))
	}
	s.Do(t, "DELETE", url, nil).Want(t, 409)
	if _, err := s.Queue.Cancel(t.Context(), launch.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Queue.Wait(t.Context(), launch.ID); err != nil {
		t.Fatal(err)
	}
	s.Do(t, "DELETE", url, nil).Want(t, 204)
}

func TestPreconditions(t *testing.T) {
	s := start(t, options{})
	url := s.onboard(t, small("1.0")).Links.Self.Href
	tag := s.Do(t, "GET", url, nil).Header.Get("Etag")
	tests := []struct {
		name, method, body, header string
		want                       int
	}{
		{"GET, not modified", "GET", "", "If-None-Match: " + tag, 304},
		{"GET, not modified, weakly", "GET", "", `If-None-Match: "x", W/` + tag, 304},
		{"GET, not modified, any", "GET", "", "If-None-Match: *", 304},
		{"GET, modified", "GET", "", `If-None-Match: "x"`, 200},
		{"PATCH, another version", "PATCH", `{"userDefinedData": {"a": 1}}`, `If-Match: "x"`, 412},
		{"PATCH, a weak tag", "PATCH", `{"userDefinedData": {"a": 1}}`, "If-Match: W/" + tag, 412},
		{"DELETE, another version", "DELETE", "", `If-Match: "x"`, 412},
		{"PATCH, any version", "PATCH", `{"operationalState": "DISABLED"}`, "If-Match: *", 200},
		{"PATCH, the version of before", "PATCH", `{"userDefinedData": {"a": 1}}`, "If-Match: " + tag, 412},
		{"DELETE, the version of before", "DELETE", "", "If-Match: " + tag, 412},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { s.Do(t, tt.method, url, tt.body, tt.header).Want(t, tt.want) })
	}
	now := s.Do(t, "GET", url, nil)
	if data := resttest.Into[etsi.VnfPkgInfo](t, now).UserDefinedData; data != nil {
		t.Errorf("data was changed: %v", data)
	}
	changed := s.Do(t, "PATCH", url, `{"userDefinedData": {"a": 1}}`, "If-Match: "+now.Header.Get("Etag")).Want(t, 200)
	s.Do(t, "DELETE", url, nil, `If-Match: "x", `+changed.Header.Get("Etag")).Want(t, 204)
}

func TestAPackageThatIsRefusedTellsAllFindings(t *testing.T) {
	s := start(t, options{})
	members := firewall("1.0")
	for i, m := range members {
		if strings.HasPrefix(m.Path, "Files/images/") {
			members[i] = onboardingtest.Text(m.Path, "changed "+m.Path)
		}
	}
	info := s.upload(t, onboardingtest.Bytes(onboardingtest.Zip, members))
	if info.OnboardingState != vnfpkg.Error || info.OperationalState != vnfpkg.Disabled || info.FailureDetails.Status != 422 {
		t.Fatalf("got %+v", info)
	}
	var images []string
	for _, f := range info.FailureDetails.Findings {
		if f.Code == onboarding.CodeImageChecksum {
			images = append(images, f.Message)
		}
		if f.Message == "" {
			t.Errorf("finding %+v says nothing", f)
		}
	}
	if len(images) != 2 || info.FailureDetails.Detail == "" {
		t.Errorf("got %+v, want both images", info.FailureDetails)
	}
}

func TestAClientOfVersionOneSeesNoStateThatItDoesNotKnow(t *testing.T) {
	s := start(t, options{})
	origin := origintest.New()
	defer origin.Close()
	archive := onboardingtest.Bytes(onboardingtest.Zip, small("1.0"))
	from := map[string]string{"addressInformation": origin.Serve("/p.csar", origintest.Plain(archive))}
	for name, again := range map[string]func(url string, header ...string) resttest.Answer{
		"upload": func(url string, header ...string) resttest.Answer {
			return s.Do(t, "PUT", url+"/package_content", archive, header...)
		},
		"upload from a URI": func(url string, header ...string) resttest.Answer {
			return s.Do(t, "POST", url+"/package_content/upload_from_uri", from, header...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			refused := s.upload(t, []byte("no archive"))
			url := refused.Links.Self.Href
			for header, want := range map[string]vnfpkg.State{
				"": vnfpkg.Error, "Version: 2.1.0": vnfpkg.Error, "Version: 1.2.0": vnfpkg.Created, "Version: 1.1.0-impl:example.com:x:1": vnfpkg.Created,
			} {
				if got := resttest.Into[etsi.VnfPkgInfo](t, s.Do(t, "GET", url, nil, header)); got.OnboardingState != want || got.FailureDetails == nil {
					t.Errorf("with %q it is %+v, want %s", header, got, want)
				}
				query := base + "/vnf_packages?filter=(eq,onboardingState," + string(want) + ")"
				if got := resttest.Into[[]etsi.VnfPkgInfo](t, s.Do(t, "GET", query, nil, header)); len(got) != 1 || got[0].ID != refused.ID {
					t.Errorf("with %q the filter finds %+v", header, got)
				}
			}
			again(url).Want(t, 409)
			again(url, "Version: 1.2.0").Want(t, 202)
			if got := s.processed(t, url); got.OnboardingState != vnfpkg.Onboarded || got.FailureDetails != nil {
				t.Errorf("it is %+v", got)
			}
			again(url, "Version: 1.2.0").Want(t, 409)
			s.Do(t, "PATCH", url, `{"operationalState": "DISABLED"}`).Want(t, 200)
			s.Do(t, "DELETE", url, nil).Want(t, 204)
		})
	}
}

func TestOnePackageIsOnboardedOnce(t *testing.T) {
	s := start(t, options{})
	first := s.onboard(t, small("1.0"))
	second := s.upload(t, onboardingtest.Bytes(onboardingtest.Zip, small("1.0")))
	if second.OnboardingState != vnfpkg.Error || len(second.FailureDetails.Findings) != 1 {
		t.Fatalf("got %+v", second)
	}
	f := second.FailureDetails.Findings[0]
	if f.Code != onboarding.CodePackageExists || !strings.Contains(f.Message, first.ID) {
		t.Errorf("finding %+v does not name %s", f, first.ID)
	}
	other := s.Do(t, "POST", base+"/vnf_packages", nil, "Authorization: Bearer q-writer").Want(t, 201).Header.Get("Location")
	s.Do(t, "PUT", other+"/package_content", onboardingtest.Bytes(onboardingtest.Zip, small("1.0")), "Authorization: Bearer q-writer").Want(t, 202)
}

func TestUploadFromURI(t *testing.T) {
	s := start(t, options{})
	archive := onboardingtest.Bytes(onboardingtest.Zip, small("1.0"))
	const secret = "s3cret"
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "user" || password != secret {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.ServeContent(w, r, "p.csar", time.Time{}, bytes.NewReader(archive))
	}))
	defer origin.Close()
	whole := origin.URL + "/p.csar"
	tests := []struct {
		name string
		body any
		want int
		end  vnfpkg.State
	}{
		{"no URI", map[string]string{}, 400, ""},
		{"no body", nil, 400, ""},
		{"no URL", map[string]string{"addressInformation": "package.csar"}, 422, ""},
		{"a file", map[string]string{"addressInformation": "file:///etc/passwd"}, 422, ""},
		{"a wrong password", map[string]string{"addressInformation": whole, "userName": "user", "password": "x"}, 202, vnfpkg.Error},
		{"an address that must not be reached", map[string]string{"addressInformation": strings.Replace(whole, "127.0.0.1", "127.0.0.2", 1)}, 202, vnfpkg.Error},
		{"the right password", map[string]string{"addressInformation": whole, "userName": "user", "password": secret}, 202, vnfpkg.Onboarded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url := s.create(t)
			a := s.Do(t, "POST", url+"/package_content/upload_from_uri", tt.body).Want(t, tt.want)
			if strings.Contains(a.Text, secret) {
				t.Errorf("the answer shows the password: %s", a.Text)
			}
			if tt.end == "" {
				return
			}
			info := s.processed(t, url)
			if info.OnboardingState != tt.end {
				t.Errorf("got %s: %+v", info.OnboardingState, info.FailureDetails)
			}
			if text, err := json.Marshal(info); err != nil || strings.Contains(string(text), secret) {
				t.Errorf("the password is shown: %s, %v", text, err)
			}
		})
	}
}

func TestPackagesOfTheCommandLineAndOfOthers(t *testing.T) {
	s := start(t, options{})
	archive := onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: "iperf"}))
	report, err := s.Pipeline.Onboard(context.Background(), onboarding.StreamSource("iperf.tar", strings.NewReader(string(archive))), onboarding.Options{Project: "p"})
	if err != nil || report.Status != onboarding.Onboarded {
		t.Fatalf("%+v, %v", report, err)
	}
	all := resttest.Into[[]etsi.VnfPkgInfo](t, s.Do(t, "GET", base+"/vnf_packages?all_fields", nil).Want(t, 200))
	if len(all) != 1 || all[0].ID != report.Package.ID || all[0].OnboardingState != vnfpkg.Onboarded || all[0].VNFDID != all[0].ID {
		t.Fatalf("got %+v", all)
	}
	url := all[0].Links.Self.Href
	s.Do(t, "GET", url+"/package_content", nil).Want(t, 404) // there is no archive
	s.Do(t, "GET", url+"/vnfd", nil, "Accept: text/plain").Want(t, 200)
	s.Do(t, "PATCH", url, `{"operationalState": "DISABLED"}`).Want(t, 200)

	const other = "Authorization: Bearer q-admin"
	if got := resttest.Into[[]etsi.VnfPkgInfo](t, s.Do(t, "GET", base+"/vnf_packages", nil, other).Want(t, 200)); len(got) != 0 {
		t.Errorf("another project sees %+v", got)
	}
	for _, path := range []string{"", "/package_content", "/vnfd", "/artifacts", "/manifest"} {
		s.Do(t, "GET", url+path, nil, other).Want(t, 404)
	}
	s.Do(t, "GET", read+"/onboarded_vnf_packages/"+all[0].VNFDID, nil, other).Want(t, 404)
	s.Do(t, "PATCH", url, `{"operationalState": "ENABLED"}`, other).Want(t, 404)
	s.Do(t, "PUT", url+"/package_content", "x", other).Want(t, 404)
	s.Do(t, "POST", url+"/package_content/upload_from_uri", `{"addressInformation": "http://127.0.0.1:1/x"}`, other).Want(t, 404)
	s.Do(t, "DELETE", url, nil, other).Want(t, 404)
	s.Do(t, "DELETE", url, nil).Want(t, 204)
}

package api_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/view"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// archive builds a package with an image of its own.
func archive(container onboardingtest.Container, name string, seed uint64) []byte {
	spec := onboardingtest.Spec{Name: name, Vendor: "acme", Images: []onboardingtest.SoftwareImage{
		onboardingtest.Embed(name+"-image", onboardingtest.QCOW2(384<<10, 1<<20, seed))}}
	if container == onboardingtest.Tar {
		return onboardingtest.Bytes(container, onboardingtest.OpenBatonTar(spec))
	}
	return onboardingtest.Bytes(container, onboardingtest.SOL004(spec))
}

func TestAPackageFromItsUploadToItsEnd(t *testing.T) {
	f := start(t)
	for name, container := range map[string]onboardingtest.Container{"firewall": onboardingtest.Tar, "router": onboardingtest.Zip} {
		content := archive(container, name, uint64(len(name)))
		begun := f.Do(t, "POST", "/api/v1/packages", content, "Repr-Digest: "+reprDigest(content)).Want(t, 202)
		if j := resttest.Into[job.Job](t, begun); j.Events != 1 {
			t.Errorf("%d events are told of a job that has just been added", j.Events)
		}
		at := strings.TrimPrefix(begun.Header.Get("Location"), f.URL)
		f.watch(t, at+"/events", 0)
		j := resttest.Into[job.Job](t, f.Do(t, "GET", at, nil).Want(t, 200))
		if j.State != job.Succeeded || j.Kind != vnfpkg.KindOnboard || j.By != "token red-writer" {
			t.Fatalf("job is %+v", j)
		}
		shown := resttest.Into[view.Resource](t, f.Do(t, "GET", "/api/v1/packages/acme%2F"+name, nil).Want(t, 200))
		if shown.ID != j.Subject || shown.State != vnfpkg.Onboarded || shown.Job != j.ID || len(shown.Images) != 1 || shown.Model == nil || len(shown.Files) == 0 ||
			shown.Archive == nil || shown.Archive.SHA256 != sha256Of(content) {
			t.Errorf("package is %+v", shown)
		}
		if got := f.Do(t, "GET", "/api/v1/packages/"+shown.ID+"/file", nil).Want(t, 200); got.Text != string(content) || got.Header.Get("Repr-Digest") == "" {
			t.Errorf("the archive has %d bytes", len(got.Text))
		}
		if got := f.Do(t, "GET", "/api/v1/packages/"+shown.ID+"/file", nil, "Range: bytes=100-199").Want(t, 206); got.Text != string(content[100:200]) {
			t.Errorf("a range has %d bytes", len(got.Text))
		}
		again := f.Do(t, "POST", "/api/v1/packages", content, "Prefer: wait=30").Want(t, 200)
		if report := resttest.Into[onboarding.Report](t, again); report.Status != onboarding.Unchanged || report.Package.ID != shown.ID ||
			again.Header.Get("Location") != f.URL+"/api/v1/packages/"+shown.ID {
			t.Errorf("the same again is %+v at %s", report, again.Header.Get("Location"))
		}
		gone := resttest.Into[view.Deleted](t, f.Do(t, "DELETE", "/api/v1/packages/"+name, nil).Want(t, 200))
		if d := cmp.Diff(view.Deleted{Package: imagerepo.PackageRef{ID: shown.ID, Vendor: "acme", Name: name, Version: "1.0"}, Images: shown.Images}, gone); d != "" {
			t.Errorf("gone (-want +got):\n%s", d)
		}
		f.Do(t, "GET", "/api/v1/packages/"+shown.ID, nil).Want(t, 404)
	}
	if n := f.stored(t); n != 0 {
		t.Errorf("%d files of images are left", n)
	}
}

func TestAPackageWhoseReportIsWaitedFor(t *testing.T) {
	f := start(t)
	report := resttest.Into[onboarding.Report](t, f.Do(t, "POST", "/api/v1/packages", archive(onboardingtest.Tar, "firewall", 1), "Prefer: wait=30").Want(t, 201))
	if report.Status != onboarding.Onboarded || report.Images[0].Action != onboarding.Stored {
		t.Errorf("report is %+v", report)
	}
	kept := "?onConflict=keep"
	taking := func(name string) []byte {
		return onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: name, Images: []onboardingtest.SoftwareImage{
			onboardingtest.Embed("firewall-image", onboardingtest.QCOW2(384<<10, 1<<20, 9))}}))
	}
	other := taking("other")
	for name, test := range map[string]struct {
		path, kind string
		body       any
		header     string
		status     int
		code       string // of a finding
	}{
		"an image name that is taken":       {"", "", other, "", 409, "image-name-taken"},
		"an image name that is taken, keep": {kept, "", taking("keeper"), "", 201, ""},
		"another digest":                    {"", "", other, "Repr-Digest: " + reprDigest([]byte("x")), 422, ""},
		"no archive":                        {"", "", "no archive", "", 422, "not-an-archive"},
		"nothing":                           {"", "", "", "", 400, ""},
		"more than the limit":               {"", "", make([]byte, 4<<20+1), "", 413, ""},
		"more than the limit, without size": {"", "", io.LimitReader(zeros{}, 4<<20+1), "", 413, ""},
		"no URL":                            {"", "", map[string]string{"url": "ftp://example.org/a"}, "", 422, ""},
		"a URL that is blocked":             {"", "", map[string]string{"url": "http://169.254.169.254/"}, "", 422, ""},
		"a parameter that there is not":     {"?onconflict=keep", "", other, "", 422, ""},
		"a value that there is not":         {"?images=none", "", other, "", 422, ""},
		"a digest beside a URL":             {"", "", map[string]string{"url": "http://127.0.0.1/a"}, "Repr-Digest: " + reprDigest([]byte("x")), 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			header := []string{"Prefer: wait=30"}
			if test.header != "" {
				header = append(header, test.header)
			}
			got := f.Do(t, "POST", "/api/v1/packages"+test.path, test.body, header...).Want(t, test.status)
			if test.code == "" {
				return
			}
			problem := resttest.Into[struct{ Report onboarding.Report }](t, got)
			found := ""
			for _, finding := range problem.Report.Findings {
				found += string(finding.Code) + " "
			}
			if !strings.Contains(found, test.code) {
				t.Errorf("findings are %s", found)
			}
		})
	}
	for _, r := range resttest.Into[[]view.Resource](t, f.Do(t, "GET", "/api/v1/packages", nil).Want(t, 200)) {
		if r.State != vnfpkg.Onboarded && (r.State != vnfpkg.Error || r.Failure == nil || r.Archive != nil && r.Archive.Kept) {
			t.Errorf("left is %+v", r)
		}
	}
}

func TestAPackageIsDeletedWithItsImagesOrWithoutThemOrBeforeItHasAny(t *testing.T) {
	f := start(t)
	report := resttest.Into[onboarding.Report](t, f.Do(t, "POST", "/api/v1/packages", archive(onboardingtest.Tar, "firewall", 1), "Prefer: wait=30").Want(t, 201))
	gone := resttest.Into[view.Deleted](t, f.Do(t, "DELETE", "/api/v1/packages/firewall?keepImages=true", nil).Want(t, 200))
	if gone.Package.ID != report.Package.ID || gone.Images == nil || len(gone.Images) != 0 {
		t.Errorf("without the images: %+v", gone)
	}
	f.Do(t, "GET", "/api/v1/images/firewall-image", nil).Want(t, 200)

	f.Do(t, "POST", "/api/v1/packages", "broken", "Prefer: wait=30").Want(t, 422)
	refused := resttest.Into[[]view.Resource](t, f.Do(t, "GET", "/api/v1/packages?state=ERROR", nil).Want(t, 200))
	got := f.Do(t, "DELETE", "/api/v1/packages/"+refused[0].ID, nil).Want(t, 200)
	if d := cmp.Diff(`{"package":{"id":"`+refused[0].ID+`","vendor":"","name":"","version":""},"images":[]}`+"\n", got.Text); d != "" {
		t.Errorf("one that was refused (-want +got):\n%s", d)
	}
}

func TestAPackageByItsURL(t *testing.T) {
	f := start(t)
	origin := origintest.New()
	t.Cleanup(origin.Close)
	url := origin.Serve("/firewall.tar", origintest.Plain(archive(onboardingtest.Tar, "firewall", 1)))
	report := resttest.Into[onboarding.Report](t, f.Do(t, "POST", "/api/v1/packages", map[string]string{"url": url}, "Prefer: wait=30").Want(t, 201))
	if report.Status != onboarding.Onboarded {
		t.Errorf("report is %+v", report)
	}
}

func TestListsOfPackages(t *testing.T) {
	f := start(t)
	for seed, name := range []string{"one", "two", "three"} {
		f.Do(t, "POST", "/api/v1/packages", archive(onboardingtest.Tar, name, uint64(seed)), "Prefer: wait=30").Want(t, 201)
	}
	f.onboard(t, "local") // by the command line
	f.Do(t, "POST", "/api/v1/packages", "broken", "Prefer: wait=30").Want(t, 422)
	names := func(path string) (names []string, next string) {
		a := f.Do(t, "GET", path, nil).Want(t, 200)
		for _, r := range resttest.Into[[]view.Resource](t, a) {
			names = append(names, strings.TrimSpace(r.Name+" "+string(r.State)))
		}
		next, _, _ = strings.Cut(strings.TrimPrefix(a.Header.Get("Link"), "<"+f.URL), ">")
		return names, next
	}
	all := []string{"one ONBOARDED", "two ONBOARDED", "three ONBOARDED", "local ONBOARDED", "ERROR"}
	for query, want := range map[string][]string{
		"":                all,
		"?vendor=acme":    all[:3],
		"?name=local":     all[3:4],
		"?state=ERROR":    all[4:],
		"?version=9":      nil,
		"?limit=5":        all,
		"?name=x&limit=1": nil,
	} {
		got, next := names("/api/v1/packages" + query)
		if d := cmp.Diff(want, got); d != "" || next != "" {
			t.Errorf("%s, next %q (-want +got):\n%s", query, next, d)
		}
	}
	first, next := names("/api/v1/packages?limit=2")
	second, next := names(next)
	third, next := names(next)
	if d := cmp.Diff([][]string{all[:2], all[2:4], all[4:]}, [][]string{first, second, third}); d != "" || next != "" {
		t.Errorf("pages, and then %q (-want +got):\n%s", next, d)
	}
}

func TestValidateStoresNothing(t *testing.T) {
	f := start(t)
	origin := origintest.New()
	t.Cleanup(origin.Close)
	firewall := archive(onboardingtest.Zip, "firewall", 1)
	link := origin.Serve("/firewall.csar", origintest.Plain(firewall))
	large := origin.Serve("/large.csar", origintest.Plain(append(archive(onboardingtest.Tar, "large", 3), make([]byte, 4<<20)...)))
	f.onboard(t, "other", onboardingtest.Embed("taken-image", onboardingtest.QCOW2(384<<10, 1<<20, 9)))
	stored, listed := f.stored(t), f.Do(t, "GET", "/api/v1/packages", nil).Want(t, 200).Text
	taking := archive(onboardingtest.Tar, "taken", 1)
	other := onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: "other", Images: []onboardingtest.SoftwareImage{
		onboardingtest.Embed("taken-image", onboardingtest.QCOW2(384<<10, 1<<20, 9))}}))
	for name, test := range map[string]struct {
		query  string
		body   any
		status int
		want   onboarding.Report // but for its package, images and findings
		codes  string            // of findings
	}{
		"an archive":                      {"", firewall, 200, onboarding.Report{Source: "body", Status: onboarding.Valid}, ""},
		"an archive with a name":          {"?name=packages/firewall.csar", firewall, 200, onboarding.Report{Source: "packages/firewall.csar", Status: onboarding.Valid}, ""},
		"a URL":                           {"", map[string]string{"url": link}, 200, onboarding.Report{Source: link, Status: onboarding.Valid}, ""},
		"a URL with a name":               {"?name=fw", map[string]string{"url": link}, 200, onboarding.Report{Source: "fw", Status: onboarding.Valid}, ""},
		"one that takes a name":           {"", taking, 200, onboarding.Report{Source: "body", Status: onboarding.Valid}, ""},
		"one that takes a name, compared": {"?repository=true", taking, 409, onboarding.Report{Source: "body", Status: onboarding.Rejected}, "image-name-taken"},
		"one that leaves the name":        {"?repository=true&onConflict=keep", taking, 200, onboarding.Report{Source: "body", Status: onboarding.Valid}, "image-name-kept"},
		"one that is there, compared":     {"?repository=true", other, 200, onboarding.Report{Source: "body", Status: onboarding.Unchanged}, ""},
		"no archive":                      {"?name=x", "no archive", 422, onboarding.Report{Source: "x", Status: onboarding.Rejected}, "not-an-archive"},
		"nothing":                         {"", "", 400, onboarding.Report{}, ""},
		"more than the limit":             {"", bytes.Repeat([]byte("x"), 4<<20+1), 413, onboarding.Report{}, ""},
		"more than the limit, no size":    {"", io.MultiReader(bytes.NewReader(taking), io.LimitReader(zeros{}, 4<<20)), 413, onboarding.Report{}, ""},
		"more than the limit, by URL":     {"", map[string]string{"url": large}, 413, onboarding.Report{}, ""},
		"a URL that is blocked":           {"", map[string]string{"url": "http://169.254.169.254/"}, 422, onboarding.Report{}, ""},
		"a URL without an answer":         {"", map[string]string{"url": origin.URL + "/none"}, 502, onboarding.Report{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			answer := f.Do(t, "POST", "/api/v1/validate"+test.query, test.body).Want(t, test.status)
			report := resttest.Into[struct{ Report onboarding.Report }](t, answer).Report
			if test.status == 200 {
				report = resttest.Into[onboarding.Report](t, answer)
			}
			codes := ""
			for _, f := range report.Findings {
				codes += string(f.Code)
			}
			if report.Source != test.want.Source || report.Status != test.want.Status || codes != test.codes {
				t.Errorf("report of %q is %q with %q, want %q %q with %q", report.Source, report.Status, codes, test.want.Source, test.want.Status, test.codes)
			}
		})
	}
	f.Do(t, "POST", "/api/v1/validate", firewall, "X-Auth-Token: red-reader").Want(t, 403)
	if got := f.Do(t, "GET", "/api/v1/packages", nil).Want(t, 200).Text; got != listed {
		t.Errorf("packages are %s", got)
	}
	if n := f.stored(t); n != stored {
		t.Errorf("%d files of images are stored, want %d", n, stored)
	}
}

func TestValidateFetchesImagesOnlyForAComparison(t *testing.T) {
	f := start(t)
	origin := origintest.New()
	t.Cleanup(origin.Close)
	content := disk(t, 1)
	pkg := onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: "firewall", Images: []onboardingtest.SoftwareImage{
		onboardingtest.Link("linked", origin.Serve("/image.qcow2", origintest.Plain(content)))}}))
	for _, test := range []struct {
		query string
		size  int64 // of the image, as far as is known
	}{{"", 0}, {"?images=fetch", 0}, {"?repository=true&images=reference", 0}, {"?repository=true", int64(len(content))}} {
		before := len(origin.Requests())
		report := resttest.Into[onboarding.Report](t, f.Do(t, "POST", "/api/v1/validate"+test.query, pkg).Want(t, 200))
		asked := len(origin.Requests()) > before
		if report.Status != onboarding.Valid || asked != (test.size > 0) || len(report.Images) != 1 || report.Images[0].Size != test.size {
			t.Errorf("%s: the origin was asked: %t, the report is %+v", test.query, asked, report)
		}
	}
	if n := f.stored(t); n != 0 {
		t.Errorf("%d files of images are stored", n)
	}
}

func TestAReportCallsAPackageAsItsSenderDoes(t *testing.T) {
	f := start(t)
	origin := origintest.New()
	t.Cleanup(origin.Close)
	link := origin.Serve("/router.tar", origintest.Plain(archive(onboardingtest.Tar, "router", 2)))
	for name, test := range map[string]struct {
		body             any
		source, filename string
	}{
		"?name=packages/fw.tar": {archive(onboardingtest.Tar, "firewall", 1), "packages/fw.tar", "fw.tar"},
		"?name=the+router":      {map[string]string{"url": link}, "the router", `"the router"`},
	} {
		made := f.Do(t, "POST", "/api/v1/packages"+name, test.body, "Prefer: wait=30").Want(t, 201)
		report := resttest.Into[onboarding.Report](t, made)
		if report.Source != test.source {
			t.Errorf("%s: the report calls it %q, want %q", name, report.Source, test.source)
		}
		file := f.Do(t, "GET", "/api/v1/packages/"+report.Package.ID+"/file", nil).Want(t, 200)
		if got := file.Header.Get("Content-Disposition"); got != "attachment; filename="+test.filename {
			t.Errorf("%s: it is downloaded as %s", name, got)
		}
	}
}

func TestProjectsHaveAQuota(t *testing.T) {
	f := start(t)
	big := make([]byte, 1<<20)
	for i := range 20 {
		big[0] = byte(i)
		f.Do(t, "PUT", "/api/v1/images/"+string(rune('a'+i))+"?diskFormat=raw", big).Want(t, 201)
	}
	big[0] = 99
	f.Do(t, "PUT", "/api/v1/images/more?diskFormat=raw", big).Want(t, 413)
	f.Do(t, "POST", "/api/v1/images", map[string]string{"name": "more", "url": "http://127.0.0.1/"}).Want(t, 413)
	f.Do(t, "POST", "/api/v1/packages", archive(onboardingtest.Tar, "firewall", 1)).Want(t, 413)
	f.Do(t, "PUT", "/api/v1/images/more?diskFormat=raw", big, "X-Auth-Token: blue-writer").Want(t, 201)
}

func TestAPackageIsRefusedForWhoseImagesItsProjectHasNoRoom(t *testing.T) {
	f := start(t)
	fill := func(name string, size int) {
		t.Helper()
		content := make([]byte, size)
		copy(content, name)
		f.Do(t, "PUT", "/api/v1/images/"+name+"?diskFormat=raw", content).Want(t, 201)
	}
	data := archive(onboardingtest.Tar, "firewall", 1)
	for i := range 19 {
		fill(string(rune('a'+i)), 1<<20)
	}
	fill("rest", 1<<20-len(data)) // the archive fits, and nothing with it
	answer := f.Do(t, "POST", "/api/v1/packages", data, "Prefer: wait=30").Want(t, 413)
	if !strings.Contains(answer.Text, "delete packages or images that it does not need") {
		t.Errorf("the answer is %s", answer.Text)
	}
	for _, img := range resttest.Into[[]view.Image](t, f.Do(t, "GET", "/api/v1/images", nil).Want(t, 200)) {
		if len(img.Name) > 1 && img.Name != "rest" {
			t.Errorf("image %s is left", img.Name)
		}
	}
}

func TestAFileOfAPackageIsDownloadedByALink(t *testing.T) {
	f := start(t)
	archive := onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: "firewall"}))
	f.Do(t, "POST", "/api/v1/packages", archive, "Prefer: wait=60").Want(t, 201)
	shown := resttest.Into[view.Resource](t, f.Do(t, "GET", "/api/v1/packages/firewall", nil).Want(t, 200))
	for _, file := range shown.Files {
		at := "/api/v1/packages/firewall/files/" + file.Path + "?project=red"
		got := f.Do(t, "GET", at, nil, "X-Auth-Token: root").Want(t, 200)
		if int64(len(got.Text)) != file.Size || got.Header.Get("Etag") != `"`+file.SHA256+`"` ||
			!strings.Contains(got.Header.Get("Content-Disposition"), "attachment") || strings.Contains(got.Header.Get("Content-Disposition"), "/") {
			t.Errorf("%s has %d bytes with %v", file.Path, len(got.Text), got.Header)
		}
		if part := f.Do(t, "GET", at, nil, "X-Auth-Token: root", "Range: bytes=1-3").Want(t, 206); part.Text != got.Text[1:4] {
			t.Errorf("a range of %s is %q", file.Path, part.Text)
		}
	}
	if len(shown.Files) < 3 {
		t.Errorf("there are only the files %+v", shown.Files)
	}
	f.Do(t, "GET", "/api/v1/packages/firewall/files/none", nil).Want(t, 404)
	f.Do(t, "GET", "/api/v1/packages/firewall/files/..%2fvnfd.json", nil).Want(t, 404)
	f.Do(t, "GET", "/api/v1/packages/firewall/file?project=red", nil, "X-Auth-Token: root").Want(t, 200)
	f.Do(t, "GET", "/api/v1/packages/firewall/file", nil, "X-Auth-Token: root").Want(t, 404)
	f.Do(t, "GET", "/api/v1/packages/firewall/file?project=red", nil, "X-Auth-Token: blue-admin").Want(t, 404)
}

func TestADryRunTellsWhatWouldGoWithAPackage(t *testing.T) {
	f := start(t)
	shared := onboardingtest.Embed("shared", onboardingtest.QCOW2(384<<10, 1<<20, 1))
	f.onboard(t, "router", shared)
	id := f.onboard(t, "firewall", shared, onboardingtest.Embed("own", onboardingtest.QCOW2(384<<10, 1<<20, 2)))
	f.Do(t, "PUT", "/api/v1/images/added", disk(t, 3)).Want(t, 201)
	f.Audit.Take()
	at := "/api/v1/packages/" + id
	kept := resttest.Into[view.Deleted](t, f.Do(t, "DELETE", at+"?dryRun=true&keepImages=true", nil).Want(t, 200))
	if len(kept.Images) != 0 || kept.Package.Name != "firewall" {
		t.Errorf("with its images kept would go %+v", kept)
	}
	planned := resttest.Into[view.Deleted](t, f.Do(t, "DELETE", at+"?dryRun=true", nil).Want(t, 200))
	f.Do(t, "DELETE", at+"?dryRun=true", nil, "X-Auth-Token: blue-writer").Want(t, 404)
	f.Do(t, "GET", at, nil).Want(t, 200)
	if told := told(f.Audit.Take()); len(told) != 1 || !strings.HasSuffix(told[0], "refused") {
		t.Errorf("audited is %q", told)
	}
	if done := resttest.Into[view.Deleted](t, f.Do(t, "DELETE", at, nil).Want(t, 200)); len(done.Images) != 1 || done.Images[0].Name != "own" {
		t.Errorf("gone is %+v", done)
	} else if d := cmp.Diff(done, planned); d != "" {
		t.Errorf("planned was another (-done +planned):\n%s", d)
	}
	f.Do(t, "DELETE", at+"?dryRun=true", nil).Want(t, 404)
}

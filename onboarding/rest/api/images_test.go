package api_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

func sha256Of(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func reprDigest(content []byte) string {
	sum, longer := sha256.Sum256(content), sha512.Sum512(content)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":, sha-512=:" + base64.StdEncoding.EncodeToString(longer[:]) + ":"
}

func TestAnImageFromItsFileAndBack(t *testing.T) {
	f := start(t)
	content := disk(t, 1)
	added := f.Do(t, "PUT", "/api/v1/images/fire%2Fwall?minDisk=3&minRam=64&isPublic=true", content, "Repr-Digest: "+reprDigest(content)).Want(t, 201)
	first := resttest.Into[view.Added](t, added)
	img := first.Image
	want := view.Image{ID: img.ID, Name: "fire/wall", Project: "red", Size: int64(len(content)), Digests: img.Digests, DiskFormat: "qcow2",
		ContainerFormat: "bare", MinDisk: 3, MinRAM: 64, IsPublic: true, CreatedAt: img.CreatedAt, Packages: img.Packages}
	if d := cmp.Diff(want, img); d != "" || img.Digests["sha256"] != sha256Of(content) || len(img.Digests) != 2 {
		t.Errorf("image (-want +got):\n%s\ndigests %v", d, img.Digests)
	}
	if first.Action != onboarding.Stored || first.Findings == nil || len(first.Findings) != 0 {
		t.Errorf("it was %s, with findings %+v", first.Action, first.Findings)
	}
	if at := added.Header.Get("Location"); at != f.URL+"/api/v1/images/"+img.ID {
		t.Errorf("Location: %s", at)
	}
	for _, called := range []string{img.ID, "fire%2Fwall"} {
		if got := resttest.Into[view.Image](t, f.Do(t, "GET", "/api/v1/images/"+called, nil).Want(t, 200)); got.ID != img.ID {
			t.Errorf("%s shows %+v", called, got)
		}
	}

	file := "/api/v1/images/" + img.ID + "/file"
	whole := f.Do(t, "GET", file, nil).Want(t, 200)
	if whole.Text != string(content) || whole.Header.Get("Repr-Digest") != reprDigest(content) || whole.Header.Get("Etag") != `"`+img.Digests["sha256"]+`"` {
		t.Errorf("the file is %d bytes with %v", len(whole.Text), whole.Header)
	}
	part := f.Do(t, "GET", file, nil, "Range: bytes=1000-1999", "If-Range: "+whole.Header.Get("Etag")).Want(t, 206)
	if part.Text != string(content[1000:2000]) || part.Header.Get("Content-Range") != fmt.Sprintf("bytes 1000-1999/%d", len(content)) {
		t.Errorf("a range is %d bytes, %s", len(part.Text), part.Header.Get("Content-Range"))
	}
	f.Do(t, "GET", file, nil, "Range: bytes=1000-1999", `If-Range: "another"`).Want(t, 200)
	f.Do(t, "GET", file, nil, "Range: bytes=99999999-").Want(t, 416)
	f.Do(t, "GET", file, nil, "If-None-Match: "+whole.Header.Get("Etag")).Want(t, 304)

	again := f.Do(t, "PUT", "/api/v1/images/fire%2Fwall", content).Want(t, 200)
	if got := resttest.Into[view.Added](t, again); got.ID != img.ID || got.Action != onboarding.Reused {
		t.Errorf("the same image again is %+v", got)
	}
	taken := f.Do(t, "PUT", "/api/v1/images/fire%2Fwall", disk(t, 2)).Want(t, 409)
	if p := resttest.Into[struct{ Report onboarding.Report }](t, taken); p.Report.Findings[0].Code != onboarding.CodeImageNameTaken {
		t.Errorf("other bytes under the name: %+v", p)
	}
	kept := f.Do(t, "PUT", "/api/v1/images/fire%2Fwall?onConflict=keep", disk(t, 2)).Want(t, 200)
	if got := resttest.Into[view.Added](t, kept); got.ID != img.ID || got.Action != onboarding.Kept || got.Findings[0].Code != onboarding.CodeImageNameKept {
		t.Errorf("other bytes under the name, and keep: %+v", got)
	}
	twin := resttest.Into[view.Added](t, f.Do(t, "PUT", "/api/v1/images/twin", io.MultiReader(bytes.NewReader(content))).Want(t, 201))
	if twin.ID == img.ID || twin.Action == "" || twin.Size != img.Size {
		t.Errorf("the same bytes under another name, of unknown length: %+v", twin)
	}
	f.Do(t, "DELETE", "/api/v1/images/twin", nil).Want(t, 200)
	if n := f.stored(t); n != 1 {
		t.Errorf("%d files are stored", n)
	}

	gone := resttest.Into[imagerepo.ImageRef](t, f.Do(t, "DELETE", "/api/v1/images/"+img.ID, nil).Want(t, 200))
	if gone != (imagerepo.ImageRef{ID: img.ID, Name: "fire/wall"}) {
		t.Errorf("gone is %+v", gone)
	}
	f.Do(t, "GET", "/api/v1/images/"+img.ID, nil).Want(t, 404)
	if n := f.stored(t); n != 0 {
		t.Errorf("%d files are left", n)
	}
	trail := []string{"image.add " + img.ID + " done", "image.add " + img.ID + " done", "image.add /api/v1/images/fire/wall refused",
		"image.add " + img.ID + " done", "image.add " + twin.ID + " done", "image.delete " + twin.ID + " done", "image.delete " + img.ID + " done"}
	if d := cmp.Diff(trail, told(f.Audit.Take())); d != "" {
		t.Errorf("audit log (-want +got):\n%s", d)
	}
}

func TestAnImageThatIsRefusedLeavesNothing(t *testing.T) {
	f := start(t)
	good := disk(t, 1)
	for name, test := range map[string]struct {
		path   string
		body   any
		header string
		status int
	}{
		"other bytes than the digest says":  {"?", good, "Repr-Digest: " + reprDigest(disk(t, 2)), 422},
		"a digest that is none":             {"?", good, "Repr-Digest: sha-256=:AAAA:", 400},
		"a digest of an unknown algorithm":  {"?", good, "Repr-Digest: unixsum=:AAAA:", 400},
		"another format than is said":       {"?diskFormat=vmdk", good, "", 422},
		"a compressed body":                 {"?", good, "Content-Encoding: gzip", 415},
		"a parameter that there is not":     {"?minDsik=3", good, "", 422},
		"a parameter that is no number":     {"?minDisk=three", good, "", 422},
		"more than the limit":               {"?", make([]byte, 1<<20+1), "", 413},
		"more than the limit, without size": {"?", io.LimitReader(zeros{}, 1<<20+1), "", 413},
	} {
		t.Run(name, func(t *testing.T) {
			var header []string
			if test.header != "" {
				header = append(header, test.header)
			}
			f.Do(t, "PUT", "/api/v1/images/image"+test.path, test.body, header...).Want(t, test.status)
			if n := f.stored(t); n != 0 {
				t.Errorf("%d files are left", n)
			}
		})
	}
	if list := resttest.Into[[]view.Image](t, f.Do(t, "GET", "/api/v1/images", nil).Want(t, 200)); len(list) > 0 {
		t.Errorf("images are %+v", list)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestAFullDiskIsA507AndLeavesNothing(t *testing.T) {
	f := start(t)
	var before syscall.Rlimit
	resttest.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	full := before
	full.Cur = 768 << 10 // for every file
	resttest.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full))
	defer func() { resttest.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before)) }()
	raw := make([]byte, 1<<20)
	for _, test := range []struct {
		method, path string
		body         any
	}{
		{"PUT", "images/image", raw},
		{"PUT", "images/image", io.MultiReader(bytes.NewReader(raw))},
		{"POST", "packages", raw},
		{"POST", "packages", io.MultiReader(bytes.NewReader(raw))},
	} {
		p := resttest.Into[rest.Problem](t, f.Do(t, test.method, "/api/v1/"+test.path, test.body).Want(t, 507))
		if !strings.Contains(p.Detail, "disk is full") || strings.Contains(p.Detail, f.Home) {
			t.Errorf("%s %s: %q", test.method, test.path, p.Detail)
		}
	}
	archives, err := os.ReadDir(filepath.Join(f.Home, "packages"))
	resttest.NoError(t, err)
	if n := f.stored(t) + len(archives); n != 0 {
		t.Errorf("%d files are left", n)
	}
	for _, list := range []string{"images", "packages"} {
		if got := f.Do(t, "GET", "/api/v1/"+list, nil).Want(t, 200).Text; strings.TrimSpace(got) != "[]" {
			t.Errorf("%s are %s", list, got)
		}
	}
}

func TestAnImageThatTheClientGivesUpLeavesNothing(t *testing.T) {
	f := start(t)
	body, sent := io.Pipe()
	go func() {
		_, _ = sent.Write(disk(t, 1)[:1000])
		sent.CloseWithError(io.ErrClosedPipe)
	}()
	req, err := http.NewRequestWithContext(t.Context(), "PUT", f.URL+"/api/v1/images/half", body)
	resttest.NoError(t, err)
	req.Header.Set("X-Auth-Token", "red-writer")
	if resp, err := f.Client().Do(req); err == nil {
		t.Errorf("answer %d", resp.StatusCode)
		resp.Body.Close()
	}
	f.Close() // waits for the handler
	if n := f.stored(t); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

func TestListsOfImages(t *testing.T) {
	f := start(t)
	for seed, name := range []string{"a", "b", "c", "d", "e"} {
		f.Do(t, "PUT", "/api/v1/images/"+name, disk(t, uint64(seed))).Want(t, 201)
	}
	f.Do(t, "PUT", "/api/v1/images/twin", disk(t, 1)).Want(t, 201)
	f.Do(t, "PUT", "/api/v1/images/theirs", disk(t, 1), "X-Auth-Token: blue-writer").Want(t, 201)
	f.onboard(t, "firewall", onboardingtest.Embed("f", onboardingtest.QCOW2(384<<10, 1<<20, 9)))
	for query, want := range map[string][]string{
		"":                                {"a", "b", "c", "d", "e", "f", "twin"},
		"?name=c":                         {"c"},
		"?sha256=" + sha256Of(disk(t, 1)): {"b", "twin"},
		"?diskFormat=raw":                 {},
		"?diskFormat=qcow2&marker=d":      {"e", "f", "twin"},
		"?package=firewall":               {"f"},
	} {
		got := []string{}
		for _, img := range resttest.Into[[]view.Image](t, f.Do(t, "GET", "/api/v1/images"+query, nil).Want(t, 200)) {
			got = append(got, img.Name)
			if img.Project != "red" || img.File != "" {
				t.Errorf("%s lists %+v", query, img)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", query, d)
		}
	}
	f.Do(t, "GET", "/api/v1/images?package=router", nil).Want(t, 404)
	f.Do(t, "GET", "/api/v1/images?limit=0", nil).Want(t, 422)

	var pages [][]string
	for next := "/api/v1/images?diskFormat=qcow2&limit=3"; next != ""; {
		a := f.Do(t, "GET", next, nil).Want(t, 200)
		var names []string
		for _, img := range resttest.Into[[]view.Image](t, a) {
			names = append(names, img.Name)
		}
		pages = append(pages, names)
		link, isNext := strings.CutSuffix(a.Header.Get("Link"), `>; rel="next"`)
		if next = ""; isNext {
			u, err := url.Parse(strings.TrimPrefix(link, "<"))
			resttest.NoError(t, err)
			next = u.RequestURI()
		}
	}
	if d := cmp.Diff([][]string{{"a", "b", "c"}, {"d", "e", "f"}, {"twin"}}, pages); d != "" {
		t.Errorf("pages (-want +got):\n%s", d)
	}
}

func TestAnImageThatIsUsedIsDeletedByForceOnly(t *testing.T) {
	f := start(t)
	f.onboard(t, "firewall", onboardingtest.Embed("used", onboardingtest.QCOW2(384<<10, 1<<20, 1)))
	shown := resttest.Into[view.Image](t, f.Do(t, "GET", "/api/v1/images/used", nil).Want(t, 200))
	if len(shown.Packages) != 1 || shown.Packages[0].Name != "firewall" {
		t.Errorf("packages are %+v", shown.Packages)
	}
	f.Do(t, "DELETE", "/api/v1/images/used", nil).Want(t, 409)
	f.Do(t, "DELETE", "/api/v1/images/used?force=true", nil).Want(t, 200)
}

func TestAnImageByItsURL(t *testing.T) {
	f := start(t)
	origin := origintest.New()
	t.Cleanup(origin.Close)
	content := disk(t, 1)
	link := origin.Serve("/image.qcow2", origintest.Plain(content))
	ask := map[string]any{"name": "linked", "url": link, "digests": map[string]string{"SHA-256": strings.ToUpper(sha256Of(content))}}

	report := resttest.Into[onboarding.Report](t, f.Do(t, "POST", "/api/v1/images", ask, "Prefer: wait=30").Want(t, 200))
	if report.Status != onboarding.Onboarded || report.Images[0].Name != "linked" {
		t.Errorf("report is %+v", report)
	}
	if got := f.Do(t, "GET", "/api/v1/images/linked/file", nil).Want(t, 200); got.Text != string(content) {
		t.Errorf("the file has %d bytes", len(got.Text))
	}

	ask["name"], ask["images"] = "reference", "reference"
	delete(ask, "digests")
	begun := f.Do(t, "POST", "/api/v1/images", ask).Want(t, 202)
	at := strings.TrimPrefix(begun.Header.Get("Location"), f.URL)
	f.watch(t, at+"/events", 0)
	if j := resttest.Into[job.Job](t, f.Do(t, "GET", at, nil).Want(t, 200)); j.State != job.Succeeded || j.Kind != "image" || j.Payload != nil {
		t.Errorf("job is %+v", j)
	}
	f.Do(t, "GET", "/api/v1/images/reference/file", nil).Want(t, 409)
	f.Do(t, "GET", "/api/v1/images/reference/vims", nil).Want(t, 404)

	for name, test := range map[string]struct {
		ask    map[string]any
		status int
	}{
		"no URL":              {map[string]any{"name": "x"}, 422},
		"another scheme":      {map[string]any{"name": "x", "url": "file:///etc/passwd"}, 422},
		"an unknown digest":   {map[string]any{"name": "x", "url": link, "digests": map[string]string{"crc": "00"}}, 422},
		"another digest":      {map[string]any{"name": "x", "url": link, "digests": map[string]string{"sha256": strings.Repeat("0", 64)}}, 422},
		"a blocked address":   {map[string]any{"name": "x", "url": "http://169.254.169.254/latest"}, 422},
		"a name that is used": {map[string]any{"name": "linked", "url": origin.Serve("/other.qcow2", origintest.Plain(disk(t, 2)))}, 409},
		"a password":          {map[string]any{"name": "x", "url": strings.Replace(link, "://", "://ci:hush@", 1)}, 422},
		"more than the limit": {map[string]any{"name": "x", "url": origin.Serve("/large.raw", origintest.Plain(make([]byte, 1<<20+1)))}, 413},
		"a misspelt member":   {map[string]any{"name": "x", "url": link, "minDsik": 3}, 422},
	} {
		t.Run(name, func(t *testing.T) {
			p := resttest.Into[rest.Problem](t, f.Do(t, "POST", "/api/v1/images", test.ask, "Prefer: wait=30").Want(t, test.status))
			if p.Detail == "" {
				t.Errorf("problem is %+v", p)
			}
		})
	}
}

func TestWhichVIMsHaveAnImage(t *testing.T) {
	f := start(t)
	f.onboard(t, "firewall", onboardingtest.Embed("image", onboardingtest.QCOW2(384<<10, 1<<20, 1)))
	f.Do(t, "POST", "/api/v1/launches", map[string]any{"package": "firewall", "vims": []string{"region-one"}}).Want(t, 200)
	got := make(map[string]onboarding.Presence)
	for _, at := range resttest.Into[[]onboarding.Location](t, f.Do(t, "GET", "/api/v1/images/image/vims", nil).Want(t, 200)) {
		got[at.VIM] = at.Presence
	}
	if got["region-one"] != onboarding.There || got["region-two"] != onboarding.Absent {
		t.Errorf("the image is %v", got)
	}
}

func TestListsAreSearchedAndSorted(t *testing.T) {
	f := start(t)
	f.Do(t, "PUT", "/api/v1/images/Beta?diskFormat=raw", make([]byte, 3000)).Want(t, 201)
	f.Do(t, "PUT", "/api/v1/images/alpha%20beta?diskFormat=raw", make([]byte, 1000)).Want(t, 201)
	f.Do(t, "PUT", "/api/v1/images/gamma?diskFormat=raw", make([]byte, 2000)).Want(t, 201)
	f.onboard(t, "beta-router")
	f.onboard(t, "firewall")
	f.onboard(t, "beta-edge")
	for query, want := range map[string][]string{
		"images?":                            {"Beta", "alpha beta", "gamma"},
		"images?search=BETA":                 {"Beta", "alpha beta"},
		"images?sort=name":                   {"Beta", "alpha beta", "gamma"},
		"images?sort=-name":                  {"gamma", "alpha beta", "Beta"},
		"images?sort=size":                   {"alpha beta", "gamma", "Beta"},
		"images?sort=-size":                  {"Beta", "gamma", "alpha beta"},
		"images?sort=createdAt":              {"Beta", "alpha beta", "gamma"},
		"images?sort=-createdAt&search=beta": {"alpha beta", "Beta"},
		"packages?":                          {"beta-router", "firewall", "beta-edge"},
		"packages?sort=name":                 {"beta-edge", "beta-router", "firewall"},
		"packages?sort=-name":                {"firewall", "beta-router", "beta-edge"},
		"packages?sort=createdAt":            {"beta-router", "firewall", "beta-edge"},
		"packages?sort=-createdAt":           {"beta-edge", "firewall", "beta-router"},
		"packages?search=Beta":               {"beta-router", "beta-edge"},
		"packages?search=beta&sort=name":     {"beta-edge", "beta-router"},
	} {
		t.Run(query, func(t *testing.T) {
			for _, limit := range []string{"100", "1", "2"} {
				var names []string
				for path := "/api/v1/" + query + "&limit=" + limit; path != ""; {
					page := f.Do(t, "GET", path, nil, "X-Auth-Token: red-reader").Want(t, 200)
					for _, item := range resttest.Into[[]struct{ Name string }](t, page) {
						names = append(names, item.Name)
					}
					path, _, _ = strings.Cut(strings.TrimPrefix(page.Header.Get("Link"), "<"+f.URL), ">")
				}
				if d := cmp.Diff(want, names); d != "" {
					t.Errorf("by %s (-want +got):\n%s", limit, d)
				}
			}
		})
	}
	for _, wrong := range []string{"images?sort=age", "images?sort=size&marker=x", "packages?sort=size"} {
		f.Do(t, "GET", "/api/v1/"+wrong, nil).Want(t, 422)
	}
}

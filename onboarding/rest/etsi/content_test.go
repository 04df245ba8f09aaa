package etsi_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/rest/etsi"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func reprDigest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

func TestAStatedDigestIsCompared(t *testing.T) {
	s := start(t, options{})
	archive := onboardingtest.Bytes(onboardingtest.Zip, small("1.0"))
	long := sha512.Sum512(archive)
	for _, tt := range []struct {
		name, digest string
		want         int
	}{
		{"of other bytes", reprDigest([]byte("others")), 422},
		{"of other bytes beside the right one", "sha-512=:" + base64.StdEncoding.EncodeToString(long[:]) + ":, " + reprDigest([]byte("others")), 422},
		{"that is none", "sha-256=:AAAA:", 400},
		{"of an algorithm that is not known", "md5=:1B2M2Y8AsgTpgAmY7PhCfg==:", 400},
		{"of these bytes", reprDigest(archive), 202},
		{"of these bytes in two algorithms", "sha-512=:" + base64.StdEncoding.EncodeToString(long[:]) + ":, " + reprDigest(archive), 202},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url := s.create(t)
			s.Do(t, "PUT", url+"/package_content", archive, "Repr-Digest: "+tt.digest).Want(t, tt.want)
			if tt.want == 202 {
				s.processed(t, url)
			} else if got := resttest.Into[etsi.VnfPkgInfo](t, s.Do(t, "GET", url, nil)); got.OnboardingState != vnfpkg.Created {
				t.Errorf("the package is %s, want %s", got.OnboardingState, vnfpkg.Created)
			}
		})
	}
}

func TestWhatWasUploadedCanBeAskedForAtOnce(t *testing.T) {
	s := start(t, options{})
	url := s.create(t)
	archive := onboardingtest.Bytes(onboardingtest.Zip, firewall("1.0"))
	s.Do(t, "PUT", url+"/package_content", archive).Want(t, 202)
	if got := s.Do(t, "GET", url+"/package_content", nil, "Accept: application/zip").Want(t, 200); got.Text != string(archive) {
		t.Error("the bytes are others")
	}
	url = s.create(t)
	s.Do(t, "PUT", url+"/package_content", []byte("no archive")).Want(t, 202)
	s.Do(t, "GET", url+"/vnfd", nil, "Accept: */*").Want(t, 409)

	s = start(t, options{idle: true, wait: time.Millisecond})
	url = s.create(t)
	s.Do(t, "PUT", url+"/package_content", archive).Want(t, 202)
	for _, path := range []string{"/package_content", "/vnfd", "/artifacts/ChangeLog.txt", "/artifacts", "/manifest"} {
		s.Do(t, "GET", url+path, nil, "Accept: */*").Want(t, 409)
	}
}

func TestRanges(t *testing.T) {
	s := start(t, options{})
	archive := onboardingtest.Bytes(onboardingtest.Zip, firewall("1.0"))
	info := s.upload(t, archive)
	image := new(bytes.Buffer)
	if _, err := io.Copy(image, onboardingtest.QCOW2(300_000, 1<<20, 7).Reader()); err != nil {
		t.Fatal(err)
	}
	files := []struct {
		path, media string
		content     []byte
	}{
		{"/package_content", "application/zip", archive},
		{"/artifacts/Files/images/fw-1.0", "application/octet-stream", image.Bytes()},
	}
	for _, root := range []string{base + "/vnf_packages/" + info.ID, read + "/vnf_packages/" + info.ID, read + "/onboarded_vnf_packages/" + info.VNFDID} {
		for _, file := range files {
			size := len(file.content)
			tests := []struct {
				ranges      string
				status      int
				first, last int
			}{
				{"", 200, 0, size - 1},
				{"bytes=0-1023", 206, 0, 1023},
				{"bytes=1024-2047", 206, 1024, 2047},
				{"bytes=1000-", 206, 1000, size - 1},
				{"bytes=-100", 206, size - 100, size - 1},
				{fmt.Sprintf("bytes=%d-%d", size-1, 10*size), 206, size - 1, size - 1},
				{fmt.Sprintf("bytes=%d-%d", size, size+10), 416, -1, 0},
				{"bytes=99999999999-", 416, -1, 0},
				{"bytes=5-1", 416, 0, 0},
			}
			for _, tt := range tests {
				for _, accept := range []string{file.media, "application/json"} {
					t.Run(root[:8]+file.path+" "+tt.ranges+" "+accept, func(t *testing.T) {
						a := s.Do(t, "GET", root+file.path, nil, "Range: "+tt.ranges, "Accept: "+accept).Want(t, tt.status)
						if tt.status == 416 {
							if got := a.Header.Get("Content-Range"); tt.first < 0 && got != fmt.Sprintf("bytes */%d", size) {
								t.Errorf("Content-Range is %q", got)
							}
							return
						}
						want := map[string]string{
							"Content-Type": file.media, "Etag": `"` + sha256Hex(file.content) + `"`, "Repr-Digest": reprDigest(file.content),
							"Content-Length": fmt.Sprint(tt.last - tt.first + 1), "Content-Range": "", "Accept-Ranges": "bytes",
						}
						if tt.status == 206 {
							want["Content-Range"] = fmt.Sprintf("bytes %d-%d/%d", tt.first, tt.last, size)
						}
						got := make(map[string]string)
						for name := range want {
							got[name] = a.Header.Get(name)
						}
						if diff := cmp.Diff(want, got); diff != "" {
							t.Errorf("header (-want +got):\n%s", diff)
						}
						if a.Text != string(file.content[tt.first:tt.last+1]) {
							t.Error("the bytes are others")
						}
					})
				}
			}
		}
	}
	path := base + "/vnf_packages/" + info.ID + "/package_content"
	tag := `"` + sha256Hex(archive) + `"`
	s.Do(t, "GET", path, nil, "Range: bytes=0-9,20-29").Want(t, 200)
	s.Do(t, "GET", path, nil, "If-None-Match: "+tag).Want(t, 304)
	s.Do(t, "GET", path, nil, `If-Match: "x"`).Want(t, 412)
	s.Do(t, "GET", path, nil, "Range: bytes=0-9", `If-Range: "x"`).Want(t, 200)
	s.Do(t, "GET", path, nil, "Range: bytes=0-9", "If-Range: "+tag).Want(t, 206)
	if a := s.Do(t, "HEAD", path, nil).Want(t, 200); a.ContentLength != int64(len(archive)) {
		t.Errorf("HEAD tells %d bytes", a.ContentLength)
	}
}

func TestTheVNFDIsNegotiated(t *testing.T) {
	s := start(t, options{})
	single, several := s.onboard(t, small("1.0")), s.onboard(t, firewall("1.0"))
	const text, archive = "text/plain", "application/zip"
	tests := []struct{ accept, single, several string }{ // empty: 406
		{"text/plain", text, ""},
		{"application/zip", archive, archive},
		{"text/plain,application/zip", text, archive},
		{"application/zip, text/plain", text, archive},
		{"text/plain;q=0.5, application/zip", archive, archive},
		{"text/plain, application/zip;q=0", text, ""},
		{"", text, archive},
		{"*/*", text, archive},
		{"text/*", text, ""},
		{"application/*", archive, archive},
		{"application/json, */*;q=0.1", text, archive},
		{"application/json", "", ""},
		{"image/png, nonsense", "", ""},
	}
	for _, tt := range tests {
		for _, of := range []struct{ name, id, vnfd, want string }{
			{"one file", single.ID, single.VNFDID, tt.single}, {"several files", several.ID, several.VNFDID, tt.several},
		} {
			t.Run(of.name+" "+tt.accept, func(t *testing.T) {
				for _, path := range []string{base + "/vnf_packages/" + of.id, read + "/vnf_packages/" + of.id, read + "/onboarded_vnf_packages/" + of.vnfd} {
					a := s.Do(t, "GET", path+"/vnfd", nil, "Accept: "+tt.accept)
					if of.want == "" {
						a.Want(t, 406)
						continue
					}
					if got := a.Want(t, 200).Header.Get("Content-Type"); got != of.want {
						t.Errorf("got %s, want %s", got, of.want)
					}
				}
			})
		}
	}
	vnfd := single.Links.VNFD.Href
	a := s.Do(t, "GET", vnfd, nil, "Accept: text/plain")
	if diff := cmp.Diff(vnfdText("1.0"), a.Text); diff != "" {
		t.Errorf("VNFD (-want +got):\n%s", diff)
	}
	s.Do(t, "GET", vnfd, nil, "Accept: text/plain", "If-None-Match: "+a.Header.Get("Etag")).Want(t, 304)
	if diff := cmp.Diff(map[string]string{"vnfd.yaml": vnfdText("1.0"), "TOSCA-Metadata/TOSCA.meta": ""},
		unzip(t, s.Do(t, "GET", vnfd, nil, "Accept: application/zip").Text), cmp.Comparer(sameOrAny)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	again := s.Do(t, "GET", several.Links.VNFD.Href, nil, "Accept: application/zip")
	if diff := cmp.Diff(map[string]string{"Definitions/firewall.yaml": "", "Definitions/types.yaml": "", "TOSCA-Metadata/TOSCA.meta": ""},
		unzip(t, again.Text), cmp.Comparer(sameOrAny)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if once := s.Do(t, "GET", several.Links.VNFD.Href, nil, "Accept: application/zip"); once.Header.Get("Etag") != again.Header.Get("Etag") {
		t.Error("the archive is another each time")
	}
}

// sameOrAny compares contents, of which an empty one stands for any.
func sameOrAny(a, b string) bool { return a == "" || b == "" || a == b }

func unzip(t *testing.T, archive string) map[string]string {
	t.Helper()
	r, err := zip.NewReader(strings.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
	for _, f := range r.File {
		content, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(content)
		if err != nil {
			t.Fatal(err)
		}
		content.Close()
		files[f.Name] = string(text)
	}
	return files
}

func TestArtifacts(t *testing.T) {
	s := start(t, options{})
	info := s.onboard(t, firewall("1.0"))
	url := info.Links.Self.Href
	tests := []struct {
		path, media, content string // an empty type: 404
	}{
		{"Scripts/start.sh", "text/plain; charset=utf-8", "#!/bin/sh\necho hello\n"},
		{"ChangeLog.txt", "text/plain; charset=utf-8", "1.0\n"},
		{"Artifacts/blob", "application/octet-stream", "\x00\x01\x02\xff"},
		{"Artifacts/a%20b/page.html", "text/plain; charset=utf-8", "<html><script>alert(1)</script></html>"},
		{"Artifacts%2Fblob", "application/octet-stream", "\x00\x01\x02\xff"},
		{"Definitions/types.yaml", "text/plain; charset=utf-8", ""},
		{"TOSCA-Metadata/TOSCA.meta", "text/plain; charset=utf-8", ""},
		{"Artifacts", "", ""},
		{"none", "", ""},
		{"scripts/start.sh", "", ""},
		{"Scripts/../ChangeLog.txt", "", ""},
		{"..%2f..%2fetc%2fpasswd", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			for _, root := range []string{url, s.URL + read + "/onboarded_vnf_packages/" + info.VNFDID} {
				a := s.Do(t, "GET", root+"/artifacts/"+tt.path, nil)
				if tt.media == "" {
					a.Want(t, 404)
					continue
				}
				if got := a.Want(t, 200).Header.Get("Content-Type"); got != tt.media {
					t.Errorf("the type is %s, want %s", got, tt.media)
				}
				if !strings.HasPrefix(a.Header.Get("Content-Disposition"), "attachment") || a.Header.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("a browser would show it: %v", a.Header)
				}
				if !sameOrAny(tt.content, a.Text) {
					t.Errorf("got %q", a.Text)
				}
			}
		})
	}
	all := s.Do(t, "GET", url+"/artifacts", nil, "Accept: application/zip").Want(t, 200)
	want := map[string]string{
		"Scripts/start.sh": "#!/bin/sh\necho hello\n", "ChangeLog.txt": "1.0\n", "Artifacts/blob": "\x00\x01\x02\xff",
		"Artifacts/a b/page.html": "<html><script>alert(1)</script></html>", "TOSCA-Metadata/TOSCA.meta": "", "firewall.mf": "",
	}
	if diff := cmp.Diff(want, unzip(t, all.Text), cmp.Comparer(sameOrAny)); diff != "" || all.Header.Get("Content-Type") != "application/zip" {
		t.Errorf("all artifacts, as %s (-want +got):\n%s", all.Header.Get("Content-Type"), diff)
	}
	if head := s.Do(t, "HEAD", url+"/artifacts", nil).Want(t, 200); head.Header.Get("Content-Type") != "application/zip" {
		t.Errorf("the head of all artifacts is of type %s", head.Header.Get("Content-Type"))
	}
	manifest := s.Do(t, "GET", url+"/manifest", nil, "Accept: text/plain").Want(t, 200)
	if !strings.HasPrefix(manifest.Text, "metadata:\n") || manifest.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("manifest, as %s: %s", manifest.Header.Get("Content-Type"), manifest.Text)
	}
	s.Do(t, "GET", url+"/manifest", nil, "Accept: application/zip").Want(t, 406)
	s.Do(t, "GET", s.onboard(t, small("1.0")).Links.Self.Href+"/manifest", nil, "Accept: */*").Want(t, 404)
}

func TestAManifestThatTheCatalogueDoesNotHaveIsTheWholeManifest(t *testing.T) {
	s := start(t, options{})
	members := firewall("1.0")
	var want string
	for i, m := range members {
		if m.Path == "firewall.mf" {
			text, err := io.ReadAll(io.NewSectionReader(m.Content, 0, m.Content.Size()))
			if err != nil {
				t.Fatal(err)
			}
			want = string(text) + strings.Repeat("\n", 1<<20)
			members[i] = onboardingtest.Text(m.Path, want)
		}
	}
	url := s.onboard(t, members).Links.Self.Href
	a := s.Do(t, "GET", url+"/manifest", nil, "Accept: text/plain").Want(t, 200)
	if a.Text != want || a.Header.Get("Etag") != `"`+sha256Hex([]byte(want))+`"` {
		t.Errorf("the manifest has %d bytes, want %d", len(a.Text), len(want))
	}
	if got := unzip(t, s.Do(t, "GET", url+"/artifacts", nil).Want(t, 200).Text)["firewall.mf"]; got != want {
		t.Errorf("among all artifacts it has %d bytes", len(got))
	}
}

func TestWithoutTheArchiveTheRestIsStillThere(t *testing.T) {
	s := start(t, options{drop: true})
	info := s.onboard(t, firewall("1.0"))
	url := info.Links.Self.Href
	s.Do(t, "GET", url+"/package_content", nil).Want(t, 404)
	s.Do(t, "GET", url+"/vnfd", nil, "Accept: */*").Want(t, 200)
	s.Do(t, "GET", url+"/artifacts/Scripts/start.sh", nil).Want(t, 200)
	s.Do(t, "GET", url+"/artifacts/Files/images/fw-1.0", nil, "Range: bytes=0-3").Want(t, 206)
	s.Do(t, "GET", url+"/artifacts/Artifacts/blob", nil).Want(t, 404)
	s.Do(t, "GET", url+"/manifest", nil, "Accept: text/plain").Want(t, 200)
}

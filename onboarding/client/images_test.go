package client_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/client"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/tosca"
)

// add adds an image of red.
func add(t *testing.T, c *client.Client, name string, content []byte) onboarding.Report {
	t.Helper()
	report, err := c.AddImage(t.Context(), onboarding.AddRequest{Description: tosca.ImageDescription{Name: name}, Content: bytes.NewReader(content), Size: int64(len(content))})
	is(t, report, err, onboarding.Onboarded)
	return report
}

func TestAnImageIsAddedAsThePipelineWould(t *testing.T) {
	f := start(t, nil)
	c := f.client(nil)
	content := disk(t, 1)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}))
	defer origin.Close()
	right := imagerepo.Digests{"sha256": fmt.Sprintf("%x", sha256.Sum256(content))}
	wrong := imagerepo.Digests{"sha256": strings.Repeat("ab", 32)}
	local, err := os.Open(file(t, content))
	resttest.NoError(t, err)
	defer local.Close()
	for _, test := range []struct {
		name   string
		image  tosca.ImageDescription
		stream io.Reader // else the bytes
		keep   bool
		want   onboarding.Status
		action onboarding.Action
	}{
		{"a file", tosca.ImageDescription{Name: "one", MinDisk: 3, Digests: right}, local, false, onboarding.Onboarded, onboarding.Stored},
		{"a stream", tosca.ImageDescription{Name: "two"}, io.MultiReader(bytes.NewReader(content)), false, onboarding.Onboarded, onboarding.Reused},
		{"the same once more", tosca.ImageDescription{Name: "one"}, nil, false, onboarding.Unchanged, onboarding.Reused},
		{"a URL", tosca.ImageDescription{Name: "three", URL: origin.URL + "/disk", Digests: right}, nil, false, onboarding.Onboarded, onboarding.Reused},
		{"bytes that are not the stated ones", tosca.ImageDescription{Name: "four", Digests: wrong}, nil, false, onboarding.Rejected, ""},
		{"a URL with others than the stated ones", tosca.ImageDescription{Name: "five", URL: origin.URL + "/disk", Digests: wrong}, nil, false, onboarding.Rejected, ""},
		{"a name of other bytes", tosca.ImageDescription{Name: "one"}, bytes.NewReader(disk(t, 2)), false, onboarding.Rejected, ""},
		{"a name of other bytes that are kept", tosca.ImageDescription{Name: "one"}, bytes.NewReader(disk(t, 2)), true, onboarding.Unchanged, onboarding.Kept},
	} {
		t.Run(test.name, func(t *testing.T) {
			req := onboarding.AddRequest{Description: test.image, Content: test.stream, Size: int64(len(content))}
			if req.Content == nil {
				req.Content = bytes.NewReader(content)
			}
			if test.keep {
				req.OnConflict = onboarding.Keep
			}
			var sent int64
			req.Progress = func(p onboarding.Progress) { sent = p.Done }
			report, err := c.AddImage(t.Context(), req)
			is(t, report, err, test.want)
			if report.Source != test.image.Name || test.image.URL == "" && test.want != onboarding.Rejected && sent != int64(len(content)) {
				t.Errorf("of %q %d bytes were told", report.Source, sent)
			}
			if test.want == onboarding.Rejected {
				if len(report.Findings) == 0 {
					t.Error("there are no findings")
				}
				return
			}
			if got := report.Images[0]; got.Action != test.action || got.ID == "" || got.Digests["sha256"] != right["sha256"] {
				t.Errorf("the image is %+v", got)
			}
		})
	}
	one, err := c.Image(t.Context(), "one")
	resttest.NoError(t, err)
	if one.MinDisk != 3 || one.DiskFormat != "qcow2" {
		t.Errorf("the image is %+v", one)
	}
}

func TestAnImageFileIsSentAgainWhenTheConnectionBreaks(t *testing.T) {
	f := start(t, nil)
	content := disk(t, 1)
	f.way.plan(fault{up: 100_000}, fault{up: 200_000})
	add(t, f.client(nil), "disk", content)
	if f.way.happened() != 2 {
		t.Error("nothing broke")
	}
}

// Breaks that are further from each other than the client is patient do not end what
// gets further each time.
func TestAnImageFileThatMovesIsNotGivenUp(t *testing.T) {
	f := start(t, nil)
	c := f.client(func(o *client.Options) {
		o.BackoffMin, o.BackoffMax, o.Patience = 100*time.Millisecond, 100*time.Millisecond, 40*time.Millisecond
	})
	content, err := io.ReadAll(onboardingtest.QCOW2(10*mib, 10*mib, 3).Reader())
	resttest.NoError(t, err)
	f.way.plan(fault{up: 100_000}, fault{up: 8 * mib}) // further apart than what connections buffer
	add(t, c, "disk", content)
	if f.way.happened() != 2 {
		t.Error("nothing broke")
	}
}

func TestAnImageFileThatIsCutWhileItIsSentIsNotAdded(t *testing.T) {
	f := start(t, nil)
	content, err := io.ReadAll(onboardingtest.QCOW2(4*mib, 4*mib, 3).Reader())
	resttest.NoError(t, err)
	local, err := os.OpenFile(file(t, content), os.O_RDWR, 0)
	resttest.NoError(t, err)
	defer local.Close()
	req := onboarding.AddRequest{Description: tosca.ImageDescription{Name: "disk"}, Content: local, Size: int64(len(content))}
	req.Progress = func(p onboarding.Progress) {
		if p.Done > mib {
			resttest.NoError(t, local.Truncate(mib))
		}
	}
	if _, err := f.client(nil).AddImage(t.Context(), req); !errors.Is(err, client.ErrChanged) {
		t.Error(err)
	}
	if _, err := f.client(nil).Image(t.Context(), "disk"); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Error(err)
	}
}

func TestWhatCannotBeSaidOfAnImageIsAnError(t *testing.T) {
	f := start(t, nil)
	c := f.client(nil)
	for name, req := range map[string]onboarding.AddRequest{
		"digests to compute":            {Options: onboarding.Options{Digests: []string{"sha512"}}},
		"a dry run":                     {Options: onboarding.Options{DryRun: true}},
		"a digest that is not compared": {Description: tosca.ImageDescription{Digests: map[string]string{"md5": strings.Repeat("ab", 16)}}},
	} {
		req.Description.Name, req.Content = "disk", strings.NewReader("x")
		if _, err := c.AddImage(t.Context(), req); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := f.count(""); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestImagesAndPackagesAreListedToTheirEnd(t *testing.T) {
	f := start(t, nil)
	c := f.client(nil)
	var want []string
	content := make([]byte, 512)
	for i := range 103 { // a page has 100
		name := fmt.Sprintf("disk %03d/%%", i)
		want = append(want, name)
		report, err := f.Pipeline.Add(t.Context(), onboarding.AddRequest{Options: onboarding.Options{Project: "red"},
			Description: tosca.ImageDescription{Name: name}, Content: bytes.NewReader(content), Size: int64(len(content))})
		is(t, report, err, onboarding.Onboarded)
	}
	var got []string
	for img, err := range c.Images(t.Context()) {
		resttest.NoError(t, err)
		got = append(got, img.Name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	before := f.count("GET /api/v1/images")
	for range c.Images(t.Context()) {
		break
	}
	if f.count("GET /api/v1/images") != before+1 {
		t.Error("pages were asked for that nobody wanted")
	}
	gone, err := c.DeleteImage(t.Context(), want[7], false)
	resttest.NoError(t, err)
	if gone.Name != want[7] {
		t.Errorf("deleted was %+v", gone)
	}
}

func TestAPackageIsShownAndDeletedByItsNames(t *testing.T) {
	f := start(t, nil)
	c := f.client(nil)
	report, err := c.Onboard(t.Context(), onboarding.FileSource(file(t, archive("fw", mib))), onboarding.Options{})
	is(t, report, err, onboarding.Onboarded)
	f.accept() // is not onboarded, and so not listed
	var listed []string
	for pkg, err := range c.Packages(t.Context()) {
		resttest.NoError(t, err)
		listed = append(listed, pkg.ID)
	}
	if diff := cmp.Diff([]string{report.Package.ID}, listed); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	called := report.Package.Vendor + "/" + report.Package.Name + ":" + report.Package.Version
	pkg, err := c.Package(t.Context(), called)
	resttest.NoError(t, err)
	if pkg.ID != report.Package.ID || len(pkg.Model) == 0 || len(pkg.Files) == 0 || len(pkg.Images) != 1 {
		t.Errorf("the package is %+v", pkg)
	}
	if _, err := c.DeleteImage(t.Context(), pkg.Images[0].ID, false); !errors.Is(err, client.ErrConflict) {
		t.Errorf("an image that is in use: %v", err)
	}
	gone, err := c.DeletePackage(t.Context(), called, false)
	resttest.NoError(t, err)
	if gone.Package.ID != pkg.ID || len(gone.Images) != 1 {
		t.Errorf("deleted was %+v", gone)
	}
}

func TestADownloadGoesOnAfterEveryBreak(t *testing.T) {
	f := start(t, nil)
	c := f.client(nil)
	content, err := io.ReadAll(onboardingtest.QCOW2(4*mib, 4*mib, 3).Reader())
	resttest.NoError(t, err)
	add(t, c, "acme/disk", content)
	c.Close() // the faults are for new connections
	f.way.plan(fault{down: mib}, fault{down: 100}, fault{down: mib})
	read, err := c.OpenImage(t.Context(), "acme/disk")
	resttest.NoError(t, err)
	got, err := io.ReadAll(read)
	resttest.NoError(t, errors.Join(err, read.Close()))
	if !bytes.Equal(got, content) {
		t.Error("other bytes have come")
	}
	if f.way.happened() != 3 || f.count("GET /api/v1/images/acme%2Fdisk/file bytes=") < 2 {
		t.Errorf("the requests are %q", f.requests)
	}
}

func TestADownloadProvesWhatHasCome(t *testing.T) {
	var change func(b []byte) []byte
	f := start(t, func(s *setting) {
		s.before = func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/file") {
				return false
			}
			recorded := httptest.NewRecorder()
			content := disk(t, 1)
			recorded.Header().Set("Etag", fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256(content))))
			http.ServeContent(recorded, r, "", time.Time{}, bytes.NewReader(content))
			for name, values := range recorded.Header() {
				w.Header()[name] = values
			}
			w.WriteHeader(recorded.Code)
			_, _ = w.Write(change(recorded.Body.Bytes()))
			return true
		}
	})
	c := f.client(nil)
	read := func() error {
		r, err := c.OpenImage(t.Context(), "disk")
		resttest.NoError(t, err)
		defer r.Close()
		_, err = io.Copy(io.Discard, r)
		return err
	}
	change = func(b []byte) []byte { return b }
	resttest.NoError(t, read())
	change = func(b []byte) []byte { b[1000] ^= 1; return b }
	err := read()
	if wrong, ok := errors.AsType[*fetch.DigestError](err); !ok || wrong.Want == wrong.Got {
		t.Errorf("a bit that was turned: %v", err)
	}
}

func TestAnImageThatBecomesAnotherWhileItIsReadIsAnError(t *testing.T) {
	f := start(t, nil)
	c := f.client(nil)
	one, err := io.ReadAll(onboardingtest.QCOW2(4*mib, 4*mib, 3).Reader())
	resttest.NoError(t, err)
	add(t, c, "disk", one)
	c.Close()
	f.way.plan(fault{down: mib})
	read, err := c.OpenImage(t.Context(), "disk")
	resttest.NoError(t, err)
	defer read.Close()
	_, err = c.DeleteImage(t.Context(), "disk", false)
	resttest.NoError(t, err)
	add(t, c, "disk", disk(t, 1))
	if _, err = io.Copy(io.Discard, read); err == nil || !strings.Contains(err.Error(), "another") {
		t.Error(err)
	}
}

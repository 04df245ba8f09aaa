package onboarding_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/imagerepo/fsstore"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/tosca"
)

// harness is a pipeline on a real repository in a temporary folder.
type harness struct {
	*onboarding.Pipeline
	folder string // of the image files
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	home := t.TempDir()
	names, err := catalog.Open(t.Context(), filepath.Join(home, "catalogue.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeNow(t, names) })
	files, err := fsstore.Open(filepath.Join(home, "images"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeNow(t, files) })
	return &harness{
		Pipeline: &onboarding.Pipeline{
			Repository: imagerepo.New(names, files, slog.New(slog.DiscardHandler)),
			Fetch:      newClient(t, fetch.Options{AllowPrivate: true}),
		},
		folder: filepath.Join(home, "images"),
	}
}

// newClient returns a client that gives up soon.
func newClient(t *testing.T, o fetch.Options) *fetch.Client {
	t.Helper()
	o.Attempts, o.BackoffMin, o.BackoffMax = 2, time.Millisecond, time.Millisecond
	client, err := fetch.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func closeNow(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// onboard onboards members as a tar from a stream.
func (h *harness) onboard(t *testing.T, members []onboardingtest.Member, opts onboarding.Options) onboarding.Report {
	t.Helper()
	return h.onboardBytes(t, onboardingtest.Bytes(onboardingtest.Tar, members), opts)
}

func (h *harness) onboardBytes(t *testing.T, data []byte, opts onboarding.Options) onboarding.Report {
	t.Helper()
	report, err := h.Onboard(t.Context(), stream(data), opts)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// mustOnboard onboards members that are known to be good.
func (h *harness) mustOnboard(t *testing.T, members []onboardingtest.Member) onboarding.Report {
	t.Helper()
	report := h.onboard(t, members, onboarding.Options{})
	wantStatus(t, report, onboarding.Onboarded)
	return report
}

func stream(data []byte) onboarding.Source {
	return onboarding.StreamSource("package", bytes.NewReader(data))
}

// state is all that a repository holds, in a form that compares.
type state struct {
	Packages map[string][]string // the names of their images by reference
	Images   map[string]string   // digests by project/name; empty for references
	Files    int                 // visible image files
	Litter   []string            // whatever else is in the folder
}

// state reads the repository, and proves on the way that every visible file is
// the one of its image.
func (h *harness) state(t *testing.T) state {
	t.Helper()
	s := state{Packages: map[string][]string{}, Images: map[string]string{}}
	for pkg, err := range h.Repository.Catalog().Packages(t.Context(), imagerepo.PackageFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		names := []string{}
		for _, ref := range pkg.Images {
			names = append(names, ref.Name)
		}
		slices.Sort(names)
		s.Packages[pkg.Project+" "+pkg.Ref().String()] = names
	}
	ids := map[string]string{}
	for img, err := range h.Repository.Catalog().Images(t.Context(), imagerepo.ImageFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		s.Images[img.Project+"/"+img.Name] = img.SHA256()
		if img.Stored() {
			ids[img.ID] = img.SHA256()
			if got := h.stored(t, img); got != img.SHA256() {
				t.Errorf("file of image %s has digest %s, not %s", img.Name, got, img.SHA256())
			}
		}
	}
	err := filepath.WalkDir(h.folder, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir(), strings.HasSuffix(path, ".lock"):
		case ids[entry.Name()] != "" && filepath.Dir(path) == h.folder:
			s.Files++
		default:
			s.Litter = append(s.Litter, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stored returns the digest of an image's file.
func (h *harness) stored(t *testing.T, img imagerepo.Image) string {
	t.Helper()
	blob, err := h.Repository.Open(t.Context(), img)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer blob.Close()
	digest := sha256.New()
	if _, err := io.Copy(digest, io.NewSectionReader(blob, 0, blob.Size())); err != nil {
		t.Error(err)
	}
	return hex.EncodeToString(digest.Sum(nil))
}

// image returns the image of that name in the default project.
func (h *harness) image(t *testing.T, name string) imagerepo.Image {
	t.Helper()
	img, err := h.Repository.Find(t.Context(), onboarding.DefaultProject, name)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// wantState fails unless the repository is in the given state.
func (h *harness) wantState(t *testing.T, want state) {
	t.Helper()
	if diff := cmp.Diff(want, h.state(t)); diff != "" {
		t.Errorf("state of the repository (-want +got):\n%s", diff)
	}
}

func wantStatus(t *testing.T, report onboarding.Report, want onboarding.Status) {
	t.Helper()
	if report.Status != want {
		t.Fatalf("status is %s, not %s; error %q, findings:\n%s", report.Status, want, report.Error, text(report.Findings))
	}
}

// wantFinding returns the one finding of a code.
func wantFinding(t *testing.T, report onboarding.Report, code tosca.Code) tosca.Finding {
	t.Helper()
	var found tosca.Findings
	for _, f := range report.Findings {
		if f.Code == code {
			found = append(found, f)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d findings of code %s, want 1; all findings:\n%s", len(found), code, text(report.Findings))
	}
	if found[0].Cure == "" {
		t.Errorf("finding %s has no cure", code)
	}
	return found[0]
}

func text(findings tosca.Findings) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintln(&b, f)
	}
	return b.String()
}

// actions returns what became of the images of a report, by name.
func actions(report onboarding.Report) map[string]onboarding.Action {
	out := map[string]onboarding.Action{}
	for _, img := range report.Images {
		out[img.Name] = img.Action
	}
	return out
}

func wantActions(t *testing.T, report onboarding.Report, want map[string]onboarding.Action) {
	t.Helper()
	if diff := cmp.Diff(want, actions(report)); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

// diskImage returns a small image; different seeds make different ones.
func diskImage(seed uint64) onboardingtest.Image { return onboardingtest.QCOW2(384<<10, 1<<30, seed) }

// firewall returns a package with one image.
func firewall(image onboardingtest.Image) []onboardingtest.Member {
	return packageOf("firewall", onboardingtest.Embed("firewall-image", image))
}

func packageOf(name string, images ...onboardingtest.SoftwareImage) []onboardingtest.Member {
	return onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: name, Images: images})
}

// replace returns the members with another text at a path.
func replace(members []onboardingtest.Member, path string, edit func(string) string) []onboardingtest.Member {
	out := slices.Clone(members)
	for i, m := range out {
		if m.Path != path {
			continue
		}
		content, err := io.ReadAll(io.NewSectionReader(m.Content, 0, m.Content.Size()))
		if err != nil {
			panic(err)
		}
		out[i] = onboardingtest.Text(path, edit(string(content)))
	}
	return out
}

// cancelling ends a context when the n-th byte is read.
type cancelling struct {
	io.Reader
	n      int64
	cancel context.CancelFunc
}

func (c *cancelling) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p[:min(len(p), 4096)])
	if c.n -= int64(n); c.n <= 0 {
		c.cancel()
	}
	return n, err
}

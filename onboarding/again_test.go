package onboarding_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/tosca"
)

// deflated returns a CSAR with one image, and what is to be learned of that.
func deflated(t *testing.T, name string, image onboardingtest.SoftwareImage) ([]byte, imagerepo.Packing) {
	t.Helper()
	data := onboardingtest.Bytes(onboardingtest.ZipDeflated, onboardingtest.SOL004(onboardingtest.Spec{Name: name, Images: []onboardingtest.SoftwareImage{image}}))
	zr, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range zr.File {
		if f.UncompressedSize64 != uint64(image.Content.Size()) {
			continue
		}
		raw, err := f.OpenRaw()
		if err != nil {
			t.Fatal(err)
		}
		packed := sha256.New()
		if _, err := io.Copy(packed, raw); err != nil {
			t.Fatal(err)
		}
		return data, imagerepo.Packing{Method: "deflate", PackedSHA256: hex.EncodeToString(packed.Sum(nil)), PackedSize: int64(f.CompressedSize64),
			SHA256: image.Content.SHA256(), Size: image.Content.Size(), CRC32: f.CRC32}
	}
	t.Fatal("the image is not in the zip")
	return nil, imagerepo.Packing{}
}

// wantPackings fails unless these are all that is known of bytes like the
// packing's.
func (h *harness) wantPackings(t *testing.T, like imagerepo.Packing, want ...imagerepo.Packing) {
	t.Helper()
	got, err := h.Repository.Catalog().Packings(t.Context(), like)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("packings (-want +got):\n%s", diff)
	}
}

func TestADeflatedImageIsKnownAgain(t *testing.T) {
	image := onboardingtest.Embed("firewall-image", diskImage(1).Compressible())
	data, packing := deflated(t, "firewall", image)
	path := filepath.Join(t.TempDir(), "firewall.csar")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for from, again := range map[string]onboarding.Source{"file": onboarding.FileSource(path), "stream": stream(data)} {
		t.Run("from a "+from, func(t *testing.T) {
			h := newHarness(t)
			first := h.onboardBytes(t, data, onboarding.Options{})
			wantStatus(t, first, onboarding.Onboarded)
			h.wantPackings(t, packing, packing)
			before, file := h.state(t), h.Repository.Location(first.Images[0].ID)
			was := inode(t, file)

			second, err := h.Onboard(t.Context(), again, onboarding.Options{})
			if err != nil {
				t.Fatal(err)
			}
			wantStatus(t, second, onboarding.Unchanged)
			wantActions(t, second, map[string]onboarding.Action{"firewall-image": onboarding.Reused})
			if diff := cmp.Diff(first.Images[0].Digests, second.Images[0].Digests); diff != "" || second.Images[0].ID != first.Images[0].ID {
				t.Errorf("image is %+v, was %+v", second.Images[0], first.Images[0])
			}
			h.wantState(t, before)
			if inode(t, file) != was {
				t.Error("the file was written again")
			}

			next, _ := deflated(t, "router", onboardingtest.Embed("router-image", *image.Content))
			report := h.onboardBytes(t, next, onboarding.Options{})
			wantStatus(t, report, onboarding.Onboarded)
			wantActions(t, report, map[string]onboarding.Action{"router-image": onboarding.Reused})
			if got := h.image(t, "router-image"); got.DiskFormat != "qcow2" || inode(t, h.Repository.Location(got.ID)) != was {
				t.Errorf("image is %+v, in a file of its own", got)
			}
		})
	}
}

func TestADeflatedImageThatIsKnownIsNotInflated(t *testing.T) {
	h := newHarness(t)
	h.add(t, tosca.ImageDescription{Name: "other"}, diskImage(2).Compressible(), onboarding.Options{})
	image := onboardingtest.Embed("firewall-image", diskImage(1).Compressible())
	image.SHA256 = h.image(t, "other").SHA256()
	data, packing := deflated(t, "firewall", image)
	wantStatus(t, h.onboardBytes(t, data, onboarding.Options{}), onboarding.Rejected)
	// Only what is wrongly believed can show it.
	packing.SHA256 = image.SHA256
	if err := h.Repository.Intake(onboarding.DefaultProject).Publish(t.Context(), imagerepo.Publication{Packings: []imagerepo.Packing{packing}}); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, h.onboardBytes(t, data, onboarding.Options{}), onboarding.Onboarded)
}

func TestADeflatedImageIsJudgedAlikeWhetherItIsKnown(t *testing.T) {
	image := onboardingtest.Embed("firewall-image", diskImage(1).Compressible())
	known, _ := deflated(t, "firewall", image)
	format, digest := image, image
	format.DiskFormat = "vmdk"
	digest.SHA256 = strings.Repeat("0", 64)
	for name, test := range map[string]struct {
		image onboardingtest.SoftwareImage
		code  tosca.Code
	}{
		"in another format than stated": {format, onboarding.CodeImageFormat},
		"with another digest":           {digest, onboarding.CodeImageChecksum},
	} {
		t.Run(name, func(t *testing.T) {
			data, _ := deflated(t, "router", test.image)
			want := newHarness(t).onboardBytes(t, data, onboarding.Options{})
			h := newHarness(t)
			h.onboardBytes(t, known, onboarding.Options{})
			got := h.onboardBytes(t, data, onboarding.Options{})
			wantStatus(t, got, onboarding.Rejected)
			wantFinding(t, got, test.code)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("report (-when unknown +when known):\n%s", diff)
			}
		})
	}
}

func TestOnboardingADeflatedImageAgainHealsAFileThatWentBad(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, path string){
		"with another byte": damage,
		"that is gone": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			data, _ := deflated(t, "firewall", onboardingtest.Embed("firewall-image", diskImage(1).Compressible()))
			report := h.onboardBytes(t, data, onboarding.Options{})
			whole := h.state(t)
			spoil(t, h.Repository.Location(report.Images[0].ID))
			wantStatus(t, h.onboardBytes(t, data, onboarding.Options{}), onboarding.Unchanged)
			h.wantState(t, whole)
		})
	}
}

func TestAPackingIsLearnedWhereverTheContentCameFrom(t *testing.T) {
	h := newHarness(t)
	image := onboardingtest.Embed("firewall-image", diskImage(1).Compressible())
	data, packing := deflated(t, "firewall", image)
	h.mustOnboard(t, onboardingtest.SOL004(onboardingtest.Spec{Name: "firewall", Images: []onboardingtest.SoftwareImage{image}}))
	h.wantPackings(t, packing)
	wantStatus(t, h.onboardBytes(t, data, onboarding.Options{}), onboarding.Unchanged)
	h.wantPackings(t, packing, packing)
}

func TestNothingIsLearnedFromAPackageThatIsNotTakenIn(t *testing.T) {
	image := onboardingtest.Embed("firewall-image", diskImage(1).Compressible())
	data, packing := deflated(t, "firewall", image)
	wrong := image
	wrong.SHA256 = strings.Repeat("0", 64)
	refused, _ := deflated(t, "firewall", wrong)
	h := newHarness(t)
	h.add(t, tosca.ImageDescription{Name: "same"}, *image.Content, onboarding.Options{})
	wantStatus(t, h.onboardBytes(t, data, onboarding.Options{DryRun: true}), onboarding.Valid)
	wantStatus(t, h.onboardBytes(t, refused, onboarding.Options{}), onboarding.Rejected)
	h.wantPackings(t, packing)
}

package onboardingtest_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
)

func TestImageBytesDoNotDependOnHowTheyAreRead(t *testing.T) {
	for _, image := range []onboardingtest.Image{
		onboardingtest.Raw(100_003, 1),
		onboardingtest.Raw(100_003, 1).Compressible(),
		onboardingtest.QCOW2(1_000_003, 1<<30, 1),
	} {
		whole, err := io.ReadAll(image.Reader())
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(whole)) != image.Size() {
			t.Fatalf("read %d bytes of %d", len(whole), image.Size())
		}
		for _, off := range []int64{0, 1, 7, 8, 65_535, image.Size() - 5} {
			piece := make([]byte, min(1001, image.Size()-off))
			if _, err := image.ReadAt(piece, off); err != nil && err != io.EOF {
				t.Fatal(err)
			}
			if !bytes.Equal(piece, whole[off:off+int64(len(piece))]) {
				t.Errorf("%s image: bytes at %d differ from those of a whole read", image.DiskFormat(), off)
			}
		}
		sum := sha256.Sum256(whole)
		if got, want := image.SHA256(), hex.EncodeToString(sum[:]); got != want {
			t.Errorf("SHA256 = %s, want %s", got, want)
		}
	}
}

func TestSeedsGiveDifferentImages(t *testing.T) {
	if onboardingtest.Raw(1000, 1).SHA256() == onboardingtest.Raw(1000, 2).SHA256() {
		t.Error("images of seeds 1 and 2 are equal")
	}
}

func TestQEMUFindsNoFaultInQCOW2Images(t *testing.T) {
	tool, err := exec.LookPath("qemu-img")
	if err != nil {
		const why = "NOT CHECKED BY qemu-img: it is not installed (apt-get install qemu-utils)"
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	const cluster = 65536
	for _, size := range []int64{0, 1, 5 * cluster, 1_000_003, 64 << 20, 8197 * cluster, 8198 * cluster, 8199 * cluster} {
		image := onboardingtest.QCOW2(size, 1<<30, 1)
		path := filepath.Join(t.TempDir(), "image")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(f, io.LimitReader(image.Reader(), 4<<20)) // all the metadata; the rest is a hole
		if err := f.Truncate(image.Size()); err != nil {
			t.Fatal(err)
		}
		if err != nil || f.Close() != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(tool, "check", "-f", "qcow2", path).CombinedOutput(); err != nil {
			t.Errorf("a file of %d bytes: %v\n%s", size, err, out)
		}
	}
}

func TestEveryContainerHoldsEveryMember(t *testing.T) {
	image := onboardingtest.QCOW2(300_000, 1<<30, 7).Compressible()
	members := onboardingtest.SOL004(onboardingtest.Spec{
		Name:   "firewall",
		Images: []onboardingtest.SoftwareImage{onboardingtest.Embed("firewall.qcow2", image)},
	})
	for _, container := range onboardingtest.Containers() {
		t.Run(string(container), func(t *testing.T) {
			data := onboardingtest.Bytes(container, members)
			if again := onboardingtest.Bytes(container, members); !bytes.Equal(data, again) {
				t.Error("a second build gives other bytes")
			}
			if !strings.HasPrefix(string(container), "zip") {
				return // package csar's tests read the others
			}
			zr, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				t.Fatal(err)
			}
			for i, m := range members {
				want, err := io.ReadAll(m.Content)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := m.Content.Seek(0, io.SeekStart); err != nil {
					t.Fatal(err)
				}
				r, err := zr.File[i].Open()
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(m.Path, zr.File[i].Name); diff != "" {
					t.Errorf("path (-want +got):\n%s", diff)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s: content differs", m.Path)
				}
			}
		})
	}
}

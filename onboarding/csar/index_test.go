package csar_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/csar"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
)

func TestEveryFileOfAnIndexedPackageCanBeRead(t *testing.T) {
	image := onboardingtest.QCOW2(384<<10, 1<<30, 1)
	members := onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: "firewall", Images: []onboardingtest.SoftwareImage{onboardingtest.Embed("disk", image)}})
	for _, folder := range []string{"", "./", "firewall-1.0/"} {
		for _, container := range onboardingtest.Containers() {
			t.Run(string(container)+" "+folder, func(t *testing.T) {
				data := onboardingtest.Bytes(container, onboardingtest.Under(folder, members))
				a, err := csar.Index(t.Context(), csar.Source{Name: "package", At: bytes.NewReader(data), Size: int64(len(data))}, csar.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				defer a.Close()
				want, got := map[string]string{}, map[string]string{}
				for _, m := range members {
					want[m.Path] = drained(t, io.NewSectionReader(m.Content, 0, m.Content.Size()))
				}
				for _, m := range a.Members() {
					r, err := a.OpenMember(t.Context(), m.Path)
					if err != nil {
						t.Fatal(err)
					}
					got[m.Path] = drained(t, r)
					if err := r.Close(); err != nil {
						t.Error(err)
					}
					section, inPlace := a.Section(m.Path)
					if want := container == onboardingtest.Tar || container == onboardingtest.Zip; inPlace != want {
						t.Errorf("member %s lies in place: %t, want %t", m.Path, inPlace, want)
					}
					if inPlace && drained(t, section) != got[m.Path] {
						t.Errorf("member %s has other bytes in place", m.Path)
					}
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("files (-want +got):\n%s", d)
				}
			})
		}
	}
}

func drained(t *testing.T, r io.Reader) string {
	t.Helper()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestAFileThatIsNoPackageCannotBeIndexed(t *testing.T) {
	for name, data := range map[string][]byte{
		"empty": nil, "text": bytes.Repeat([]byte("text "), 200),
		"cut zip": onboardingtest.Bytes(onboardingtest.Zip, onboardingtest.SOL004(onboardingtest.Spec{Name: "a"}))[:900],
	} {
		t.Run(name, func(t *testing.T) {
			a, err := csar.Index(t.Context(), csar.Source{Name: "package", At: bytes.NewReader(data), Size: int64(len(data))}, csar.Limits{})
			if err == nil {
				a.Close()
				t.Error("it was indexed")
			}
		})
	}
}

func TestPackagesThatCanBeOpenedWhileTheyArriveAreTold(t *testing.T) {
	members := onboardingtest.SOL004(onboardingtest.Spec{Name: "a"})
	for _, container := range onboardingtest.Containers() {
		want := container != onboardingtest.Zip && container != onboardingtest.ZipDeflated
		if got := csar.Streams(onboardingtest.Bytes(container, members)[:csar.SniffLen]); got != want {
			t.Errorf("%s: %t, want %t", container, got, want)
		}
	}
	if csar.Streams([]byte("text")) {
		t.Error("text passes for a package")
	}
}

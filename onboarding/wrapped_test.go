package onboarding_test

import (
	"testing"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/csar"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/tosca"
)

// wrapped returns a package that holds another one and a manifest that names it.
func wrapped(inner []byte) []onboardingtest.Member {
	return []onboardingtest.Member{
		onboardingtest.Text("manifest.yaml", "manifest:vnsf:\n  type: OSM-R2\n  package: web.tar.gz\n  descriptor: web/web_vnfd.yaml\n"),
		onboardingtest.Text("web.tar.gz", string(inner)),
	}
}

func osmPackage(vnfd string) []onboardingtest.Member {
	return []onboardingtest.Member{onboardingtest.Text("web/web_vnfd.yaml", vnfd), onboardingtest.Text("web/checksums.txt", "")}
}

const osmVNFD = "vnfd:vnfd-catalog:\n  vnfd:\n  - id: web\n    vendor: acme\n    version: '2.0'\n    vdu:\n    - id: front\n      image: ubuntu\n"

func TestAPackageInAPackageIsRead(t *testing.T) {
	for _, outer := range onboardingtest.Containers() {
		t.Run(string(outer), func(t *testing.T) {
			h := newHarness(t)
			data := onboardingtest.Bytes(outer, wrapped(onboardingtest.Bytes(onboardingtest.TarGzip, osmPackage(osmVNFD))))
			report := h.onboardBytes(t, data, onboarding.Options{})
			wantStatus(t, report, onboarding.Onboarded)
			if p := report.Package; p.Name != "web" || p.Vendor != "acme" || p.Version != "2.0" || p.VDUs != 1 || p.Dialect != tosca.OSM {
				t.Errorf("package is %+v", p)
			}
		})
	}
}

func TestWhatIsWrongWithAPackageInAPackage(t *testing.T) {
	good := onboardingtest.Bytes(onboardingtest.TarGzip, osmPackage(osmVNFD))
	tests := []struct {
		name    string
		members []onboardingtest.Member
		code    tosca.Code
		file    string
	}{
		{"it is not there", wrapped(good)[:1], tosca.CodeDescriptorMissing, "manifest.yaml"},
		{"it is empty", wrapped(nil), csar.CodeNotAnArchive, "web.tar.gz"},
		{"it is cut short", wrapped(good[:len(good)-20]), csar.CodeTruncated, "web.tar.gz"},
		{"its descriptor is not there", wrapped(onboardingtest.Bytes(onboardingtest.TarGzip, osmPackage(osmVNFD)[1:])), tosca.CodeDescriptorMissing, "manifest.yaml"},
		{"its descriptor is malformed", wrapped(onboardingtest.Bytes(onboardingtest.TarGzip, osmPackage("vnfd:\n  id: {\n"))), tosca.CodeDescriptorMalformed, "web.tar.gz/web_vnfd.yaml"},
		{"one of its members leads out of it", wrapped(onboardingtest.Bytes(onboardingtest.TarGzip, append(osmPackage(osmVNFD), onboardingtest.Text("../x", "x")))), csar.CodeTraversal, "web.tar.gz/../x"},
		{"it holds a third", wrapped(onboardingtest.Bytes(onboardingtest.TarGzip, wrapped(good))), tosca.CodeDescriptorMissing, "manifest.yaml"},
	}
	for _, test := range tests {
		for _, outer := range []onboardingtest.Container{onboardingtest.TarGzip, onboardingtest.ZipDeflated} {
			t.Run(test.name+" in a "+string(outer), func(t *testing.T) {
				var alone onboarding.Pipeline
				report, err := alone.Validate(t.Context(), stream(onboardingtest.Bytes(outer, test.members)), onboarding.Options{})
				if err != nil {
					t.Fatal(err)
				}
				wantStatus(t, report, onboarding.Rejected)
				if f := wantFinding(t, report, test.code); f.File != test.file {
					t.Errorf("finding is about %s, not %s", f.File, test.file)
				}
			})
		}
	}
}

func TestOnlyAnOSMPackageIsReadInAPackage(t *testing.T) {
	members := wrapped(onboardingtest.Bytes(onboardingtest.TarGzip, append(packageOf("web"), onboardingtest.Text("web_vnfd.yaml", "x: y\n"))))
	var alone onboarding.Pipeline
	report, err := alone.Validate(t.Context(), stream(onboardingtest.Bytes(onboardingtest.Tar, members)), onboarding.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, report, onboarding.Valid)
	wantFinding(t, report, tosca.CodeNestedPackage)
}

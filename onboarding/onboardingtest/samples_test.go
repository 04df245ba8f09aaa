package onboardingtest_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
)

var update = flag.Bool("update", false, "rewrite the sample packages in testdata/packages")

// The samples in testdata are what this package builds, so that people have a
// package of each kind to look at and nobody edits one by hand.
func TestTheSamplesInTestdataAreThoseThatAreBuilt(t *testing.T) {
	embedded := func(name string, seed uint64) onboardingtest.Spec {
		return onboardingtest.Spec{Name: name, Images: []onboardingtest.SoftwareImage{
			onboardingtest.Embed(name+".raw", onboardingtest.Raw(4096, seed)),
		}}
	}
	linked := onboardingtest.Spec{Name: "dns", Images: []onboardingtest.SoftwareImage{
		onboardingtest.Link("dns.qcow2", "https://images.example.org/dns.qcow2"),
	}}
	for _, sample := range []struct {
		file      string
		container onboardingtest.Container
		members   []onboardingtest.Member
	}{
		{"vnf-package.tar", onboardingtest.Tar, onboardingtest.OpenBatonTar(embedded("firewall", 1))},
		{"openbaton.csar", onboardingtest.Zip, onboardingtest.OpenBatonCSAR(embedded("router", 2))},
		{"etsi-sol004.csar", onboardingtest.Zip, onboardingtest.SOL004(embedded("probe", 3))},
		{"image-by-url.tar", onboardingtest.Tar, onboardingtest.OpenBatonTar(linked)},
	} {
		t.Run(sample.file, func(t *testing.T) {
			path := filepath.Join("..", "..", "testdata", "packages", sample.file)
			built := onboardingtest.Bytes(sample.container, sample.members)
			if *update {
				if err := os.WriteFile(path, built, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			stored, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(stored, built) {
				t.Errorf("%s is not what is built now; go test ./onboarding/onboardingtest -update writes it anew", path)
			}
		})
	}
}

package onboarding_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/csar"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/tosca"
)

func TestValidateNeedsNoRepository(t *testing.T) {
	var alone onboarding.Pipeline
	report, err := alone.Validate(t.Context(), stream(onboardingtest.Bytes(onboardingtest.Tar,
		packageOf("firewall", onboardingtest.Embed("own", diskImage(1)), onboardingtest.Link("linked", "https://example.org/image.qcow2")))), onboarding.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, report, onboarding.Valid)
	if report.Package.ID != "" || len(report.Images) != 2 {
		t.Errorf("report is %+v", report)
	}
}

func TestValidateDoesNotAskARepositoryThatIsThere(t *testing.T) {
	h := newHarness(t)
	h.mustOnboard(t, firewall(diskImage(1)))
	before := h.state(t)
	report, err := h.Validate(t.Context(), stream(onboardingtest.Bytes(onboardingtest.Tar, firewall(diskImage(2)))), onboarding.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, report, onboarding.Valid)
	h.wantState(t, before)
}

// In a tar the bytes may pass before the descriptor tells what they should be.
func TestValidateComparesEveryStatedDigest(t *testing.T) {
	image := diskImage(1)
	for _, algorithm := range []string{"md5", "sha-224", "sha-256", "sha-384", "sha-512"} {
		for _, container := range []onboardingtest.Container{onboardingtest.Tar, onboardingtest.Zip} {
			t.Run(algorithm+" in a "+string(container), func(t *testing.T) {
				members := onboardingtest.SOL004(onboardingtest.Spec{Name: "firewall", Images: []onboardingtest.SoftwareImage{onboardingtest.Embed("own", image)}})
				for _, m := range members {
					if strings.HasSuffix(m.Path, ".yaml") {
						members = replace(members, m.Path, func(s string) string {
							s = strings.ReplaceAll(s, "algorithm: sha-256", "algorithm: "+algorithm)
							return strings.ReplaceAll(s, "hash: "+image.SHA256(), "hash: "+strings.Repeat("0", hexLength[algorithm]))
						})
					}
				}
				slices.Reverse(members) // images first
				alone := onboarding.Pipeline{Limits: csar.Limits{Memory: 128 << 10}}
				report, err := alone.Validate(t.Context(), stream(onboardingtest.Bytes(container, members)), onboarding.Options{})
				if err != nil {
					t.Fatal(err)
				}
				wantStatus(t, report, onboarding.Rejected)
				wantFinding(t, report, onboarding.CodeImageChecksum)
			})
		}
	}
}

var hexLength = map[string]int{"md5": 32, "sha-224": 56, "sha-256": 64, "sha-384": 96, "sha-512": 128}

func TestAStubInThePlaceOfAnImageIsOnlyWarnedOf(t *testing.T) {
	members := replace(firewall(diskImage(1)), "images/firewall-image", func(string) string { return "put the image here" })
	var alone onboarding.Pipeline
	report, err := alone.Validate(t.Context(), stream(onboardingtest.Bytes(onboardingtest.Tar, members)), onboarding.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, report, onboarding.Valid)
	if f := wantFinding(t, report, onboarding.CodeImageFormat); f.Severity != tosca.Warning {
		t.Errorf("finding is %s", f)
	}
}

func TestEveryCodeIsDocumentedOnce(t *testing.T) {
	var codes []tosca.Code
	for _, info := range onboarding.Codes() {
		if info.Meaning == "" || info.Cure == "" {
			t.Errorf("code %s has no meaning or cure", info.Code)
		}
		codes = append(codes, info.Code)
	}
	if diff := cmp.Diff(slices.Compact(slices.Sorted(slices.Values(codes))), codes); diff != "" {
		t.Errorf("codes are not sorted and unique (-want +got):\n%s", diff)
	}
}

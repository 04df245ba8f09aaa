package vnfpkg_test

import (
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

func TestAPackageOfEveryContainerIsOnboarded(t *testing.T) {
	for _, container := range onboardingtest.Containers() {
		for _, followers := range []int{0, 1} {
			t.Run(string(container), func(t *testing.T) {
				s := newServer(t, options{Config: vnfpkg.Config{Keep: true, Followers: followers}})
				data := archive(container, "firewall", 1)
				r := s.onboard(t, vnfpkg.NewResource{}, data)
				if r.SHA256 != digest(data) || r.Size != int64(len(data)) || r.Operational != vnfpkg.Enabled || !r.Kept {
					t.Errorf("got %+v", r)
				}
				if r.Package == nil || r.Package.ID != r.ID || r.Package.Name != "firewall" {
					t.Errorf("package %+v", r.Package)
				}
				s.wantArchives(t, r.ID)
				s.wantTidy(t)
			})
		}
	}
}

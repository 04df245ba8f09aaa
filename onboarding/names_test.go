package onboarding_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
)

func TestTheSameBytesAreStoredOnce(t *testing.T) {
	h := newHarness(t)
	image := diskImage(1)
	h.mustOnboard(t, firewall(image))
	first := h.image(t, "firewall-image")
	tests := []struct {
		name    string
		project string
		image   string
	}{
		{"under the same name", "default", "firewall-image"},
		{"under another name", "default", "router-image"},
		{"in another project", "other", "firewall-image"},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			report := h.onboard(t, packageOf(fmt.Sprintf("package-%d", i), onboardingtest.Embed(test.image, image)), onboarding.Options{Project: test.project})
			wantStatus(t, report, onboarding.Onboarded)
			wantActions(t, report, map[string]onboarding.Action{test.image: onboarding.Reused})
			want, got := h.Repository.Location(first.ID), h.Repository.Location(report.Images[0].ID)
			if inode(t, want) != inode(t, got) {
				t.Errorf("%s is another file than %s", got, want)
			}
		})
	}
	if s := h.state(t); s.Files != 3 || len(s.Litter) > 0 {
		t.Errorf("the folder has %d image files, not 3, and %v", s.Files, s.Litter)
	}
}

func TestAFileOfAPackageMayHaveTwoNames(t *testing.T) {
	h := newHarness(t)
	image := diskImage(1)
	members := onboardingtest.SOL004(onboardingtest.Spec{Name: "firewall", Images: []onboardingtest.SoftwareImage{
		onboardingtest.Embed("one", image), onboardingtest.Embed("two", image)}})
	for i, m := range members {
		if strings.HasSuffix(m.Path, ".yaml") {
			members = replace(members, m.Path, func(s string) string { return strings.ReplaceAll(s, "images/two", "images/one") })
		}
		if strings.HasSuffix(m.Path, "images/two") {
			members = append(members[:i:i], members[i+1:]...)
		}
	}
	wantStatus(t, h.onboardBytes(t, onboardingtest.Bytes(onboardingtest.Zip, members), onboarding.Options{}), onboarding.Onboarded)
	one, two := h.image(t, "one"), h.image(t, "two")
	if one.ID == two.ID || inode(t, h.Repository.Location(one.ID)) != inode(t, h.Repository.Location(two.ID)) {
		t.Errorf("images %s and %s do not share a file", one.ID, two.ID)
	}
	h.wantState(t, state{
		Packages: map[string][]string{"default gangway/firewall 1.0": {"one", "two"}},
		Images:   map[string]string{"default/one": image.SHA256(), "default/two": image.SHA256()},
		Files:    2,
	})
}

// Open Baton reported a package with a taken name and other bytes as onboarded.
func TestANameThatBelongsToOtherBytesRefusesThePackage(t *testing.T) {
	h := newHarness(t)
	h.mustOnboard(t, firewall(diskImage(1)))
	before := h.state(t)
	report := h.onboard(t, packageOf("router", onboardingtest.Embed("own", diskImage(3)), onboardingtest.Embed("firewall-image", diskImage(2))), onboarding.Options{})
	wantStatus(t, report, onboarding.Rejected)
	f := wantFinding(t, report, onboarding.CodeImageNameTaken)
	if f.Expected != "sha256:"+diskImage(1).SHA256() || f.Found != "sha256:"+diskImage(2).SHA256() {
		t.Errorf("expected %s, found %s", f.Expected, f.Found)
	}
	if !strings.Contains(f.Message, "gangway/firewall 1.0") || f.File != "Metadata.yaml" || f.Line == 0 {
		t.Errorf("finding is %s", f)
	}
	h.wantState(t, before)
}

func TestKeepOnboardsThePackageWithTheImageThatIsThere(t *testing.T) {
	h := newHarness(t)
	h.mustOnboard(t, firewall(diskImage(1)))
	router := packageOf("router", onboardingtest.Embed("own", diskImage(3)), onboardingtest.Embed("firewall-image", diskImage(2)))
	report := h.onboard(t, router, onboarding.Options{OnConflict: onboarding.Keep})
	wantStatus(t, report, onboarding.Onboarded)
	wantActions(t, report, map[string]onboarding.Action{"own": onboarding.Stored, "firewall-image": onboarding.Kept})
	if f := wantFinding(t, report, onboarding.CodeImageNameKept); f.Severity != "warning" {
		t.Errorf("finding is %s", f)
	}
	want := state{
		Packages: map[string][]string{"default gangway/firewall 1.0": {"firewall-image"}, "default gangway/router 1.0": {"firewall-image", "own"}},
		Images:   map[string]string{"default/firewall-image": diskImage(1).SHA256(), "default/own": diskImage(3).SHA256()},
		Files:    2,
	}
	h.wantState(t, want)
	for _, img := range report.Images {
		if img.Name == "firewall-image" && (img.ID != h.image(t, "firewall-image").ID || img.Digests["sha256"] != diskImage(1).SHA256()) {
			t.Errorf("the report tells %+v of the image that was kept", img)
		}
	}

	// It was decided then; a package that is there stays as it is.
	for _, policy := range []onboarding.Conflict{onboarding.Keep, onboarding.Reject} {
		t.Run("again with "+string(policy), func(t *testing.T) {
			report := h.onboard(t, router, onboarding.Options{OnConflict: policy})
			wantStatus(t, report, onboarding.Unchanged)
			wantActions(t, report, map[string]onboarding.Action{"own": onboarding.Reused, "firewall-image": onboarding.Kept})
			wantFinding(t, report, onboarding.CodeImageNameKept)
			h.wantState(t, want)
		})
	}
}

func TestAPackageOfTheSameNameWithOtherContentIsRefused(t *testing.T) {
	h := newHarness(t)
	h.mustOnboard(t, firewall(diskImage(1)))
	before := h.state(t)
	changed := replace(firewall(diskImage(1)), "scripts/install.sh", func(s string) string { return s + "# changed\n" })
	report := h.onboard(t, changed, onboarding.Options{OnConflict: onboarding.Keep})
	wantStatus(t, report, onboarding.Rejected)
	wantFinding(t, report, onboarding.CodePackageExists)
	h.wantState(t, before)
}

// Open Baton checked names and inserted then, and both could win.
func TestOfConcurrentOnboardingsOfOneNameExactlyOneWins(t *testing.T) {
	h := newHarness(t)
	const n = 6
	for round, policy := range []onboarding.Conflict{onboarding.Reject, onboarding.Keep} {
		t.Run(string(policy), func(t *testing.T) {
			reports := concurrently(n, func(i int) onboarding.Report {
				data := onboardingtest.Bytes(onboardingtest.Tar, packageOf(fmt.Sprintf("package-%d", i), onboardingtest.Embed("contested", diskImage(uint64(n*round+i)))))
				report, _ := h.Onboard(t.Context(), stream(data), onboarding.Options{Project: string(policy), OnConflict: policy})
				return report
			})
			var winner string
			got := map[onboarding.Status]int{}
			for _, report := range reports {
				got[report.Status]++
				if report.Status == onboarding.Onboarded && actions(report)["contested"] == onboarding.Stored {
					if winner != "" {
						t.Error("two onboardings stored the image")
					}
					winner = report.Images[0].Digests["sha256"]
				}
			}
			want := map[onboarding.Status]int{onboarding.Onboarded: 1, onboarding.Rejected: n - 1}
			if policy == onboarding.Keep {
				want = map[onboarding.Status]int{onboarding.Onboarded: n}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			s := h.state(t)
			if s.Images[string(policy)+"/contested"] != winner || len(s.Litter) > 0 {
				t.Errorf("state is %+v, and %s won", s, winner)
			}
		})
	}
}

func TestOfConcurrentOnboardingsOfOnePackageOneStoresIt(t *testing.T) {
	h := newHarness(t)
	data := onboardingtest.Bytes(onboardingtest.Tar, firewall(diskImage(1)))
	reports := concurrently(4, func(int) onboarding.Report {
		report, _ := h.Onboard(t.Context(), stream(data), onboarding.Options{})
		return report
	})
	got := map[onboarding.Status]int{}
	for _, report := range reports {
		got[report.Status]++
	}
	if diff := cmp.Diff(map[onboarding.Status]int{onboarding.Onboarded: 1, onboarding.Unchanged: 3}, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	h.wantState(t, state{
		Packages: map[string][]string{"default gangway/firewall 1.0": {"firewall-image"}},
		Images:   map[string]string{"default/firewall-image": diskImage(1).SHA256()},
		Files:    1,
	})
}

func concurrently(n int, run func(i int) onboarding.Report) []onboarding.Report {
	reports := make([]onboarding.Report, n)
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() { reports[i] = run(i) })
	}
	running.Wait()
	return reports
}

// Open Baton left the images of deleted packages.
func TestDeletingAPackageTakesTheImagesThatOnlyItUses(t *testing.T) {
	h := newHarness(t)
	shared := onboardingtest.Embed("shared", diskImage(1))
	firewall := h.mustOnboard(t, packageOf("firewall", shared, onboardingtest.Embed("own", diskImage(2))))
	router := h.mustOnboard(t, packageOf("router", shared))
	if _, _, err := h.Repository.DeletePackage(t.Context(), firewall.Package.ID, false); err != nil {
		t.Fatal(err)
	}
	h.wantState(t, state{
		Packages: map[string][]string{"default gangway/router 1.0": {"shared"}},
		Images:   map[string]string{"default/shared": diskImage(1).SHA256()},
		Files:    1,
	})
	if _, _, err := h.Repository.DeletePackage(t.Context(), router.Package.ID, false); err != nil {
		t.Fatal(err)
	}
	h.wantState(t, state{Packages: map[string][]string{}, Images: map[string]string{}})
	// What is gone can come again.
	h.mustOnboard(t, packageOf("firewall", shared, onboardingtest.Embed("own", diskImage(2))))
}

func TestOnboardingAgainRestoresAnImageThatWasDeletedByForce(t *testing.T) {
	h := newHarness(t)
	members := packageOf("firewall", onboardingtest.Embed("one", diskImage(1)), onboardingtest.Embed("two", diskImage(2)))
	first := h.mustOnboard(t, members)
	whole := h.state(t)
	if _, err := h.Repository.DeleteImage(t.Context(), h.image(t, "two").ID, true); err != nil {
		t.Fatal(err)
	}
	dry := h.onboard(t, members, onboarding.Options{DryRun: true})
	wantStatus(t, dry, onboarding.Valid)
	report := h.onboard(t, members, onboarding.Options{})
	wantStatus(t, report, onboarding.Onboarded)
	wantActions(t, report, map[string]onboarding.Action{"one": onboarding.Reused, "two": onboarding.Stored})
	if report.Package.ID != first.Package.ID {
		t.Errorf("the package is now %s, was %s", report.Package.ID, first.Package.ID)
	}
	h.wantState(t, whole)
	wantStatus(t, h.onboard(t, members, onboarding.Options{}), onboarding.Unchanged)
}

func TestOnboardingAgainTakesAnImageOfAnotherPackageInThePlaceOfOneThatWasDeletedByForce(t *testing.T) {
	h := newHarness(t)
	image := onboardingtest.Embed("shared", diskImage(1))
	h.mustOnboard(t, packageOf("firewall", image))
	if _, err := h.Repository.DeleteImage(t.Context(), h.image(t, "shared").ID, true); err != nil {
		t.Fatal(err)
	}
	router := h.mustOnboard(t, packageOf("router", image))
	wantStatus(t, h.onboard(t, packageOf("firewall", image), onboarding.Options{}), onboarding.Onboarded)
	if _, _, err := h.Repository.DeletePackage(t.Context(), router.Package.ID, false); err != nil {
		t.Fatal(err)
	}
	h.wantState(t, state{
		Packages: map[string][]string{"default gangway/firewall 1.0": {"shared"}},
		Images:   map[string]string{"default/shared": diskImage(1).SHA256()},
		Files:    1,
	})
}

func TestAnImageThatIsDeletedWhileAPackageComesIsStoredWithIt(t *testing.T) {
	h := newHarness(t)
	image := diskImage(1)
	firewall := onboardingtest.Bytes(onboardingtest.Tar, packageOf("firewall", onboardingtest.Embed("shared", image)))
	router := onboardingtest.Bytes(onboardingtest.Tar, packageOf("router", onboardingtest.Embed("shared", image)))
	for range 10 {
		first := h.onboardBytes(t, firewall, onboarding.Options{})
		var running sync.WaitGroup
		running.Go(func() {
			if _, _, err := h.Repository.DeletePackage(t.Context(), first.Package.ID, false); err != nil {
				t.Error(err)
			}
		})
		second := h.onboardBytes(t, router, onboarding.Options{})
		running.Wait()
		wantStatus(t, second, onboarding.Onboarded)
		h.wantState(t, state{
			Packages: map[string][]string{"default gangway/router 1.0": {"shared"}},
			Images:   map[string]string{"default/shared": image.SHA256()},
			Files:    1,
		})
		if _, _, err := h.Repository.DeletePackage(t.Context(), second.Package.ID, false); err != nil {
			t.Fatal(err)
		}
	}
}

package onboarding_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/tosca"
)

func (h *harness) add(t *testing.T, d tosca.ImageDescription, image onboardingtest.Image, opts onboarding.Options) onboarding.Report {
	t.Helper()
	req := onboarding.AddRequest{Description: d, Size: -1, Options: opts}
	if d.URL == "" {
		req.Content = image.Reader()
	}
	report, err := h.Add(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestAddStoresAnImageWithoutAPackage(t *testing.T) {
	h, origin := newHarness(t), newOrigin(t)
	url := origin.Serve("/image.qcow2", origintest.Plain(content(diskImage(1))))
	for name, d := range map[string]tosca.ImageDescription{
		"from a file": {Name: "file", MinRAM: 64},
		"from a URL":  {Name: "url", URL: url, MinRAM: 64},
	} {
		t.Run(name, func(t *testing.T) {
			report := h.add(t, d, diskImage(1), onboarding.Options{})
			wantStatus(t, report, onboarding.Onboarded)
			img := h.image(t, d.Name)
			if img.ID != report.Images[0].ID || img.SHA256() != diskImage(1).SHA256() || !img.Manual || img.MinRAM != 64 ||
				img.DiskFormat != "qcow2" || img.ContainerFormat != "bare" || img.Source.URL != d.URL {
				t.Errorf("image is %+v, the report %+v", img, report)
			}
			before := h.state(t)
			wantStatus(t, h.add(t, d, diskImage(1), onboarding.Options{}), onboarding.Unchanged)
			h.wantState(t, before)
		})
	}
}

func TestAddRefusesWhatAPackageMayNotBring(t *testing.T) {
	h := newHarness(t)
	h.mustOnboard(t, firewall(diskImage(1)))
	before := h.state(t)
	tests := []struct {
		name  string
		d     tosca.ImageDescription
		image onboardingtest.Image
		code  tosca.Code
	}{
		{"a name that belongs to other bytes", tosca.ImageDescription{Name: "firewall-image"}, diskImage(2), onboarding.CodeImageNameTaken},
		{"another digest than stated", tosca.ImageDescription{Name: "new", Digests: map[string]string{"sha512": strings.Repeat("0", 128)}}, diskImage(2), onboarding.CodeImageChecksum},
		{"another format than stated", tosca.ImageDescription{Name: "new", DiskFormat: "vmdk"}, diskImage(2), onboarding.CodeImageFormat},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			report := h.add(t, test.d, test.image, onboarding.Options{})
			wantStatus(t, report, onboarding.Rejected)
			wantFinding(t, report, test.code)
			h.wantState(t, before)
		})
	}
	report := h.add(t, tosca.ImageDescription{Name: "firewall-image"}, diskImage(2), onboarding.Options{OnConflict: onboarding.Keep})
	wantStatus(t, report, onboarding.Unchanged)
	wantActions(t, report, map[string]onboarding.Action{"firewall-image": onboarding.Kept})
	h.wantState(t, before)
}

func TestAnImageThatChangesWhileItIsFetchedIsCountedOnce(t *testing.T) {
	h, origin := newHarness(t), newOrigin(t)
	first, second := make([]byte, 700<<10), make([]byte, 800<<10)
	second[0] = 1
	changes := origintest.DoAfter(600<<10, func(*http.Request) { origin.Serve("/image.raw", origintest.Plain(second)) })
	url := origin.Serve("/image.raw", origintest.Plain(first, changes))
	var most int64
	report, err := h.Add(t.Context(), onboarding.AddRequest{Description: tosca.ImageDescription{Name: "image", URL: url},
		Spend: func(total int64) error { most = max(most, total); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, report, onboarding.Onboarded)
	if size := int64(len(second)); report.Images[0].Size != size || most != size {
		t.Errorf("%d bytes were spent on an image of %d", most, report.Images[0].Size)
	}
}

func TestAddDryRunStoresNothing(t *testing.T) {
	h := newHarness(t)
	before := h.state(t)
	report := h.add(t, tosca.ImageDescription{Name: "new"}, diskImage(1), onboarding.Options{DryRun: true})
	wantStatus(t, report, onboarding.Valid)
	wantActions(t, report, map[string]onboarding.Action{"new": onboarding.Stored})
	h.wantState(t, before)
}

func TestAReferenceIsNotAddedWithADigestThatNobodyWouldCompare(t *testing.T) {
	h := newHarness(t)
	before := h.state(t)
	_, err := h.Add(t.Context(), onboarding.AddRequest{Options: onboarding.Options{Images: onboarding.Reference}, Description: tosca.ImageDescription{
		Name: "new", URL: "https://example.org/image.qcow2", Digests: map[string]string{"sha256": strings.Repeat("0", 64)}}})
	if err == nil {
		t.Error("no error")
	}
	h.wantState(t, before)
}

func TestAnImageThatAUserAddedOutlivesThePackagesThatUseIt(t *testing.T) {
	h := newHarness(t)
	h.add(t, tosca.ImageDescription{Name: "firewall-image"}, diskImage(1), onboarding.Options{})
	before := h.state(t)
	report := h.mustOnboard(t, firewall(diskImage(1)))
	wantActions(t, report, map[string]onboarding.Action{"firewall-image": onboarding.Reused})
	if _, _, err := h.Repository.DeletePackage(t.Context(), report.Package.ID, false); err != nil {
		t.Fatal(err)
	}
	h.wantState(t, before)
}

func TestAnImageOfAPackageThatAUserAddsTooOutlivesThePackage(t *testing.T) {
	url := newOrigin(t).Serve("/image.qcow2", origintest.Plain(content(diskImage(1))))
	for name, test := range map[string]struct {
		brought onboardingtest.SoftwareImage
		images  onboarding.URLImages
		added   tosca.ImageDescription
		as      onboarding.Status
		stored  string
	}{
		"the same bytes":      {onboardingtest.Embed("image", diskImage(1)), "", tosca.ImageDescription{Name: "image"}, onboarding.Unchanged, diskImage(1).SHA256()},
		"the same URL":        {onboardingtest.Link("image", url), "", tosca.ImageDescription{Name: "image", URL: url}, onboarding.Unchanged, diskImage(1).SHA256()},
		"the same reference":  {onboardingtest.Link("image", url), onboarding.Reference, tosca.ImageDescription{Name: "image", URL: url}, onboarding.Unchanged, ""},
		"a reference's bytes": {onboardingtest.Link("image", url), onboarding.Reference, tosca.ImageDescription{Name: "image", URL: url}, onboarding.Onboarded, diskImage(1).SHA256()},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			brought := h.onboard(t, packageOf("firewall", test.brought), onboarding.Options{Images: test.images})
			wantStatus(t, brought, onboarding.Onboarded)
			opts := onboarding.Options{Images: test.images}
			if test.as == onboarding.Onboarded {
				opts.Images = onboarding.Fetch
			}
			dry := opts
			dry.DryRun = true
			h.add(t, test.added, diskImage(1), dry)
			if h.image(t, "image").Manual {
				t.Error("a dry run makes it the user's own")
			}
			report := h.add(t, test.added, diskImage(1), opts)
			wantStatus(t, report, test.as)
			if img := h.image(t, "image"); !img.Manual || img.ID != brought.Images[0].ID || report.Images[0].ID != img.ID {
				t.Errorf("image is %+v, the report %+v", img, report)
			}
			if _, _, err := h.Repository.DeletePackage(t.Context(), brought.Package.ID, false); err != nil {
				t.Fatal(err)
			}
			if got := h.image(t, "image").SHA256(); got != test.stored {
				t.Errorf("digest is %q, want %q", got, test.stored)
			}
		})
	}
}

func TestAnImageThatIsKeptAgainstAUserIsNotTheUsers(t *testing.T) {
	h := newHarness(t)
	h.mustOnboard(t, firewall(diskImage(1)))
	h.add(t, tosca.ImageDescription{Name: "firewall-image"}, diskImage(2), onboarding.Options{OnConflict: onboarding.Keep})
	if h.image(t, "firewall-image").Manual {
		t.Error("other bytes make it the user's own")
	}
}

func TestOnboardingHealsAFileThatWentBad(t *testing.T) {
	h := newHarness(t)
	h.mustOnboard(t, firewall(diskImage(1)))
	whole := h.state(t)
	damage(t, h.Repository.Location(h.image(t, "firewall-image").ID))
	wantStatus(t, h.onboard(t, firewall(diskImage(1)), onboarding.Options{}), onboarding.Unchanged)
	h.wantState(t, whole)
}

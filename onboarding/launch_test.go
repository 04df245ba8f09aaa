package onboarding_test

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/tosca"
	"github.com/gangway-nfv/gangway/vim"
)

func (h *harness) launch(t *testing.T, pkg string, options vim.Options, clouds ...vim.Cloud) onboarding.LaunchReport {
	t.Helper()
	report, err := h.Launch(t.Context(), onboarding.LaunchRequest{Package: pkg, VIMs: clouds, Options: options})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func sha512Of(image onboardingtest.Image) string {
	sum := sha512.Sum512(content(image))
	return "sha512:" + hex.EncodeToString(sum[:])
}

func TestALaunchGivesAVIMWhatItLacks(t *testing.T) {
	h := newHarness(t)
	public := onboardingtest.Embed("own", diskImage(1))
	public.Public, public.MinDisk, public.MinRAM = true, 3, 64
	pkg := h.mustOnboard(t, onboardingtest.SOL004(onboardingtest.Spec{Name: "firewall", Images: []onboardingtest.SoftwareImage{
		public, {Name: "cirros"}}})).Package
	there := vim.Image{ID: "cirros-id", Name: "cirros", Status: vim.Active, Size: 7, HashAlgorithm: "sha512", HashValue: "aa"}
	one, two := &cloud{name: "one", images: []vim.Image{there}}, &cloud{name: "two", images: []vim.Image{there}}

	plan := h.launch(t, "firewall", vim.Options{DryRun: true}, one, two)
	if got := plan.VIMs[0].VDUs[0].Image; got.Action != vim.Planned || got.ID != "" {
		t.Errorf("the plan for the first VDU is %+v", got)
	}
	if len(one.images) != 1 {
		t.Errorf("a dry run left %d images on the VIM", len(one.images))
	}

	report := h.launch(t, "firewall", vim.Options{}, one, two)
	uploaded := one.images[1].ID
	onVIM := func(name string) onboarding.VIMReport {
		return onboarding.VIMReport{VIM: name, VDUs: []onboarding.VDUReport{
			{Name: "vdu_1", Image: onboarding.VDUImage{ID: uploaded, Name: "own", Size: 384 << 10, Action: vim.Uploaded, Verified: true, Digest: sha512Of(diskImage(1))}},
			{Name: "vdu_2", Image: onboarding.VDUImage{ID: "cirros-id", Name: "cirros", Size: 7, Action: vim.Present, Digest: "sha512:aa"}},
		}}
	}
	want := onboarding.LaunchReport{
		Package: pkg,
		VIMs:    []onboarding.VIMReport{onVIM("one"), onVIM("two")},
		VIMAssets: onboarding.VIMAssets{SoftwareImages: []onboarding.SoftwareImage{
			{VIMConnectionID: "one", VNFDSoftwareImageID: "vdu_1", VIMSoftwareImageID: uploaded},
			{VIMConnectionID: "one", VNFDSoftwareImageID: "vdu_2", VIMSoftwareImageID: "cirros-id"},
			{VIMConnectionID: "two", VNFDSoftwareImageID: "vdu_1", VIMSoftwareImageID: uploaded},
			{VIMConnectionID: "two", VNFDSoftwareImageID: "vdu_2", VIMSoftwareImageID: "cirros-id"},
		}},
	}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	img := h.image(t, "own")
	record := one.records[uploaded]
	if record.Name != "own" || record.DiskFormat != "qcow2" || record.MinDisk != 3 || record.MinRAM != 64 ||
		record.Mark.ImageID != img.ID || record.Mark.SHA256 != img.SHA256() || !strings.Contains(record.Mark.Package, "firewall") {
		t.Errorf("record on the VIM is %+v", record)
	}
	if img.Digests["sha512"] == "" {
		t.Error("the digest that the upload computed was not kept")
	}

	again := h.launch(t, "firewall", vim.Options{}, one, two)
	if got := again.VIMs[1].VDUs[0].Image; got.Action != vim.Present || got.ID != uploaded || !got.Verified {
		t.Errorf("the second launch says %+v", got)
	}
}

func TestALaunchWithoutAPackageTakesVDUsThatAreWrittenOut(t *testing.T) {
	h := newHarness(t)
	h.mustOnboard(t, firewall(diskImage(1)))
	on := &cloud{name: "one", images: []vim.Image{{ID: "cirros-id", Name: "cirros", Status: vim.Active, Size: 7, HashAlgorithm: "sha512", HashValue: "aa"}}}
	report, err := h.Launch(t.Context(), onboarding.LaunchRequest{VIMs: []vim.Cloud{on}, VDUs: []tosca.VDU{
		{Name: "any", Images: []string{"nowhere", "cirros"}},
		{Name: "ours", SoftwareImageID: "sw_image", Images: []string{h.image(t, "firewall-image").ID}},
		{Name: "none"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	uploaded := on.images[1].ID
	want := onboarding.LaunchReport{
		VIMs: []onboarding.VIMReport{{VIM: "one", VDUs: []onboarding.VDUReport{
			{Name: "any", Image: onboarding.VDUImage{ID: "cirros-id", Name: "cirros", Size: 7, Action: vim.Present, Digest: "sha512:aa"}},
			{Name: "ours", Image: onboarding.VDUImage{ID: uploaded, Name: "firewall-image", Size: 384 << 10, Action: vim.Uploaded, Verified: true, Digest: sha512Of(diskImage(1))}},
		}}},
		VIMAssets: onboarding.VIMAssets{SoftwareImages: []onboarding.SoftwareImage{
			{VIMConnectionID: "one", VNFDSoftwareImageID: "nowhere", VIMSoftwareImageID: "cirros-id"},
			{VIMConnectionID: "one", VNFDSoftwareImageID: "sw_image", VIMSoftwareImageID: uploaded},
		}},
	}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestLocate(t *testing.T) {
	h := newHarness(t)
	h.mustOnboard(t, firewall(diskImage(1)))
	img := h.image(t, "firewall-image")
	digest := strings.TrimPrefix(sha512Of(diskImage(1)), "sha512:")
	has := vim.Image{ID: "id-1", Name: "other-name", Status: vim.Active, Size: img.Size, DiskFormat: img.DiskFormat, ContainerFormat: img.ContainerFormat,
		HashAlgorithm: "sha512", HashValue: digest}
	namesake := has
	namesake.Name, namesake.HashValue = img.Name, "00"
	launched := &cloud{name: "launched"}
	h.launch(t, "firewall", vim.Options{}, launched)
	coming := launched.images[0]
	coming.Status = vim.Saving
	got, err := h.Locate(t.Context(), img, []vim.Cloud{
		&cloud{name: "has", images: []vim.Image{has}},
		&cloud{name: "has a namesake", images: []vim.Image{namesake}},
		&cloud{name: "will have", images: []vim.Image{coming}},
		&cloud{name: "is down", down: errors.New("no answer")},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []onboarding.Location{
		{VIM: "has", Presence: onboarding.There, ID: "id-1", Name: "other-name"},
		{VIM: "has a namesake", Presence: onboarding.Absent},
		{VIM: "will have", Presence: onboarding.Coming, ID: coming.ID, Name: img.Name},
		{VIM: "is down", Presence: onboarding.Unknown, Error: "vim is down: list images: no answer"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("locations (-want +got):\n%s", diff)
	}
}

// strict is a cloud that refuses to show single images.
type strict struct{ *cloud }

func (strict) Image(context.Context, string) (vim.Image, error) {
	return vim.Image{}, errors.New("none of your business")
}

func TestCompareOfAnImageWhoseNameCannotBeLookedUp(t *testing.T) {
	h := newHarness(t)
	h.mustOnboard(t, firewall(diskImage(1)))
	absent := h.image(t, "firewall-image")
	odd := absent
	odd.Name = "0195a1de-0000-7000-8000-000000000000" // so that it may be an ID
	got, err := h.Compare(t.Context(), strict{&cloud{name: "strict"}}, []imagerepo.Image{absent, odd})
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Presence != onboarding.Absent {
		t.Errorf("an image that is not listed is %+v", got[0])
	}
	if got[1].Presence != onboarding.Unknown || !strings.Contains(got[1].Detail, "none of your business") {
		t.Errorf("what the VIM refuses to tell is %+v", got[1])
	}
}

// Open Baton uploaded in the background and printed what went wrong.
func TestALaunchTellsWhatWentWrong(t *testing.T) {
	h := newHarness(t)
	h.mustOnboard(t, firewall(diskImage(1)))
	refused := &vim.RefusedError{VIM: "broken", By: vim.ByQuota, Message: "no room"}
	good, broken := &cloud{name: "good"}, &cloud{name: "broken", broken: refused}
	report, err := h.Launch(t.Context(), onboarding.LaunchRequest{Package: "firewall", VIMs: []vim.Cloud{good, broken}})
	if !errors.Is(err, refused) {
		t.Errorf("error is %v", err)
	}
	if got := report.VIMs[0].VDUs[0]; got.Image.Action != vim.Uploaded || got.Error != "" {
		t.Errorf("on the good VIM: %+v", got)
	}
	if got := report.VIMs[1].VDUs[0]; !strings.Contains(got.Error, "no room") {
		t.Errorf("on the broken VIM: %+v", got)
	}
	if got := report.VIMAssets.SoftwareImages; len(got) != 1 || got[0].VIMConnectionID != "good" {
		t.Errorf("software images are %+v", got)
	}
	if len(broken.images) > 0 {
		t.Errorf("left on the VIM: %+v", broken.images)
	}
}

func TestALaunchWithoutAnImageSaysWhatIsMissing(t *testing.T) {
	h := newHarness(t)
	h.mustOnboard(t, packageOf("firewall")) // expects cirros on the VIM
	report, err := h.Launch(t.Context(), onboarding.LaunchRequest{Package: "firewall", VIMs: []vim.Cloud{&cloud{name: "empty"}}})
	var missing *vim.MissingError
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), "cirros") {
		t.Errorf("error is %v", err)
	}
	if got := report.VIMs[0].VDUs[0]; got.Image.Action != vim.Missing || got.Error == "" {
		t.Errorf("report is %+v", got)
	}
}

func TestTheFirstLaunchPinsAReference(t *testing.T) {
	h, origin := newHarness(t), newOrigin(t)
	url := origin.Serve("/image.qcow2", origintest.Plain(content(diskImage(1))))
	wantStatus(t, h.onboard(t, packageOf("firewall", onboardingtest.Link("firewall-image", url)), onboarding.Options{Images: onboarding.Reference}), onboarding.Onboarded)
	h.launch(t, "firewall", vim.Options{DryRun: true}, &cloud{name: "plan"})
	if n := len(origin.Requests()); n > 0 {
		t.Errorf("a plan made %d requests", n)
	}
	report := h.launch(t, "firewall", vim.Options{}, &cloud{name: "one"}, &cloud{name: "two"})
	for _, on := range report.VIMs {
		if got := on.VDUs[0].Image; got.Action != vim.Uploaded || got.Digest != sha512Of(diskImage(1)) {
			t.Errorf("on %s: %+v", on.VIM, got)
		}
	}
	img := h.image(t, "firewall-image")
	if img.SHA256() != diskImage(1).SHA256() || img.Source.ETag == "" {
		t.Errorf("image is %+v", img)
	}
	if litter := h.state(t).Litter; len(litter) > 0 {
		t.Errorf("left behind: %v", litter)
	}

	// From now on it is what it was, whatever the origin has.
	origin.Serve("/image.qcow2", origintest.Plain(content(diskImage(2))))
	sent := origin.Sent()
	three := &cloud{name: "three"}
	if got := h.launch(t, "firewall", vim.Options{}, three).VIMs[0].VDUs[0].Image; got.Digest != sha512Of(diskImage(1)) {
		t.Errorf("the next launch gave %+v", got)
	}
	if origin.Sent() != sent {
		t.Error("the image was fetched again")
	}
}

func TestConcurrentLaunchesPinAReferenceToOneContent(t *testing.T) {
	h, origin := newHarness(t), newOrigin(t)
	url := origin.Serve("/image.qcow2", origintest.Plain(content(diskImage(1))))
	wantStatus(t, h.onboard(t, packageOf("firewall", onboardingtest.Link("firewall-image", url)), onboarding.Options{Images: onboarding.Reference}), onboarding.Onboarded)
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			if _, err := h.Launch(t.Context(), onboarding.LaunchRequest{Package: "firewall", VIMs: []vim.Cloud{&cloud{name: "own"}}}); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	h.wantState(t, state{
		Packages: map[string][]string{"default gangway/firewall 1.0": {"firewall-image"}},
		Images:   map[string]string{"default/firewall-image": diskImage(1).SHA256()},
		Files:    1,
	})
}

func TestALaunchThatIsOvertakenTakesWhatWasPinned(t *testing.T) {
	h, origin := newHarness(t), newOrigin(t)
	var members []onboardingtest.Member
	changed := origintest.Plain(content(diskImage(2)), func(w http.ResponseWriter, r *http.Request, f origintest.File) {
		// While the launch fetches, an onboarding gets the content of before.
		origin.Serve("/image.qcow2", origintest.Plain(content(diskImage(1))))
		if _, err := h.Onboard(t.Context(), stream(onboardingtest.Bytes(onboardingtest.Tar, members)), onboarding.Options{}); err != nil {
			t.Error(err)
		}
		origintest.Good(w, r, f)
	})
	members = packageOf("firewall", onboardingtest.Link("firewall-image", origin.Serve("/image.qcow2", changed)))
	wantStatus(t, h.onboard(t, members, onboarding.Options{Images: onboarding.Reference}), onboarding.Onboarded)
	if got := h.launch(t, "firewall", vim.Options{}, &cloud{name: "one"}).VIMs[0].VDUs[0].Image; got.Digest != sha512Of(diskImage(1)) {
		t.Errorf("image is %+v", got)
	}
	if litter := h.state(t).Litter; len(litter) > 0 {
		t.Errorf("left behind: %v", litter)
	}
}

func TestAReferenceIsNotPinnedToBytesThatTheDescriptionDenies(t *testing.T) {
	h, origin := newHarness(t), newOrigin(t)
	url := origin.Serve("/image.qcow2", origintest.Plain(content(diskImage(1))))
	for name, edit := range map[string]func(*onboardingtest.SoftwareImage){
		"digest": func(s *onboardingtest.SoftwareImage) { s.SHA256 = strings.Repeat("0", 64) },
		"format": func(s *onboardingtest.SoftwareImage) { s.DiskFormat = "vmdk" },
	} {
		t.Run(name, func(t *testing.T) {
			linked := onboardingtest.Link(name, url)
			edit(&linked)
			wantStatus(t, h.onboard(t, onboardingtest.SOL004(onboardingtest.Spec{Name: name, Images: []onboardingtest.SoftwareImage{linked}}),
				onboarding.Options{Images: onboarding.Reference}), onboarding.Onboarded)
			before := h.state(t)
			on := &cloud{name: "one"}
			if _, err := h.Launch(t.Context(), onboarding.LaunchRequest{Package: name, VIMs: []vim.Cloud{on}}); err == nil {
				t.Error("no error")
			}
			if len(on.images) > 0 {
				t.Errorf("left on the VIM: %+v", on.images)
			}
			h.wantState(t, before)
		})
	}
}

func TestAPackageIsFoundByIDAndByItsNames(t *testing.T) {
	h := newHarness(t)
	build := func(vendor, name, version string) string {
		return h.mustOnboard(t, onboardingtest.OpenBatonTar(onboardingtest.Spec{Vendor: vendor, Name: name, Version: version})).Package.ID
	}
	firewall := build("acme", "firewall", "1.0")
	old, recent := build("acme", "router", "1.0"), build("acme", "router", "2.0")
	other := build("other", "router", "3.0")
	odd := build("a/b:c", "d/e:f", "1:0/rc")
	for called, want := range map[string]string{
		"firewall": firewall, "acme/firewall": firewall, "firewall:1.0": firewall, "acme/firewall:1.0": firewall, firewall: firewall,
		"router:1.0": old, "acme/router:2.0": recent, "other/router": other,
		"d/e:f": odd, "d/e:f:1:0/rc": odd, "a/b:c/d/e:f": odd, "a/b:c/d/e:f:1:0/rc": odd,
	} {
		got, err := h.FindPackage(t.Context(), onboarding.DefaultProject, called)
		if err != nil || got.ID != want || len(got.Record) == 0 {
			t.Errorf("%s is %s, not %s; error %v", called, got.ID, want, err)
		}
	}
	for _, called := range []string{"router", "acme/router"} {
		_, err := h.FindPackage(t.Context(), onboarding.DefaultProject, called)
		var ambiguous *onboarding.AmbiguousError
		if !errors.As(err, &ambiguous) || len(ambiguous.Found) < 2 {
			t.Errorf("%s: error is %v", called, err)
		}
	}
	for _, called := range []string{"", "nothing", "firewall:2.0", "other/firewall", imagerepo.NewID()} {
		if _, err := h.FindPackage(t.Context(), onboarding.DefaultProject, called); !errors.Is(err, imagerepo.ErrNotFound) {
			t.Errorf("%q: error is %v", called, err)
		}
	}
	if _, err := h.FindPackage(t.Context(), "elsewhere", firewall); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("a package of another project is found: %v", err)
	}
	if _, err := h.Launch(t.Context(), onboarding.LaunchRequest{Package: "nothing"}); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("launch: error is %v", err)
	}
}

func TestALaunchTakesTheImageThatWasKept(t *testing.T) {
	h := newHarness(t)
	h.mustOnboard(t, firewall(diskImage(1)))
	report := h.onboard(t, packageOf("router", onboardingtest.Embed("firewall-image", diskImage(2))), onboarding.Options{OnConflict: onboarding.Keep})
	wantStatus(t, report, onboarding.Onboarded)
	got := h.launch(t, "router", vim.Options{}, &cloud{name: "one"}).VIMs[0].VDUs[0].Image
	if got.Digest != sha512Of(diskImage(1)) {
		t.Errorf("image is %+v", got)
	}
}

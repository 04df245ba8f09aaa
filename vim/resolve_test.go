package vim_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gangway-nfv/gangway/vim"
)

func TestResolve(t *testing.T) {
	ours, other := store("vfw", 4000), store("other", 4000)
	longer := store("longer", 5000)
	ours.learned["md5"] = "d41d8c"
	const uuid = "0b7d8f0e-3a55-4a6b-8f26-6a4d6a3f2b11"
	named := func(img vim.Image, change func(*vim.Image)) vim.Image {
		change(&img)
		return img
	}
	mark := func(d string) string { return "sha512:" + d }
	refs := func(o *vim.Offer, names ...string) []vim.Alternative {
		var alts []vim.Alternative
		for _, n := range names {
			a := vim.Alternative{Ref: n}
			if o != nil && o.Name == n {
				a.Offer = o
			}
			alts = append(alts, a)
		}
		return alts
	}
	tests := []struct {
		name     string
		onVIM    []vim.Image
		want     []vim.Alternative
		require  bool
		result   vim.VDU
		warnings int
		digests  int // that had to be computed
	}{
		{
			name:    "an image of that name with our bytes is present and verified",
			onVIM:   []vim.Image{ours.on("i1", "vfw")},
			want:    refs(&ours.Offer, "vfw"),
			result:  vim.VDU{Action: vim.Present, ImageID: "i1", ImageName: "vfw", Size: ours.Size, Verified: true, Digest: mark(ours.sha512())},
			digests: 1,
		},
		{
			name:   "an image named by its ID is present",
			onVIM:  []vim.Image{other.on(uuid, "other")},
			want:   refs(nil, uuid),
			result: vim.VDU{Action: vim.Present, ImageID: uuid, ImageName: "other", Size: other.Size, Digest: mark(other.sha512())},
		},
		{
			name:   "an ID that the list lacks is looked up",
			onVIM:  []vim.Image{named(other.on(uuid, "other"), func(i *vim.Image) { i.Visibility = "community" })},
			want:   refs(nil, uuid),
			result: vim.VDU{Action: vim.Present, ImageID: uuid, ImageName: "other", Size: other.Size, Digest: mark(other.sha512())},
		},
		{
			name:     "an image of that name with other bytes is present with a warning",
			onVIM:    []vim.Image{other.on("i1", "vfw")},
			want:     refs(&ours.Offer, "vfw"),
			result:   vim.VDU{Action: vim.Present, ImageID: "i1", ImageName: "vfw", Size: other.Size, Digest: mark(other.sha512())},
			warnings: 1, digests: 1,
		},
		{
			name:     "no digest is computed where the sizes differ",
			onVIM:    []vim.Image{longer.on("i1", "vfw")},
			want:     refs(&ours.Offer, "vfw"),
			result:   vim.VDU{Action: vim.Present, ImageID: "i1", ImageName: "vfw", Size: longer.Size, Digest: mark(longer.sha512())},
			warnings: 1,
		},
		{
			name: "a null hash proves nothing",
			onVIM: []vim.Image{named(ours.on("i1", "vfw"), func(i *vim.Image) {
				i.HashAlgorithm, i.HashValue = "", ""
			})},
			want:     refs(&ours.Offer, "vfw"),
			result:   vim.VDU{Action: vim.Present, ImageID: "i1", ImageName: "vfw", Size: ours.Size},
			warnings: 1,
		},
		{
			name: "MD5 counts where there is no other hash",
			onVIM: []vim.Image{named(ours.on("i1", "vfw"), func(i *vim.Image) {
				i.HashAlgorithm, i.HashValue, i.MD5 = "", "", "d41d8c"
			})},
			want:   refs(&ours.Offer, "vfw"),
			result: vim.VDU{Action: vim.Present, ImageID: "i1", ImageName: "vfw", Size: ours.Size, Verified: true, Digest: "md5:d41d8c"},
		},
		{
			name: "a hash that cannot be computed leaves the image unverified",
			onVIM: []vim.Image{named(ours.on("i1", "vfw"), func(i *vim.Image) {
				i.HashAlgorithm, i.MD5 = "blake2b", "00"
			})},
			want:     refs(&ours.Offer, "vfw"),
			result:   vim.VDU{Action: vim.Present, ImageID: "i1", ImageName: "vfw", Size: ours.Size, Digest: "blake2b:" + ours.sha512()},
			warnings: 1,
		},
		{
			name:    "of several images of that name the one with our bytes is taken",
			onVIM:   []vim.Image{other.on("i1", "vfw"), ours.on("i2", "vfw"), other.on("i3", "vfw")},
			want:    refs(&ours.Offer, "vfw"),
			result:  vim.VDU{Action: vim.Present, ImageID: "i2", ImageName: "vfw", Size: ours.Size, Verified: true, Digest: mark(ours.sha512())},
			digests: 2,
		},
		{
			name: "of several images of unknown bytes the project's own and newest is taken, with a warning",
			onVIM: []vim.Image{
				named(other.on("i1", "base"), func(i *vim.Image) { i.CreatedAt = "2026-01-01T00:00:00Z" }),
				named(other.on("i2", "base"), func(i *vim.Image) { i.CreatedAt = "2026-02-01T00:00:00Z" }),
				named(other.on("i3", "base"), func(i *vim.Image) { i.CreatedAt = "2026-03-01T00:00:00Z"; i.Owner = "p2" }),
			},
			want:     refs(nil, "base"),
			result:   vim.VDU{Action: vim.Present, ImageID: "i2", ImageName: "base", Size: other.Size, Digest: mark(other.sha512())},
			warnings: 1,
		},
		{
			name:   "an upload of ours that is under way is joined",
			onVIM:  []vim.Image{ours.record(0, vim.Saving)},
			want:   refs(&ours.Offer, "vfw"),
			result: vim.VDU{Action: vim.Joined, ImageID: ours.record(0, "").ID, ImageName: "vfw", Size: ours.Size, Digest: "sha256:" + ours.SHA256},
		},
		{
			name:   "an upload of the same name without our mark is not joined",
			onVIM:  []vim.Image{named(ours.record(0, vim.Saving), func(i *vim.Image) { i.Mark = vim.Mark{} })},
			want:   refs(&ours.Offer, "vfw"),
			result: vim.VDU{Action: vim.Planned, ImageName: "vfw", Size: ours.Size, Digest: "sha256:" + ours.SHA256},
		},
		{
			name:    "our bytes under another name are adopted",
			onVIM:   []vim.Image{other.on("i1", "other"), ours.on("i2", "firewall")},
			want:    refs(&ours.Offer, "vfw"),
			result:  vim.VDU{Action: vim.Present, ImageID: "i2", ImageName: "firewall", Size: ours.Size, Adopted: true, Verified: true, Digest: mark(ours.sha512())},
			digests: 2,
		},
		{
			name:   "our bytes in another disk format are not adopted",
			onVIM:  []vim.Image{named(ours.on("i2", "firewall"), func(i *vim.Image) { i.DiskFormat = "raw" })},
			want:   refs(&ours.Offer, "vfw"),
			result: vim.VDU{Action: vim.Planned, ImageName: "vfw", Size: ours.Size, Digest: "sha256:" + ours.SHA256},
		},
		{
			name:   "what is on the VIM comes before an upload, whatever the order",
			onVIM:  []vim.Image{other.on("i1", "other")},
			want:   refs(&ours.Offer, "vfw", "other"),
			result: vim.VDU{Action: vim.Present, ImageID: "i1", ImageName: "other", Size: other.Size, Digest: mark(other.sha512())},
		},
		{
			name:   "the first alternative on the VIM is taken",
			onVIM:  []vim.Image{other.on("i1", "b"), other.on("i2", "a")},
			want:   refs(nil, "none", "a", "b"),
			result: vim.VDU{Action: vim.Present, ImageID: "i2", ImageName: "a", Size: other.Size, Digest: mark(other.sha512())},
		},
		{
			name:   "images that are hidden, deactivated or killed do not count",
			onVIM:  []vim.Image{ours.record(7, "killed"), named(ours.on("i1", "vfw"), func(i *vim.Image) { i.Status = vim.Deactivated })},
			want:   refs(&ours.Offer, "vfw"),
			result: vim.VDU{Action: vim.Planned, ImageName: "vfw", Size: ours.Size, Digest: "sha256:" + ours.SHA256},
		},
		{
			name:    "a proven alternative is taken where one is required",
			onVIM:   []vim.Image{other.on("i1", "first"), ours.on("i2", "vfw")},
			want:    []vim.Alternative{{Ref: "first", Offer: &ours.Offer}, {Ref: "vfw", Offer: &ours.Offer}},
			require: true,
			result:  vim.VDU{Action: vim.Present, ImageID: "i2", ImageName: "vfw", Size: ours.Size, Verified: true, Digest: mark(ours.sha512())},
			digests: 2,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ours.digests = 0
			wants := []vim.Want{{VDU: "vdu1", SoftwareImageID: "sw1", Alternatives: tt.want}}
			got, err := vim.Resolve(t.Context(), fakeCloud{newFake(tt.onVIM...), "one"}, wants, vim.Options{RequireDigest: tt.require})
			if err != nil {
				t.Fatal(err)
			}
			tt.result.Name, tt.result.SoftwareImageID = "vdu1", "sw1"
			if diff := cmp.Diff([]vim.VDU{tt.result}, got.VDUs, cmpopts.IgnoreUnexported(vim.VDU{}), cmpopts.IgnoreFields(vim.VDU{}, "Warnings"), cmpopts.EquateErrors()); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if w := got.VDUs[0].Warnings; len(w) != tt.warnings {
				t.Errorf("warnings %q, want %d", w, tt.warnings)
			}
			if ours.digests != tt.digests {
				t.Errorf("%d digests computed, want %d", ours.digests, tt.digests)
			}
		})
	}
}

func TestResolveRequiresDigest(t *testing.T) {
	ours, other := store("vfw", 4000), store("other", 4000)
	wants := []vim.Want{want("vdu1", &ours.Offer)}
	nohash := ours.on("i1", "vfw")
	nohash.HashAlgorithm = ""

	got, err := vim.Resolve(t.Context(), fakeCloud{newFake(other.on("i1", "vfw")), "one"}, wants, vim.Options{RequireDigest: true})
	if err != nil {
		t.Fatal(err)
	}
	var mismatch *vim.MismatchError
	if !errors.As(got.VDUs[0].Err, &mismatch) || mismatch.Attribute != "sha512" || mismatch.Got != other.sha512() {
		t.Errorf("other bytes: %v, want a MismatchError of sha512", got.VDUs[0].Err)
	}
	got, err = vim.Resolve(t.Context(), fakeCloud{newFake(nohash), "one"}, wants, vim.Options{RequireDigest: true})
	if err != nil {
		t.Fatal(err)
	}
	var unverified *vim.UnverifiedError
	if !errors.As(got.VDUs[0].Err, &unverified) {
		t.Errorf("no hash: %v, want an UnverifiedError", got.VDUs[0].Err)
	}
}

func TestMissingImageNamesWhatIsNear(t *testing.T) {
	other := store("other", 100)
	hidden := other.on("0b7d8f0e-3a55-4a6b-8f26-6a4d6a3f2b11", "hidden")
	hidden.Hidden = true
	fake := newFake(other.on("i1", "ubuntu-24.04"), other.on("i2", "Ubuntu-22.04"), other.on("i3", "cirros"), hidden)
	wants := []vim.Want{{VDU: "vdu1", Alternatives: []vim.Alternative{{Ref: "ubuntu-22.04"}, {Ref: hidden.ID}}}}
	got, err := vim.Resolve(t.Context(), fakeCloud{fake, "one"}, wants, vim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := &vim.MissingError{
		VIM: "one", Project: "nfvo", VDU: "vdu1",
		Tried:    []string{"ubuntu-22.04", hidden.ID},
		Unusable: []string{`image "hidden" (` + hidden.ID + `) is hidden`},
		Nearest:  []string{"Ubuntu-22.04", "ubuntu-24.04"},
	}
	var missing *vim.MissingError
	if !errors.As(got.VDUs[0].Err, &missing) {
		t.Fatalf("error %v", got.VDUs[0].Err)
	}
	if diff := cmp.Diff(want, missing); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	for _, part := range []string{"vim one", "project nfvo", "vdu vdu1", `"ubuntu-22.04" or`, `nearest: "Ubuntu-22.04"`, "is hidden"} {
		if !strings.Contains(missing.Error(), part) {
			t.Errorf("message %q lacks %q", missing, part)
		}
	}
}

func TestAFailedListIsNoEmptyList(t *testing.T) {
	fake := newFake()
	broken := errors.New("connection reset on page 2")
	fake.before = func(call, _ string) error {
		if call == "list" {
			return broken
		}
		return nil
	}
	ours := store("vfw", 100)
	results, err := vim.Launch(t.Context(), []vim.Cloud{fakeCloud{fake, "one"}}, []vim.Want{want("vdu1", &ours.Offer)}, vim.Options{})
	if !errors.Is(err, broken) || !errors.Is(results[0].Err, broken) {
		t.Errorf("error %v, result %v, want both to wrap %v", err, results[0].Err, broken)
	}
	if n := fake.count("upload"); n != 0 {
		t.Errorf("%d uploads after a failed list", n)
	}
}

func TestOneListingPassForAThousandVDUs(t *testing.T) {
	fake := newFake()
	var wants []vim.Want
	for i := range 1000 {
		name := fmt.Sprintf("image-%d", i)
		fake.images = append(fake.images, &vim.Image{ID: name, Name: name, Status: vim.Active})
		wants = append(wants, vim.Want{VDU: name, Alternatives: []vim.Alternative{{Ref: name}}})
	}
	got, err := vim.Resolve(context.Background(), fakeCloud{fake, "one"}, wants, vim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got.VDUs {
		if v.ImageID != wants[i].VDU || v.Err != nil {
			t.Fatalf("vdu %d: %+v", i, v)
		}
	}
	if diff := cmp.Diff(map[string]int{"project": 1, "list": 1}, fake.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

package vim_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/vim"
)

func TestLaunchUploadsWhatIsLacking(t *testing.T) {
	ours := store("vfw", 10_000)
	ours.Properties = map[string]string{"hw_disk_bus": "virtio", "os_hidden": "true", "os_hash_algo": "md5", "vendor": "acme"}
	one, two := newFake(), newFake()
	clouds := []vim.Cloud{fakeCloud{one, "one"}, fakeCloud{two, "two"}}
	// Two VDUs share the image; it comes under two names.
	twin := ours.Offer
	twin.ID, twin.Name = "repo-twin", "twin"
	wants := []vim.Want{want("vdu1", &ours.Offer), want("vdu2", &ours.Offer), want("vdu3", &twin)}

	results, err := vim.Launch(t.Context(), clouds, wants, vim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, fake := range []*fakeVIM{one, two} {
		if results[i].VIM != clouds[i].Name() {
			t.Errorf("result %d is of %s", i, results[i].VIM)
		}
		if n := fake.count("upload"); n != 1 {
			t.Errorf("%s: %d uploads, want 1", results[i].VIM, n)
		}
		id := fake.list()[0].ID
		for _, v := range results[i].VDUs {
			if v.Action != vim.Uploaded || v.ImageID != id || !v.Verified || v.Digest != "sha512:"+ours.sha512() {
				t.Errorf("%s: %+v", results[i].VIM, v)
			}
		}
	}
	if got := ours.learned["sha512"]; got != ours.sha512() || ours.digests != 0 {
		t.Errorf("learned sha512 %q with %d computations, want it from the upload's own pass", got, ours.digests)
	}
	if ours.open != 0 {
		t.Errorf("%d files left open", ours.open)
	}

	again, err := vim.Launch(t.Context(), clouds, wants, vim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range again {
		for i, v := range r.VDUs {
			if adopted := i == 2; v.Action != vim.Present || !v.Verified || v.Adopted != adopted {
				t.Errorf("launched again: %+v", v)
			}
		}
	}
	if n := one.count("upload") + two.count("upload"); n != 2 {
		t.Errorf("%d uploads after a second launch, want 2", n)
	}
}

func TestRecordCarriesMarkAndProperties(t *testing.T) {
	ours := store("vfw", 100)
	ours.IsPublic = true
	ours.Properties = map[string]string{"hw_disk_bus": "virtio", "os_type": "linux", "os_hidden": "true", "os_hash_algo": "md5", "os_glance_x": "1", "vendor": "acme"}
	recorder := &recordingCloud{fakeCloud: fakeCloud{newFake(), "one"}}
	if _, err := vim.Launch(t.Context(), []vim.Cloud{recorder}, []vim.Want{want("vdu1", &ours.Offer)}, vim.Options{}); err != nil {
		t.Fatal(err)
	}
	want := vim.Record{
		ID: vim.RecordID(projectID, &ours.Offer, 0), Name: "vfw", DiskFormat: "qcow2", ContainerFormat: "bare",
		MinDisk: 2, MinRAM: 512, Visibility: "public",
		Properties: map[string]string{"hw_disk_bus": "virtio", "os_type": "linux"},
		Mark:       vim.Mark{ImageID: "repo-vfw", Package: "acme/vfw:1.0", SHA256: ours.SHA256, Generation: "0"},
	}
	if diff := cmp.Diff(want, recorder.record); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

type recordingCloud struct {
	fakeCloud
	record vim.Record
}

func (c *recordingCloud) Create(ctx context.Context, r vim.Record) (vim.Image, error) {
	c.record = r
	return c.fakeCloud.Create(ctx, r)
}

func TestDryRunChangesNothing(t *testing.T) {
	ours := store("vfw", 100)
	fake := newFake()
	results, err := vim.Launch(t.Context(), []vim.Cloud{fakeCloud{fake, "one"}}, []vim.Want{want("vdu1", &ours.Offer)}, vim.Options{DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	if a := results[0].VDUs[0].Action; a != vim.Planned {
		t.Errorf("action %s", a)
	}
	if diff := cmp.Diff(map[string]int{"project": 1, "list": 1}, fake.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestAVIMThatLacksOneImageGetsNone(t *testing.T) {
	ours := store("vfw", 100)
	without, with := newFake(), newFake(vim.Image{ID: "i1", Name: "base", Status: vim.Active})
	wants := []vim.Want{want("vdu1", &ours.Offer), {VDU: "vdu2", Alternatives: []vim.Alternative{{Ref: "base"}}}}
	results, err := vim.Launch(t.Context(), []vim.Cloud{fakeCloud{without, "without"}, fakeCloud{with, "with"}}, wants, vim.Options{})
	var missing *vim.MissingError
	if !errors.As(err, &missing) || missing.VIM != "without" || missing.VDU != "vdu2" {
		t.Errorf("error %v", err)
	}
	if n := without.count("create private"); n != 0 {
		t.Errorf("%d images created where one is missing", n)
	}
	if a := results[1].VDUs[0].Action; a != vim.Uploaded {
		t.Errorf("the other vim's image is %s", a)
	}
}

func TestUploadsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wants []vim.Want
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			wants = append(wants, want(name, &store(name, 4096).Offer))
		}
		one, two := newFake(), newFake()
		one.rate, two.rate = 1<<10, 1<<10
		var now, most atomic.Int64
		for _, f := range []*fakeVIM{one, two} {
			f.before = func(call, _ string) error {
				if call == "upload" {
					most.Store(max(most.Load(), now.Add(1)))
				}
				return nil
			}
			f.finish = func(*vim.Image) { now.Add(-1) }
		}
		_, err := vim.Launch(t.Context(), []vim.Cloud{fakeCloud{one, "one"}, fakeCloud{two, "two"}}, wants,
			vim.Options{Uploads: 3, UploadsPerVIM: 2})
		if err != nil {
			t.Fatal(err)
		}
		if got := most.Load(); got != 3 {
			t.Errorf("up to %d uploads at once, want 3", got)
		}
		if one.mostUploading != 2 || two.mostUploading > 2 {
			t.Errorf("up to %d and %d uploads at once to a vim, want 2", one.mostUploading, two.mostUploading)
		}
	})
}

func TestReferenceIsFetchedOnceAndOnlyIfNeeded(t *testing.T) {
	ours := store("vfw", 1000)
	var pins atomic.Int64
	reference := &vim.Offer{ID: ours.ID, Name: "vfw", DiskFormat: "qcow2", ContainerFormat: "bare",
		Pin: func(context.Context) (*vim.Offer, error) {
			pins.Add(1)
			return &ours.Offer, nil
		}}
	wants := []vim.Want{want("vdu1", reference), want("vdu2", reference)}

	named := newFake(ours.on("i1", "vfw"))
	results, err := vim.Launch(t.Context(), []vim.Cloud{fakeCloud{named, "named"}}, wants, vim.Options{})
	if err != nil || pins.Load() != 0 || results[0].VDUs[0].Action != vim.Present {
		t.Errorf("present by name: %+v, %d fetches, error %v", results[0].VDUs[0], pins.Load(), err)
	}

	empty, renamed := newFake(), newFake(ours.on("i1", "firewall"))
	results, err = vim.Launch(t.Context(), []vim.Cloud{fakeCloud{empty, "empty"}, fakeCloud{renamed, "renamed"}}, wants, vim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if pins.Load() != 1 {
		t.Errorf("fetched %d times for two vims, want once", pins.Load())
	}
	if v := results[0].VDUs[1]; v.Action != vim.Uploaded || !v.Verified {
		t.Errorf("empty vim: %+v", v)
	}
	if v := results[1].VDUs[0]; v.Action != vim.Present || !v.Adopted || renamed.count("upload") != 0 {
		t.Errorf("vim with these bytes: %+v", v)
	}
}

func TestPublicImageWhereTheUserMayNotPublish(t *testing.T) {
	refusal := &vim.RefusedError{VIM: "one", By: vim.ByPolicy, Rule: "publicize_image"}
	forbid := func(call, _ string) error {
		if call == "create public" {
			return refusal
		}
		return nil
	}
	ours := store("vfw", 100)
	ours.IsPublic = true
	wants := []vim.Want{want("vdu1", &ours.Offer)}

	fake := newFake()
	fake.before = forbid
	if _, err := vim.Launch(t.Context(), []vim.Cloud{fakeCloud{fake, "one"}}, wants, vim.Options{}); !errors.Is(err, refusal) {
		t.Errorf("error %v, want %v", err, refusal)
	}
	results, err := vim.Launch(t.Context(), []vim.Cloud{fakeCloud{fake, "one"}}, wants, vim.Options{VisibilityFallback: "private"})
	if err != nil {
		t.Fatal(err)
	}
	if got := fake.list()[0].Visibility; got != "private" || len(results[0].VDUs[0].Warnings) != 1 {
		t.Errorf("visibility %s with warnings %q", got, results[0].VDUs[0].Warnings)
	}
}

func TestProgressEndsAtTheSize(t *testing.T) {
	ours := store("vfw", 5000)
	var last vim.Progress
	_, err := vim.Launch(t.Context(), []vim.Cloud{fakeCloud{newFake(), "one"}}, []vim.Want{want("vdu1", &ours.Offer)},
		vim.Options{Progress: func(p vim.Progress) { last = p }})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(vim.Progress{VIM: "one", Image: "vfw", Done: 5000, Total: 5000}, last); diff != "" {
		t.Errorf("last progress (-want +got):\n%s", diff)
	}
}

func TestCancelledLaunchLeavesNoRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours := store("vfw", 1<<20)
		fake := newFake()
		fake.rate = 1 << 10
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		_, err := vim.Launch(ctx, []vim.Cloud{fakeCloud{fake, "one"}}, []vim.Want{want("vdu1", &ours.Offer)}, vim.Options{})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if left := fake.list(); len(left) > 0 || ours.open != 0 {
			t.Errorf("left behind: %+v and %d open files", left, ours.open)
		}
	})
}

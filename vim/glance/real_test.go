package glance_test

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glance"
)

// realClouds returns the configuration of a real Keystone with Glances, which
// has the clouds region-one, region-two and admin-one. Where there is none the
// test is skipped, but under CI=true it fails: it must not be forgotten there.
func realClouds(t *testing.T) *glance.Config {
	t.Helper()
	path := os.Getenv("GANGWAY_TEST_CLOUDS")
	if path == "" {
		const why = "NOT TESTED AGAINST A REAL OPENSTACK: set GANGWAY_TEST_CLOUDS to its clouds.yaml"
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	return load(t, path)
}

// removeAfter deletes all images of that name when the test ends.
func removeAfter(t *testing.T, name string, clouds ...*glance.Cloud) {
	t.Cleanup(func() {
		ctx := context.Background()
		for _, c := range clouds {
			for img, err := range c.Images(ctx) {
				if err != nil {
					t.Error(err)
					break
				}
				if img.Name == name {
					if err := c.Delete(ctx, img.ID); err != nil {
						t.Error(err)
					}
				}
			}
		}
	})
}

func TestRealLaunch(t *testing.T) {
	config := realClouds(t)
	one, two := open(t, config, "region-one", glance.Options{}), open(t, config, "region-two", glance.Options{})
	f := store(t, "gangway-test-"+strings.ToLower(rand.Text()), 24*mebi)
	f.Properties = map[string]string{"hw_disk_bus": "virtio"}
	removeAfter(t, f.Name, one, two)

	for _, action := range []vim.Action{vim.Uploaded, vim.Present} {
		got, err := launch(t, f, vim.Options{}, one, two)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range got {
			if v.Action != action || !v.Verified || !strings.HasPrefix(v.Digest, "sha512:") {
				t.Errorf("want %s and verified: %+v", action, v)
			}
		}
		if got[0].ImageID != got[1].ImageID {
			// Both regions have one Keystone, and so one project.
			t.Errorf("IDs %s and %s for one project", got[0].ImageID, got[1].ImageID)
		}
	}
	renamed := f.Offer
	renamed.Name += "-renamed"
	want := vim.Want{VDU: "vdu1", Alternatives: []vim.Alternative{{Ref: renamed.Name, Offer: &renamed}}}
	result, err := vim.Resolve(t.Context(), one, []vim.Want{want}, vim.Options{})
	if err != nil || !result.VDUs[0].Adopted {
		t.Errorf("under another name: %+v, error %v", result.VDUs, err)
	}
}

func TestRealConcurrentLaunches(t *testing.T) {
	config := realClouds(t)
	f := store(t, "gangway-test-"+strings.ToLower(rand.Text()), 24*mebi)
	var clouds []*glance.Cloud
	for range 6 {
		clouds = append(clouds, open(t, config, "region-one", glance.Options{}))
	}
	removeAfter(t, f.Name, clouds[0])
	got := make([]vim.VDU, len(clouds))
	var all sync.WaitGroup
	for i, c := range clouds {
		all.Go(func() {
			vdus, err := launch(t, f, vim.Options{}, c)
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = vdus[0]
		})
	}
	all.Wait()
	uploaded := 0
	for _, v := range got {
		if v.ImageID != got[0].ImageID || !v.Verified {
			t.Errorf("%+v, the first has %s", v, got[0].ImageID)
		}
		if v.Action == vim.Uploaded {
			uploaded++
		}
	}
	if uploaded != 1 {
		t.Errorf("%d uploads", uploaded)
	}
}

// A record that was deleted, left in queued or cut leaves the next launch an ID
// that works.
func TestRealLeftovers(t *testing.T) {
	config := realClouds(t)
	c := open(t, config, "region-one", glance.Options{})
	f := store(t, "gangway-test-"+strings.ToLower(rand.Text()), mebi)
	removeAfter(t, f.Name, c)
	project, err := c.Project(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, err := launch(t, f, vim.Options{}, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Delete(t.Context(), first[0].ImageID); err != nil {
		t.Fatal(err)
	}
	record := vim.Record{
		ID: vim.RecordID(project.ID, &f.Offer, 1), Name: f.Name, Visibility: "private", DiskFormat: "raw", ContainerFormat: "bare",
		Mark: vim.Mark{ImageID: f.ID, SHA256: f.SHA256, Generation: "1"},
	}
	if _, err := c.Create(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	// A body that ends early: Glance puts the image back to queued.
	if err := c.Upload(t.Context(), record.ID, reader(make([]byte, 100)), mebi); err == nil {
		t.Error("a short body is accepted")
	}
	got, err := launch(t, f, vim.Options{}, c)
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Action != vim.Uploaded || got[0].ImageID != record.ID || !got[0].Verified {
		t.Errorf("%+v, want an upload to %s", got[0], record.ID)
	}
}

func TestRealRefusals(t *testing.T) {
	config := realClouds(t)
	member, admin := open(t, config, "region-one", glance.Options{}), open(t, config, "admin-one", glance.Options{})
	got := member.Check(t.Context(), true)
	if got.Err != nil || len(got.Problems) > 0 || got.APIVersion == "" || got.MayPublish.Verdict != glance.No {
		t.Errorf("a member's check: %+v", got)
	}
	if !strings.Contains(got.MayPublish.How, "publicize_image") {
		t.Errorf("refused by %q", got.MayPublish.How)
	}
	if got := admin.Check(t.Context(), true); got.Err != nil || got.MayPublish.Verdict != glance.Yes {
		t.Errorf("an administrator's check: %+v", got)
	}
}

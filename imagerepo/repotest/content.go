package repotest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo"
)

func testPin(t *testing.T, c *catalogTest) {
	ctx := t.Context()
	img := Image("p", "referenced", "")
	img.Source.URL = "http://a/b"
	c.publish(t, nil, img)
	source := imagerepo.Source{URL: "http://a/b", ETag: `"e"`}
	failed := errors.New("failed")
	content := Content("bytes")
	content.Digests["md5"] = "abc"
	if err := c.Pin(ctx, img.ID, content, source, func() error { return failed }); !errors.Is(err, failed) {
		t.Errorf("a file that cannot be placed: got %v", err)
	}
	if got, err := c.Image(ctx, img.ID); err != nil || got.Stored() {
		t.Errorf("after a failed pin: got %+v, %v", got, err)
	}
	for range 2 {
		placed := 0
		if err := c.Pin(ctx, img.ID, content, source, func() error { placed++; return nil }); err != nil || placed != 1 {
			t.Errorf("placed %d times, %v", placed, err)
		}
	}
	if err := c.Pin(ctx, img.ID, Content("changed"), source, func() error { t.Error("placed"); return nil }); !errors.Is(err, imagerepo.ErrExists) {
		t.Errorf("other content: got %v, want ErrExists", err)
	}
	if err := c.Pin(ctx, imagerepo.NewID(), content, source, func() error { t.Error("placed"); return nil }); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("an image that is gone: got %v, want ErrNotFound", err)
	}
	got, err := c.Image(ctx, img.ID)
	if err != nil {
		t.Fatal(err)
	}
	img.Content, img.Source = content, source
	diff(t, "pinned image", img, got)
}

func testIfUnclaimed(t *testing.T, c *catalogTest) {
	ctx := t.Context()
	stored, referenced := Image("p", "stored", "bytes"), Image("p", "referenced", "")
	c.publish(t, nil, stored, referenced)
	failed := errors.New("failed")
	for what, test := range map[string]struct {
		id      string
		removed bool
	}{
		"stored": {stored.ID, false}, "referenced": {referenced.ID, true}, "unknown": {imagerepo.NewID(), true},
	} {
		removed := false
		err := c.IfUnclaimed(ctx, test.id, func() error { removed = true; return failed })
		if removed != test.removed || errors.Is(err, failed) != test.removed {
			t.Errorf("%s: removed %t, %v", what, removed, err)
		}
	}

	// Whoever removes and whoever places never do so at once.
	const rounds = 10
	other := c.reopen()
	var inside atomic.Int32
	alone := func() error {
		if inside.Add(1) != 1 {
			t.Error("a file is placed while one is removed")
		}
		inside.Add(-1)
		return nil
	}
	var group sync.WaitGroup
	for i := range rounds {
		group.Go(func() {
			if err := c.Publish(ctx, imagerepo.Publication{Images: []imagerepo.Image{Image("p", fmt.Sprint(i), "bytes")}},
				func(imagerepo.Image, []string) error { return alone() }); err != nil {
				t.Error(err)
			}
		})
		group.Go(func() {
			if err := other.IfUnclaimed(ctx, imagerepo.NewID(), alone); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func testLearn(t *testing.T, c *catalogTest) {
	ctx := t.Context()
	one, two := Image("p", "one", "bytes"), Image("q", "two", "bytes")
	c.publish(t, nil, one, two)
	for _, digest := range []string{"first", "second"} {
		if err := c.Learn(ctx, one.SHA256(), "sha512", digest); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Learn(ctx, Content("unknown").SHA256(), "sha512", "litter"); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{one.ID, two.ID} {
		got, err := c.Image(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, "digests", imagerepo.Digests{"sha256": one.SHA256(), "sha512": "first"}, got.Digests)
	}
	for _, id := range []string{one.ID, two.ID} {
		if _, err := c.DeleteImage(ctx, id, false); err != nil {
			t.Fatal(err)
		}
	}
	anew := []imagerepo.Image{Image("p", "one", "bytes"), Image("p", "unknown", "unknown")}
	c.publish(t, nil, anew...)
	for _, img := range anew {
		got, err := c.Image(ctx, img.ID)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, "digests of content that comes anew", img.Digests, got.Digests)
	}
}

func testPackings(t *testing.T, c *catalogTest) {
	ctx := t.Context()
	pkg, img := Package("p", "router"), Image("p", "image", "bytes")
	first := imagerepo.Packing{Method: "deflate", PackedSHA256: "a", PackedSize: 1 << 33, SHA256: img.SHA256(), Size: 1 << 40, CRC32: 1<<32 - 1}
	other := first
	other.PackedSHA256 = "b"
	litter := first
	litter.PackedSHA256, litter.SHA256 = "c", Content("unknown").SHA256()
	publish := func(pub imagerepo.Publication, place error) error {
		return c.Publish(ctx, pub, func(imagerepo.Image, []string) error { return place })
	}
	packings := func(like imagerepo.Packing) []imagerepo.Packing {
		t.Helper()
		found, err := c.Packings(ctx, like)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(found, func(a, b imagerepo.Packing) int { return strings.Compare(a.PackedSHA256, b.PackedSHA256) })
		return found
	}

	failed := errors.New("failed")
	if err := publish(imagerepo.Publication{Package: pkg, Images: []imagerepo.Image{img}, Packings: []imagerepo.Packing{first}}, failed); !errors.Is(err, failed) {
		t.Errorf("a file that cannot be placed: got %v", err)
	}
	diff(t, "packings of a refused publication", []imagerepo.Packing(nil), packings(first))

	if err := publish(imagerepo.Publication{Package: pkg, Images: []imagerepo.Image{img}, Packings: []imagerepo.Packing{first, litter}}, nil); err != nil {
		t.Fatal(err)
	}
	// A package that is there is published again with what was learned since.
	for range 2 {
		if err := publish(imagerepo.Publication{Package: pkg, Uses: []string{img.ID}, Packings: []imagerepo.Packing{first, other}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	c.Catalog = c.reopen()
	diff(t, "packings", []imagerepo.Packing{first, other}, packings(imagerepo.Packing{Method: "deflate", PackedSize: first.PackedSize, Size: first.Size, CRC32: first.CRC32}))
	for what, change := range map[string]func(*imagerepo.Packing){
		"method": func(p *imagerepo.Packing) { p.Method = "other" }, "packed size": func(p *imagerepo.Packing) { p.PackedSize++ },
		"size": func(p *imagerepo.Packing) { p.Size++ }, "CRC-32": func(p *imagerepo.Packing) { p.CRC32-- },
	} {
		like := first
		change(&like)
		diff(t, "packings of another "+what, []imagerepo.Packing(nil), packings(like))
	}

	twin := Image("q", "twin", "bytes")
	c.publish(t, nil, twin)
	if _, _, err := c.DeletePackage(ctx, pkg.ID, false); err != nil {
		t.Fatal(err)
	}
	diff(t, "packings while another image has the content", []imagerepo.Packing{first, other}, packings(first))
	if _, err := c.DeleteImage(ctx, twin.ID, false); err != nil {
		t.Fatal(err)
	}
	c.publish(t, nil, Image("p", "image", "bytes"), Image("p", "unknown", "unknown"))
	diff(t, "packings of content that comes anew", []imagerepo.Packing(nil), packings(first))
}

func testDeletePackage(t *testing.T, c *catalogTest) {
	ctx := t.Context()
	manual := Image("p", "manual", "m")
	manual.Manual = true
	c.publish(t, nil, manual)
	first, second := Package("p", "first"), Package("p", "second")
	shared, own, last := Image("p", "shared", "s"), Image("p", "own", "o"), Image("p", "last", "l")
	if err := c.Publish(ctx, imagerepo.Publication{Package: first, Images: []imagerepo.Image{shared, own}, Uses: []string{manual.ID},
		Files: []imagerepo.PackageFile{{Path: "f"}}}, noPlace); err != nil {
		t.Fatal(err)
	}
	if err := c.Publish(ctx, imagerepo.Publication{Package: second, Images: []imagerepo.Image{last}, Uses: []string{shared.ID}}, noPlace); err != nil {
		t.Fatal(err)
	}

	pkg, gone, err := c.DeletePackage(ctx, first.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	if pkg.ID != first.ID || len(gone) != 1 || gone[0].ID != own.ID {
		t.Errorf("deleted %v with %v, want the image that only it used", pkg.ID, gone)
	}
	diff(t, "images that are left", []string{"p/last", "p/manual", "p/shared"}, c.names(t, imagerepo.ImageFilter{}))
	if files, err := c.PackageFiles(ctx, first.ID); err != nil || len(files) > 0 {
		t.Errorf("files of a package that is gone: %v, %v", files, err)
	}

	if _, gone, err = c.DeletePackage(ctx, second.ID, true); err != nil || len(gone) > 0 {
		t.Errorf("with images kept: %v gone, %v", gone, err)
	}
	kept, err := c.Image(ctx, last.ID)
	if err != nil || !kept.Manual {
		t.Errorf("a kept image: %+v, %v; want one as if a user had added it", kept, err)
	}
	if _, _, err := c.DeletePackage(ctx, first.ID, false); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("a package that is gone: got %v, want ErrNotFound", err)
	}
}

func testDeleteImage(t *testing.T, c *catalogTest) {
	ctx := t.Context()
	pkg, img := Package("p", "router"), Image("p", "used", "u")
	c.publish(t, pkg, img)
	var inUse *imagerepo.InUseError
	if _, err := c.DeleteImage(ctx, img.ID, false); !errors.As(err, &inUse) || inUse.Image.ID != img.ID || len(inUse.Image.Packages) != 1 {
		t.Errorf("an image in use: got %v, want InUseError", err)
	}
	gone, err := c.DeleteImage(ctx, img.ID, true)
	if err != nil || gone.ID != img.ID {
		t.Errorf("by force: %v, %v", gone, err)
	}
	if _, err := c.DeleteImage(ctx, img.ID, true); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("an image that is gone: got %v, want ErrNotFound", err)
	}
}

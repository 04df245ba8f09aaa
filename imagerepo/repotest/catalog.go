package repotest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gangway-nfv/gangway/imagerepo"
)

// Catalog runs the conformance suite. Each call of open with one folder gives
// another handle to the same catalogue; the test closes it.
func Catalog(t *testing.T, open func(t *testing.T, folder string) imagerepo.Catalog) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, c *catalogTest)
	}{
		{"a publication survives with all that it says", testPublish},
		{"a refused publication leaves nothing", testRefusedPublication},
		{"files are placed last, and told their twins", testPlace},
		{"concurrent publications of one name have one winner", testOneWinner},
		{"a package that lost images is made whole", testMakeWhole},
		{"an image that a user adds, too, becomes the user's", testAddUsed},
		{"a referenced image is pinned once", testPin},
		{"what is unclaimed stays so while it is removed", testIfUnclaimed},
		{"digests are learned once and go with their content", testLearn},
		{"packings are published once and go with their content", testPackings},
		{"a package goes with the images that only it uses", testDeletePackage},
		{"an image in use is deleted by force only", testDeleteImage},
		{"filters select", testFilters},
		{"contents come in pages", testContents},
		{"a cancelled call changes nothing", testCancelled},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			reopen := func() imagerepo.Catalog {
				handle := open(t, folder)
				t.Cleanup(func() {
					if err := handle.Close(); err != nil {
						t.Error(err)
					}
				})
				return handle
			}
			c := &catalogTest{Catalog: reopen(), reopen: reopen}
			test.run(t, c)
			if err := c.Check(t.Context()); err != nil {
				t.Errorf("Check: %v", err)
			}
		})
	}
}

type catalogTest struct {
	imagerepo.Catalog
	reopen func() imagerepo.Catalog
}

func noPlace(imagerepo.Image, []string) error { return nil }

// publish makes images visible, with a package if there is one.
func (c *catalogTest) publish(t *testing.T, pkg *imagerepo.Package, images ...imagerepo.Image) {
	t.Helper()
	if err := c.Publish(t.Context(), imagerepo.Publication{Package: pkg, Images: images}, noPlace); err != nil {
		t.Fatal(err)
	}
}

func (c *catalogTest) names(t *testing.T, filter imagerepo.ImageFilter) []string {
	t.Helper()
	var names []string
	for _, img := range all(t, c.Images(t.Context(), filter)) {
		names = append(names, img.Project+"/"+img.Name)
	}
	return names
}

func all[T any](t *testing.T, seq iter.Seq2[T, error]) []T {
	t.Helper()
	var found []T
	for item, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, item)
	}
	return found
}

func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func testPublish(t *testing.T, c *catalogTest) {
	ctx := t.Context()
	pkg := Package("p", "router")
	pkg.Dialect, pkg.Record = "openbaton-tar", json.RawMessage(`{"a":[1,2]}`)
	files := []imagerepo.PackageFile{
		{Path: "a/b.sh", Role: "script", Size: 2, SHA256: "x", Content: []byte{0, 255}},
		{Path: "images/i", Role: "image", Size: 1 << 40, SHA256: "y"},
	}
	whole := Image("p", "ünï ☃ 'quoted' %2F", "bytes")
	whole.Size = 1<<40 + 1
	whole.Digests["md5"] = "abc"
	whole.MinDisk, whole.MinRAM, whole.MinCPU, whole.IsPublic = 20, 2048, 3, true
	whole.Properties = map[string]string{"hw_disk_bus": "scsi"}
	whole.Source = imagerepo.Source{URL: "http://a/b", ETag: `"e"`, LastModified: "then"}
	referenced := Image("p", "referenced", "")
	referenced.Source.URL = "http://a/c"
	there := Image("p", "there", "other")
	there.Manual = true
	c.publish(t, nil, there)
	if err := c.Publish(ctx, imagerepo.Publication{Package: pkg, Files: files,
		Images: []imagerepo.Image{whole, referenced}, Uses: []string{there.ID}}, noPlace); err != nil {
		t.Fatal(err)
	}

	c.Catalog = c.reopen()
	ref := pkg.Ref()
	for _, want := range []imagerepo.Image{whole, referenced, there} {
		want.Packages = []imagerepo.PackageRef{ref}
		got, err := c.Image(ctx, want.ID)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, want.Name, want, got)
		byName, err := c.ImageByName(ctx, want.Project, want.Name)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, want.Name+" by name", got, byName)
	}
	pkg.Images = []imagerepo.ImageRef{{ID: referenced.ID, Name: referenced.Name}, {ID: there.ID, Name: there.Name}, {ID: whole.ID, Name: whole.Name}}
	got, err := c.Package(ctx, pkg.ID)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "package", *pkg, got)
	diff(t, "packages listed with records", []imagerepo.Package{*pkg}, all(t, c.Packages(ctx, imagerepo.PackageFilter{Records: true})))
	pkg.Record = nil
	diff(t, "listed packages", []imagerepo.Package{*pkg}, all(t, c.Packages(ctx, imagerepo.PackageFilter{Fingerprint: pkg.Fingerprint})))
	gotFiles, err := c.PackageFiles(ctx, pkg.ID)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "files", files, gotFiles)

	for what, err := range map[string]error{
		"image":   second(c.Image(ctx, imagerepo.NewID())),
		"name":    second(c.ImageByName(ctx, "other", whole.Name)),
		"package": second(c.Package(ctx, imagerepo.NewID())),
	} {
		if !errors.Is(err, imagerepo.ErrNotFound) {
			t.Errorf("%s that is not there: got %v, want ErrNotFound", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func testRefusedPublication(t *testing.T, c *catalogTest) {
	ctx := t.Context()
	taken, owner := Image("p", "taken", "bytes"), Package("p", "owner")
	c.publish(t, owner, taken)
	failed := errors.New("failed")

	var name *imagerepo.NameTakenError
	var pkg *imagerepo.PackageExistsError
	for what, test := range map[string]struct {
		pub     imagerepo.Publication
		place   error
		refused func(error) bool
	}{
		"a name that is taken": {
			imagerepo.Publication{Package: Package("p", "a"), Images: []imagerepo.Image{Image("p", "free", "1"), Image("p", "taken", "2")}}, nil,
			func(err error) bool {
				return errors.As(err, &name) && name.Existing.ID == taken.ID && cmp.Equal(name.Existing.Packages, []imagerepo.PackageRef{owner.Ref()})
			}},
		"a name twice in one publication": {
			imagerepo.Publication{Images: []imagerepo.Image{Image("p", "free", "1"), Image("p", "free", "2")}}, nil,
			func(err error) bool { return errors.As(err, &name) }},
		"an ID that is taken": {
			imagerepo.Publication{Images: []imagerepo.Image{{ID: taken.ID, Project: "p", Name: "free"}}}, nil,
			func(err error) bool { return err != nil }},
		"a package that is there": {
			imagerepo.Publication{Package: Package("p", "owner"), Images: []imagerepo.Image{Image("p", "free", "1")}}, nil,
			func(err error) bool { return errors.As(err, &pkg) && pkg.Existing.ID == owner.ID }},
		"an image that is gone": {
			imagerepo.Publication{Package: Package("p", "a"), Images: []imagerepo.Image{Image("p", "free", "1")}, Uses: []string{imagerepo.NewID()}}, nil,
			func(err error) bool { return errors.Is(err, imagerepo.ErrNotFound) }},
		"a file that cannot be placed": {
			imagerepo.Publication{Package: Package("p", "a"), Images: []imagerepo.Image{Image("p", "free", "1")}}, failed,
			func(err error) bool { return errors.Is(err, failed) }},
	} {
		t.Run(what, func(t *testing.T) {
			placed := false
			err := c.Publish(ctx, test.pub, func(imagerepo.Image, []string) error { placed = true; return test.place })
			if !test.refused(err) {
				t.Errorf("got %v", err)
			}
			if placed != (test.place != nil) {
				t.Errorf("a file was placed: %t", placed)
			}
			diff(t, "images", []string{"p/taken"}, c.names(t, imagerepo.ImageFilter{}))
			if got := all(t, c.Packages(ctx, imagerepo.PackageFilter{})); len(got) != 1 {
				t.Errorf("got %d packages, want the one that was there", len(got))
			}
		})
	}
	// Names are unique in their project only, and so are packages.
	c.publish(t, Package("q", "owner"), Image("q", "taken", "bytes"))
}

func testPlace(t *testing.T, c *catalogTest) {
	ctx := t.Context()
	old := Image("p", "old", "same")
	c.publish(t, nil, old)
	first, again, other, referenced := Image("p", "first", "same"), Image("q", "again", "same"), Image("p", "other", "2"), Image("p", "ref", "")
	twins := make(map[string][]string)
	err := c.Publish(ctx, imagerepo.Publication{Images: []imagerepo.Image{first, again, other, referenced}},
		func(img imagerepo.Image, others []string) error {
			twins[img.ID] = others
			if _, err := c.Image(ctx, img.ID); !errors.Is(err, imagerepo.ErrNotFound) {
				t.Errorf("image %q is visible before its file is placed: %v", img.Name, err)
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{first.ID: {old.ID, again.ID}, again.ID: {old.ID, first.ID}, other.ID: nil}
	if d := cmp.Diff(want, twins, cmpopts.EquateEmpty(), cmpopts.SortSlices(func(a, b string) bool { return a < b })); d != "" {
		t.Errorf("twins (-want +got):\n%s", d)
	}
}

func testOneWinner(t *testing.T, c *catalogTest) {
	const each = 8
	handles := []imagerepo.Catalog{c.Catalog, c.reopen()}
	var won, lost atomic.Int32
	var group sync.WaitGroup
	for i := range each * len(handles) {
		group.Go(func() {
			err := handles[i%len(handles)].Publish(t.Context(), imagerepo.Publication{
				Package: Package("p", fmt.Sprint("package ", i)),
				Images:  []imagerepo.Image{Image("p", "name", fmt.Sprint("bytes ", i))},
			}, noPlace)
			var taken *imagerepo.NameTakenError
			switch {
			case err == nil:
				won.Add(1)
			case errors.As(err, &taken):
				lost.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	group.Wait()
	if won.Load() != 1 || lost.Load() != int32(each*len(handles)-1) {
		t.Errorf("%d won and %d lost, want exactly one winner", won.Load(), lost.Load())
	}
	if got := all(t, c.Packages(t.Context(), imagerepo.PackageFilter{})); len(got) != 1 || len(got[0].Images) != 1 {
		t.Errorf("got packages %v, want the winner's", got)
	}
}

func testMakeWhole(t *testing.T, c *catalogTest) {
	ctx := t.Context()
	pkg := Package("p", "router")
	stays, goes := Image("p", "stays", "1"), Image("p", "goes", "2")
	c.publish(t, pkg, stays, goes)
	if _, err := c.DeleteImage(ctx, goes.ID, true); err != nil {
		t.Fatal(err)
	}
	got, err := c.Package(ctx, pkg.ID)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "missing images", []string{"goes"}, got.Missing)
	diff(t, "images", []imagerepo.ImageRef{{ID: stays.ID, Name: "stays"}}, got.Images)

	anew := Image("p", "goes", "2")
	if err := c.Publish(ctx, imagerepo.Publication{Package: pkg, Images: []imagerepo.Image{anew}, Uses: []string{stays.ID}}, noPlace); err != nil {
		t.Fatal(err)
	}
	if got, err = c.Package(ctx, pkg.ID); err != nil {
		t.Fatal(err)
	}
	diff(t, "missing images afterwards", []string(nil), got.Missing)
	diff(t, "images afterwards", []imagerepo.ImageRef{{ID: anew.ID, Name: "goes"}, {ID: stays.ID, Name: "stays"}}, got.Images)
}

func testAddUsed(t *testing.T, c *catalogTest) {
	ctx := t.Context()
	pkg, img, fresh := Package("p", "router"), Image("p", "image", "bytes"), Image("p", "fresh", "bytes")
	c.publish(t, pkg, img)
	gone := imagerepo.Publication{Images: []imagerepo.Image{fresh}, Uses: []string{img.ID, imagerepo.NewID()}}
	if err := c.Publish(ctx, gone, noPlace); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("beside an image that is gone: got %v, want ErrNotFound", err)
	}
	if got, err := c.Image(ctx, img.ID); err != nil || got.Manual {
		t.Errorf("after a refused publication: got %+v, %v", got, err)
	}
	for range 2 {
		if err := c.Publish(ctx, imagerepo.Publication{Uses: []string{img.ID}}, noPlace); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.Image(ctx, img.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := img
	want.Manual, want.Packages = true, []imagerepo.PackageRef{pkg.Ref()}
	diff(t, "image", want, got)
	if _, deleted, err := c.DeletePackage(ctx, pkg.ID, false); err != nil || len(deleted) > 0 {
		t.Errorf("%v went with the package, %v", deleted, err)
	}
	diff(t, "images", []string{"p/image"}, c.names(t, imagerepo.ImageFilter{}))
}

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

func testFilters(t *testing.T, c *catalogTest) {
	a, b, other, referenced := Image("p", "b", "same"), Image("p", "a", "same"), Image("q", "a", "different"), Image("q", "r", "")
	referenced.Source.URL, referenced.DiskFormat = "http://a", "iso"
	c.publish(t, nil, a, b, other, referenced)
	for _, test := range []struct {
		name   string
		filter imagerepo.ImageFilter
		want   []string
	}{
		{"nothing selects all, in order", imagerepo.ImageFilter{}, []string{"p/a", "p/b", "q/a", "q/r"}},
		{"project", imagerepo.ImageFilter{Project: "p"}, []string{"p/a", "p/b"}},
		{"name", imagerepo.ImageFilter{Name: "a"}, []string{"p/a", "q/a"}},
		{"project and name", imagerepo.ImageFilter{Project: "q", Name: "a"}, []string{"q/a"}},
		{"content in one project", imagerepo.ImageFilter{SHA256: other.SHA256(), Project: "q"}, []string{"q/a"}},
		{"size", imagerepo.ImageFilter{Size: other.Size}, []string{"q/a"}},
		{"URL", imagerepo.ImageFilter{URL: "http://a"}, []string{"q/r"}},
		{"disk format", imagerepo.ImageFilter{DiskFormat: "iso"}, []string{"q/r"}},
		{"limit", imagerepo.ImageFilter{Limit: 1}, []string{"p/a"}},
		{"after a name", imagerepo.ImageFilter{Project: "q", After: "a"}, []string{"q/r"}},
		{"after a name that is not there", imagerepo.ImageFilter{Project: "q", After: "b", Limit: 5}, []string{"q/r"}},
		{"after the last name", imagerepo.ImageFilter{Project: "q", After: "r"}, nil},
		{"nothing matches", imagerepo.ImageFilter{Project: "x"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) { diff(t, "images", test.want, c.names(t, test.filter)) })
	}

	one, two := Package("p", "one"), Package("q", "two")
	c.publish(t, one, Image("p", "c", "same"))
	c.publish(t, two)
	diff(t, "images of a package", []string{"p/c"}, c.names(t, imagerepo.ImageFilter{Package: one.ID}))
	diff(t, "images of a package without any", []string(nil), c.names(t, imagerepo.ImageFilter{Package: two.ID}))
	for name, filter := range map[string]imagerepo.PackageFilter{
		"project": {Project: "q"}, "name": {Name: "two"}, "fingerprint": {Fingerprint: two.Fingerprint}, "descriptor": {DescriptorID: "vnfd-two"},
		"all": {Project: "q", Vendor: "acme", Name: "two", Version: "1.0"},
	} {
		if got := all(t, c.Packages(t.Context(), filter)); len(got) != 1 || got[0].ID != two.ID {
			t.Errorf("packages by %s: got %v", name, got)
		}
	}
	later := Package("o", "later")
	c.publish(t, later)
	for _, test := range []struct {
		name   string
		filter imagerepo.PackageFilter
		want   []string
	}{
		{"by project", imagerepo.PackageFilter{}, []string{"later", "one", "two"}},
		{"by ID", imagerepo.PackageFilter{ByID: true}, []string{"one", "two", "later"}},
		{"by ID after the first", imagerepo.PackageFilter{ByID: true, After: one.ID}, []string{"two", "later"}},
		{"by ID after the last", imagerepo.PackageFilter{ByID: true, After: later.ID}, nil},
	} {
		var got []string
		for _, pkg := range all(t, c.Packages(t.Context(), test.filter)) {
			got = append(got, pkg.Name)
		}
		diff(t, "packages "+test.name, test.want, got)
	}
}

func testContents(t *testing.T, c *catalogTest) {
	c.publish(t, nil, Image("p", "1", "a"), Image("p", "2", "a"), Image("p", "3", "b"), Image("p", "4", "c"), Image("p", "5", ""))
	var got []string
	for {
		last := ""
		if len(got) > 0 {
			last = got[len(got)-1]
		}
		page, err := c.Contents(t.Context(), last, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
	}
	want := []string{Content("a").SHA256(), Content("b").SHA256(), Content("c").SHA256()}
	if d := cmp.Diff(want, got, cmpopts.SortSlices(func(a, b string) bool { return a < b })); d != "" {
		t.Errorf("contents (-want +got):\n%s", d)
	}
}

func testCancelled(t *testing.T, c *catalogTest) {
	ctx, cancel := context.WithCancel(t.Context())
	err := c.Publish(ctx, imagerepo.Publication{Images: []imagerepo.Image{Image("p", "name", "bytes")}},
		func(imagerepo.Image, []string) error { cancel(); return nil })
	if err == nil {
		t.Error("a publication that was cancelled in its middle is reported as done")
	}
	for name, err := range map[string]error{
		"Image":       second(c.Image(ctx, "x")),
		"Publish":     c.Publish(ctx, imagerepo.Publication{Images: []imagerepo.Image{Image("p", "name", "bytes")}}, noPlace),
		"DeleteImage": second(c.DeleteImage(ctx, "x", true)),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want context.Canceled", name, err)
		}
	}
	diff(t, "images", []string(nil), c.names(t, imagerepo.ImageFilter{}))
}

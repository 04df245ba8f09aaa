package repotest

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gangway-nfv/gangway/imagerepo"
)

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

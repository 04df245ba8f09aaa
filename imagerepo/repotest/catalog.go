package repotest

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

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
		{"images are told in many orders", testOrders},
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

func testOrders(t *testing.T, c *catalogTest) {
	small, old, young, other := Image("p", "b", "same"), Image("p", "a", "larger content"), Image("p", "C", "larger content"), Image("q", "a", "x")
	for i, img := range []*imagerepo.Image{&old, &small, &young, &other} {
		img.CreatedAt = img.CreatedAt.Add(time.Duration(i) * time.Hour)
	}
	c.publish(t, nil, small, old, young, other)
	larger := Content("larger content")
	for _, test := range []struct {
		name   string
		filter imagerepo.ImageFilter
		want   []string
	}{
		{"of one content", imagerepo.ImageFilter{SHA256: larger.SHA256()}, []string{"p/C", "p/a"}},
		{"of one content from the end", imagerepo.ImageFilter{SHA256: larger.SHA256(), Descending: true}, []string{"p/a", "p/C"}},
		{"of one content by age", imagerepo.ImageFilter{SHA256: larger.SHA256(), Sort: imagerepo.ByCreation, Descending: true}, []string{"p/C", "p/a"}},
		{"of one size", imagerepo.ImageFilter{Size: larger.Size}, []string{"p/C", "p/a"}},
		{"of one size by size", imagerepo.ImageFilter{Size: larger.Size, Sort: imagerepo.BySize, Descending: true}, []string{"p/a", "p/C"}},
		{"a part of the name", imagerepo.ImageFilter{Search: "A"}, []string{"p/a", "q/a"}},
		{"... which is no pattern", imagerepo.ImageFilter{Search: "%"}, nil},
		{"by name from the end", imagerepo.ImageFilter{Descending: true}, []string{"p/b", "p/a", "p/C"}},
		{"by size", imagerepo.ImageFilter{Sort: imagerepo.BySize}, []string{"p/b", "p/C", "p/a"}},
		{"by size, the largest first", imagerepo.ImageFilter{Sort: imagerepo.BySize, Descending: true}, []string{"p/a", "p/C", "p/b"}},
		{"by age", imagerepo.ImageFilter{Sort: imagerepo.ByCreation}, []string{"p/a", "p/b", "p/C"}},
		{"by age, the youngest first", imagerepo.ImageFilter{Sort: imagerepo.ByCreation, Descending: true}, []string{"p/C", "p/b", "p/a"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.filter.Search == "" {
				test.filter.Project = "p"
			}
			diff(t, "all at once", test.want, c.names(t, test.filter))
			if test.filter.Project == "" {
				return
			}
			var paged []string
			for test.filter.Limit = 1; ; {
				page := all(t, c.Images(t.Context(), test.filter))
				if len(page) == 0 {
					break
				}
				last := page[0]
				paged = append(paged, last.Project+"/"+last.Name)
				if test.filter.After = last.Name; test.filter.Sort == imagerepo.BySize {
					test.filter.AfterValue = last.Size
				} else {
					test.filter.AfterValue = last.CreatedAt.UnixMicro()
				}
			}
			diff(t, "one at a time", test.want, paged)
		})
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

package catalog_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/imagerepo/repotest"
)

// BenchmarkMillion measures a catalogue of a million images of one size. Each
// figure is the 99th percentile of its calls. It takes a few minutes to fill:
//
//	go test -run - -bench Million -benchtime 1x ./imagerepo/catalog
func BenchmarkMillion(b *testing.B) {
	const images, batch, packages = 1_000_000, 10_000, 1000
	ctx, path := b.Context(), filepath.Join(b.TempDir(), "catalog.db")
	c, err := catalog.Open(ctx, path)
	if err != nil {
		b.Fatal(err)
	}
	name := func(i int) string { return fmt.Sprintf("image-%07d", i) }
	var digests, ids []string
	for at := 0; at < images; at += batch {
		var pub imagerepo.Publication
		for i := range batch {
			img := repotest.Image(fmt.Sprint("project-", (at+i)%10), name(at+i), name(at+i))
			img.Properties = map[string]string{"hw_disk_bus": "virtio"}
			pub.Images = append(pub.Images, img)
			digests, ids = append(digests, img.SHA256()), append(ids, img.ID)
		}
		if at < packages*batch {
			pub.Package = repotest.Package("p", fmt.Sprint("package-", at))
		}
		if err := c.Publish(ctx, pub, func(imagerepo.Image, []string) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	if c, err = catalog.Open(ctx, path); err != nil {
		b.Fatal(err)
	}
	opened := time.Since(start)
	defer c.Close()

	first := func(filter imagerepo.ImageFilter) error {
		n := 0
		for _, err := range c.Images(ctx, filter) {
			if err != nil {
				return err
			}
			n++
		}
		if n == 0 {
			return imagerepo.ErrNotFound
		}
		return nil
	}
	calls := []struct {
		unit string
		call func(i int) error
	}{
		{"by-name-p99-ms", func(i int) error { _, err := c.ImageByName(ctx, fmt.Sprint("project-", i%10), name(i)); return err }},
		{"by-ID-p99-ms", func(i int) error { _, err := c.Image(ctx, ids[i]); return err }},
		{"by-content-p99-ms", func(i int) error { return first(imagerepo.ImageFilter{SHA256: digests[i]}) }},
		{"by-size-p99-ms", func(int) error { return first(imagerepo.ImageFilter{Size: int64(len(name(0))), Limit: 32}) }},
		{"learn-p99-ms", func(i int) error { return c.Learn(ctx, digests[i], "sha512", "x") }},
		{"publish-p99-ms", func(i int) error {
			return c.Publish(ctx, imagerepo.Publication{Images: []imagerepo.Image{repotest.Image("new", name(i), "new")}},
				func(imagerepo.Image, []string) error { return nil })
		}},
		{"delete-p99-ms", func(i int) error { _, err := c.DeleteImage(ctx, ids[i], true); return err }},
		{"unclaimed-p99-ms", func(i int) error { return c.IfUnclaimed(ctx, imagerepo.NewID(), func() error { return nil }) }},
	}
	for b.Loop() {
		b.ReportMetric(float64(opened.Microseconds())/1000, "open-ms")
		for _, call := range calls {
			const n = 1000
			took := make([]time.Duration, n)
			for i := range n {
				at := (i*7919 + 13) % images
				start := time.Now()
				if err := call.call(at); err != nil {
					b.Fatal(call.unit, err)
				}
				took[i] = time.Since(start)
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[n*99/100].Microseconds())/1000, call.unit)
		}
		start := time.Now()
		if err := first(imagerepo.ImageFilter{}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(start).Seconds(), "list-all-s")
	}
}

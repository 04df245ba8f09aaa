package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
)

// catalogue measures looking names up, and starting, with very many images.
func (b *bench) catalogue(ctx context.Context) error {
	path := b.path("large/gangway.db")
	names, err := catalog.Open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { _ = names.Close() }()
	const portion = 20_000
	for first := 0; first < b.images; first += portion {
		var pub imagerepo.Publication
		for i := first; i < min(first+portion, b.images); i++ {
			sum := sha256.Sum256([]byte(imageName(i)))
			pub.Images = append(pub.Images, imagerepo.Image{ID: imagerepo.NewID(), Project: "default", Name: imageName(i), DiskFormat: "qcow2",
				ContainerFormat: "bare", CreatedAt: time.Now(), Manual: true,
				Content: imagerepo.Content{Size: int64(i) + 1, Digests: imagerepo.Digests{imagerepo.SHA256: hex.EncodeToString(sum[:])}}})
		}
		if err := names.Publish(ctx, pub, func(imagerepo.Image, []string) error { return nil }); err != nil {
			return err
		}
	}
	if err := names.Close(); err != nil {
		return err
	}
	start := time.Now()
	if names, err = catalog.Open(ctx, path); err != nil {
		return err
	}
	opened := time.Since(start)
	const lookups = 10_000
	times := make([]time.Duration, lookups)
	for i := range times {
		start := time.Now()
		if _, err := names.ImageByName(ctx, "default", imageName(rand.IntN(b.images))); err != nil {
			return err
		}
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	p99 := times[lookups*99/100]
	started, err := b.inTurn(func() (sample, error) {
		return command(ctx, nil, b.gangway, "--home", b.path("large"), "images", "show", imageName(b.images/2))
	})
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%d images: ", b.images)
	b.rows = append(b.rows,
		row{what: what + "look a name up, p99", ours: fmt.Sprintf("%.2f ms", p99.Seconds()*1000), yardstick: "5 ms", ratio: fmt.Sprintf("%.2f", p99.Seconds()/0.005), goal: "≤ 1", bound: "SQLite"},
		row{what: what + "open the catalogue", ours: fmt.Sprintf("%.0f ms", opened.Seconds()*1000), yardstick: "1 s", ratio: fmt.Sprintf("%.2f", opened.Seconds()), goal: "≤ 1", bound: "SQLite"},
		row{what: what + "start and show one", ours: fmt.Sprintf("%.0f ms", started[0].wall.Seconds()*1000), yardstick: "1 s", ratio: fmt.Sprintf("%.2f", started[0].wall.Seconds()), goal: "≤ 1", rss: mebibytes(started[0].rss), bound: "starting the process"})
	return nil
}

func imageName(i int) string { return fmt.Sprintf("vendor-%d/image-%d.qcow2", i%97, i) }

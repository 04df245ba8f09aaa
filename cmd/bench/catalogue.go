package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
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
	const lookups = 10_000
	var times []time.Duration
	opened, err := b.inTurn(b.runs, one(func() (sample, error) {
		start := time.Now()
		names, err := catalog.Open(ctx, path)
		if err != nil {
			return sample{}, err
		}
		s := sample{wall: time.Since(start)}
		defer func() { _ = names.Close() }()
		for range lookups {
			start := time.Now()
			if _, err := names.ImageByName(ctx, "default", imageName(rand.IntN(b.images))); err != nil {
				return sample{}, err
			}
			times = append(times, time.Since(start))
		}
		return s, nil
	}))
	if err != nil {
		return err
	}
	_, p99 := quantiles(times)
	started, err := b.inTurn(b.runs, one(func() (sample, error) {
		return command(ctx, nil, b.gangway, "--home", b.path("large"), "images", "show", imageName(b.images/2))
	}))
	if err != nil {
		return err
	}
	add := func(what string, took, limit time.Duration, bound, rss, written string) {
		b.rows = append(b.rows, row{what: fmt.Sprintf("%d images: %s", b.images, what), ours: duration(took), yardstick: duration(limit),
			ratio: fmt.Sprintf("%.3f", took.Seconds()/limit.Seconds()), goal: "≤ 1", bound: bound, rss: rss, written: written})
	}
	rss, written := started[0].peaks()
	add("look a name up, p99", p99, 5*time.Millisecond, "SQLite", "", "")
	add("open the catalogue", opened[0].median(), time.Second, "SQLite", "", "")
	add("start and show one", started[0].median(), time.Second, "starting the process", size(rss), size(written))
	return nil
}

func imageName(i int) string { return fmt.Sprintf("vendor-%d/image-%d.qcow2", i%97, i) }

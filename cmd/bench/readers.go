package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/view"
)

const (
	readerPackages = 500
	readerRate     = 60               // requests a second
	readerIdle     = 10 * time.Second // how long the server is read from that does nothing else
	readerUploads  = 10
)

// readers measures how long reading takes beside uploads, and on the same server
// when it does nothing else.
func (b *bench) readers(ctx context.Context) (err error) {
	folder, home := b.path("read"), b.path("read-home")
	defer func() { err = errors.Join(err, os.RemoveAll(folder), os.RemoveAll(home)) }()
	if _, err := packages(folder, readerPackages, 64<<10); err != nil {
		return err
	}
	if _, err := command(ctx, nil, b.gangway, "--home", home, "--quiet", "onboard", "--jobs", "2", folder); err != nil {
		return err
	}
	server, err := b.serve(ctx, home, nil, "--keep-packages=false")
	if err != nil {
		return err
	}
	defer server.stop()
	requests, err := server.readings(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	idle, err := server.read(ctx, requests, func() bool { return time.Since(began) < readerIdle })
	if err != nil {
		return err
	}
	each := b.size / 2
	sending, end := context.WithCancel(ctx)
	defer end()
	var sent error
	began = time.Now()
	var uploads sync.WaitGroup
	uploads.Go(func() {
		defer end()
		sent = server.uploadMany(sending, readerUploads, each)
	})
	busy, err := server.read(ctx, requests, func() bool { return sending.Err() == nil })
	if err != nil {
		end()
	}
	uploads.Wait()
	took := time.Since(began)
	if err := errors.Join(sent, err); err != nil {
		return err
	}
	rss := server.sample(0).rss
	for i, what := range []string{"list 100 packages", "show a package", "look an image up by name"} {
		quiet, quietest := quantiles(idle[i])
		p50, p99 := quantiles(busy[i])
		r := row{
			what: fmt.Sprintf("  %s: p99 (p50 %s)", what, duration(p50)), ours: duration(p99),
			yardstick: fmt.Sprintf("idle: p99 (p50 %s)", duration(quiet)), theirs: duration(quietest),
			ratio: fmt.Sprintf("%.1f", p99.Seconds()/quietest.Seconds()), bound: "the processors, which hash"}
		if i == 0 {
			b.rows = append(b.rows, row{what: fmt.Sprintf("server: %d readings a second beside %d uploads of %s, which take", readerRate, readerUploads, size(each)),
				ours: duration(took), rss: size(rss), bound: "writing to the medium"})
		}
		b.rows = append(b.rows, r)
	}
	return nil
}

// readings are the paths of the requests of readers, by their kind.
func (r *running) readings(ctx context.Context) ([3][]string, error) {
	var paths [3][]string
	var packages []view.Resource
	if err := r.get(ctx, "/api/v1/packages?limit=1000", &packages); err != nil {
		return paths, err
	}
	var images []view.Image
	if err := r.get(ctx, "/api/v1/images?limit=1000", &images); err != nil {
		return paths, err
	}
	if len(packages) < 100 || len(images) == 0 {
		return paths, fmt.Errorf("%d packages and %d images are listed", len(packages), len(images))
	}
	for i, p := range packages {
		if i < len(packages)-100 {
			paths[0] = append(paths[0], "/api/v1/packages?limit=100&marker="+p.ID)
		}
		paths[1] = append(paths[1], "/api/v1/packages/"+p.ID)
	}
	for _, img := range images {
		paths[2] = append(paths[2], "/api/v1/images/"+url.PathEscape(img.Name))
	}
	return paths, nil
}

// read sends requests of all kinds in turn as long as more says so, and returns how
// long those of each kind took.
func (r *running) read(ctx context.Context, paths [3][]string, more func() bool) (took [3][]time.Duration, err error) {
	all, err := atRate(ctx, readerRate, func(int) bool { return more() }, func(i int) error {
		kind := paths[i%len(paths)]
		return r.get(ctx, kind[i/len(paths)%len(kind)], nil)
	})
	for i, d := range all {
		took[i%len(took)] = append(took[i%len(took)], d)
	}
	for _, kind := range took {
		if len(kind) == 0 && err == nil {
			err = errors.New("there was no time to read")
		}
	}
	return took, err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
)

const (
	memoryUploads = 20
	memoryGoal    = 128 << 20
)

// memory measures what a server takes while many large packages arrive at once. They
// are made while they are sent, and some are onboarded meanwhile. It ends when the last
// of them was accepted: what the others would take of the disk is spared.
func (b *bench) memory(ctx context.Context) (err error) {
	home := b.path("memory-home")
	defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	each, err := b.fitting(memoryUploads)
	if err != nil {
		return err
	}
	server, err := b.serve(ctx, home, nil, "--keep-packages=false")
	if err != nil {
		return err
	}
	defer server.stop()
	begun := time.Now()
	if err := server.uploadMany(ctx, memoryUploads, each); err != nil {
		return err
	}
	s := server.sample(time.Since(begun))
	b.rows = append(b.rows, row{
		what: fmt.Sprintf("server: memory with %d uploads of %s at once, which take %s", memoryUploads, size(each), duration(s.wall)),
		ours: size(s.rss), yardstick: "limit", theirs: size(memoryGoal), ratio: fmt.Sprintf("%.2f", float64(s.rss)/memoryGoal), goal: "≤ 1",
		rss: size(s.rss), written: size(s.written), bound: "buffers: 1 MiB for an upload"})
	return nil
}

// fitting is the size that a number of images may have, so that archives and images
// need no more than what is free on the disk.
func (b *bench) fitting(n int64) (int64, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(b.dir, &disk); err != nil {
		return 0, err
	}
	free := int64(disk.Bavail) * disk.Bsize
	return min(b.size, free*3/4/n), nil
}

// uploadMany sends so many tars at once, with images of a size in bytes.
func (r *running) uploadMany(ctx context.Context, n int, size int64) error {
	uploads, ctx := errgroup.WithContext(ctx)
	for i := range n {
		uploads.Go(func() error { return r.uploadMade(ctx, fmt.Sprintf("large-%d", i), size, uint64(i)) })
	}
	return uploads.Wait()
}

// uploadMade sends a tar that is made while it is sent.
func (r *running) uploadMade(ctx context.Context, name string, size int64, seed uint64) error {
	body, w := io.Pipe()
	var making sync.WaitGroup
	making.Go(func() {
		w.CloseWithError(onboardingtest.Write(w, onboardingtest.Tar, onboardingtest.OpenBatonTar(spec(name, onboardingtest.Raw(size, seed)))))
	})
	defer making.Wait()
	defer body.Close()
	_, err := r.upload(ctx, body, -1)
	return err
}

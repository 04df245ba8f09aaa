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

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
)

const (
	memoryUploads = 20
	memoryGoal    = 128 << 20
)

// memory measures what a server takes while many large packages arrive at once. They
// are made while they are sent. It ends when the last of them was accepted, which is
// when as many are onboarded as the server onboards at once; images that are the same
// keep the disk from being filled by them.
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
	var uploads sync.WaitGroup
	errs := make([]error, memoryUploads)
	begun := time.Now()
	for i := range memoryUploads {
		uploads.Go(func() { errs[i] = server.uploadMade(ctx, fmt.Sprintf("large-%d", i), each, uint64(i)) })
	}
	uploads.Wait()
	if err := errors.Join(errs...); err != nil {
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

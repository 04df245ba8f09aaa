package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
)

const (
	smallPackages = 1000
	smallClients  = 50
	smallSize     = 1 << 20 // bytes of the image
	// smallRuns is less than others take: a run is a thousand of one.
	smallRuns = 1
)

// small measures many clients that send many small packages, beside the command
// line that takes the same files in.
func (b *bench) small(ctx context.Context) error {
	folder := b.path("small")
	defer os.RemoveAll(folder)
	files, err := packages(folder, smallPackages, smallSize)
	if err != nil {
		return err
	}
	var accepted, onboarded []time.Duration
	served := func() (sample, error) {
		home := b.path("small-served")
		defer os.RemoveAll(home)
		server, err := b.serve(ctx, home, nil)
		if err != nil {
			return sample{}, err
		}
		defer server.stop()
		begun := time.Now()
		uploads, err := server.uploadAll(ctx, files, smallClients)
		if err != nil {
			return sample{}, err
		}
		last := begun
		for _, u := range uploads {
			accepted, onboarded = append(accepted, u.accepted.Sub(u.begun)), append(onboarded, u.onboarded.Sub(u.begun))
			if u.onboarded.After(last) {
				last = u.onboarded
			}
		}
		return server.sample(last.Sub(begun)), nil
	}
	batch := func() (sample, error) {
		home := b.path("small-batch")
		defer os.RemoveAll(home)
		return command(ctx, nil, b.gangway, "--home", home, "--quiet", "onboard", "--jobs", "2", folder)
	}
	got, err := b.inTurn(min(b.runs, smallRuns), one(served), one(batch))
	if err != nil {
		return err
	}
	rate := func(s series) string { return fmt.Sprintf("%.0f a second", smallPackages/s.median().Seconds()) }
	rss, written := got[0].peaks()
	b.rows = append(b.rows, row{
		what: fmt.Sprintf("server: %d clients, %d packages of %s onboarded", smallClients, smallPackages, size(smallSize)),
		ours: rate(got[0]), yardstick: "gangway onboard --jobs 2", theirs: rate(got[1]), ratio: fmt.Sprintf("%.2f", ratio(got[0], got[1])),
		rss: size(rss), written: size(written), bound: "waiting for the medium: files, folders and transactions"})
	for _, until := range []struct {
		what string
		took []time.Duration
	}{{"accepted", accepted}, {"onboarded", onboarded}} {
		p50, p99 := quantiles(until.took)
		b.rows = append(b.rows, row{what: fmt.Sprintf("  from the request until it is %s: p99 (p50 %s)", until.what, duration(p50)), ours: duration(p99)})
	}
	return nil
}

// packages makes packages that differ, with images of a size in bytes, in a new
// folder: zips and tars.
func packages(folder string, n int, size int64) (files []string, err error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, err
	}
	for i := range n {
		image := onboardingtest.QCOW2(size, 1<<30, uint64(i))
		name := fmt.Sprintf("vnf-%d", i)
		container, members := onboardingtest.ZipDeflated, onboardingtest.SOL004(spec(name, image))
		if i%2 == 0 {
			container, members = onboardingtest.Tar, onboardingtest.OpenBatonTar(spec(name, image))
		}
		path := filepath.Join(folder, name)
		if err := onboardingtest.WriteFile(path, container, members); err != nil {
			return nil, err
		}
		files = append(files, path)
	}
	return files, nil
}

// uploaded is when a package was where.
type uploaded struct{ begun, accepted, onboarded time.Time }

// uploadAll sends files by so many clients, each of which sends the next when one
// was accepted, and waits until all of them are onboarded. No error is forgiven.
func (r *running) uploadAll(ctx context.Context, files []string, clients int) (map[string]uploaded, error) {
	paths := make(chan string)
	uploads := make(map[string]uploaded, len(files)) // by job
	var mu sync.Mutex
	var errs []error
	var sending sync.WaitGroup
	for range clients {
		sending.Go(func() {
			for path := range paths {
				u := uploaded{begun: time.Now()}
				id, err := r.uploadFile(ctx, path)
				u.accepted = time.Now()
				mu.Lock()
				uploads[id], errs = u, append(errs, err)
				mu.Unlock()
			}
		})
	}
	for _, path := range files {
		paths <- path
	}
	close(paths)
	sending.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if err := r.settle(ctx); err != nil {
		return nil, err
	}
	// One list tells of all, so that asking for each does not disturb the work.
	var jobs []job.Job
	if err := r.get(ctx, "/api/v1/jobs?kind=onboard&limit=1000", &jobs); err != nil {
		return nil, err
	}
	ended := 0
	for _, j := range jobs {
		u, ours := uploads[j.ID]
		if !ours {
			continue
		}
		if j.State != job.Succeeded {
			return nil, fmt.Errorf("job %s is %s: %s", j.ID, j.State, j.Error)
		}
		u.onboarded = j.EndedAt
		uploads[j.ID] = u
		ended++
	}
	if ended != len(files) {
		return nil, fmt.Errorf("of %d packages %d are onboarded", len(files), ended)
	}
	return uploads, nil
}

// uploadFile sends a file and returns the job that onboards it.
func (r *running) uploadFile(ctx context.Context, path string) (jobID string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	j, err := r.upload(ctx, file, info.Size())
	return j.ID, err
}

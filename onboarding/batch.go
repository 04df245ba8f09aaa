package onboarding

import (
	"context"
	"iter"
	"sync"
)

// BatchOptions say how to run many packages. The zero value runs one at a time
// and stops at the first that is not accepted.
type BatchOptions struct {
	// Jobs is how many packages are under way at once; less than one means one.
	Jobs int
	// KeepGoing goes on after packages that were rejected or failed.
	KeepGoing bool
}

// Batch runs one, such as [Pipeline.Onboard] with its options, for every source
// and hands the reports to done in the order in which they come. The calls of
// done do not overlap. Without KeepGoing no source is begun after one that was
// rejected or failed; those under way come to their end. The error is that of
// the sources or of the context.
func Batch(ctx context.Context, sources iter.Seq2[Source, error], opts BatchOptions,
	one func(context.Context, Source) (Report, error), done func(Report)) error {
	places := make(chan struct{}, max(opts.Jobs, 1))
	var running sync.WaitGroup
	var mu sync.Mutex
	stopped := false
	defer running.Wait()
	for src, err := range sources {
		if err != nil {
			return err
		}
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		mu.Lock()
		stop := stopped
		mu.Unlock()
		if stop || ctx.Err() != nil {
			return ctx.Err()
		}
		running.Go(func() {
			defer func() { <-places }()
			report, _ := one(ctx, src) // the report tells the error
			mu.Lock()
			defer mu.Unlock()
			if report.Status == Rejected || report.Status == Failed {
				stopped = stopped || !opts.KeepGoing
			}
			done(report)
		})
	}
	return nil
}

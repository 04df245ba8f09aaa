package job_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
)

// The tests run on the real ledger. Where time matters they run in a bubble of
// synctest, in which hours of waiting take no time: a queue is then as good as a
// process of its own, since queues share nothing but the ledger.

// openStore opens the ledger in a file.
func openStore(t testing.TB, path string) job.Store {
	t.Helper()
	c, err := catalog.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	l, err := ledger.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return l.Jobs()
}

// inBubble runs a test on a store of its own, with time that stands still while
// somebody works.
func inBubble(t *testing.T, test func(*testing.T, job.Store)) {
	synctest.Test(t, func(t *testing.T) {
		test(t, openStore(t, filepath.Join(t.TempDir(), "gangway.db")))
	})
}

type kinds = map[job.Kind]job.KindOptions

// only is the kind "onboard" with a handler.
func only(h job.Handler) kinds { return kinds{"onboard": {Handler: h}} }

// anOnboarding is a job of that kind.
var anOnboarding = job.New{Project: "p", Kind: "onboard", Subject: "pkg"}

// run runs a queue until stop is called, which returns when it has ended, or the
// test ends.
func run(t testing.TB, q *job.Queue, k kinds) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx, k) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func add(t testing.TB, q *job.Queue, n job.New) job.Job {
	t.Helper()
	j, err := q.Add(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func get(t testing.TB, q *job.Queue, id string) job.Job {
	t.Helper()
	j, err := q.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// wait waits for the end of a job.
func wait(t testing.TB, q *job.Queue, id string) job.Job {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	j, err := q.Wait(ctx, id)
	if err != nil {
		t.Fatalf("job %s is %s: %v", id, j.State, err)
	}
	return j
}

// ending is how a job has ended.
type ending struct {
	State             job.State
	Attempt, Failures int
	Result, Error     string
}

func endingOf(j job.Job) ending {
	return ending{j.State, j.Attempt, j.Failures, string(j.Result), j.Error}
}

// untilEnd is a handler that works until its context ends, and then tells why
// and when.
func untilEnd(begun chan<- struct{}, why *error, when *time.Time) job.Handler {
	return func(ctx context.Context, _ *job.Task) (any, error) {
		if begun != nil {
			close(begun)
		}
		<-ctx.Done()
		*why, *when = context.Cause(ctx), time.Now()
		return nil, ctx.Err()
	}
}

func succeed(context.Context, *job.Task) (any, error) { return nil, nil }

package job_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gangway-nfv/gangway/onboarding/job"
)

// watch returns what the events of a job say, to its end.
func watch(t *testing.T, q *job.Queue, id string, after int64) []string {
	t.Helper()
	var said []string
	for e, err := range q.Watch(t.Context(), id, after) {
		if err != nil {
			t.Error(err)
			break
		}
		if want := after + int64(len(said)) + 1; e.Number != want {
			t.Errorf("event %d came for %d", e.Number, want)
		}
		said = append(said, string(e.Data))
	}
	return said
}

func TestAWatcherGetsWhatComesAfterANumber(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q, elsewhere := job.NewQueue(store, job.Options{}), job.NewQueue(store, job.Options{})
		j := add(t, q, anOnboarding)
		seen := make(map[int64][]string)
		var mu sync.Mutex
		var watchers sync.WaitGroup
		look := func(q *job.Queue, after int64) {
			watchers.Go(func() {
				events := watch(t, q, j.ID, after)
				mu.Lock()
				defer mu.Unlock()
				if other, any := seen[after]; any && !cmp.Equal(other, events) {
					t.Errorf("after %d one saw\n%q, another\n%q", after, events, other)
				}
				seen[after] = events
			})
		}
		for _, after := range []int64{0, 1, 7} {
			look(q, after)
			look(elsewhere, after)
		}
		run(t, q, only(func(_ context.Context, task *job.Task) (any, error) {
			for i := range int64(40) {
				task.Report(job.Progress{Done: i + 1})
				if time.Sleep(500 * time.Millisecond); i == 20 {
					look(q, 0)
					look(elsewhere, 5)
				}
			}
			return nil, nil
		}))
		watchers.Wait()
		all := seen[0]
		if len(all) < 20 || all[len(all)-1] != `{"state":"succeeded","attempt":1}` {
			t.Fatalf("all events are %q", all)
		}
		// And when it has ended.
		for after := range int64(len(all) + 2) {
			look(q, after)
		}
		watchers.Wait()
		for after, events := range seen {
			if diff := cmp.Diff(all[min(after, int64(len(all))):], events, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("after %d (-all +seen):\n%s", after, diff)
			}
		}
	})
}

func TestAWatcherGetsManyEvents(t *testing.T) {
	const many = 1234
	store := openStore(t, t.TempDir()+"/gangway.db")
	q := job.NewQueue(store, job.Options{})
	j := add(t, q, anOnboarding)
	claim := die(t, store, time.Minute)
	var beats []job.Beat
	for i := range int64(many) {
		beats = append(beats, job.Beat{Claim: claim, Progress: &job.Progress{Done: i}})
	}
	if _, err := store.Beat(t.Context(), beats, time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	cancel(t, q, j.ID)
	if got := watch(t, q, j.ID, 0); len(got) != many+3 {
		t.Errorf("%d events", len(got))
	}
}

func TestProgressIsToldOnceASecond(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		run(t, q, only(func(_ context.Context, task *job.Task) (any, error) {
			for i := range int64(1050) { // the last half second between two beats
				task.Report(job.Progress{Done: i + 1, Total: 1050})
				time.Sleep(10 * time.Millisecond)
			}
			return nil, nil
		}))
		j := add(t, q, anOnboarding)
		var times []time.Time
		for e, err := range q.Watch(t.Context(), j.ID, 0) {
			if err != nil {
				t.Fatal(err)
			}
			if late := time.Since(e.At); late > 100*time.Millisecond {
				t.Errorf("event %d was told after %v", e.Number, late)
			}
			if e.Type == job.ProgressEvent {
				times = append(times, e.At)
			}
		}
		if len(times) < 9 || len(times) > 10 {
			t.Errorf("%d events of progress in 10 seconds", len(times))
		}
		for pair := range slices.Chunk(times, 2) {
			if gap := pair[len(pair)-1].Sub(pair[0]); len(pair) == 2 && gap < 990*time.Millisecond {
				t.Errorf("progress was told after %v again", gap)
			}
		}
		if got := get(t, q, j.ID).Progress; got.Done != 1050 {
			t.Errorf("in the end it was done to %d", got.Done)
		}
	})
}

func TestWatchEndsWithItsContextAndItsQueue(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		stop := run(t, q, kinds{})
		j := add(t, q, anOnboarding)
		last := func(ctx context.Context) (err error) {
			for _, err = range q.Watch(ctx, j.ID, 0) {
			}
			return err
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := last(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with its context: %v", err)
		}
		stop()
		if err := last(t.Context()); !errors.Is(err, job.ErrStopping) {
			t.Errorf("with its queue: %v", err)
		}
	})
}

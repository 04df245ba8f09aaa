package job_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/job"
)

func TestStartRunsTheHandlerThatItIsGiven(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		started := make(chan job.Job)
		go func() { // waits for Run
			j, err := q.Start(ctx, anOnboarding, func(ctx context.Context, _ *job.Task) (any, error) {
				time.Sleep(time.Minute) // for which the claim is renewed
				return "given", ctx.Err()
			})
			if err != nil {
				t.Error(err)
			}
			started <- j
		}()
		synctest.Wait()
		run(t, q, only(func(context.Context, *job.Task) (any, error) { return "kind's", nil }))
		j := <-started
		cancel() // which the handler outlives
		if j.State != job.Running {
			t.Errorf("it is %s", j.State)
		}
		if diff := cmp.Diff(ending{State: job.Succeeded, Attempt: 1, Result: `"given"`}, endingOf(wait(t, q, j.ID))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestAProjectStartsSoManyJobsAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		release := make(chan struct{})
		hang := func(context.Context, *job.Task) (any, error) { <-release; return nil, nil }
		run(t, q, kinds{"launch": {Handler: hang, Workers: 1, Starts: 2}, "onboard": {Handler: succeed}})
		start := func(project, key string) (job.Job, error) {
			return q.Start(t.Context(), job.New{Project: project, Kind: "launch", Key: key}, hang)
		}
		begins := func(what, project, key string) job.Job {
			t.Helper()
			j, err := start(project, key)
			if err != nil || j.State != job.Running {
				t.Fatalf("%s: %s, %v", what, j.State, err)
			}
			return j
		}
		refused := func(what, key string) {
			t.Helper()
			_, err := start("p", key)
			if busy, is := errors.AsType[*job.BusyError](err); !is || *busy != (job.BusyError{Project: "p", Kind: "launch", Limit: 2}) {
				t.Errorf("%s: %v", what, err)
			}
		}
		add(t, q, job.New{Project: "p", Kind: "launch"}) // a worker's
		synctest.Wait()
		first := begins("the first", "p", "k")
		if again := begins("its repetition", "p", "k"); again.ID != first.ID {
			t.Errorf("the repetition is job %s, not %s", again.ID, first.ID)
		}
		begins("the second", "p", "")
		refused("a third", "")
		refused("a third with a key of its own", "other")
		if again, err := start("p", "k"); err != nil || again.ID != first.ID {
			t.Errorf("a repetition of the first: job %s, not %s, %v", again.ID, first.ID, err)
		}
		if _, err := q.Start(t.Context(), job.New{Project: "p", Kind: "launch", Key: "k", Payload: "other"}, hang); !errors.Is(err, job.ErrKeyReused) {
			t.Errorf("another with the key of the first: %v", err)
		}
		begins("one of another project", "q", "k")
		if _, err := q.Start(t.Context(), anOnboarding, succeed); err != nil {
			t.Errorf("one of another kind: %v", err)
		}
		if jobs, err := q.List(t.Context(), job.Filter{Project: "p", Kind: "launch"}); err != nil || len(jobs) != 3 {
			t.Errorf("there are %d launches, %v", len(jobs), err)
		}
		release <- struct{}{}
		synctest.Wait()
		close(release)
		wait(t, q, first.ID)
		synctest.Wait()
		begins("one when others have ended", "p", "other")
	})
}

func TestRepetitionsTakeNoPlaceWhileTheyFindOut(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		release := make(chan struct{})
		hang := func(context.Context, *job.Task) (any, error) { <-release; return nil, nil }
		run(t, q, kinds{"launch": {Handler: hang, Starts: 2}})
		inserting, inserted := make(chan struct{}), make(chan struct{})
		slow := func(ctx context.Context, j job.Job) (job.Job, bool, error) {
			inserting <- struct{}{}
			<-inserted
			return store.Insert(ctx, j)
		}
		keyed := job.New{Project: "p", Kind: "launch", Key: "k"}
		ids := make(chan string)
		for range 3 {
			go func() {
				j, err := q.StartIn(t.Context(), keyed, slow, hang)
				if err != nil {
					t.Error(err)
				}
				ids <- j.ID
			}()
		}
		for range 3 {
			<-inserting
		}
		if _, err := q.Start(t.Context(), job.New{Project: "p", Kind: "launch"}, hang); err != nil {
			t.Errorf("another while three find out that they are one: %v", err)
		}
		close(inserted)
		if a, b, c := <-ids, <-ids, <-ids; a != b || b != c {
			t.Errorf("they are jobs %s, %s and %s", a, b, c)
		}
		close(release)
	})
}

func TestWhatWasStartedIsTriedAgainByTheHandlerOfItsKind(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		run(t, q, only(func(context.Context, *job.Task) (any, error) { return "kind's", nil }))
		j, err := q.Start(t.Context(), anOnboarding, func(context.Context, *job.Task) (any, error) { return nil, errors.New("cut off") })
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ending{State: job.Succeeded, Attempt: 2, Failures: 1, Result: `"kind's"`}, endingOf(wait(t, q, j.ID))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestWhatIsStoredSlowlyIsStarted(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		run(t, q, only(func(context.Context, *job.Task) (any, error) { return "kind's", nil }))
		slowly := func(before, after time.Duration) func(context.Context, job.Job) (job.Job, bool, error) {
			return func(ctx context.Context, j job.Job) (job.Job, bool, error) {
				time.Sleep(before)
				defer time.Sleep(after)
				return store.Insert(ctx, j)
			}
		}
		for name, insert := range map[string]func(context.Context, job.Job) (job.Job, bool, error){
			"for longer than the time between beats": slowly(5*time.Second, 0),
			"for nearly as long as a claim holds":    slowly(9*time.Second, 0),
			"for longer than a claim holds":          slowly(15*time.Second, 0),
			"and told late":                          slowly(0, 15*time.Second),
		} {
			j, err := q.StartIn(t.Context(), anOnboarding, insert, func(ctx context.Context, _ *job.Task) (any, error) {
				time.Sleep(time.Minute)
				return "given", context.Cause(ctx)
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(ending{State: job.Succeeded, Attempt: 1, Result: `"given"`}, endingOf(wait(t, q, j.ID))); diff != "" {
				t.Errorf("stored %s (-want +got):\n%s", name, diff)
			}
		}
	})
}

// unrenewed is a store that renews no claims.
type unrenewed struct{ job.Store }

func (unrenewed) Beat(context.Context, []job.Beat, time.Time, time.Time) ([]job.Answer, error) {
	return nil, errors.New("the database is away")
}

func TestAClaimThatCannotBeRenewedHoldsNoLongerThanItsRowSays(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(unrenewed{store}, job.Options{})
		run(t, q, only(succeed))
		begun := time.Now()
		var heard time.Duration
		j, err := q.StartIn(t.Context(), anOnboarding, func(ctx context.Context, j job.Job) (job.Job, bool, error) {
			defer time.Sleep(5 * time.Second)
			return store.Insert(ctx, j)
		}, func(ctx context.Context, _ *job.Task) (any, error) {
			<-ctx.Done()
			heard = time.Since(begun)
			return nil, ctx.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		wait(t, q, j.ID)
		if heard > 8*time.Second { // of the ten of a lease, some are for it to end
			t.Errorf("the handler went on for %s", heard)
		}
	})
}

func TestAHandlerThatWasGivenHearsAtOnceThatAnotherProcessWasQuicker(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q, other := job.NewQueue(store, job.Options{}), job.NewQueue(store, job.Options{})
		run(t, q, only(succeed))
		run(t, other, only(func(context.Context, *job.Task) (any, error) {
			time.Sleep(time.Minute)
			return "other", nil
		}))
		var why error
		j, err := q.StartIn(t.Context(), anOnboarding, func(ctx context.Context, j job.Job) (job.Job, bool, error) {
			defer time.Sleep(15 * time.Second)
			return store.Insert(ctx, j)
		}, func(ctx context.Context, _ *job.Task) (any, error) {
			why = context.Cause(ctx)
			return nil, ctx.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ending{State: job.Succeeded, Attempt: 2, Result: `"other"`}, endingOf(wait(t, q, j.ID))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if !errors.Is(why, job.ErrLost) {
			t.Errorf("the handler that was given heard %v", why)
		}
	})
}

func TestAHandlerThatWasGivenHearsOfAStopWhileItsJobWasStored(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		stop := run(t, q, only(succeed))
		var why error
		j, err := q.StartIn(t.Context(), anOnboarding, func(ctx context.Context, j job.Job) (job.Job, bool, error) {
			go stop()
			time.Sleep(time.Second)
			return store.Insert(ctx, j)
		}, func(ctx context.Context, _ *job.Task) (any, error) {
			why = context.Cause(ctx)
			return nil, ctx.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		stop()
		if !errors.Is(why, job.ErrStopping) {
			t.Errorf("the handler heard %v", why)
		}
		if j := get(t, q, j.ID); j.State != job.Queued || j.Attempt != 0 {
			t.Errorf("the job is %s after %d attempts", j.State, j.Attempt)
		}
	})
}

func TestWhatCannotBeStoredIsNotStarted(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		stop := run(t, q, only(succeed))
		never := func(context.Context, *job.Task) (any, error) {
			t.Error("it was run")
			return nil, nil
		}
		full := errors.New("disk full")
		_, err := q.StartIn(t.Context(), anOnboarding, func(context.Context, job.Job) (job.Job, bool, error) { return job.Job{}, false, full }, never)
		if !errors.Is(err, full) {
			t.Errorf("StartIn: %v", err)
		}
		if _, err := q.Start(t.Context(), job.New{Kind: "unknown"}, never); err == nil {
			t.Error("a kind that nobody could take over was started")
		}
		stop() // waits for no more than there is
	})
}

package job_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/job"
)

func cancel(t *testing.T, q *job.Queue, id string) job.Job {
	t.Helper()
	j, err := q.Cancel(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestAQueuedJobIsCancelledAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		j := add(t, q, anOnboarding)
		want := ending{State: job.Cancelled, Error: "job cancelled"}
		if diff := cmp.Diff(want, endingOf(cancel(t, q, j.ID))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		run(t, q, only(func(_ context.Context, task *job.Task) (any, error) {
			if task.Job.ID == j.ID {
				t.Error("it was run")
			}
			return nil, nil
		}))
		wait(t, q, add(t, q, anOnboarding).ID)
	})
}

func TestARunningJobIsCancelledByItsContext(t *testing.T) {
	for _, test := range []struct {
		name   string
		within time.Duration
		queue  func(runner *job.Queue, store job.Store) *job.Queue
	}{
		{"at once in its process", 0, func(runner *job.Queue, _ job.Store) *job.Queue { return runner }},
		{"with the next beat in another", 2 * time.Second, func(_ *job.Queue, store job.Store) *job.Queue { return job.NewQueue(store, job.Options{}) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, store job.Store) {
				runner := job.NewQueue(store, job.Options{})
				begun := make(chan struct{})
				var why error
				var when time.Time
				run(t, runner, only(untilEnd(begun, &why, &when)))
				j := add(t, runner, anOnboarding)
				<-begun
				time.Sleep(time.Minute + 100*time.Millisecond)
				q, asked := test.queue(runner, store), time.Now()
				if j := cancel(t, q, j.ID); j.State != job.Running && j.State != job.Cancelled {
					t.Errorf("Cancel returned a job that is %s", j.State)
				}
				want := ending{State: job.Cancelled, Attempt: 1, Failures: 1, Error: "job cancelled"}
				if diff := cmp.Diff(want, endingOf(wait(t, q, j.ID))); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if !errors.Is(why, job.ErrCancelled) {
					t.Errorf("the cause is %v", why)
				}
				if took := when.Sub(asked); took > test.within+10*time.Millisecond {
					t.Errorf("the handler was told after %v", took)
				}
			})
		})
	}
}

func TestAJobThatFinishesAnywayStaysFinished(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		want ending
	}{
		{"with success", nil, ending{State: job.Succeeded, Attempt: 1, Result: `"done"`}},
		{"with a permanent error", job.Permanent(errors.New("bad")), ending{State: job.Failed, Attempt: 1, Failures: 1, Result: `"done"`, Error: "bad"}},
		{"but not with an error that would be tried again", errors.New("cut off"),
			ending{State: job.Cancelled, Attempt: 1, Failures: 1, Result: `"done"`, Error: "cut off"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, store job.Store) {
				q := job.NewQueue(store, job.Options{})
				begun := make(chan struct{})
				run(t, q, only(func(ctx context.Context, _ *job.Task) (any, error) {
					close(begun)
					<-ctx.Done()
					return "done", test.err
				}))
				j := add(t, q, anOnboarding)
				<-begun
				cancel(t, q, j.ID)
				if diff := cmp.Diff(test.want, endingOf(wait(t, q, j.ID))); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				// Nor does it change when it is cancelled once more.
				if diff := cmp.Diff(test.want, endingOf(cancel(t, q, j.ID))); diff != "" {
					t.Errorf("cancelled once more (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// The error comes before the process that runs the job hears that it is to end.
func TestACancelledJobIsNotTriedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		run(t, q, only(func(context.Context, *job.Task) (any, error) {
			time.Sleep(30 * time.Second)
			return nil, errors.New("not yet")
		}))
		j := add(t, q, anOnboarding)
		time.Sleep(30*time.Second - time.Millisecond)
		cancel(t, job.NewQueue(store, job.Options{}), j.ID)
		want := ending{State: job.Cancelled, Attempt: 1, Failures: 1, Error: "not yet"}
		if diff := cmp.Diff(want, endingOf(wait(t, q, j.ID))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestAJobWhoseProcessDiedCanBeCancelled(t *testing.T) {
	for _, test := range []struct {
		name  string
		after time.Duration // the claim
		want  ending
	}{
		// The claim holds, so that the next runner ends it.
		{"while its claim holds", time.Second, ending{State: job.Cancelled, Attempt: 2, Failures: 1, Error: "job cancelled"}},
		{"when its claim has run out", 11 * time.Second, ending{State: job.Cancelled, Attempt: 1, Error: "job cancelled"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, store job.Store) {
				q := job.NewQueue(store, job.Options{})
				j := add(t, q, anOnboarding)
				die(t, store, 10*time.Second)
				time.Sleep(test.after)
				cancel(t, q, j.ID)
				run(t, q, only(func(context.Context, *job.Task) (any, error) {
					t.Error("it was run")
					return nil, nil
				}))
				if diff := cmp.Diff(test.want, endingOf(wait(t, q, j.ID))); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// die is what a process does that claims a job of the kind "onboard" and is
// killed.
func die(t *testing.T, store job.Store, lease time.Duration) job.Claim {
	t.Helper()
	claims, err := store.Claim(t.Context(), map[job.Kind]int{"onboard": 1}, nil, time.Now(), time.Now().Add(lease))
	if err != nil || len(claims) != 1 {
		t.Fatalf("%d claims, %v", len(claims), err)
	}
	return claims[0]
}

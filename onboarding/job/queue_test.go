package job_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gangway-nfv/gangway/onboarding/job"
)

func TestAJobTellsWhatItIs(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		payload := map[string]any{"file": "a.tar", "size": 12}
		run(t, q, only(func(_ context.Context, task *job.Task) (any, error) {
			var got map[string]any
			if err := task.Decode(&got); err != nil {
				return nil, err
			}
			task.Report(job.Progress{Step: "disk", Done: 6, Total: 12})
			task.Report(job.Progress{Step: "disk", Done: 6, Total: 12, Parts: []job.Part{{At: "vim", What: "disk", Done: 6, Total: 12}}})
			time.Sleep(time.Minute)
			return got, nil
		}))
		synctest.Wait()
		time.Sleep(500 * time.Millisecond) // between two polls
		added := add(t, q, job.New{Project: "p", Kind: "onboard", Subject: "pkg", Title: "a.tar", By: "token ci", Key: "k", Payload: payload})
		got := wait(t, q, added.ID)
		want := job.Job{
			ID: added.ID, Project: "p", Kind: "onboard", Subject: "pkg", Title: "a.tar", By: "token ci", Key: "k", Payload: json.RawMessage(`{"file":"a.tar","size":12}`),
			State: job.Succeeded, Attempt: 1, Progress: job.Progress{Step: "disk", Done: 6, Total: 12, Parts: []job.Part{{At: "vim", What: "disk", Done: 6, Total: 12}}},
			Result: json.RawMessage(`{"file":"a.tar","size":12}`),
			Events: 4, CreatedAt: added.CreatedAt, StartedAt: added.CreatedAt, EndedAt: added.CreatedAt.Add(time.Minute),
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateApproxTime(100*time.Millisecond)); diff != "" {
			t.Errorf("job (-want +got):\n%s", diff)
		}
	})
}

func TestAProjectHasNoMoreJobsThanItMay(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		limited := job.Options{Limit: job.Limit{Kinds: []job.Kind{"image", "launch"}, Jobs: 2}}
		q := job.NewQueue(store, limited)
		refused := func(n job.New) {
			t.Helper()
			_, err := q.Add(t.Context(), n)
			if full, is := errors.AsType[*job.FullError](err); !is || *full != (job.FullError{Project: n.Project, Limit: 2}) {
				t.Errorf("%+v: got %v, want a *FullError", n, err)
			}
		}
		image, launch := job.New{Project: "p", Kind: "image"}, job.New{Project: "p", Kind: "launch", Key: "k"}
		first, second := add(t, q, image), add(t, q, launch)
		refused(image)
		refused(job.New{Project: "p", Kind: "launch", Key: "another"})
		if again := add(t, q, launch); again.ID != second.ID {
			t.Errorf("the key of %s gives %s", second.ID, again.ID)
		}
		add(t, q, job.New{Project: "other", Kind: "image"})
		for range 3 {
			add(t, q, anOnboarding)
		}
		if _, err := q.Cancel(t.Context(), first.ID); err != nil {
			t.Fatal(err)
		}
		add(t, q, image)
		refused(image)

		run(t, q, kinds{"launch": {Handler: func(ctx context.Context, _ *job.Task) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}})
		synctest.Wait() // the launch runs, the image waits
		refused(image)
		if _, err := q.Start(t.Context(), job.New{Project: "p", Kind: "launch"}, nil); !as[*job.FullError](err) {
			t.Errorf("start: got %v, want a *FullError", err)
		}
		jobs, err := q.List(t.Context(), job.Filter{Project: "p", States: []job.State{job.Queued, job.Running}})
		if err != nil || len(jobs) != 5 {
			t.Errorf("%d jobs are left, %v", len(jobs), err)
		}
	})
}

func TestOfManyAtOnceNoneIsAddedBeyondTheLimit(t *testing.T) {
	store := openStore(t, filepath.Join(t.TempDir(), "gangway.db"))
	var adding sync.WaitGroup
	var added atomic.Int64
	for range 20 {
		q := job.NewQueue(store, job.Options{Limit: job.Limit{Kinds: []job.Kind{"image"}, Jobs: 5}})
		adding.Go(func() {
			_, err := q.Add(t.Context(), job.New{Project: "p", Kind: "image"})
			if err == nil {
				added.Add(1)
			} else if !as[*job.FullError](err) {
				t.Error(err)
			}
		})
	}
	if adding.Wait(); added.Load() != 5 {
		t.Errorf("%d were added", added.Load())
	}
}

func as[E error](err error) bool { _, is := errors.AsType[E](err); return is }

func TestErrorsAreTriedAgainByTheSchedule(t *testing.T) {
	again := errors.New("not yet")
	for _, test := range []struct {
		name string
		errs []error // of the attempts
		want ending
		took time.Duration
	}{
		{"until an attempt succeeds", []error{again, again, nil},
			ending{State: job.Succeeded, Attempt: 3, Failures: 2, Result: "3"}, 3 * time.Minute},
		{"until no attempts are left", []error{again, again, again, again},
			ending{State: job.Failed, Attempt: 4, Failures: 4, Result: "4", Error: "not yet"}, 6 * time.Minute},
		{"not if they are permanent", []error{again, fmt.Errorf("package: %w", job.Permanent(errors.New("bad")))},
			ending{State: job.Failed, Attempt: 2, Failures: 2, Result: "2", Error: "package: bad"}, time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, store job.Store) {
				q := job.NewQueue(store, job.Options{})
				run(t, q, kinds{"onboard": {
					Attempts: 4,
					Backoff:  func(failures int) time.Duration { return time.Duration(failures) * time.Minute },
					Handler: func(_ context.Context, task *job.Task) (any, error) {
						return task.Job.Attempt, test.errs[task.Job.Attempt-1]
					},
				}})
				j := wait(t, q, add(t, q, anOnboarding).ID)
				if diff := cmp.Diff(test.want, endingOf(j)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				// Each waiting is made longer by a poll at most.
				if took := j.EndedAt.Sub(j.CreatedAt); took < test.took || took > test.took+4*time.Second {
					t.Errorf("took %v, not about %v", took, test.took)
				}
			})
		})
	}
}

func TestTheScheduleGrowsToItsBound(t *testing.T) {
	backoff := job.Exponential(time.Second, time.Minute)
	for failures, most := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 6: 32 * time.Second, 7: time.Minute, 1000: time.Minute} {
		for range 100 {
			if got := backoff(failures); got < most/2 || got > most {
				t.Errorf("after %d failures: %v, not within a half of %v", failures, got, most)
			}
		}
	}
}

func TestAPanicFailsTheJobAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		run(t, q, only(func(context.Context, *job.Task) (any, error) { panic("oh") }))
		want := ending{State: job.Failed, Attempt: 1, Failures: 1, Error: "handler panicked: oh"}
		for range 2 {
			if diff := cmp.Diff(want, endingOf(wait(t, q, add(t, q, anOnboarding).ID))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	})
}

func TestAJobIsNotBegunBeforeItsTime(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		run(t, q, only(succeed))
		later := anOnboarding
		later.NotBefore = time.Now().Add(time.Minute)
		j := wait(t, q, add(t, q, later).ID)
		if late := j.StartedAt.Sub(later.NotBefore); late < 0 || late > 2*time.Second {
			t.Errorf("begun %v after its time", late)
		}
	})
}

func TestAKeyMakesARepetitionTheSameJob(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		keyed := anOnboarding
		keyed.Key, keyed.Payload = "k", "a"
		first := add(t, q, keyed)
		if again := add(t, q, keyed); again.ID != first.ID {
			t.Errorf("the repetition is job %s, not %s", again.ID, first.ID)
		}
		for name, change := range map[string]func(*job.New){
			"payload": func(n *job.New) { n.Payload = "b" },
			"subject": func(n *job.New) { n.Subject = "other" },
		} {
			n := keyed
			change(&n)
			if _, err := q.Add(t.Context(), n); !errors.Is(err, job.ErrKeyReused) {
				t.Errorf("with another %s: %v", name, err)
			}
		}
		for name, change := range map[string]func(*job.New){
			"project": func(n *job.New) { n.Project = "q" },
			"kind":    func(n *job.New) { n.Kind = "launch" },
			"key":     func(n *job.New) { n.Key = "l" },
		} {
			n := keyed
			change(&n)
			if other := add(t, q, n); other.ID == first.ID {
				t.Errorf("with another %s it is the same job", name)
			}
		}
		if a, b := add(t, q, anOnboarding), add(t, q, anOnboarding); a.ID == b.ID {
			t.Error("without a key it is the same job")
		}
		// A key that is known runs nothing.
		run(t, q, kinds{"onboard": {Handler: succeed}, "launch": {Handler: succeed}})
		joined, err := q.Start(t.Context(), keyed, func(context.Context, *job.Task) (any, error) {
			t.Error("the repetition was run")
			return nil, nil
		})
		if err != nil || joined.ID != first.ID {
			t.Errorf("Start returned job %s, %v", joined.ID, err)
		}
		wait(t, q, first.ID)
	})
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	q := job.NewQueue(openStore(t, t.TempDir()+"/gangway.db"), job.Options{})
	watch := func() (err error) {
		for _, err = range q.Watch(t.Context(), "x", 0) {
		}
		return err
	}
	_, got := q.Get(t.Context(), "x")
	_, cancelled := q.Cancel(t.Context(), "x")
	_, waited := q.Wait(t.Context(), "x")
	for call, err := range map[string]error{"Get": got, "Cancel": cancelled, "Wait": waited, "Watch": watch()} {
		if !errors.Is(err, job.ErrNotFound) {
			t.Errorf("%s: %v", call, err)
		}
	}
}

func TestJobsAreListedNewestFirst(t *testing.T) {
	q := job.NewQueue(openStore(t, t.TempDir()+"/gangway.db"), job.Options{})
	var ids []string // newest first
	names := make(map[string]int)
	for i, n := range []job.New{
		{Project: "p", Kind: "onboard", Subject: "a"}, {Project: "p", Kind: "launch", Subject: "a"}, {Project: "q", Kind: "onboard", Subject: "b"},
		{Project: "p", Kind: "onboard", Subject: "b"}, {Project: "p", Kind: "onboard", Subject: "a"},
	} {
		j := add(t, q, n)
		ids = append([]string{j.ID}, ids...)
		names[j.ID] = i
	}
	if _, err := q.Cancel(t.Context(), ids[0]); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		filter job.Filter
		want   []int
	}{
		{"all", job.Filter{}, []int{4, 3, 2, 1, 0}},
		{"of a project", job.Filter{Project: "p"}, []int{4, 3, 1, 0}},
		{"of a kind", job.Filter{Kind: "onboard"}, []int{4, 3, 2, 0}},
		{"about a subject", job.Filter{Subject: "a"}, []int{4, 1, 0}},
		{"in a state", job.Filter{States: []job.State{job.Cancelled}}, []int{4}},
		{"in one of two states", job.Filter{States: []job.State{job.Cancelled, job.Queued}}, []int{4, 3, 2, 1, 0}},
		{"that have not ended", job.Filter{Project: "p", States: []job.State{job.Queued, job.Running}, Before: ids[0], Limit: 2}, []int{3, 1}},
		{"the first page", job.Filter{Project: "p", Limit: 2}, []int{4, 3}},
		{"the next page", job.Filter{Project: "p", Limit: 2, Before: ids[1]}, []int{1, 0}},
		{"after the last page", job.Filter{Project: "p", Before: ids[4]}, nil},
		{"all conditions at once", job.Filter{Project: "p", Kind: "onboard", Subject: "a", States: []job.State{job.Queued}, Limit: 9}, []int{0}},
	} {
		jobs, err := q.List(t.Context(), test.filter)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, j := range jobs {
			got = append(got, names[j.ID])
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestLengthsCountWhatHasNotEnded(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		run(t, q, kinds{"onboard": {Workers: 2, Handler: func(ctx context.Context, _ *job.Task) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}, "launch": {Handler: succeed}})
		for range 5 {
			add(t, q, anOnboarding)
		}
		wait(t, q, add(t, q, job.New{Kind: "launch"}).ID)
		synctest.Wait()
		got, err := q.Lengths(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := []job.Length{{"onboard", job.Queued, 3}, {"onboard", job.Running, 2}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestEndedJobsAreKeptForAWhile(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{Keep: time.Hour, Poll: time.Minute})
		run(t, q, kinds{"onboard": {Workers: 50, Handler: succeed}})
		later := anOnboarding
		later.NotBefore = time.Now().Add(24 * time.Hour)
		waiting := add(t, q, later)
		keyed := anOnboarding
		keyed.Key = "k"
		var jobs []job.Job
		for range 210 { // more than are deleted at once
			jobs = append(jobs, add(t, q, anOnboarding))
		}
		jobs = append(jobs, add(t, q, keyed))
		for _, j := range jobs {
			wait(t, q, j.ID)
		}
		time.Sleep(55 * time.Minute)
		for _, j := range jobs {
			get(t, q, j.ID)
		}
		time.Sleep(20 * time.Minute)
		left, err := q.List(t.Context(), job.Filter{})
		if err != nil || len(left) != 1 || left[0].ID != waiting.ID {
			t.Errorf("%d jobs are left, %v", len(left), err)
		}
		if events, err := store.Events(t.Context(), jobs[0].ID, 0, 10); err != nil || len(events) > 0 {
			t.Errorf("%d events are left, %v", len(events), err)
		}
		if again := add(t, q, keyed); again.ID == jobs[210].ID {
			t.Error("the key is still taken")
		}
	})
}

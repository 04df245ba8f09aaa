package job_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/job"
)

func TestOneOfManyContendersRunsAJob(t *testing.T) {
	const contenders, jobs = 16, 32
	path := filepath.Join(t.TempDir(), "gangway.db")
	adding := job.NewQueue(openStore(t, path), job.Options{})
	var mu sync.Mutex
	runs := make(map[string]int)
	for range contenders {
		run(t, job.NewQueue(openStore(t, path), job.Options{Poll: 100 * time.Millisecond}), kinds{"onboard": {Workers: 4,
			Handler: func(_ context.Context, task *job.Task) (any, error) {
				mu.Lock()
				defer mu.Unlock()
				runs[task.Job.ID]++
				return nil, nil
			}}})
	}
	want := make(map[string]int)
	for range jobs {
		want[add(t, adding, anOnboarding).ID] = 1
	}
	for id := range want {
		wait(t, adding, id)
	}
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff(want, runs); diff != "" {
		t.Errorf("how often each job was run (-want +got):\n%s", diff)
	}
}

func TestKindsHaveWorkersOfTheirOwn(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		var running, most atomic.Int32
		for range 20 {
			add(t, q, anOnboarding)
		}
		run(t, q, kinds{
			"onboard": {Workers: 3, Handler: func(context.Context, *job.Task) (any, error) {
				most.Store(max(most.Load(), running.Add(1)))
				defer running.Add(-1)
				time.Sleep(10 * time.Second)
				return nil, nil
			}},
			"launch": {Handler: succeed},
		})
		synctest.Wait()
		// One kind that is busy does not keep another from its work.
		j := wait(t, q, add(t, q, job.New{Kind: "launch"}).ID)
		if took := j.EndedAt.Sub(j.CreatedAt); took > time.Second {
			t.Errorf("the launch took %v", took)
		}
		all, err := q.List(t.Context(), job.Filter{Kind: "onboard", Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		took := wait(t, q, all[0].ID).EndedAt.Sub(all[0].CreatedAt)
		if want := 70 * time.Second; took < want || took > want+time.Second {
			t.Errorf("20 jobs of 10 seconds took three workers %v", took)
		}
		if most.Load() != 3 {
			t.Errorf("%d ran at once", most.Load())
		}
	})
}

func TestTheLongestDueIsBegunFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		var want, got []string
		for range 5 {
			want = append(want, add(t, q, anOnboarding).ID)
			time.Sleep(time.Millisecond)
		}
		run(t, q, only(func(_ context.Context, task *job.Task) (any, error) {
			got = append(got, task.Job.ID)
			return nil, nil
		}))
		wait(t, q, want[4])
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-added +begun):\n%s", diff)
		}
	})
}

// severed is a store that a process can be cut off from.
type severed struct {
	job.Store
	cut      atomic.Bool
	mayClaim bool // also when it is cut off
}

var errCut = errors.New("the store does not answer")

func (s *severed) Claim(ctx context.Context, free map[job.Kind]int, but []string, now, until time.Time) ([]job.Claim, error) {
	if s.cut.Load() && !s.mayClaim {
		return nil, errCut
	}
	return s.Store.Claim(ctx, free, but, now, until)
}

func (s *severed) Beat(ctx context.Context, beats []job.Beat, now, until time.Time) ([]job.Answer, error) {
	if s.cut.Load() {
		return nil, errCut
	}
	return s.Store.Beat(ctx, beats, now, until)
}

func (s *severed) Finish(ctx context.Context, c job.Claim, o job.Outcome, now time.Time) (job.Job, error) {
	if s.cut.Load() {
		return job.Job{}, errCut
	}
	return s.Store.Finish(ctx, c, o, now)
}

func TestWhoLosesItsClaimStopsBeforeAnotherBegins(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		cut := &severed{Store: store}
		loser, winner := job.NewQueue(cut, job.Options{}), job.NewQueue(store, job.Options{})
		begun := make(chan struct{})
		var why error
		var stopped time.Time
		run(t, loser, only(untilEnd(begun, &why, &stopped)))
		j := add(t, loser, anOnboarding)
		<-begun
		time.Sleep(time.Minute) // beats keep the claim
		var began time.Time
		run(t, winner, only(func(context.Context, *job.Task) (any, error) {
			began = time.Now()
			return "won", nil
		}))
		cut.cut.Store(true)
		at := time.Now()
		got := wait(t, winner, j.ID)
		want := ending{State: job.Succeeded, Attempt: 2, Result: `"won"`}
		if diff := cmp.Diff(want, endingOf(got)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if !errors.Is(why, job.ErrLost) {
			t.Errorf("the cause is %v", why)
		}
		if after := stopped.Sub(at); after < 5*time.Second || after > 8*time.Second {
			t.Errorf("the handler was stopped %v after the last beat that could succeed", after)
		}
		if after := began.Sub(stopped); after < time.Second || after > 6*time.Second {
			t.Errorf("the job was taken over %v after that", after)
		}
	})
}

func TestWhoHasLostItsClaimWritesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		cut := &severed{Store: store}
		loser, winner := job.NewQueue(cut, job.Options{}), job.NewQueue(store, job.Options{})
		begun, taken, over := make(chan struct{}), make(chan struct{}), make(chan struct{})
		run(t, loser, only(func(_ context.Context, task *job.Task) (any, error) {
			close(begun)
			<-taken // in spite of its context
			task.Report(job.Progress{Step: "lost"})
			cut.cut.Store(false)
			time.Sleep(time.Minute)
			defer close(over)
			return "lost", nil
		}))
		j := add(t, loser, anOnboarding)
		<-begun
		cut.cut.Store(true)
		run(t, winner, only(func(context.Context, *job.Task) (any, error) {
			close(taken)
			<-over
			time.Sleep(time.Minute)
			return "won", nil
		}))
		got := wait(t, winner, j.ID)
		if diff := cmp.Diff(ending{State: job.Succeeded, Attempt: 2, Result: `"won"`}, endingOf(got)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		want := []string{
			`{"state":"queued","attempt":0}`, `{"state":"running","attempt":1}`,
			`{"state":"running","attempt":2}`, `{"state":"succeeded","attempt":2,"result":"won"}`,
		}
		if diff := cmp.Diff(want, watch(t, winner, j.ID, 0)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestWhoHasLostItsClaimHearsOfItWithTheNextBeat(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		begun := make(chan struct{})
		var why error
		var stopped time.Time
		stop := run(t, q, only(untilEnd(begun, &why, &stopped)))
		add(t, q, anOnboarding)
		<-begun
		// A process claims it whose clock is wrong.
		if claims, err := store.Claim(t.Context(), map[job.Kind]int{"onboard": 1}, nil, time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)); len(claims) != 1 {
			t.Fatalf("%d claims, %v", len(claims), err)
		}
		at := time.Now()
		time.Sleep(time.Minute)
		stop()
		if took := stopped.Sub(at); !errors.Is(why, job.ErrLost) || took > 2*time.Second+10*time.Millisecond {
			t.Errorf("after %v the handler was stopped by %v", took, why)
		}
	})
}

// A handler that does not heed its context still has its job for itself in its
// own process.
func TestAJobIsNotRunTwiceInAProcess(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		cut := &severed{Store: store, mayClaim: true}
		q := job.NewQueue(cut, job.Options{})
		var runs int
		run(t, q, kinds{"onboard": {Workers: 2, Handler: func(_ context.Context, task *job.Task) (any, error) {
			if runs++; runs > 1 {
				t.Error("the job runs twice")
			}
			cut.cut.Store(true)
			time.Sleep(20 * time.Second)
			cut.cut.Store(false)
			time.Sleep(20 * time.Second)
			return task.Job.Attempt, nil
		}}})
		j := wait(t, q, add(t, q, anOnboarding).ID)
		if diff := cmp.Diff(ending{State: job.Succeeded, Attempt: 1, Result: "1"}, endingOf(j)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// ahead is a store that is told a time an hour too late, as by a clock that was put
// forward, whenever jobs are claimed.
type ahead struct{ job.Store }

func (a ahead) Claim(ctx context.Context, free map[job.Kind]int, but []string, now, until time.Time) ([]job.Claim, error) {
	return a.Store.Claim(ctx, free, but, now.Add(time.Hour), until.Add(time.Hour))
}

func TestAClockThatIsPutForwardTakesNoJobFromItsProcess(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(ahead{store}, job.Options{})
		run(t, q, kinds{"onboard": {Workers: 2, Handler: func(ctx context.Context, task *job.Task) (any, error) {
			time.Sleep(time.Minute)
			return task.Job.Attempt, context.Cause(ctx)
		}}})
		j := wait(t, q, add(t, q, anOnboarding).ID)
		if diff := cmp.Diff(ending{State: job.Succeeded, Attempt: 1, Result: "1"}, endingOf(j)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// silent is a store that does not answer to beats.
type silent struct{ job.Store }

func (silent) Beat(ctx context.Context, _ []job.Beat, _, _ time.Time) ([]job.Answer, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestABeatThatIsNotAnsweredIsLogged(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		var log bytes.Buffer
		q := job.NewQueue(silent{store}, job.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		stop := run(t, q, only(func(context.Context, *job.Task) (any, error) {
			time.Sleep(time.Minute)
			return nil, nil
		}))
		wait(t, q, add(t, q, anOnboarding).ID)
		stop()
		if !strings.Contains(log.String(), "claims on jobs cannot be renewed") {
			t.Errorf("the log says %s", &log)
		}
	})
}

func TestTheEndIsWrittenWhenTheStoreAnswersAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		cut := &severed{Store: store}
		q := job.NewQueue(cut, job.Options{})
		run(t, q, only(func(context.Context, *job.Task) (any, error) {
			cut.cut.Store(true)
			time.AfterFunc(3*time.Second, func() { cut.cut.Store(false) })
			return "done", nil
		}))
		j := wait(t, q, add(t, q, anOnboarding).ID)
		if diff := cmp.Diff(ending{State: job.Succeeded, Attempt: 1, Result: `"done"`}, endingOf(j)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestAProcessThatStopsGivesItsJobsAway(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		first, second := job.NewQueue(store, job.Options{}), job.NewQueue(store, job.Options{})
		begun := make(chan struct{})
		var why error
		var when time.Time
		stop := run(t, first, only(untilEnd(begun, &why, &when)))
		j := add(t, first, anOnboarding)
		<-begun
		var began time.Time
		run(t, second, only(func(context.Context, *job.Task) (any, error) {
			began = time.Now()
			return "second", nil
		}))
		time.Sleep(time.Minute + time.Millisecond)
		waiting := make(chan error)
		go func() {
			_, err := first.Wait(t.Context(), j.ID)
			waiting <- err
		}()
		synctest.Wait()
		stop()
		if err := <-waiting; !errors.Is(err, job.ErrStopping) {
			t.Errorf("Wait: %v", err)
		}
		if _, err := first.Start(t.Context(), anOnboarding, succeed); !errors.Is(err, job.ErrStopping) {
			t.Errorf("Start: %v", err)
		}
		want := ending{State: job.Succeeded, Attempt: 1, Result: `"second"`}
		if diff := cmp.Diff(want, endingOf(wait(t, second, j.ID))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if !errors.Is(why, job.ErrStopping) {
			t.Errorf("the cause is %v", why)
		}
		if after := began.Sub(when); after > 2*time.Second {
			t.Errorf("the job was begun again after %v", after)
		}
	})
}

func TestAJobThatKillsItsProcessesFailsInTheEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		j := add(t, q, anOnboarding)
		for range 10 {
			die(t, store, time.Second)
			time.Sleep(2 * time.Second)
		}
		run(t, q, only(func(context.Context, *job.Task) (any, error) {
			t.Error("it was run")
			return nil, nil
		}))
		want := ending{State: job.Failed, Attempt: 11, Failures: 1, Error: "its process died 10 times while it was running"}
		if diff := cmp.Diff(want, endingOf(wait(t, q, j.ID))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestWhoSeesTheEndOfAJobMayStartTheNext(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(lingering{store}, job.Options{})
		run(t, q, kinds{"launch": {Handler: succeed, Starts: 1}})
		for range 3 {
			j, err := q.Start(t.Context(), job.New{Project: "p", Kind: "launch"}, succeed)
			if err != nil {
				t.Fatal(err)
			}
			wait(t, q, j.ID)
		}
	})
}

// lingering is a store that says late what it has done.
type lingering struct{ job.Store }

func (l lingering) Finish(ctx context.Context, c job.Claim, o job.Outcome, now time.Time) (job.Job, error) {
	defer time.Sleep(5 * time.Second)
	return l.Store.Finish(ctx, c, o, now)
}

func TestALongErrorIsCut(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		run(t, q, only(func(context.Context, *job.Task) (any, error) {
			return nil, job.Permanent(errors.New("e" + strings.Repeat("ä", 1<<20)))
		}))
		j := wait(t, q, add(t, q, anOnboarding).ID)
		if want := "e" + strings.Repeat("ä", 2047) + "…"; j.Error != want {
			t.Errorf("%d bytes of the error were kept", len(j.Error))
		}
	})
}

func TestAQueueIsRunOnceAndWithHandlers(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		q := job.NewQueue(store, job.Options{})
		if err := q.Run(t.Context(), kinds{"onboard": {}}); err == nil {
			t.Error("it runs without a handler")
		}
		run(t, q, only(succeed))()
		if err := q.Run(t.Context(), only(succeed)); err == nil {
			t.Error("it runs again")
		}
	})
}

func TestTheEndsOfJobsAreTold(t *testing.T) {
	inBubble(t, func(t *testing.T, store job.Store) {
		told := make(chan job.Job, 5)
		q := job.NewQueue(store, job.Options{Ended: func(j job.Job) { told <- j }})
		run(t, q, kinds{"onboard": {Attempts: 2, Handler: func(_ context.Context, t *job.Task) (any, error) {
			if t.Job.Attempt == 1 {
				return nil, errors.New("again")
			}
			return "done", nil
		}}})
		j := add(t, q, anOnboarding)
		if _, err := q.Wait(t.Context(), j.ID); err != nil {
			t.Fatal(err)
		}
		if len(told) != 1 {
			t.Fatalf("%d ends were told", len(told))
		}
		if got := <-told; got.ID != j.ID || got.State != job.Succeeded || string(got.Result) != `"done"` {
			t.Errorf("told was %+v", got)
		}
	})
}

package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// KindOptions are how jobs of a kind are run.
type KindOptions struct {
	Handler Handler
	// Workers is how many are run at once in this process: 1 by default.
	Workers int
	// Starts is how many jobs of one project that [Queue.Start] began may run at
	// once in this process: any number by default. Workers do not count.
	Starts int
	// Attempts is how many may fail before the job has failed: 5 by default.
	Attempts int
	// Backoff returns how long to wait after that many failures:
	// Exponential(time.Second, 5*time.Minute) by default.
	Backoff func(failures int) time.Duration
}

// Run runs jobs of the kinds until the context ends. Then it cancels those that
// are running with the cause ErrStopping, puts them back so that another process
// can begin them at once, and returns when all have stopped. A queue can be run
// once.
func (q *Queue) Run(ctx context.Context, kinds map[Kind]KindOptions) error {
	kinds = maps.Clone(kinds)
	for name, kind := range kinds {
		if kind.Handler == nil {
			return fmt.Errorf("jobs of kind %s have no handler", name)
		}
		if kind.Workers <= 0 {
			kind.Workers = 1
		}
		if kind.Attempts <= 0 {
			kind.Attempts = 5
		}
		if kind.Backoff == nil {
			kind.Backoff = Exponential(time.Second, 5*time.Minute)
		}
		kinds[name] = kind
	}
	q.mu.Lock()
	if q.kinds != nil {
		q.mu.Unlock()
		return errors.New("queue was run before")
	}
	q.kinds = kinds
	q.mu.Unlock()
	close(q.started)

	var keeping sync.WaitGroup
	beating, stopBeating := context.WithCancel(context.WithoutCancel(ctx))
	keeping.Go(func() { q.beats(beating) })
	keeping.Go(func() { q.purges(ctx) })
	q.claims(ctx)
	q.stop()
	q.work.Wait()
	stopBeating()
	keeping.Wait()
	return nil
}

func (q *Queue) stop() {
	q.mu.Lock()
	close(q.stopping)
	q.mu.Unlock()
	q.each(func(t *Task) { t.cancel(ErrStopping) })
}

// claims claims jobs for workers that are free, until the context ends.
func (q *Queue) claims(ctx context.Context) {
	poll := time.NewTicker(q.options.Poll)
	defer poll.Stop()
	for {
		q.claim(ctx)
		select {
		case <-ctx.Done():
			return
		case <-q.wake:
		case <-poll.C:
		}
	}
}

// claim claims as many jobs as there are workers free, and begins them.
func (q *Queue) claim(ctx context.Context) {
	free := make(map[Kind]int)
	var own []string
	q.mu.Lock()
	for t := range q.tasks {
		own = append(own, t.Job.ID)
	}
	for name, kind := range q.kinds {
		if n := kind.Workers - q.busy[name]; n > 0 {
			free[name] = n
		}
	}
	q.mu.Unlock()
	if len(free) == 0 || ctx.Err() != nil {
		return
	}
	// What was claimed has to be known, so that it can be put back.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), q.options.Lease)
	defer cancel()
	now := time.Now()
	claims, err := q.store.Claim(ctx, free, own, now, now.Add(q.options.Lease))
	if err != nil {
		q.log.Error("jobs cannot be claimed", "err", err)
		return
	}
	for _, c := range claims {
		t := &Task{Job: c.Job, fence: c.Fence, handler: q.kinds[c.Job.Kind].Handler, worker: true}
		if q.hold(ctx, t) == nil {
			t.renewed(q.safeUntil(now))
			go q.perform(t)
		}
	}
}

// Start adds a job and runs it here at once, by a handler that may know more than
// the kind's own: should this process die, that one runs it in another. It waits
// until Run has begun, and returns when the job is stored; the handler runs on in
// a goroutine that Run waits for, whatever becomes of ctx. If the job's key was
// used before, it returns the job of that key and runs nothing.
//
// Once the job is stored the handler is called, with a context that has ended if the
// claim was lost or Run told to end while it was being stored.
//
// It fails with ErrKeyReused, with a *BusyError where [KindOptions].Starts says so,
// with a *FullError where Options.Limit does, or with ErrStopping when Run is ending.
func (q *Queue) Start(ctx context.Context, n New, h Handler) (Job, error) {
	return q.StartIn(ctx, n, q.store.Insert, h)
}

// StartIn is Start for a job that insert stores, in a transaction that writes
// other things, too. Insert does what [Store] says of its method.
func (q *Queue) StartIn(ctx context.Context, n New, insert func(context.Context, Job) (Job, bool, error), h Handler) (Job, error) {
	j, err := q.Prepare(n)
	if err != nil {
		return Job{}, err
	}
	select {
	case <-q.started:
	case <-ctx.Done():
		return Job{}, ctx.Err()
	}
	if _, known := q.kinds[n.Kind]; !known {
		return Job{}, fmt.Errorf("jobs of kind %s have no handler", n.Kind)
	}
	begun := time.Now() // by the monotonic clock, too
	j.State, j.Attempt, j.StartedAt, j.NotBefore = Running, 1, now(), now().Add(q.options.Lease)
	t := &Task{Job: j, fence: 1, handler: h}
	if err := q.hold(ctx, t); err != nil {
		if _, busy := errors.AsType[*BusyError](err); busy && n.Key != "" {
			return q.join(ctx, n, insert, err)
		}
		return Job{}, err
	}
	j, existed, err := insert(ctx, j)
	if err != nil || existed {
		q.release(t)
		return j, err
	}
	slow := time.Since(begun) > q.options.Beat // so that little of the claim is left
	if !slow || !q.renew(context.WithoutCancel(ctx), []*Task{t}, []Beat{t.beat()}) {
		t.renewed(q.safeUntil(begun))
	}
	go q.perform(t)
	return j, nil
}

// join returns the job of a key that was used before, which takes no place, or fails
// as its start did.
func (q *Queue) join(ctx context.Context, n New, insert func(context.Context, Job) (Job, bool, error), busy error) (Job, error) {
	there, err := q.store.Jobs(ctx, Filter{Project: n.Project, Kind: n.Kind, Key: n.Key, Limit: 1})
	if err != nil || len(there) == 0 {
		return Job{}, cmp.Or(err, busy)
	}
	j, err := q.Prepare(n)
	if err == nil {
		j, _, err = insert(ctx, j) // which compares the two; if that one is gone since, this one waits for a worker
		q.Wake()
	}
	return j, err
}

// hold makes a task one of this process, or fails with ErrStopping or a *BusyError.
// Beats renew its claim once it has one.
func (q *Queue) hold(ctx context.Context, t *Task) error {
	t.ctx, t.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-q.stopping:
		return ErrStopping
	default:
	}
	if limit := q.kinds[t.Job.Kind].Starts; limit > 0 && !t.worker && q.startedBeside(t) >= limit {
		return &BusyError{Project: t.Job.Project, Kind: t.Job.Kind, Limit: limit}
	}
	q.tasks[t] = struct{}{}
	if t.worker {
		q.busy[t.Job.Kind]++
	}
	q.work.Add(1)
	return nil
}

// startedBeside counts what was started of a task's kind and project, without what
// has done its work: who sees the end of a job may start the next. Those of one
// key are one, as all but the first are about to find out, and those of the task's
// own take no place from it.
func (q *Queue) startedBeside(task *Task) int {
	n, keys := 0, map[string]bool{task.Job.Key: task.Job.Key != ""}
	for t := range q.tasks {
		if t.worker || t.idle.Load() || t.Job.Kind != task.Job.Kind || t.Job.Project != task.Job.Project || keys[t.Job.Key] {
			continue
		}
		keys[t.Job.Key] = t.Job.Key != ""
		n++
	}
	return n
}

// safeUntil returns how long a handler may work on a claim that was renewed at a
// time: what is left of the lease then is for it to end.
func (q *Queue) safeUntil(renewed time.Time) time.Time {
	return renewed.Add(q.options.Lease - q.options.Lease/4)
}

func (q *Queue) release(t *Task) {
	t.mu.Lock()
	if t.expiry != nil {
		t.expiry.Stop()
	}
	t.mu.Unlock()
	t.cancel(nil)
	q.mu.Lock()
	delete(q.tasks, t)
	if t.worker {
		q.busy[t.Job.Kind]--
		q.Wake()
	}
	q.mu.Unlock()
	q.work.Done()
}

// each calls fn with every task of this process.
func (q *Queue) each(fn func(*Task)) {
	q.mu.Lock()
	tasks := slices.Collect(maps.Keys(q.tasks))
	q.mu.Unlock()
	for _, t := range tasks {
		fn(t)
	}
}

// perform runs a task to its end.
func (q *Queue) perform(t *Task) {
	defer q.release(t)
	q.news.ring(t.Job.ID)
	result, err := t.call(q)
	t.idle.Store(true)
	q.finish(t, t.outcome(q.kinds[t.Job.Kind], result, err))
}

// finish writes how a task ended. While the store refuses it tries again, as long
// as the claim holds.
func (q *Queue) finish(t *Task, o Outcome) {
	log := q.log.With("job", t.Job.ID, "kind", t.Job.Kind, "attempt", t.Job.Attempt)
	for {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), q.options.Lease)
		j, err := q.store.Finish(ctx, t.claim(), o, now())
		cancel()
		switch {
		case err == nil:
			if q.options.Ended != nil && j.State.Ended() {
				q.options.Ended(j)
			}
			q.news.ring(j.ID)
			log.Info("job "+string(j.State), "took", time.Since(t.Job.StartedAt), "err", j.Error)
			return
		case errors.Is(err, ErrLost):
			log.Warn("job was taken over by another", "err", o.Error)
			return
		}
		log.Error("end of job cannot be written", "state", o.State, "err", err)
		if !t.isSafe() {
			return // another begins the job again
		}
		time.Sleep(q.options.Poll)
	}
}

// beats renews all claims of this process, and writes progress, until the
// context ends.
func (q *Queue) beats(ctx context.Context) {
	tick := time.NewTicker(q.options.Poll)
	defer tick.Stop()
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if q.beat(ctx, time.Since(last) > q.options.Beat-q.options.Poll/2) {
			last = time.Now()
		}
	}
}

// beat renews all claims in one transaction if it is due or one has progress to
// be written. It reports whether it did.
func (q *Queue) beat(ctx context.Context, due bool) bool {
	var tasks []*Task
	var beats []Beat
	q.each(func(t *Task) {
		if !t.claimed() {
			return
		}
		b := t.beat()
		tasks, beats = append(tasks, t), append(beats, b)
		due = due || b.Progress != nil
	})
	return due && len(beats) > 0 && q.renew(ctx, tasks, beats)
}

// renew renews the claims of tasks. It reports whether the store has answered.
func (q *Queue) renew(ctx context.Context, tasks []*Task, beats []Beat) bool {
	// When it takes longer, the claims have run out.
	limited, cancel := context.WithTimeout(ctx, q.options.Lease)
	defer cancel()
	now := time.Now()
	answers, err := q.store.Beat(limited, beats, now, now.Add(q.options.Lease))
	if err != nil {
		if ctx.Err() == nil {
			q.log.Error("claims on jobs cannot be renewed", "err", err)
		}
		return false
	}
	for i, t := range tasks {
		switch {
		case answers[i].Lost:
			t.cancel(ErrLost)
			continue
		case answers[i].Cancelling:
			t.cancel(ErrCancelled)
		}
		t.renewed(q.safeUntil(now))
		if t.wrote(beats[i]); beats[i].Progress != nil {
			q.news.ring(t.Job.ID)
		}
	}
	return true
}

// purges deletes jobs that have ended long ago, until the context ends.
func (q *Queue) purges(ctx context.Context) {
	for {
		n, err := q.store.Purge(ctx, time.Now().Add(-q.options.Keep))
		if err != nil && ctx.Err() == nil {
			q.log.Error("old jobs cannot be deleted", "err", err)
		}
		pause := min(q.options.Keep, 10*time.Minute)
		if n > 0 {
			pause = q.options.Poll // between batches others can write
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

package job

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Options are how a queue works. The zero value of each field means its default.
// All processes that share a store should have the same.
type Options struct {
	// Lease is how long a claim holds without being renewed, which is how soon
	// the work of a process that died is taken over: 10 seconds by default. A
	// handler's context ends when three quarters of it have passed since the last
	// renewal, and the handler should end in the rest.
	Lease time.Duration
	// Beat is how often claims are renewed: every 2 seconds by default.
	Beat time.Duration
	// Poll is how often a queue looks for what other processes did, and the
	// shortest time between two progress events of a job: 1 second by default.
	Poll time.Duration
	// Keep is how long jobs that have ended are kept: 7 days by default.
	Keep time.Duration
	// Limit is that of each project: none by default.
	Limit Limit
	// Ended is told every job whose last attempt ended in this process, before those
	// who wait for it, if not nil. It must not block.
	Ended func(Job)
	// Log is where the ends of jobs and faults of the store are told, if not nil.
	Log *slog.Logger
}

// Queue adds jobs to a store, tells what becomes of them, and runs them while
// [Queue.Run] does. It is safe for concurrent use.
type Queue struct {
	store   Store
	options Options
	log     *slog.Logger

	news     bells
	wake     chan struct{} // there may be something to claim
	started  chan struct{} // closed when Run has begun
	stopping chan struct{} // closed when Run is to end

	mu    sync.Mutex
	kinds map[Kind]KindOptions // set once
	busy  map[Kind]int         // workers that have a job
	tasks map[*Task]struct{}   // what this process has claimed
	work  sync.WaitGroup       // of tasks; nothing is added once stopping is closed
}

// NewQueue returns a queue on a store, which stays the caller's.
func NewQueue(store Store, options Options) *Queue {
	options.Lease = cmp.Or(options.Lease, 10*time.Second)
	options.Beat = cmp.Or(options.Beat, 2*time.Second)
	options.Poll = cmp.Or(options.Poll, time.Second)
	options.Keep = cmp.Or(options.Keep, 7*24*time.Hour)
	log := options.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Queue{
		store: store, options: options, log: log,
		wake: make(chan struct{}, 1), started: make(chan struct{}), stopping: make(chan struct{}),
		busy: make(map[Kind]int), tasks: make(map[*Task]struct{}),
	}
}

// Prepare makes the row of a job that is to be queued, for a store that inserts
// it in a transaction of its own. Call [Queue.Wake] after that.
func (q *Queue) Prepare(n New) (Job, error) {
	if n.Kind == "" {
		return Job{}, errors.New("job has no kind")
	}
	payload, err := json.Marshal(n.Payload)
	if err != nil {
		return Job{}, fmt.Errorf("payload of %s job: %w", n.Kind, err)
	}
	id := n.ID
	if id == "" {
		id = uuid.Must(uuid.NewV7()).String()
	}
	now := now()
	j := Job{
		ID: id, Project: n.Project, Kind: n.Kind, Subject: n.Subject, Title: n.Title, By: n.By, Key: n.Key, Payload: payload,
		State: Queued, Events: 1, NotBefore: now, CreatedAt: now,
	}
	if n.NotBefore.After(now) {
		j.NotBefore = n.NotBefore
	}
	if slices.Contains(q.options.Limit.Kinds, n.Kind) {
		j.Limit = q.options.Limit
	}
	return j, nil
}

// now is the time as stores keep it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Wake makes the queue look for jobs to run at once.
func (q *Queue) Wake() { ring(q.wake) }

// Add adds a job. If its key was used before, it returns the job of that key,
// or fails with ErrKeyReused; else it fails with a *FullError where Options.Limit says so.
func (q *Queue) Add(ctx context.Context, n New) (Job, error) {
	j, err := q.Prepare(n)
	if err != nil {
		return Job{}, err
	}
	j, _, err = q.store.Insert(ctx, j)
	if err != nil {
		return Job{}, err
	}
	q.Wake()
	return j, nil
}

// Get returns a job, or fails with ErrNotFound.
func (q *Queue) Get(ctx context.Context, id string) (Job, error) { return q.store.Job(ctx, id) }

// List returns the selected jobs, newest first.
func (q *Queue) List(ctx context.Context, f Filter) ([]Job, error) { return q.store.Jobs(ctx, f) }

// Lengths returns how many jobs wait and run, by kind; what has none is not in
// it.
func (q *Queue) Lengths(ctx context.Context) ([]Length, error) { return q.store.Lengths(ctx) }

// Cancel ends a job. One that nobody works at has ended when Cancel returns; of
// one that is running the handler's context is cancelled with the cause
// ErrCancelled, here at once, in another process with its next beat. A job that
// has ended stays as it is, also when it succeeds in spite of being cancelled.
// It fails with ErrNotFound.
func (q *Queue) Cancel(ctx context.Context, id string) (Job, error) {
	j, err := q.store.Cancel(ctx, id, now())
	if err != nil {
		return Job{}, err
	}
	if j.Cancelling {
		q.each(func(t *Task) {
			if t.Job.ID == id {
				t.cancel(ErrCancelled)
			}
		})
	}
	q.news.ring(id)
	return j, nil
}

// Wait returns a job when it has ended. It fails with ErrNotFound, with
// ErrStopping when Run ends before, or with the error of the context.
func (q *Queue) Wait(ctx context.Context, id string) (Job, error) {
	news, quit := q.news.listen(id)
	defer quit()
	for {
		j, err := q.store.Job(ctx, id)
		if err != nil || j.State.Ended() {
			return j, err
		}
		if err := q.pause(ctx, news); err != nil {
			return j, err
		}
	}
}

// Watch yields the events of a job with numbers above after, those that are
// there and then those to come, and ends after the one that tells the job's end.
// An error is the last thing that it yields: ErrNotFound, ErrStopping when Run
// ends, or the error of the context.
func (q *Queue) Watch(ctx context.Context, id string, after int64) iter.Seq2[Event, error] {
	const page = 500
	return func(yield func(Event, error) bool) {
		news, quit := q.news.listen(id)
		defer quit()
		for {
			j, err := q.store.Job(ctx, id)
			if err != nil {
				yield(Event{}, err)
				return
			}
			for after < j.Events {
				events, err := q.store.Events(ctx, id, after, page)
				if err == nil && len(events) == 0 {
					err = fmt.Errorf("job %s: %w", id, ErrNotFound) // purged since
				}
				if err != nil {
					yield(Event{}, err)
					return
				}
				for _, e := range events {
					if !yield(e, nil) {
						return
					}
					after = e.Number
				}
			}
			if j.State.Ended() {
				return
			}
			if err := q.pause(ctx, news); err != nil {
				yield(Event{}, err)
				return
			}
		}
	}
}

// pause waits until there may be news of a job.
func (q *Queue) pause(ctx context.Context, news <-chan struct{}) error {
	poll := time.NewTimer(q.options.Poll)
	defer poll.Stop()
	select {
	case <-news:
	case <-poll.C:
	case <-q.stopping:
		return ErrStopping
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

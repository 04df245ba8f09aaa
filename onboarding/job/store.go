package job

import (
	"context"
	"encoding/json"
	"time"
)

// Store keeps jobs. Each of its methods is one transaction, which also writes
// the events that tell of it. It is safe for concurrent use by goroutines and
// processes. Methods that are given an ID fail with ErrNotFound when there is no
// such job, and those that are given a claim with ErrLost when the job has ended
// or been claimed by another since.
type Store interface {
	// Insert adds a job that is queued, or running and then claimed with a fence
	// of 1 until its NotBefore. It returns the job that is there, and true, if
	// the key is taken, or ErrKeyReused if that one has another payload or
	// subject. It fails with a *FullError if there were more jobs than the limit of
	// this one allows.
	Insert(context.Context, Job) (Job, bool, error)
	// Job returns one job.
	Job(ctx context.Context, id string) (Job, error)
	// Jobs returns the selected jobs, newest first.
	Jobs(context.Context, Filter) ([]Job, error)
	// Claim claims jobs that may be begun, but for some that the process still
	// works at, the longest due first: of each kind as many as are free. The claims
	// hold until a time.
	Claim(ctx context.Context, free map[Kind]int, but []string, now, until time.Time) ([]Claim, error)
	// Beat makes claims hold until a time, and writes the progress that they
	// bring. It answers each in its place.
	Beat(ctx context.Context, beats []Beat, now, until time.Time) ([]Answer, error)
	// Finish ends an attempt and returns what became of the job. One that was to
	// be queued again is cancelled if it was asked to end.
	Finish(ctx context.Context, c Claim, o Outcome, now time.Time) (Job, error)
	// Cancel ends a job that nobody works at, asks one that is running to end,
	// and leaves one that has ended as it is.
	Cancel(ctx context.Context, id string, now time.Time) (Job, error)
	// Events returns up to limit events of a job with numbers above after, in
	// their order.
	Events(ctx context.Context, id string, after int64, limit int) ([]Event, error)
	// Purge deletes some of the jobs that ended before a time, oldest first, and
	// returns how many. It deletes none only if there are none.
	Purge(ctx context.Context, before time.Time) (int64, error)
	// Lengths counts the jobs that have not ended.
	Lengths(context.Context) ([]Length, error)
}

// A Claim is the right to work at a job until it runs out. Its fence is higher
// than that of all claims on the job before it.
type Claim struct {
	Job   Job
	Fence int64
}

// Beat renews a claim.
type Beat struct {
	Claim Claim
	// Progress is written and told as an event unless it is nil.
	Progress *Progress
}

// Answer is what a beat found.
type Answer struct {
	Lost       bool // the claim is gone, nothing was written
	Cancelling bool // somebody wants the job to end
}

// Outcome is how an attempt ended.
type Outcome struct {
	// State is an end, or Queued for a job that is to be begun again.
	State     State
	NotBefore time.Time // if it is queued
	// Uncounted takes the attempt back: it is to be as if it had not been begun.
	// Otherwise one that does not succeed counts as a failure.
	Uncounted bool
	Progress  Progress
	Result    json.RawMessage
	Error     string
}

package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Handler does the work of a job. Its result is kept as JSON, also beside an
// error; nil is none. An error is tried again by the schedule of the kind unless
// it is [Permanent].
//
// When the context ends, which [context.Cause] tells the reason of, the handler
// must end within seconds. It may be called again for the same job, after an
// error or when its process died, and then does what is left.
type Handler func(ctx context.Context, t *Task) (result any, err error)

// Task is an attempt at a job, as its handler sees it.
type Task struct {
	// Job is the job as it was when the attempt began.
	Job Job

	fence   int64
	handler Handler
	worker  bool        // it has one of the workers of its kind
	idle    atomic.Bool // the handler has ended, and only its outcome is to be written
	ctx     context.Context
	cancel  context.CancelCauseFunc
	expiry  *time.Timer // ends the context before the claim runs out; nil while the job is being stored

	mu       sync.Mutex
	safe     time.Time // until when nobody else can claim the job
	progress Progress
	reported bool // progress is newer than what was written
}

// claim returns the claim as stores know it.
func (t *Task) claim() Claim { return Claim{Job: t.Job, Fence: t.fence} }

// Decode reads the payload into a value. Its error is permanent.
func (t *Task) Decode(payload any) error {
	if err := json.Unmarshal(t.Job.Payload, payload); err != nil {
		return Permanent(fmt.Errorf("payload of job %s: %w", t.Job.ID, err))
	}
	return nil
}

// Report tells how far the job is. It may be called often and concurrently: the
// newest progress is written from time to time.
func (t *Task) Report(p Progress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.progress.equal(p) {
		t.progress, t.reported = p, true
	}
}

// beat returns what renews the claim.
func (t *Task) beat() Beat {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := Beat{Claim: t.claim()}
	if t.reported {
		p := t.progress
		b.Progress = &p
	}
	return b
}

// wrote notes that what a beat brought was written.
func (t *Task) wrote(b Beat) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b.Progress != nil && b.Progress.equal(t.progress) {
		t.reported = false
	}
}

// renewed notes that the claim is safe until a time. It goes by the monotonic
// clock.
func (t *Task) renewed(until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.safe = until
	if t.expiry == nil {
		t.expiry = time.AfterFunc(time.Until(until), func() { t.cancel(ErrLost) })
	} else {
		t.expiry.Reset(time.Until(until))
	}
}

// claimed reports whether there is a claim yet: that of a job that is started
// begins when it is stored.
func (t *Task) claimed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.expiry != nil
}

func (t *Task) isSafe() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Now().Before(t.safe)
}

// call runs the handler. A panic is an error that is permanent.
func (t *Task) call(q *Queue) (result json.RawMessage, err error) {
	defer func() {
		if p := recover(); p != nil {
			q.log.Error("handler panicked", "job", t.Job.ID, "kind", t.Job.Kind, "panic", p, "stack", string(debug.Stack()))
			err = Permanent(fmt.Errorf("handler panicked: %v", p))
		}
	}()
	if t.Job.Cancelling {
		return nil, ErrCancelled // while its process was dead
	}
	if died := t.Job.Attempt - 1 - t.Job.Failures; died >= mostDeaths {
		return nil, Permanent(fmt.Errorf("its process died %d times while it was running", died))
	}
	// A handler that was given to Start may have others waiting for it.
	if cause := context.Cause(t.ctx); cause != nil && t.worker {
		return nil, cause
	}
	value, err := t.handler(t.ctx, t)
	if value != nil {
		text, encoding := json.Marshal(value)
		if encoding != nil {
			return nil, Permanent(errors.Join(err, fmt.Errorf("result of %s job: %w", t.Job.Kind, encoding)))
		}
		result = text
	}
	return result, err
}

// mostDeaths is how many processes may die while they run a job before it is
// taken for the reason.
const mostDeaths = 10

// longestError is how much of an error is kept, in bytes: it stands in the row of the
// job, in an event of every attempt and in lists.
const longestError = 4 << 10

// cut shortens the text of an error to what is kept.
func cut(text string) string {
	if len(text) <= longestError {
		return text
	}
	return strings.ToValidUTF8(text[:longestError], "") + "…"
}

// outcome judges how an attempt ended.
func (t *Task) outcome(kind KindOptions, result json.RawMessage, err error) Outcome {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := Outcome{Progress: t.progress, Result: result}
	if err == nil {
		o.State = Succeeded
		return o
	}
	failures := t.Job.Failures + 1
	cause := context.Cause(t.ctx)
	interrupted := cause != nil && (!isPermanent(err) || errors.Is(err, context.Canceled))
	if interrupted && errors.Is(err, context.Canceled) {
		err = cause // which says more
	}
	o.Error = cut(err.Error())
	switch {
	case t.Job.Cancelling, interrupted && errors.Is(cause, ErrCancelled):
		o.State = Cancelled
	case interrupted:
		o.State, o.NotBefore, o.Uncounted = Queued, time.Now(), true
	case isPermanent(err), failures >= kind.Attempts:
		o.State = Failed
	default:
		o.State, o.NotBefore = Queued, time.Now().Add(kind.Backoff(failures))
	}
	return o
}

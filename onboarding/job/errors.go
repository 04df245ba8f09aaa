package job

import (
	"errors"
	"fmt"
)

var (
	// ErrNotFound says that there is no job of that ID.
	ErrNotFound = errors.New("job not found")
	// ErrKeyReused says that an idempotency key came again with another payload
	// or subject.
	ErrKeyReused = errors.New("idempotency key was used for another request")

	// ErrCancelled is the cause of the end of a handler's context when somebody
	// has cancelled the job.
	ErrCancelled = errors.New("job cancelled")
	// ErrStopping is the cause of the end of a handler's context when the process
	// stops: the job is put back for another to begin at once. It also answers
	// those who start or wait for a job then.
	ErrStopping = errors.New("process is stopping")
	// ErrLost is the cause of the end of a handler's context when the claim could
	// not be renewed in time, so that the job may soon be somebody else's.
	ErrLost = errors.New("claim on job lost")
)

// BusyError says that as many jobs of a project run as may be started.
type BusyError struct {
	Project string
	Kind    Kind
	Limit   int // see [KindOptions]
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("project %q has %d jobs of kind %s under way, the most that it may start at once; try again when one has ended", e.Project, e.Limit, e.Kind)
}

// FullError says that a project has as many jobs that wait or run as it may have.
type FullError struct {
	Project string
	Limit   int // see [Limit]
}

func (e *FullError) Error() string {
	return fmt.Sprintf("project %q has %d jobs that wait or run, the most that it may have; try again when some have ended, or cancel what it does not need", e.Project, e.Limit)
}

// permanent marks an error that another attempt would meet again.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent makes a handler's error end the job, which is not tried again. A nil
// error stays nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

func isPermanent(err error) bool {
	_, is := errors.AsType[permanent](err)
	return is
}

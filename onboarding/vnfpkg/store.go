package vnfpkg

import (
	"context"
	"iter"

	"github.com/gangway-nfv/gangway/onboarding/job"
)

// Store keeps the rows of resources. Its implementations are safe for concurrent
// use by goroutines and processes; every method is one transaction. A row that is
// not there is told by an error that wraps imagerepo.ErrNotFound.
type Store interface {
	// Insert adds a row. With packages greater than zero it fails with a
	// *QuotaError when the project has as many, counting those of the catalogue
	// that have no row.
	Insert(ctx context.Context, row Row, packages int) error
	// Row returns a row.
	Row(ctx context.Context, id string) (Row, error)
	// Rows yields the rows that match in the order of their IDs. An error ends
	// the sequence.
	Rows(ctx context.Context, filter Filter) iter.Seq2[Row, error]
	// Used returns how many bytes a project takes: its images, each content once,
	// and the archives that are kept or on their way.
	Used(ctx context.Context, project string) (int64, error)
	// Edit runs edit on a row and stores what it did, with nobody else changing
	// the row meanwhile. An error of edit leaves everything as it was and is
	// returned as it is. edit may be run more than once, and must do nothing but
	// change its argument.
	Edit(ctx context.Context, id string, edit func(*Edit) error) (Row, error)
	// Checkpoint stores how far the bytes of an upload are, unless it has ended.
	// It changes no version.
	Checkpoint(ctx context.Context, id string, at Checkpoint) error
	// Tell stores an event on its own.
	Tell(ctx context.Context, event Event) error
}

// Row is what the store keeps of a resource. InUse and Package of its resource
// are not stored.
type Row struct {
	Resource
	// Resumable is set for an upload whose bytes are kept when a request breaks
	// off.
	Resumable bool
	// Expected is the SHA-256 that was stated for the whole archive, or empty.
	Expected string
	// Filename is what the caller calls the archive, or empty.
	Filename string
	// Checkpoint is how far the upload is.
	Checkpoint Checkpoint
}

// Checkpoint is a point of an upload up to which the bytes are durable and
// hashed.
type Checkpoint struct {
	Offset int64
	// Hash is the state of SHA-256 at Offset, as its BinaryMarshaler has it.
	Hash []byte
	// Boot tells apart the runs of the machine. In the same one, what was written
	// behind Offset is there whatever became of the process.
	Boot string
	// Unproven is set while bytes are written behind Offset which only count when
	// their checksum was compared.
	Unproven bool
}

// Edit is a change of a row in the making.
type Edit struct {
	Row
	// Delete makes the row go.
	Delete bool
	// Job, if not nil, is added in the same transaction.
	Job *job.Job
	// Event, if not nil, is stored in the same transaction.
	Event *Event
}

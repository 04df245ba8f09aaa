package vnfpkg

import (
	"context"
	"iter"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/job"
)

// Store keeps the rows of resources. Its implementations are safe for concurrent
// use by goroutines and processes; every method is one transaction. A row that is
// not there is told by an error that wraps imagerepo.ErrNotFound.
type Store interface {
	// Insert adds a row, or fails with an error that wraps imagerepo.ErrExists.
	// With packages greater than zero it fails with a *QuotaError when the
	// project has as many, counting those of the catalogue that have no row. A row
	// that is ONBOARDED needs its package in the catalogue, or else fails with an
	// error that wraps imagerepo.ErrNotFound.
	Insert(ctx context.Context, row Row, packages int) error
	// Row returns a row.
	Row(ctx context.Context, id string) (Row, error)
	// Rows yields the rows that match in the order of their IDs. An error ends
	// the sequence.
	Rows(ctx context.Context, filter Filter) iter.Seq2[Row, error]
	// Edit runs edit on a row and stores what it did, with a higher version and
	// nobody else changing the row meanwhile. It returns the row as it is then. An
	// error of edit leaves everything as it was and is returned as it is. edit
	// must do nothing but change its argument.
	Edit(ctx context.Context, id string, edit func(*Edit) error) (Row, error)
	// Checkpoint stores how far an upload is. It fails with an error that wraps
	// imagerepo.ErrNotFound unless the row is UPLOADING, and with a *QuotaError as
	// an edit does. It changes no version.
	Checkpoint(ctx context.Context, id string, at Checkpoint) error
	// Used returns how many bytes a project takes: its images, each content once,
	// and its archives that are kept or on their way.
	Used(ctx context.Context, project string) (int64, error)
}

// Row is what the store keeps of a resource. InUse and Package of its resource
// are not stored.
type Row struct {
	Resource
	// Identity is that of the package, once it is onboarded.
	Identity Identity
	// Resumable is set for an upload whose bytes are kept when a request breaks
	// off.
	Resumable bool
	// Expected is the SHA-256 that was stated for the whole archive, or empty.
	Expected string
	// Hash, Boot and Unproven are those of the last Checkpoint; its offset is
	// Received.
	Hash     []byte
	Boot     string
	Unproven bool
}

// Checkpoint is a point of an upload up to which the bytes are hashed and, if the
// upload is resumable, durable.
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
	// ExpiresAt replaces that of the resource.
	ExpiresAt time.Time
	// Room is as in Edit.
	Room Room
}

// Room bounds the bytes that a project takes: its images, each content once, and
// archives that are kept or on their way, with their full size where that is known.
type Room struct {
	Limit int64 // zero for any
	Held  int64 // bytes that count beside those
}

// Edit is a change of a row in the making.
type Edit struct {
	Row
	// Delete makes the row go.
	Delete bool
	// NewJob, if not nil, is added in the same transaction. The edit fails with a
	// *job.FullError if there were more jobs then than the limit of this one allows.
	NewJob *job.Job
	// Event, if not nil, is told to whom it concerns in the same transaction.
	Event *Event
	// Sole makes the edit fail with a *DescriptorError if another onboarded package
	// of the project has the DescriptorID of Identity, with or without a row.
	Sole bool
	// Room makes the edit fail with a *QuotaError when the project takes more
	// bytes after it.
	Room Room
	// Unpublish, if not nil, deletes the package of the row from the catalogue in
	// the same transaction.
	Unpublish *Unpublish
}

// Unpublish is the deletion of a package by an edit.
type Unpublish struct {
	// Unused makes the edit fail with a *StateError while a launch of the package is
	// under way.
	Unused bool
	// KeepImages is as in [DeleteOptions].
	KeepImages bool
	// Package and Images are what is gone; the store sets them.
	Package imagerepo.Package
	Images  []imagerepo.Image
}

package imagerepo

import (
	"context"
	"errors"
	"io"
	"iter"
)

// ErrExists says that a file of that ID is there already.
var ErrExists = errors.New("already exists")

// Blobs keeps files by image ID. Its implementations are safe for concurrent
// use by goroutines and processes.
type Blobs interface {
	// Open opens a file for reading, or fails with an error that wraps
	// ErrNotFound. The caller closes it.
	Open(ctx context.Context, id string) (Blob, error)
	// List yields the IDs of all visible files. An error ends the sequence.
	List(ctx context.Context) iter.Seq2[string, error]
	// Location says where an operator finds the file.
	Location(id string) string
	// Same reports whether two files share their bytes on the medium.
	Same(ctx context.Context, a, b string) (bool, error)
	// Begin starts a session. The caller ends it with Settle.
	Begin(ctx context.Context) (Session, error)
	// Recover settles the sessions of processes that are gone.
	Recover(ctx context.Context, known Known) error
}

// Known reports whether the catalogue has an image of that ID.
type Known func(ctx context.Context, id string) (bool, error)

// Blob is a file opened for reading. It is safe for concurrent reads.
type Blob interface {
	io.ReaderAt
	io.Closer
	Size() int64 // bytes
}

// Session is one change to the files that is not yet certain. Every file that
// it touches is noted before it is touched, so that a session that was cut off
// can be settled by another process. A session is used by one goroutine at a
// time, but the writers that it creates are independent of each other.
type Session interface {
	// Create starts a file that only the session sees. sizeHint is the expected
	// size in bytes, or negative.
	Create(ctx context.Context, id string, sizeHint int64) (BlobWriter, error)
	// Open opens a file of the session for reading.
	Open(ctx context.Context, id string) (Blob, error)
	// Place makes a complete file of the session visible under its ID. With a
	// twin, the twin's file is linked instead and the session's own is not
	// needed. It fails with an error that wraps ErrExists when there is a
	// visible file of that ID. When it returns, the file and its name are
	// durable.
	Place(ctx context.Context, id, twin string) error
	// Replace puts a complete file of the session in the place of visible ones
	// that have gone bad, or are gone.
	Replace(ctx context.Context, staged string, ids ...string) error
	// Retire notes that a visible file is about to become unknown to the
	// catalogue.
	Retire(ctx context.Context, id string) error
	// Settle ends the session: of the files that it noted, those that the
	// catalogue does not know are removed. It may be called again after an
	// error.
	Settle(ctx context.Context, known Known) error
}

// BlobWriter writes one file.
type BlobWriter interface {
	io.Writer
	// Commit makes the bytes durable and ends the writing. It may be called
	// once.
	Commit() error
	// Close gives an uncommitted file up. After Commit it does nothing.
	Close() error
}

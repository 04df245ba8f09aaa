package imagerepo

import (
	"context"
	"errors"
	"io"
	"iter"
)

// ErrExists says that something else is there already: a file of that ID, or
// the bytes of an image.
var ErrExists = errors.New("already exists")

// ErrTooManyLinks says that a file has as many names as the medium allows.
var ErrTooManyLinks = errors.New("too many links")

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
	// Same reports whether two files share their bytes on the medium. It fails
	// with an error that wraps ErrNotFound when one of them is not there.
	Same(ctx context.Context, a, b string) (bool, error)
	// Quarantine takes a file out of sight without destroying it, unless what
	// the ID names by now is another file than bad. It returns where an operator
	// finds it. Replacing or removing the file of that ID removes it.
	Quarantine(ctx context.Context, id string, bad Blob) (location string, err error)

	// Begin starts a session. The caller ends it with Settle.
	Begin(ctx context.Context) (Session, error)
	// Abandoned returns the locations of what processes that are gone left
	// unsettled.
	Abandoned(ctx context.Context) ([]string, error)
	// Recover settles the sessions of processes that are gone. One that cannot
	// be settled does not keep it from the others.
	Recover(ctx context.Context, ifUnclaimed IfUnclaimed) error
}

// IfUnclaimed runs remove unless the catalogue has a stored image of that ID,
// and lets nobody claim the ID while it runs: see [Catalog.IfUnclaimed].
type IfUnclaimed func(ctx context.Context, id string, remove func() error) error

// Blob is a file opened for reading. It is safe for concurrent reads.
type Blob interface {
	io.ReaderAt
	io.Closer
	Size() int64 // bytes
}

// Session is one change to the files that is not yet certain. Every file that
// it touches is noted before it is touched, so that a session that was cut off
// can be settled by another process. Create, Hold and Open may be called
// concurrently, and the writers are independent of each other; the rest is for
// one goroutine at a time.
type Session interface {
	// Create starts a file that only the session sees. sizeHint is the expected
	// size in bytes, or negative.
	Create(ctx context.Context, id string, sizeHint int64) (BlobWriter, error)
	// Hold makes the bytes of a visible file the session's, too, under id: they
	// stay, whatever becomes of the visible one. It fails with an error that
	// wraps ErrNotFound, or ErrTooManyLinks.
	Hold(ctx context.Context, id, visible string) error
	// Open opens a file of the session for reading, or fails with an error that
	// wraps ErrNotFound.
	Open(ctx context.Context, id string) (Blob, error)
	// Place makes a complete file of the session visible under an ID, its own or
	// another. It fails with an error that wraps ErrExists when another file of
	// that ID is visible, and with one that wraps ErrNotFound when the session
	// has no such file; to place it again does nothing. When it returns, the
	// file and its name are durable.
	Place(ctx context.Context, staged, id string) error
	// Replace puts a complete file of the session in the place of visible ones
	// that have gone bad, or are gone. Those that share its bytes already are
	// left alone. It fails with an error that wraps ErrTooManyLinks when only
	// some could be replaced.
	Replace(ctx context.Context, staged string, ids ...string) error
	// Note makes durable that what is visible under IDs is about to change:
	// files become unknown to the catalogue, or are placed, which then has less to
	// wait for. There need not be a file of an ID.
	Note(ctx context.Context, ids ...string) error
	// Settle ends the session: of the visible files that it noted, those that
	// the catalogue does not claim are removed, and so is all that only the
	// session sees. It may be called again after an error.
	Settle(ctx context.Context, ifUnclaimed IfUnclaimed) error
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

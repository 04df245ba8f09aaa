package csar

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// Source is the bytes of a package.
type Source struct {
	// Name is what messages call the package. Its form means nothing.
	Name string
	// At is set for a source that can be read at any offset, such as a file. It
	// must stay open until the Archive is closed, and is the caller's to close.
	At io.ReaderAt
	// Reader is used when At is nil. It is read to its end, by Open alone.
	Reader io.Reader
	// Size is the length of At in bytes. For a Reader it is what is expected,
	// zero or less where that is not known, and Open does not rely on it.
	Size int64
}

// Spooled is a stream that was stored so that it can be read at any offset.
type Spooled struct {
	io.ReaderAt
	io.Closer // frees the storage
	Size      int64
}

// SpoolFunc stores a stream, whose length is not known beforehand.
type SpoolFunc func(ctx context.Context, r io.Reader) (Spooled, error)

// spoolToTemp spools into a temporary file that has no name any more, so that
// nothing is left behind however the process ends.
func spoolToTemp(_ context.Context, r io.Reader) (Spooled, error) {
	f, err := os.CreateTemp("", "gangway-spool-")
	if err != nil {
		return Spooled{}, fmt.Errorf("spool: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return Spooled{}, errors.Join(fmt.Errorf("spool: %w", err), f.Close())
	}
	size, err := io.Copy(f, r)
	if err != nil {
		return Spooled{}, errors.Join(fmt.Errorf("spool: %w", err), f.Close())
	}
	return Spooled{ReaderAt: f, Closer: f, Size: size}, nil
}

// origin guards the bytes that an archive is read from. It remembers that they
// could not be read, or that the context ended, because the decoders above do
// not always pass such an error on: a broken disk or connection must not be
// taken for a broken archive.
type origin struct {
	ctx context.Context
	r   io.Reader
	at  io.ReaderAt
	n   int64 // bytes read from r

	mu     sync.Mutex // readers of several members may use at concurrently
	failed error
}

func (o *origin) Read(p []byte) (int, error) {
	if err := o.ctx.Err(); err != nil {
		return 0, o.remember(err)
	}
	n, err := o.r.Read(p)
	o.n += int64(n)
	return n, o.remember(err)
}

func (o *origin) ReadAt(p []byte, off int64) (int, error) {
	n, err := o.at.ReadAt(p, off)
	return n, o.remember(err)
}

func (o *origin) remember(err error) error {
	if err != nil && err != io.EOF {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.failed == nil {
			o.failed = err
		}
	}
	return err
}

// explain returns the reason of an error that a decoder came upon while it
// read from the origin: the origin's own failure, the end of the context, or
// else damage.
func (o *origin) explain(path string, err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.failed != nil:
		return o.failed
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return damaged(path, err)
}

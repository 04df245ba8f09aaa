package vnfpkg

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/gangway-nfv/gangway/imagerepo"
)

// spool is the file of an archive that is being received. Who has it is its only
// writer, in all processes.
type spool struct {
	*os.File
	size    int64     // bytes that were written and hashed
	hash    hash.Hash // SHA-256 of them
	flushed int64
	lost    error // of the first Sync that failed
}

// openSpool opens the file of an archive, which is made if it is not there, or
// fails with ErrBusy while it is another's.
func openSpool(path string) (*spool, error) {
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
		if err != nil {
			return nil, spaceError(err)
		}
		if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			if errors.Is(err, unix.EWOULDBLOCK) {
				err = ErrBusy
			}
			return nil, errors.Join(fmt.Errorf("archive %s: %w", filepath.Base(path), err), file.Close())
		}
		opened, err := file.Stat()
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		named, err := os.Stat(path)
		if err == nil && os.SameFile(opened, named) {
			return &spool{File: file, hash: sha256.New()}, nil
		}
		// It was removed before it was locked.
		if err := file.Close(); err != nil {
			return nil, err
		}
	}
}

// begin empties the file.
func (sp *spool) begin() error {
	sp.size, sp.flushed, sp.hash = 0, 0, sha256.New()
	return sp.Truncate(0)
}

// resume goes on from where an upload was. What was hashed is not read again.
// What was written behind that counts, too, if the machine has not stopped since.
func (sp *spool) resume(ctx context.Context, row Row, boot string) error {
	info, err := sp.Stat()
	if err != nil {
		return err
	}
	if info.Size() < row.Received {
		return fmt.Errorf("archive %s has %d bytes where %d had arrived: %w", row.ID, info.Size(), row.Received, ErrDamaged)
	}
	if err := sp.restore(row.Received, row.Hash); err != nil {
		return fmt.Errorf("archive %s: %w: %w", row.ID, ErrDamaged, err)
	}
	if !row.trusts(boot) {
		return sp.Truncate(sp.size)
	}
	n, err := io.Copy(sp.hash, &cancellable{ctx, io.NewSectionReader(sp, sp.size, info.Size()-sp.size)})
	sp.size += n
	return err
}

// trusts reports whether what was written behind the last checkpoint is there.
func (r Row) trusts(boot string) bool { return boot != "" && r.Boot == boot && !r.Unproven }

// cancellable reads until the context ends.
type cancellable struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancellable) Read(p []byte) (int, error) {
	if err := context.Cause(c.ctx); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// state returns the state of the hash.
func (sp *spool) state() ([]byte, error) {
	return sp.hash.(encoding.BinaryMarshaler).MarshalBinary()
}

// restore goes to a size whose state of the hash is known.
func (sp *spool) restore(size int64, state []byte) error {
	sp.size, sp.flushed, sp.hash = size, size, sha256.New()
	if size == 0 {
		return nil
	}
	return sp.hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(bytes.Clone(state))
}

// sum returns the SHA-256 of what the file has.
func (sp *spool) sum() string { return hex.EncodeToString(sp.hash.Sum(nil)) }

// allocate reserves room for bytes behind those that are there, so that a full
// disk is told before the transfer. File systems that cannot tell it later.
func (sp *spool) allocate(bytes int64) error {
	if bytes <= 0 {
		return nil
	}
	err := unix.Fallocate(int(sp.Fd()), unix.FALLOC_FL_KEEP_SIZE, sp.size, bytes)
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG) {
		return fmt.Errorf("archive of %d more bytes: %w", bytes, spaceError(err))
	}
	return nil
}

// writeBack is after how many bytes the kernel is asked to begin writing to the
// medium, so that little is left to wait for in the end.
const writeBack = 16 << 20

// write adds bytes, which are hashed beside.
func (sp *spool) write(p []byte) error {
	if _, err := sp.WriteAt(p, sp.size); err != nil {
		return spaceError(err)
	}
	sp.size += int64(len(p))
	if sp.size-sp.flushed >= writeBack {
		// Only a hint; the fsync in the end is what counts.
		_ = unix.SyncFileRange(int(sp.Fd()), sp.flushed, sp.size-sp.flushed, unix.SYNC_FILE_RANGE_WRITE)
		sp.flushed = sp.size
	}
	return nil
}

// harden makes the bytes durable, and gives back what was allocated beyond them.
func (sp *spool) harden() error {
	if err := sp.Truncate(sp.size); err != nil {
		return spaceError(err)
	}
	// Waiting for both at once takes little longer than waiting for one.
	var syncing errgroup.Group
	syncing.Go(func() error { return syncFolder(filepath.Dir(sp.Name())) })
	syncing.Go(sp.Sync)
	return spaceError(syncing.Wait())
}

// Sync makes the bytes durable. A failure is for good, and wraps ErrDamaged: the
// kernel tells once that it could not write, and forgets what.
func (sp *spool) Sync() error {
	if sp.lost == nil {
		if err := sp.File.Sync(); err != nil {
			sp.lost = fmt.Errorf("%w: %w", ErrDamaged, spaceError(err))
		}
	}
	return sp.lost
}

// remove removes the file, which is still the writer's until it is closed.
func (sp *spool) remove() error { return removeArchive(sp.Name()) }

func removeArchive(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("package folder: %w", err)
	}
	return nil
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("package folder: %w", err)
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// spaceError marks the errors of a full disk.
func spaceError(err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG) {
		return fmt.Errorf("%w: %w", ErrNoSpace, err)
	}
	return err
}

// bufferSize and bufferNumber are the memory of a body on its way: 1 MiB, as many
// bodies come at once.
const (
	bufferSize   = 256 << 10
	bufferNumber = 4
)

// segment is after how many bytes an upload is marked.
const segment = 64 << 20

// pouring says how a body goes into a file.
type pouring struct {
	// left is how many bytes there may be, and over what is wrong with more.
	left int64
	over error
	// turns, if not nil, is what hashing takes turns by: see Service.
	turns chan struct{}
	// part, if not nil, hashes what is poured, beside.
	part io.Writer
	// mark, if not nil, is called with a size of the file, whose state of the hash
	// is given, after each segment, while the next one is poured.
	mark func(size int64, state []byte) error
	// wrote, if not nil, is called after bytes were written.
	wrote func(p []byte)
}

// hashing returns a sink that hashes.
func (p pouring) hashing(h io.Writer) func([]byte) error {
	return func(b []byte) error {
		if p.turns != nil {
			p.turns <- struct{}{}
			defer func() { <-p.turns }()
		}
		_, err := h.Write(b)
		return err
	}
}

// pour adds what r delivers to the file. It returns the error that ended r, if it
// was not io.EOF, or another. What the file has then is hashed and whole, so that
// it can go on from there.
func (sp *spool) pour(ctx context.Context, r io.Reader, p pouring) error {
	in := &incoming{ctx: ctx, r: r, left: p.left, over: p.over}
	sinks := []func([]byte) error{
		func(b []byte) error {
			err := sp.write(b)
			if err == nil && p.wrote != nil {
				p.wrote(b)
			}
			return err
		},
		p.hashing(sp.hash),
	}
	if p.part != nil {
		sinks = append(sinks, p.hashing(p.part))
	}
	buffers := imagerepo.NewBuffers(bufferSize, bufferNumber)
	var marking chan error
	marked := func() error {
		if marking == nil {
			return nil
		}
		err := <-marking
		marking = nil
		return err
	}
	for in.ended == nil {
		start := sp.size
		state, err := sp.state()
		if err == nil {
			// An error of r ends in, not the fan-out, so that all that came before
			// it arrives.
			_, err = imagerepo.FanOut(context.WithoutCancel(ctx), io.LimitReader(in, segment), buffers, sinks...)
		}
		if err != nil {
			// Hash and file need not be equally far.
			return errors.Join(err, marked(), sp.restore(start, state))
		}
		if err := marked(); err != nil {
			return err
		}
		if in.ended == nil && p.mark != nil {
			size := sp.size
			if state, err = sp.state(); err != nil {
				return err
			}
			marking = make(chan error, 1)
			go func() { marking <- p.mark(size, state) }()
		}
	}
	if err := marked(); err != nil {
		return err
	}
	if in.ended == io.EOF {
		return nil
	}
	return in.ended
}

// incoming is a body until its end, its error, its limit or the end of the
// context, all of which it tells by io.EOF.
type incoming struct {
	ctx   context.Context
	r     io.Reader
	left  int64
	over  error
	ended error // why
}

func (in *incoming) Read(p []byte) (int, error) {
	if in.ended == nil {
		in.ended = context.Cause(in.ctx)
	}
	if in.ended != nil {
		return 0, io.EOF
	}
	if int64(len(p)) > in.left {
		p = p[:in.left+1] // one more tells whether it ends there
	}
	n, err := in.r.Read(p)
	if int64(n) > in.left {
		n, err = int(in.left), in.over
	}
	in.left -= int64(n)
	if err != nil {
		in.ended = err
		return n, io.EOF
	}
	return n, nil
}

// lockWait and lockPause are how long a file is waited for that is another's, who
// may just be looking whether it is litter.
const (
	lockWait  = time.Second
	lockPause = 10 * time.Millisecond
)

// lock opens the archive of a resource that fits, to be written, and returns the
// resource as it is then.
func (s *Service) lock(ctx context.Context, project, id string, fits func(Row) error) (*spool, Row, error) {
	for waited := time.Duration(0); ; waited += lockPause {
		row, err := s.row(ctx, project, id)
		if err == nil {
			err = fits(row)
		}
		if err != nil {
			return nil, Row{}, err
		}
		sp, err := openSpool(s.path(id))
		if errors.Is(err, ErrBusy) && waited < lockWait {
			select {
			case <-time.After(lockPause):
				continue
			case <-ctx.Done():
				return nil, Row{}, context.Cause(ctx)
			}
		}
		if err != nil {
			return nil, Row{}, err
		}
		// Only now nobody else can change what it waits for.
		row, err = s.row(ctx, project, id)
		if err == nil {
			err = fits(row)
		}
		if err != nil {
			return nil, Row{}, errors.Join(err, s.release(ctx, sp, id))
		}
		return sp, row, nil
	}
}

// release closes a file that was opened in vain, and removes it if no row claims
// it.
func (s *Service) release(ctx context.Context, sp *spool, id string) error {
	row, err := s.Store.Row(context.WithoutCancel(ctx), id)
	if errors.Is(err, imagerepo.ErrNotFound) || err == nil && !row.claims() {
		err = sp.remove()
	}
	return errors.Join(err, sp.Close())
}

// claims reports whether a row says that its archive is no litter.
func (r Row) claims() bool { return r.Kept || r.State == Uploading || r.State == Processing }

package fsstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/gangway-nfv/gangway/imagerepo"
)

const (
	stagingName = ".staging"
	lockSuffix  = ".lock"
)

// Store is a folder of image files. It is safe for concurrent use; several
// processes may use the same folder.
type Store struct {
	folder  string
	staging string

	mu    sync.Mutex
	owned *ownership // of this process, from the first session on
}

// ownership is a process's part of the staging folder.
type ownership struct {
	folder string
	lock   *os.File
}

var _ imagerepo.Blobs = (*Store)(nil)

// Open returns the store in a folder, which is made if it is not there.
func Open(folder string) (*Store, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, fmt.Errorf("image folder: %w", err)
	}
	s := &Store{folder: folder, staging: filepath.Join(folder, stagingName)}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, fmt.Errorf("image folder: %w", err)
	}
	if err := os.MkdirAll(s.staging, 0o700); err != nil {
		return nil, fmt.Errorf("image folder: %w", err)
	}
	return s, nil
}

// Close gives the process's part of the staging folder up. Sessions must have
// been settled.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owned == nil {
		return nil
	}
	err := s.owned.remove()
	s.owned = nil
	return err
}

// Location implements [imagerepo.Blobs].
func (s *Store) Location(id string) string { return filepath.Join(s.folder, id) }

// Open implements [imagerepo.Blobs].
func (s *Store) Open(_ context.Context, id string) (imagerepo.Blob, error) {
	return openBlob(s.folder, id)
}

// List implements [imagerepo.Blobs]. Files that are not named by an ID are not
// the repository's, and not listed.
func (s *Store) List(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		folder, err := os.Open(s.folder)
		if err != nil {
			yield("", err)
			return
		}
		defer folder.Close()
		for ctx.Err() == nil {
			entries, err := folder.ReadDir(1000)
			for _, entry := range entries {
				if entry.Type().IsRegular() && uuid.Validate(entry.Name()) == nil && !yield(entry.Name(), nil) {
					return
				}
			}
			if len(entries) == 0 {
				if err != nil && !errors.Is(err, io.EOF) {
					yield("", err)
				}
				return
			}
		}
		yield("", ctx.Err())
	}
}

// Same implements [imagerepo.Blobs]: hard links of one file are the same.
func (s *Store) Same(_ context.Context, a, b string) (bool, error) {
	first, err := os.Stat(s.Location(a))
	if err != nil {
		return false, notFound(a, err)
	}
	second, err := os.Stat(s.Location(b))
	if err != nil {
		return false, notFound(b, err)
	}
	return os.SameFile(first, second), nil
}

// Begin implements [imagerepo.Blobs].
func (s *Store) Begin(context.Context) (imagerepo.Session, error) {
	owned, err := s.own()
	if err != nil {
		return nil, fmt.Errorf("staging folder: %w", err)
	}
	folder := filepath.Join(owned.folder, uuid.NewString())
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, fmt.Errorf("staging folder: %w", err)
	}
	return &session{store: s, folder: folder}, nil
}

// own returns the process's part of the staging folder. Its lock is there, and
// held, before its folder is, so that nobody ever finds the folder unlocked
// while the process lives.
func (s *Store) own() (*ownership, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.owned == nil {
		folder := filepath.Join(s.staging, uuid.NewString())
		lock, err := os.OpenFile(folder+lockSuffix, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, err
		}
		if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
			return nil, errors.Join(err, lock.Close())
		}
		if !inPlace(lock) {
			lock.Close() // a recovery took it for a dead one before it was locked
			continue
		}
		if err := os.Mkdir(folder, 0o700); err != nil {
			return nil, errors.Join(err, lock.Close())
		}
		s.owned = &ownership{folder: folder, lock: lock}
	}
	return s.owned, nil
}

// inPlace reports whether an open file is still the one of its name.
func inPlace(file *os.File) bool {
	opened, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(file.Name())
	return err == nil && os.SameFile(opened, named)
}

// remove removes an owned part of the staging folder and its lock, in this
// order: a folder without its lock file would have lost its owner's name.
func (o *ownership) remove() error {
	err := os.RemoveAll(o.folder)
	if err == nil {
		err = os.Remove(o.lock.Name())
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // another recovery was faster
	}
	return errors.Join(err, o.lock.Close())
}

// Recover implements [imagerepo.Blobs]. Sessions of living processes are left
// alone.
func (s *Store) Recover(ctx context.Context, known imagerepo.Known) error {
	entries, err := os.ReadDir(s.staging)
	if err != nil {
		return fmt.Errorf("staging folder: %w", err)
	}
	for _, entry := range entries {
		name, isLock := strings.CutSuffix(entry.Name(), lockSuffix)
		if !isLock {
			continue
		}
		if err := s.recoverProcess(ctx, filepath.Join(s.staging, name), known); err != nil {
			return err
		}
	}
	return nil
}

// recoverProcess settles what one process left, if it is gone.
func (s *Store) recoverProcess(ctx context.Context, folder string, known imagerepo.Known) error {
	lock, err := os.OpenFile(folder+lockSuffix, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // its owner, or another recovery, ended just now
	}
	if err != nil {
		return fmt.Errorf("staging folder: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil
		}
		return fmt.Errorf("staging folder: %w", err)
	}
	left := &ownership{folder: folder, lock: lock}
	sessions, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return left.remove()
	}
	if err != nil {
		return errors.Join(err, lock.Close())
	}
	for _, entry := range sessions {
		if err := (&session{store: s, folder: filepath.Join(folder, entry.Name())}).Settle(ctx, known); err != nil {
			return errors.Join(err, lock.Close())
		}
	}
	return left.remove()
}

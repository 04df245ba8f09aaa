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
	"sync"

	"github.com/google/uuid"

	"github.com/gangway-nfv/gangway/imagerepo"
)

const (
	stagingName    = ".staging"
	quarantineName = ".quarantine"
	lockSuffix     = ".lock"
)

// Store is a folder of image files. It is safe for concurrent use; several
// processes may use the same folder.
type Store struct {
	folder  string
	staging string

	mu    sync.Mutex
	owned *ownership // of this process, from the first session on
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

// Close gives the process's part of the staging folder up. Sessions that were
// not settled are left to the next recovery.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owned == nil {
		return nil
	}
	owned := s.owned
	s.owned = nil
	return owned.release()
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
			yield("", fmt.Errorf("image folder: %w", err))
			return
		}
		defer folder.Close()
		for ctx.Err() == nil {
			entries, err := folder.ReadDir(1000)
			for _, entry := range entries {
				if entry.Type().IsRegular() && imagerepo.ValidID(entry.Name()) && !yield(entry.Name(), nil) {
					return
				}
			}
			if len(entries) == 0 {
				if err != nil && !errors.Is(err, io.EOF) {
					yield("", fmt.Errorf("image folder: %w", err))
				}
				return
			}
		}
		yield("", ctx.Err())
	}
}

// Same implements [imagerepo.Blobs]: hard links of one file are the same.
func (s *Store) Same(_ context.Context, a, b string) (bool, error) {
	same, err := sameFile(s.Location(a), s.Location(b))
	if err != nil {
		return false, notFound(a+" or "+b, err)
	}
	return same, nil
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
	return &session{store: s, folder: folder, parent: owned.folder}, nil
}

// Quarantine implements [imagerepo.Blobs].
func (s *Store) Quarantine(_ context.Context, id string, bad imagerepo.Blob) (string, error) {
	opened, ok := bad.(*blob)
	if !ok {
		return "", fmt.Errorf("image file %s: not a file of this store", id)
	}
	info, err := opened.Stat()
	if err != nil {
		return "", fmt.Errorf("image file %s: %w", id, err)
	}
	folder := filepath.Join(s.folder, quarantineName)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("quarantine: %w", err)
	}
	// What is moved may be a good file that took the bad one's place just now, so
	// it is looked at after nobody else can touch it, and put back.
	taken := filepath.Join(folder, id)
	if err := os.Rename(s.Location(id), taken); err != nil {
		return "", notFound(id, err)
	}
	moved, err := os.Stat(taken)
	if err == nil && !os.SameFile(info, moved) {
		err = fmt.Errorf("image file %s: %w: it was replaced", id, imagerepo.ErrExists)
		if back := os.Link(taken, s.Location(id)); back != nil && !errors.Is(back, fs.ErrExist) {
			return "", errors.Join(err, back)
		}
		err = errors.Join(err, os.Remove(taken))
	}
	if err != nil {
		return "", err
	}
	return taken, errors.Join(syncFolder(folder), syncFolder(s.folder))
}

// remove removes a visible file.
func (s *Store) remove(id string) error {
	if err := os.Remove(s.Location(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("image file %s: %w", id, err)
	}
	return s.release(id)
}

// release removes what is quarantined of an ID that has a good file again, or
// none any more.
func (s *Store) release(id string) error {
	if err := os.Remove(filepath.Join(s.folder, quarantineName, id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("quarantine: %w", err)
	}
	return nil
}

// checkID keeps whatever is not an ID from becoming a path.
func checkID(id string) error {
	if !imagerepo.ValidID(id) {
		return fmt.Errorf("image file %q: not an image's ID: %w", id, imagerepo.ErrNotFound)
	}
	return nil
}

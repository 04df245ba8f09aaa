package fsstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/gangway-nfv/gangway/imagerepo"
)

// session is a folder whose names are the IDs that it touched.
type session struct {
	store  *Store
	folder string
}

func (s *session) path(id string) string { return filepath.Join(s.folder, id) }

// Create implements [imagerepo.Session].
func (s *session) Create(_ context.Context, id string, sizeHint int64) (imagerepo.BlobWriter, error) {
	return createFile(s.path(id), sizeHint)
}

// Open implements [imagerepo.Session].
func (s *session) Open(_ context.Context, id string) (imagerepo.Blob, error) {
	return openBlob(s.folder, id)
}

// Place implements [imagerepo.Session].
func (s *session) Place(_ context.Context, id, twin string) error {
	if twin != "" {
		if err := s.noteTwin(id, twin); err != nil {
			return err
		}
	}
	if err := syncFolder(s.folder); err != nil {
		return err
	}
	err := os.Link(s.path(id), s.store.Location(id))
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("image file %s: %w", id, imagerepo.ErrExists)
	}
	if err != nil {
		return notFound(id, err)
	}
	return syncFolder(s.store.folder)
}

// noteTwin puts the twin's file in the place of what the session has for id.
func (s *session) noteTwin(id, twin string) error {
	linked := s.path(id) + ".twin"
	if err := os.Link(s.store.Location(twin), linked); err != nil {
		return notFound(twin, err)
	}
	if err := os.Rename(linked, s.path(id)); err != nil {
		return fmt.Errorf("image file %s: %w", id, err)
	}
	// Renaming one hard link over another of the same file leaves both.
	if err := os.Remove(linked); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("image file %s: %w", id, err)
	}
	return nil
}

// Replace implements [imagerepo.Session].
func (s *session) Replace(_ context.Context, staged string, ids ...string) error {
	for _, id := range ids {
		fresh := s.path(id) + ".new"
		if err := os.Link(s.path(staged), fresh); err != nil {
			return notFound(staged, err)
		}
		if err := os.Rename(fresh, s.store.Location(id)); err != nil {
			return fmt.Errorf("image file %s: %w", id, err)
		}
		if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("image file %s: %w", id, err)
		}
	}
	return syncFolder(s.store.folder)
}

// Retire implements [imagerepo.Session].
func (s *session) Retire(_ context.Context, id string) error {
	if err := os.Link(s.store.Location(id), s.path(id)); err != nil {
		return notFound(id, err)
	}
	return syncFolder(s.folder)
}

// Settle implements [imagerepo.Session].
func (s *session) Settle(ctx context.Context, known imagerepo.Known) error {
	noted, err := os.ReadDir(s.folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("staging folder: %w", err)
	}
	for _, entry := range noted {
		id := entry.Name()
		if uuid.Validate(id) != nil {
			continue
		}
		keep, err := known(ctx, id)
		if err != nil {
			return fmt.Errorf("settle image %s: %w", id, err)
		}
		if keep {
			continue
		}
		if err := os.Remove(s.store.Location(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("settle image: %w", err)
		}
	}
	if err := os.RemoveAll(s.folder); err != nil {
		return fmt.Errorf("staging folder: %w", err)
	}
	return nil
}

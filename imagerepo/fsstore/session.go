package fsstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/gangway-nfv/gangway/imagerepo"
)

const (
	// newSuffix marks a name on its way to another one. Nothing of that name is
	// a note.
	newSuffix = ".new"
	// maxLinks leaves room below the 65,000 names that ext4 gives a file at most,
	// for those that a package which holds it is about to add.
	maxLinks = 60_000
)

// session is a folder whose names are the IDs that it touched.
type session struct {
	store  *Store
	folder string
	// parent is the folder above if it has yet to be made durable, for a note in a
	// folder that a power cut takes away is none.
	parent string
	noted  map[string]bool // IDs whose notes are durable
}

func (s *session) path(id string) string { return filepath.Join(s.folder, id) }

// Create implements [imagerepo.Session].
func (s *session) Create(_ context.Context, id string, sizeHint int64) (imagerepo.BlobWriter, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	return createFile(s.path(id), sizeHint)
}

// Hold implements [imagerepo.Session].
func (s *session) Hold(_ context.Context, id, visible string) error {
	if err := errors.Join(checkID(id), checkID(visible)); err != nil {
		return err
	}
	if err := os.Link(s.store.Location(visible), s.path(id)); err != nil {
		return linkError(visible, err)
	}
	info, err := os.Stat(s.path(id))
	if err != nil {
		return notFound(id, err)
	}
	if names, ok := info.Sys().(*syscall.Stat_t); ok && names.Nlink > maxLinks {
		return errors.Join(linkError(visible, unix.EMLINK), os.Remove(s.path(id)))
	}
	return nil
}

// Open implements [imagerepo.Session].
func (s *session) Open(_ context.Context, id string) (imagerepo.Blob, error) {
	return openBlob(s.folder, id)
}

// note makes it durable that the session touches IDs.
func (s *session) note(ids ...string) error {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return s.noted[id] })
	if len(ids) == 0 {
		return nil
	}
	for _, id := range ids {
		if err := checkID(id); err != nil {
			return err
		}
		// What the session has of that name, if anything, is note enough.
		file, err := os.OpenFile(s.path(id), os.O_RDONLY|os.O_CREATE, 0o440)
		if err != nil {
			return fmt.Errorf("staging folder: %w", err)
		}
		if err := file.Close(); err != nil {
			return fmt.Errorf("staging folder: %w", err)
		}
	}
	// Waiting for both at once takes little longer than waiting for one.
	var syncing errgroup.Group
	if s.parent != "" {
		syncing.Go(func() error { return syncFolder(s.parent) })
	}
	syncing.Go(func() error { return syncFolder(s.folder) })
	if err := syncing.Wait(); err != nil {
		return err
	}
	s.parent = ""
	if s.noted == nil {
		s.noted = make(map[string]bool)
	}
	for _, id := range ids {
		s.noted[id] = true
	}
	return nil
}

// Place implements [imagerepo.Session].
func (s *session) Place(_ context.Context, staged, id string) error {
	if err := checkID(staged); err != nil {
		return err
	}
	if _, err := os.Lstat(s.path(staged)); err != nil {
		return notFound(staged, err)
	}
	if err := s.note(id); err != nil {
		return err
	}
	err := os.Link(s.path(staged), s.store.Location(id))
	if errors.Is(err, fs.ErrExist) {
		// A publication that failed after its files were in place is tried again.
		if same, err := sameFile(s.path(staged), s.store.Location(id)); err != nil || !same {
			return errors.Join(fmt.Errorf("image file %s: %w", id, imagerepo.ErrExists), err)
		}
		err = nil
	}
	if err != nil {
		return linkError(id, err)
	}
	return syncFolder(s.store.folder)
}

// Replace implements [imagerepo.Session].
func (s *session) Replace(_ context.Context, staged string, ids ...string) error {
	if err := checkID(staged); err != nil {
		return err
	}
	if _, err := os.Lstat(s.path(staged)); err != nil {
		return notFound(staged, err)
	}
	var others []string
	for _, id := range ids {
		if same, err := sameFile(s.path(staged), s.store.Location(id)); err != nil || !same {
			others = append(others, id)
		}
	}
	if len(others) == 0 {
		return nil
	}
	if err := s.note(others...); err != nil {
		return err
	}
	for _, id := range others {
		if err := s.replace(staged, id); err != nil {
			return errors.Join(err, syncFolder(s.store.folder))
		}
	}
	return syncFolder(s.store.folder)
}

// replace renames another name of the staged file over a visible one, so that
// at no moment the ID has no file.
func (s *session) replace(staged, id string) error {
	fresh := s.path(id) + newSuffix
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("image file %s: %w", id, err)
	}
	if err := os.Link(s.path(staged), fresh); err != nil {
		return linkError(id, err)
	}
	if err := os.Rename(fresh, s.store.Location(id)); err != nil {
		return fmt.Errorf("image file %s: %w", id, err)
	}
	return s.store.release(id)
}

// Note implements [imagerepo.Session].
func (s *session) Note(_ context.Context, ids ...string) error {
	var own []string
	for _, id := range ids {
		if imagerepo.ValidID(id) { // else it has no file
			own = append(own, id)
		}
	}
	if len(own) == 0 {
		return nil
	}
	return s.note(own...)
}

// Settle implements [imagerepo.Session].
func (s *session) Settle(ctx context.Context, ifUnclaimed imagerepo.IfUnclaimed) error {
	noted, err := os.ReadDir(s.folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("staging folder: %w", err)
	}
	removed := false
	for _, entry := range noted {
		id := entry.Name()
		if strings.HasSuffix(id, newSuffix) || !imagerepo.ValidID(id) {
			continue
		}
		if _, err := os.Lstat(s.store.Location(id)); errors.Is(err, fs.ErrNotExist) {
			continue // nothing of it is visible, and only this session could make it
		}
		if err := ifUnclaimed(ctx, id, func() error {
			removed = true
			return s.store.remove(id)
		}); err != nil {
			return fmt.Errorf("settle image %s: %w", id, err)
		}
	}
	if removed {
		// The notes go only when what they are about is durably gone.
		if err := syncFolder(s.store.folder); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(s.folder); err != nil {
		return fmt.Errorf("staging folder: %w", err)
	}
	return nil
}

func sameFile(a, b string) (bool, error) {
	first, err := os.Stat(a)
	if err != nil {
		return false, err
	}
	second, err := os.Stat(b)
	if err != nil {
		return false, err
	}
	return os.SameFile(first, second), nil
}

// linkError turns what keeps a file from getting another name into the
// repository's errors.
func linkError(id string, err error) error {
	if errors.Is(err, unix.EMLINK) {
		return fmt.Errorf("image file %s: %w", id, imagerepo.ErrTooManyLinks)
	}
	return notFound(id, err)
}

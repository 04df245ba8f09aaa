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

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/gangway-nfv/gangway/imagerepo"
)

// ownership is a process's part of the staging folder.
type ownership struct {
	folder string
	lock   *os.File
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
		err = os.Mkdir(folder, 0o700)
		if err == nil {
			err = syncFolder(s.staging)
		}
		if err != nil {
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

// release gives an owned part up: the folder if it is empty, then the lock. A
// folder without its lock file would have lost its owner's name.
func (o *ownership) release() error {
	err := os.Remove(o.folder)
	switch {
	case errors.Is(err, fs.ErrExist): // it is not empty
		return o.lock.Close() // for a recovery to settle
	case err == nil, errors.Is(err, fs.ErrNotExist):
		err = os.Remove(o.lock.Name())
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // another recovery was faster
	}
	return errors.Join(err, o.lock.Close())
}

// owners returns the names of all processes that have, or had, a part of the
// staging folder. One whose lock file a power cut took away is among them.
func (s *Store) owners() ([]string, error) {
	entries, err := os.ReadDir(s.staging)
	if err != nil {
		return nil, fmt.Errorf("staging folder: %w", err)
	}
	var names []string
	for _, entry := range entries {
		name, _ := strings.CutSuffix(entry.Name(), lockSuffix)
		if uuid.Validate(name) == nil {
			names = append(names, name)
		}
	}
	return slices.Compact(names), nil // a folder and its lock follow each other
}

// takeOver returns the part of a process that is gone, or nil while it lives.
func (s *Store) takeOver(name string) (*ownership, error) {
	folder := filepath.Join(s.staging, name)
	lock, err := os.OpenFile(folder+lockSuffix, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("staging folder: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, nil
		}
		return nil, fmt.Errorf("staging folder: %w", err)
	}
	return &ownership{folder: folder, lock: lock}, nil
}

// Abandoned implements [imagerepo.Blobs].
func (s *Store) Abandoned(context.Context) ([]string, error) {
	names, err := s.owners()
	if err != nil {
		return nil, err
	}
	var left []string
	for _, name := range names {
		owned, err := s.takeOver(name)
		if err != nil {
			return nil, err
		}
		if owned == nil {
			continue
		}
		sessions, err := os.ReadDir(owned.folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, errors.Join(fmt.Errorf("staging folder: %w", err), owned.lock.Close())
		}
		if len(sessions) == 0 {
			err = owned.release()
		} else {
			left = append(left, owned.folder)
			err = owned.lock.Close()
		}
		if err != nil {
			return nil, fmt.Errorf("staging folder: %w", err)
		}
	}
	return left, nil
}

// Recover implements [imagerepo.Blobs]. Sessions of living processes are left
// alone.
func (s *Store) Recover(ctx context.Context, ifUnclaimed imagerepo.IfUnclaimed) error {
	names, err := s.owners()
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		owned, err := s.takeOver(name)
		if owned != nil {
			err = errors.Join(s.settleAll(ctx, owned, ifUnclaimed), owned.release())
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// settleAll settles the sessions of a process that is gone.
func (s *Store) settleAll(ctx context.Context, owned *ownership, ifUnclaimed imagerepo.IfUnclaimed) error {
	entries, err := os.ReadDir(owned.folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("staging folder: %w", err)
	}
	var errs []error
	for _, entry := range entries {
		left := &session{store: s, folder: filepath.Join(owned.folder, entry.Name())}
		errs = append(errs, left.Settle(ctx, ifUnclaimed))
	}
	return errors.Join(errs...)
}

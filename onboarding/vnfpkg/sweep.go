package vnfpkg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
)

// sweepEvery is how often it is looked for what has expired or was left behind.
const sweepEvery = time.Minute

// Run recovers now and from time to time, until the context ends. What fails is
// logged and tried again.
func (s *Service) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.Recover(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("package folder cannot be cleaned up", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Recover ends what processes that are gone have left: uploads that broke off with
// them or have expired, resources whose job has ended or whose package the command
// line has deleted, one-shot resources that nobody came for, and files that no
// resource claims. What living processes do is left alone.
func (s *Service) Recover(ctx context.Context) error {
	var errs []error
	for both, err := range s.merged(ctx, Filter{}, false) {
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		if both.row.ID != "" {
			errs = append(errs, s.recover(ctx, both.row, both.pkg != nil))
		}
	}
	return errors.Join(append(errs, s.removeLitter(ctx), s.forgetSecrets(ctx))...)
}

// recover ends what was left of one resource.
func (s *Service) recover(ctx context.Context, row Row, hasPackage bool) (err error) {
	switch {
	case row.State == Onboarded && !hasPackage:
		err = s.forget(ctx, row.Project, row.ID)
	case row.State == Error && hasPackage:
		err = s.unpublish(ctx, row.ID)
	case busy(row.Resource):
		_, err = s.unstrand(ctx, row)
	case row.State == Uploading && (!row.Resumable || s.now().After(row.ExpiresAt)):
		err = s.recoverUpload(ctx, row.ID)
	case s.outlived(row):
		_, err = s.edit(ctx, row.Project, row.ID, func(e *Edit) error {
			if !s.outlived(e.Row) {
				return errEnded
			}
			e.Delete = true
			return nil
		})
		err = ignore(err, errEnded)
	}
	if err = ignore(err, imagerepo.ErrNotFound); err != nil {
		err = fmt.Errorf("package %s: %w", row.ID, err)
	}
	return err
}

// outlived reports whether a one-shot resource was left behind by those who made
// it.
func (s *Service) outlived(row Row) bool {
	return row.OneShot && (row.State == Created || row.State == Error) && s.now().After(row.UpdatedAt.Add(s.Expiry))
}

// recoverUpload gives an upload up that has expired, or whose process is gone if
// it cannot go on in another.
func (s *Service) recoverUpload(ctx context.Context, id string) error {
	sp, err := openSpool(s.path(id))
	if err != nil {
		return ignore(err, ErrBusy) // somebody is at it
	}
	row, err := s.Store.Row(ctx, id)
	switch {
	case err != nil, row.State != Uploading || busy(row.Resource), row.Resumable && !s.now().After(row.ExpiresAt):
		return errors.Join(err, s.release(ctx, sp, id))
	case row.Resumable:
		err = ErrExpired
	default:
		err = errors.New("its process is gone")
	}
	s.reset(ctx, row.Project, id, sp, err)
	return sp.Close()
}

// removeLitter removes archives that no resource claims.
func (s *Service) removeLitter(ctx context.Context) error {
	entries, err := os.ReadDir(s.Folder)
	if err != nil {
		return fmt.Errorf("package folder: %w", err)
	}
	var errs []error
	for _, entry := range entries {
		if !imagerepo.ValidID(entry.Name()) {
			continue // not ours
		}
		row, err := s.Store.Row(ctx, entry.Name())
		if err == nil && row.claims() {
			continue
		}
		if err = ignore(err, imagerepo.ErrNotFound); err == nil {
			err = s.removeUnclaimed(ctx, entry.Name())
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// removeUnclaimed removes an archive, unless a row claims it or somebody writes it.
func (s *Service) removeUnclaimed(ctx context.Context, id string) error {
	sp, err := openSpool(s.path(id))
	if err == nil {
		err = s.release(ctx, sp, id)
	}
	return ignore(err, ErrBusy)
}

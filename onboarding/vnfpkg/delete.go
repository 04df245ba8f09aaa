package vnfpkg

import (
	"context"
	"errors"
	"fmt"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/job"
)

// Delete deletes a resource with its package, the images that only it brought,
// and its archive. An upload of it ends; a job of it is cancelled and waited for.
// It fails with ErrVersion, or, where the options ask for it, with a *StateError.
func (s *Service) Delete(ctx context.Context, project, id string, opts DeleteOptions) error {
	r, err := s.Get(ctx, project, id)
	if err != nil {
		return err
	}
	if opts.IfVersion != nil && *opts.IfVersion != r.Version {
		return fmt.Errorf("package %s: %w", id, ErrVersion)
	}
	for {
		done, err := s.delete(ctx, r, opts)
		if done || err != nil {
			return err
		}
		// Meanwhile it became something else, or gave way to a package that the
		// project has already.
		if r, err = s.Get(ctx, project, id); err != nil {
			return ignore(err, imagerepo.ErrNotFound)
		}
	}
}

// delete deletes a resource as it is, or makes a step towards it.
func (s *Service) delete(ctx context.Context, r Resource, opts DeleteOptions) (done bool, err error) {
	if busy(r) {
		return false, s.endJob(ctx, r)
	}
	if opts.Strict {
		switch {
		case r.InUse:
			return false, stateError(r, "cannot be deleted: it is in use")
		case r.Operational == Enabled:
			return false, stateError(r, "cannot be deleted: it is %s", Enabled)
		}
	}
	if r.State != Onboarded {
		return s.deleteUnborn(ctx, r)
	}
	return true, s.deletePackage(ctx, r, opts.KeepImages)
}

// busy reports whether a job is at work on a resource.
func busy(r Resource) bool {
	return r.State == Processing || r.State == Uploading && r.Job != ""
}

// endJob cancels a resource's job and waits for its end.
func (s *Service) endJob(ctx context.Context, r Resource) error {
	_, err := s.Queue.Cancel(ctx, r.Job)
	if err == nil {
		_, err = s.Queue.Wait(ctx, r.Job)
	}
	return ignore(err, job.ErrNotFound)
}

func ignore(err, harmless error) error {
	if errors.Is(err, harmless) {
		return nil
	}
	return err
}

// deleteUnborn deletes a resource that no package came of, unless one did now.
func (s *Service) deleteUnborn(ctx context.Context, r Resource) (done bool, err error) {
	_, err = s.edit(ctx, r.Project, r.ID, func(e *Edit) error {
		if e.State == Onboarded || busy(e.Resource) {
			return errEnded
		}
		e.Delete = true
		return nil
	})
	if err != nil {
		return false, ignore(err, errEnded)
	}
	// Whoever writes the archive finds its row gone.
	s.stopWriting(r.ID, notFound(r.ID))
	s.drop(r.ID, notFound(r.ID))
	s.litter(r.ID)
	return true, nil
}

// deletePackage deletes a package from the catalogue, and then what is kept of its
// resource. If that is cut off, a sweep does the rest.
func (s *Service) deletePackage(ctx context.Context, r Resource, keepImages bool) error {
	if err := s.adopt(ctx, r); err != nil {
		return err
	}
	if _, _, err := s.Pipeline.Repository.DeletePackage(ctx, r.ID, keepImages); err != nil {
		return err
	}
	return s.forget(context.WithoutCancel(ctx), r.Project, r.ID)
}

// forget deletes the row of a package that is not in the catalogue any more, and
// tells that it was deleted.
func (s *Service) forget(ctx context.Context, project, id string) error {
	_, err := s.edit(ctx, project, id, func(e *Edit) error {
		e.Delete, e.Event = true, s.event(EventDeleted, e.Row)
		return nil
	})
	if err != nil {
		return ignore(err, imagerepo.ErrNotFound)
	}
	s.Queue.Wake() // others may be told of it
	s.litter(id)
	return nil
}

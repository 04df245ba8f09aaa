package vnfpkg

import (
	"context"
	"errors"
	"fmt"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/job"
)

// Delete deletes a resource with its package, the images that only it brought,
// and its archive, and returns what is gone: of a resource that was no package yet,
// or not any more, a package that has an ID and a project alone. An upload of it
// ends; a job of it is cancelled and waited for. It fails with ErrVersion, or, where
// the options ask for it, with a *StateError.
func (s *Service) Delete(ctx context.Context, project, id string, opts DeleteOptions) (imagerepo.Package, []imagerepo.Image, error) {
	unborn := imagerepo.Package{ID: id, Project: project}
	r, err := s.Get(ctx, project, id)
	if err != nil {
		return unborn, nil, err
	}
	if err := opts.fits(r); err != nil {
		return unborn, nil, err
	}
	cancelled := false
	for {
		var done bool
		switch {
		case busy(r):
			err, cancelled = s.endJob(ctx, r), true
		case r.State == Onboarded:
			return s.deletePackage(ctx, r, opts)
		case cancelled: // which has made another version of it
			done, err = s.deleteUnborn(ctx, r, DeleteOptions{})
		default:
			done, err = s.deleteUnborn(ctx, r, opts)
		}
		if done || err != nil {
			return unborn, nil, err
		}
		// Meanwhile it became something else, or gave way to a package that the
		// project has already.
		if r, err = s.Get(ctx, project, id); err != nil {
			return unborn, nil, ignore(err, imagerepo.ErrNotFound)
		}
	}
}

// DeletedWith returns what Delete would, as things are, and changes nothing.
func (s *Service) DeletedWith(ctx context.Context, project, id string, keepImages bool) (imagerepo.Package, []imagerepo.Image, error) {
	r, err := s.Get(ctx, project, id)
	if err != nil || r.State != Onboarded {
		return imagerepo.Package{ID: id, Project: project}, nil, err
	}
	return s.Pipeline.Repository.DeletedWith(ctx, id, keepImages)
}

// fits fails with ErrVersion unless a resource has the version that is to be deleted.
func (o DeleteOptions) fits(r Resource) error {
	if o.IfVersion != nil && *o.IfVersion != r.Version {
		return fmt.Errorf("package %s: %w", r.ID, ErrVersion)
	}
	return nil
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
	if err == nil {
		s.dropSecret(r.Job)
	}
	return ignore(err, job.ErrNotFound)
}

func ignore(err, harmless error) error {
	if errors.Is(err, harmless) {
		return nil
	}
	return err
}

// deleteUnborn deletes a resource that no package came of, unless one did now, and if
// that is still of the version that the options want.
func (s *Service) deleteUnborn(ctx context.Context, r Resource, opts DeleteOptions) (done bool, err error) {
	if r.State == Error { // which stays so: what there may be in the catalogue is nobody's
		if err := s.unpublish(ctx, r.ID); err != nil {
			return false, err
		}
	}
	_, err = s.edit(ctx, r.Project, r.ID, func(e *Edit) error {
		if err := opts.fits(e.Resource); err != nil {
			return err
		}
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

// deletePackage deletes a package with its resource, if that is still as the options
// want it.
func (s *Service) deletePackage(ctx context.Context, r Resource, opts DeleteOptions) (imagerepo.Package, []imagerepo.Image, error) {
	if err := s.adopt(ctx, r); err != nil {
		return imagerepo.Package{}, nil, err
	}
	done, gone := false, &Unpublish{Unused: opts.Strict, KeepImages: opts.KeepImages}
	err := s.Pipeline.Repository.Retiring(ctx, *r.Package, func() error {
		_, err := s.edit(ctx, r.Project, r.ID, func(e *Edit) error {
			if err := opts.fits(e.Resource); err != nil {
				return err
			}
			if opts.Strict && e.Operational == Enabled {
				return stateError(e.Resource, "cannot be deleted: it is %s", Enabled)
			}
			e.Delete, e.Unpublish, e.Event = true, gone, s.event(EventDeleted, e.Row)
			return nil
		})
		done = err == nil
		return err
	})
	if !done {
		return imagerepo.Package{}, nil, err
	}
	s.Queue.Wake() // others may be told of it
	s.litter(r.ID)
	return gone.Package, gone.Images, err
}

// InUse is the problem of a package that cannot be deleted while it is launched.
const InUse = "cannot be deleted: it is in use"

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

package vnfpkg

import (
	"context"
	"errors"
	"iter"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/job"
)

// Get returns a resource.
func (s *Service) Get(ctx context.Context, project, id string) (Resource, error) {
	row, err := s.row(ctx, project, id)
	if errors.Is(err, imagerepo.ErrNotFound) {
		pkg, err := s.Pipeline.Repository.Catalog().Package(ctx, id)
		if err == nil && pkg.Project != project {
			err = notFound(id)
		}
		if err != nil {
			return Resource{}, err
		}
		return s.withUse(ctx, plain(pkg))
	}
	if err != nil {
		return Resource{}, err
	}
	if row, err = s.unstrand(ctx, row); err != nil || row.State != Onboarded {
		return row.Resource, err
	}
	pkg, err := s.Pipeline.Repository.Catalog().Package(ctx, id)
	if err != nil {
		return Resource{}, err
	}
	row.Package = &pkg
	return s.withUse(ctx, row.Resource)
}

// row returns the row of a project's resource.
func (s *Service) row(ctx context.Context, project, id string) (Row, error) {
	row, err := s.Store.Row(ctx, id)
	if err == nil && row.Project != project {
		err = notFound(id)
	}
	return row, err
}

// plain is the resource of a package that has no row.
func plain(pkg imagerepo.Package) Resource {
	return Resource{ID: pkg.ID, Project: pkg.Project, State: Onboarded, Operational: Enabled, Size: -1,
		CreatedAt: pkg.CreatedAt, UpdatedAt: pkg.CreatedAt, Package: &pkg}
}

// withUse returns a resource that says whether it is in use.
func (s *Service) withUse(ctx context.Context, r Resource) (Resource, error) {
	launches, err := s.Queue.List(ctx, job.Filter{Kind: KindLaunch, Subject: r.ID, States: []job.State{job.Queued, job.Running}, Limit: 1})
	r.InUse = len(launches) > 0
	return r, err
}

// ByDescriptor returns the onboarded package of a vnfdId. Of several it is the
// one that was created last.
func (s *Service) ByDescriptor(ctx context.Context, project, descriptorID string) (Resource, error) {
	last := Resource{}
	if descriptorID == "" {
		return last, notFound("without descriptor")
	}
	packages := s.Pipeline.Repository.Catalog().Packages(ctx,
		imagerepo.PackageFilter{Project: project, DescriptorID: descriptorID, ByID: true})
	for pkg, err := range packages {
		if err != nil {
			return Resource{}, err
		}
		r, err := s.Get(ctx, project, pkg.ID)
		if err == nil && r.State == Onboarded {
			last = r
		}
		if err = ignore(err, imagerepo.ErrNotFound); err != nil {
			return Resource{}, err
		}
	}
	if last.ID == "" {
		return last, notFound("with descriptor " + descriptorID)
	}
	return last, nil
}

// List yields the resources that match, and the packages of the catalogue that
// have none, in the order of their IDs, which is that of their creation. An error
// ends the sequence.
func (s *Service) List(ctx context.Context, filter Filter) iter.Seq2[Resource, error] {
	return func(yield func(Resource, error) bool) {
		used, err := s.used(ctx, filter.Project)
		if err != nil {
			yield(Resource{}, err)
			return
		}
		for both, err := range s.merged(ctx, filter, true) {
			r := both.row.Resource
			switch {
			case err != nil:
			case both.row.ID == "":
				r = plain(*both.pkg)
			case r.State == Onboarded && both.pkg == nil:
				continue // it was deleted by the command line
			case r.State == Onboarded:
				r.Package = both.pkg
			}
			r.InUse = used[r.ID]
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// rowAndPackage are what there is of an ID: a row, a package, or both.
type rowAndPackage struct {
	row Row // without an ID if there is none
	pkg *imagerepo.Package
}

// merged yields rows and packages that match in the order of their IDs. A row
// that is ONBOARDED comes with its package unless that was deleted.
func (s *Service) merged(ctx context.Context, filter Filter, records bool) iter.Seq2[rowAndPackage, error] {
	return func(yield func(rowAndPackage, error) bool) {
		// The rows are asked for first: what is ONBOARDED by them is in what the
		// catalogue says later.
		next, stop := iter.Pull2(s.Store.Rows(ctx, filter))
		defer stop()
		row, broken, more := next()
		packages := s.Pipeline.Repository.Catalog().Packages(ctx,
			imagerepo.PackageFilter{Project: filter.Project, ByID: true, After: filter.After, Records: records})
		for pkg, err := range packages {
			for err == nil && more && broken == nil && row.ID < pkg.ID {
				if !yield(rowAndPackage{row: row}, nil) {
					return
				}
				row, broken, more = next()
			}
			if err = errors.Join(err, broken); err != nil {
				yield(rowAndPackage{}, err)
				return
			}
			both := rowAndPackage{pkg: &pkg}
			if more && row.ID == pkg.ID {
				both.row = row
				row, broken, more = next()
			}
			if !yield(both, nil) {
				return
			}
		}
		for ; more; row, broken, more = next() {
			if !yield(rowAndPackage{row: row}, broken) || broken != nil {
				return
			}
		}
	}
}

// used returns the IDs of a project's packages that are in use.
func (s *Service) used(ctx context.Context, project string) (map[string]bool, error) {
	launches, err := s.Queue.List(ctx, job.Filter{Project: project, Kind: KindLaunch, States: []job.State{job.Queued, job.Running}})
	used := make(map[string]bool, len(launches))
	for _, launch := range launches {
		used[launch.Subject] = true
	}
	return used, err
}

package vnfpkg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/tosca"
)

// Outcome is the result of a job that onboards a package. The job has failed
// unless Package is set.
type Outcome struct {
	// Package is the ID of the package in the catalogue: that of the resource,
	// unless Existing is set.
	Package string `json:"package,omitempty"`
	// Existing is set when the project had the package already. The resource has
	// given way to it.
	Existing bool              `json:"existing,omitempty"`
	Report   onboarding.Report `json:"report"`
}

// attempts is how often a job is tried that fails for a reason that may pass.
const attempts = 5

// Kinds returns how the jobs that are about packages are run, for [job.Queue.Run].
func (s *Service) Kinds() map[job.Kind]job.KindOptions {
	return map[job.Kind]job.KindOptions{
		KindOnboard: {Handler: s.onboard, Workers: s.Onboardings, Attempts: attempts},
		KindFetch:   {Handler: s.fetch, Workers: s.Fetches, Attempts: attempts},
	}
}

// onboard is the handler of KindOnboard.
func (s *Service) onboard(ctx context.Context, t *job.Task) (any, error) {
	row, err := s.Store.Row(ctx, t.Job.Subject)
	if err != nil {
		return nil, gone(err)
	}
	if row.State != Processing || row.Job != t.Job.ID {
		return s.ended(ctx, row)
	}
	return s.process(ctx, t, row)
}

// gone makes the absence of a job's resource an end of the job.
func gone(err error) error {
	if errors.Is(err, imagerepo.ErrNotFound) {
		return job.Permanent(err)
	}
	return err
}

// process takes the archive of a row through the pipeline.
func (s *Service) process(ctx context.Context, t *job.Task, row Row) (any, error) {
	info, err := os.Stat(s.path(row.ID))
	switch {
	case errors.Is(err, os.ErrNotExist):
		err = job.Permanent(fmt.Errorf("archive %s: %w: its file is not in the package folder", row.ID, ErrDamaged))
	case err == nil && info.Size() != row.Size:
		err = job.Permanent(fmt.Errorf("archive %s: %w: its file has %d bytes, not %d", row.ID, ErrDamaged, info.Size(), row.Size))
	}
	if err != nil {
		return s.settle(ctx, t, row, onboarding.FailedReport(row.name(), err), err)
	}
	leave, err := s.onboards.take(ctx)
	if err != nil {
		return s.settle(ctx, t, row, onboarding.FailedReport(row.name(), err), err)
	}
	defer leave()
	src := onboarding.FileSource(s.path(row.ID))
	src.Name = row.name()
	report, err := s.Pipeline.Onboard(ctx, src, s.options(row, func(p onboarding.Progress) { t.Report(progress(p)) }))
	return s.settle(ctx, t, row, report, err)
}

// await is the handler of a job whose archive the pipeline has taken in while it
// arrived.
func (s *Service) await(a *arrival) job.Handler {
	return func(ctx context.Context, t *job.Task) (any, error) {
		a.task.Store(t)
		a.end(io.EOF)
		select {
		case <-a.done:
		case <-ctx.Done():
			a.end(context.Cause(ctx))
			<-a.done
		}
		row, err := s.Store.Row(context.WithoutCancel(ctx), t.Job.Subject)
		if err != nil {
			return nil, gone(err)
		}
		return s.settle(ctx, t, row, a.report, a.err)
	}
}

// settle gives a resource the state that the pipeline's report calls for. What it
// writes is the same whoever writes it, so it does not matter if the claim on the
// job is lost by now.
func (s *Service) settle(ctx context.Context, t *job.Task, row Row, report onboarding.Report, err error) (any, error) {
	err = Tell(s.Log, t.Job.ID, &report, err)
	outcome := Outcome{Report: report}
	switch {
	case err != nil && ctx.Err() != nil && !errors.Is(context.Cause(ctx), job.ErrCancelled):
		return outcome, err // to be begun again
	case err != nil && ctx.Err() != nil:
		return outcome, errors.Join(err, s.cancelled(ctx, t.Job.ID, row, "the onboarding was cancelled"))
	case err != nil:
		if !isPermanent(err) && t.Job.Failures+1 < attempts {
			return outcome, err
		}
		return s.refuse(ctx, t, row, outcome, Failure{Detail: err.Error()}, err)
	case report.Status == onboarding.Rejected:
		failure := Failure{Detail: rejection(report.Findings), Findings: report.Findings}
		return s.refuse(ctx, t, row, outcome, failure, errors.New(failure.Detail))
	case report.Package.ID != row.ID && row.Unique:
		f := existing(report.Package.ID, "the package is in project %q already, as %s", row.Project, report.Package.ID)
		outcome.Report.Status, outcome.Report.Package.ID = onboarding.Rejected, ""
		outcome.Report.Findings = append(outcome.Report.Findings, f)
		return s.refuse(ctx, t, row, outcome, Failure{Detail: f.Message, Findings: outcome.Report.Findings}, errors.New(f.Message))
	case report.Package.ID != row.ID:
		outcome.Package, outcome.Existing = report.Package.ID, true
		return outcome, ignore(s.conclude(ctx, t.Job.ID, row, func(e *Edit) error { e.Delete, e.Kept = true, false; return nil }), errEnded)
	}
	err = s.arrive(ctx, t.Job.ID, row)
	if taken, ok := errors.AsType[*DescriptorError](err); ok {
		outcome.Report.Status, outcome.Report.Package.ID, outcome.Report.Images = onboarding.Rejected, "", []onboarding.ImageReport{}
		f := existing(taken.Existing, "the descriptor ID %s is that of package %s, which project %q has already",
			taken.DescriptorID, taken.Existing, row.Project)
		outcome.Report.Findings = append(outcome.Report.Findings, f)
		return s.refuse(ctx, t, row, outcome, Failure{Detail: f.Message, Findings: outcome.Report.Findings}, errors.New(f.Message))
	}
	outcome.Package = row.ID
	return outcome, err
}

// isPermanent reports whether trying again would not help.
func isPermanent(err error) bool {
	_, full := errors.AsType[*QuotaError](err)
	return full || errors.Is(err, ErrDamaged)
}

// rejection is the one sentence about a refused package.
func rejection(findings tosca.Findings) string {
	n, first := 0, ""
	for _, f := range findings {
		if f.Severity == tosca.Error {
			if n == 0 {
				first = f.String()
			}
			n++
		}
	}
	if n == 1 {
		return "the package was refused: " + first
	}
	return fmt.Sprintf("the package was refused for %d reasons, the first: %s", n, first)
}

// existing is the finding that the package of an ID is there already.
func existing(id, format string, args ...any) tosca.Finding {
	f := tosca.Finding{Code: onboarding.CodePackageExists, Severity: tosca.Error, Message: fmt.Sprintf(format, args...), Found: id}
	for _, info := range onboarding.Codes() {
		if info.Code == f.Code {
			f.Cure = info.Cure
		}
	}
	return f
}

// refuse ends a job that no package came of, for a reason.
func (s *Service) refuse(ctx context.Context, t *job.Task, row Row, outcome Outcome, failure Failure, why error) (any, error) {
	born, err := s.fail(ctx, t.Job.ID, row, failure)
	switch {
	case err != nil:
		return outcome, errors.Join(why, err)
	case born:
		row.State = Onboarded
		return s.ended(ctx, row)
	}
	return outcome, job.Permanent(why)
}

// fail makes a resource ERROR, unless its package was published by an attempt that
// could not say so: then the resource becomes ONBOARDED, and is born.
func (s *Service) fail(ctx context.Context, job string, row Row, failure Failure) (born bool, err error) {
	err = s.arrive(ctx, job, row)
	if _, taken := errors.AsType[*DescriptorError](err); err != nil && !taken && !errors.Is(err, imagerepo.ErrNotFound) {
		return false, err
	}
	if err == nil {
		return true, nil
	}
	return false, ignore(s.conclude(ctx, job, row, func(e *Edit) error { broken(e, failure); return nil }), errEnded)
}

// cancelled makes a resource ERROR whose job was cancelled. A package that an
// attempt has published that could not say so goes.
func (s *Service) cancelled(ctx context.Context, job string, row Row, detail string) error {
	err := s.conclude(ctx, job, row, func(e *Edit) error { broken(e, Failure{Detail: detail}); return nil })
	if err == nil {
		err = s.unpublish(ctx, row.ID)
	}
	return ignore(err, errEnded)
}

// unpublish deletes a package that no resource stands for, if it is there.
func (s *Service) unpublish(ctx context.Context, id string) error {
	_, _, err := s.Pipeline.Repository.DeletePackage(context.WithoutCancel(ctx), id, false)
	return ignore(err, imagerepo.ErrNotFound)
}

// broken makes a resource ERROR.
func broken(e *Edit, failure Failure) {
	e.State, e.Failure, e.Kept = Error, &failure, false
	if e.Failure.Findings == nil {
		e.Failure.Findings = tosca.Findings{}
	}
}

// arrive makes a resource ONBOARDED whose package is in the catalogue.
func (s *Service) arrive(ctx context.Context, job string, row Row) error {
	pkg, err := s.Pipeline.Repository.Catalog().Package(context.WithoutCancel(ctx), row.ID)
	if err != nil {
		return gone(err)
	}
	err = s.conclude(ctx, job, row, func(e *Edit) error {
		e.State, e.Operational, e.Kept, e.Package = Onboarded, Enabled, s.Keep, &pkg
		e.Identity, err = e.Resource.identity()
		e.Sole, e.Event = e.Unique, s.event(EventOnboarded, e.Row)
		return err
	})
	if errors.Is(err, errEnded) {
		after, read := s.Store.Row(context.WithoutCancel(ctx), row.ID)
		if err = read; err == nil && after.State == Error {
			err = fmt.Errorf("package %s: it was given up before: %w", row.ID, imagerepo.ErrNotFound)
		}
	}
	if _, taken := errors.AsType[*DescriptorError](err); taken || errors.Is(err, imagerepo.ErrNotFound) {
		// Whoever ended or deleted the resource did not see the package.
		if undone := s.unpublish(ctx, row.ID); undone != nil {
			return undone
		}
		return gone(err)
	}
	s.Queue.Wake() // others may be told of it
	return err
}

// errEnded says that a resource is not the job's any more: another attempt at it
// has written how it ended.
var errEnded = errors.New("the job's work was done before")

// conclude writes how a job's resource ended, and removes the archive unless it is
// kept. It fails with errEnded where that was written before.
func (s *Service) conclude(ctx context.Context, job string, row Row, end func(*Edit) error) error {
	ctx = context.WithoutCancel(ctx)
	after, err := s.edit(ctx, row.Project, row.ID, func(e *Edit) error {
		if e.Job != job || e.State != Processing && e.State != Uploading {
			return errEnded
		}
		return end(e)
	})
	if err == nil && !after.Kept {
		s.discard(ctx, row.ID)
	}
	return err
}

// discard removes the archive of a resource that has no use for it any more, unless
// the next upload has begun. If it cannot, the next sweep does.
func (s *Service) discard(ctx context.Context, id string) {
	if err := s.removeUnclaimed(ctx, id); err != nil {
		s.Log.Warn("archive that is no longer needed cannot be removed", "package", id, "err", err)
	}
}

// litter removes the archive of a resource that was deleted. If it cannot, the next sweep does.
func (s *Service) litter(id string) {
	if err := removeArchive(s.path(id)); err != nil {
		s.Log.Warn("archive that is no longer needed cannot be removed", "package", id, "err", err)
	}
}

// ended returns what a job has to say whose resource has come to its end in an
// attempt that could not say so.
func (s *Service) ended(ctx context.Context, row Row) (any, error) {
	switch row.State {
	case Onboarded:
		pkg, err := s.Pipeline.Repository.Catalog().Package(ctx, row.ID)
		if err != nil {
			return nil, gone(err)
		}
		return Outcome{Package: row.ID, Report: recalled(row, pkg)}, nil
	case Error:
		report := onboarding.Report{Source: row.name(), Status: onboarding.Rejected, Images: []onboarding.ImageReport{}, Findings: row.Failure.Findings}
		if len(row.Failure.Findings) == 0 {
			report.Status, report.Error = onboarding.Failed, row.Failure.Detail
		}
		return Outcome{Report: report}, job.Permanent(errors.New(row.Failure.Detail))
	}
	return nil, job.Permanent(fmt.Errorf("package %s is %s: nothing is to be done", row.ID, row.State))
}

// recalled is the report of a package that was onboarded before.
func recalled(row Row, pkg imagerepo.Package) onboarding.Report {
	report := onboarding.Report{Source: row.name(), Status: onboarding.Onboarded, Images: []onboarding.ImageReport{}, Findings: tosca.Findings{},
		Package: &onboarding.PackageReport{ID: pkg.ID, Name: pkg.Name, Vendor: pkg.Vendor, Version: pkg.Version, Dialect: tosca.Dialect(pkg.Dialect)}}
	for _, ref := range pkg.Images {
		report.Images = append(report.Images, onboarding.ImageReport{ID: ref.ID, Name: ref.Name})
	}
	return report
}

// unstrand ends a resource whose job has ended without writing an end of it: it was
// cancelled before it began, or given up.
func (s *Service) unstrand(ctx context.Context, row Row) (Row, error) {
	if row.Job == "" || row.State != Processing && row.State != Uploading {
		return row, nil
	}
	failure := Failure{Detail: "the job that onboarded the package is gone"}
	j, err := s.Queue.Get(ctx, row.Job)
	switch {
	case errors.Is(err, job.ErrNotFound):
	case err != nil:
		return row, err
	case !j.State.Ended():
		return row, nil
	case j.State == job.Cancelled:
		if err := s.cancelled(ctx, row.Job, row, "the onboarding was cancelled"); err != nil {
			return row, err
		}
		return s.row(ctx, row.Project, row.ID)
	default:
		failure.Detail = "the onboarding was given up: " + j.Error
	}
	if _, err := s.fail(ctx, row.Job, row, failure); err != nil {
		return row, err
	}
	return s.row(ctx, row.Project, row.ID)
}

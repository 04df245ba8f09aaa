package onboarding

import (
	"context"
	"errors"
	"fmt"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/csar"
	"github.com/gangway-nfv/gangway/tosca"
)

// job is one package, or one image without a package, on its way through the
// stages.
type job struct {
	*Pipeline // without a Repository for a job that only validates
	opts      Options
	source    string
	spend     func(total int64) error // see [AddRequest]; may be nil
	intake    *imagerepo.Intake       // nil when nothing is to be stored

	archive  *csar.Archive
	pkg      *tosca.Package
	contents map[string]content // of the files seen so far, by [csar.Member.Raw]
	record   *imagerepo.Package // of the package; its ID is that of known, if there is one
	known    *imagerepo.Package // what the repository has of this very package
	files    []imagerepo.PackageFile
	images   []*image
	packings []imagerepo.Packing // in which images came for the first time
	findings tosca.Findings
}

// Onboard takes one package in. The report says how it ended; the error is the
// same as its Error for a status of Failed and nil otherwise. Onboarding a
// package again stores nothing.
func (p *Pipeline) Onboard(ctx context.Context, src Source, opts Options) (Report, error) {
	return p.job(src.Name, opts).run(ctx, src)
}

// Validate does what Onboard does without a repository: nothing is stored or
// fetched, and names are not compared with those that are taken.
func (p *Pipeline) Validate(ctx context.Context, src Source, opts Options) (Report, error) {
	alone := *p
	alone.Repository = nil
	opts.Images = Reference
	opts.DryRun = true
	return alone.job(src.Name, opts).run(ctx, src)
}

func (p *Pipeline) job(source string, opts Options) *job {
	j := &job{Pipeline: p, opts: opts.withDefaults(), source: source, contents: make(map[string]content)}
	if !opts.DryRun {
		j.intake = p.Repository.Intake(j.opts.Project)
	}
	return j
}

func (j *job) run(ctx context.Context, src Source) (Report, error) {
	return j.ending(ctx, func() (Report, error) {
		opened, closer, err := src.Open(ctx)
		if err != nil {
			return Report{}, err
		}
		defer closer.Close()
		if err := j.open(ctx, opened); err != nil {
			return Report{}, err
		}
		if j.archive == nil {
			return j.report(Rejected), nil
		}
		defer j.archive.Close()
		j.describe()
		for _, stage := range []func(context.Context) error{j.stage, j.identify, j.recognize, j.fetchImages} {
			if err := stage(ctx); err != nil {
				return Report{}, err
			}
		}
		return j.commit(ctx)
	})
}

// ending runs the work of a job, removes what it staged and did not publish,
// and turns an error into a report.
func (j *job) ending(ctx context.Context, work func() (Report, error)) (Report, error) {
	report, err := work()
	if j.intake != nil {
		err = errors.Join(err, j.intake.Close(ctx))
	}
	if err != nil {
		report = j.report(Failed)
		report.Error = err.Error()
		err = fmt.Errorf("onboard %s: %w", j.source, err)
	}
	j.log().Info("onboarding ended", "source", j.source, "project", j.opts.Project, "status", report.Status,
		"images", len(report.Images), "findings", len(report.Findings))
	return report, err
}

// open reads the container. The images of a tar are staged on the way.
func (j *job) open(ctx context.Context, src csar.Source) error {
	archive, findings, err := csar.Open(ctx, j.watch(src), csar.Options{Limits: j.Limits, Keep: j.keep})
	j.archive, j.findings = archive, findings
	return err
}

// describe reads what the package says.
func (j *job) describe() {
	pkg, findings := tosca.Read(j.archive)
	j.pkg = pkg
	j.findings = append(j.findings, findings...)
}

// blame adds the finding that an error carries to the job's, if the package is
// to blame for it, and returns any other error.
func (j *job) blame(err error) error {
	var damaged *csar.Error
	var refused *refusal
	switch {
	case errors.As(err, &damaged):
		j.findings = append(j.findings, damaged.Finding)
	case errors.As(err, &refused):
		j.findings = append(j.findings, refused.finding)
	default:
		return err
	}
	return nil
}

// refusal is the error of a step that found the package at fault.
type refusal struct{ finding tosca.Finding }

func (r *refusal) Error() string { return r.finding.String() }

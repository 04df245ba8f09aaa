package onboarding

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/csar"
	"github.com/gangway-nfv/gangway/tosca"
)

// job is one package on its way through the stages.
type job struct {
	*Pipeline
	opts   Options
	source string
	// intake takes the bytes in; nil when nothing is to be stored.
	intake *imagerepo.Intake

	archive  *csar.Archive
	pkg      *tosca.Package
	kept     map[string]held // members that passed while a tar was read, by raw path
	digests  map[string]imagerepo.Content
	images   []image
	findings tosca.Findings
}

// Onboard takes one package in. The report says how it ended; the error is the
// same as its Error for a status of Failed and nil otherwise. Onboarding a
// package again stores nothing.
func (p *Pipeline) Onboard(ctx context.Context, src Source, opts Options) (Report, error) {
	j := &job{Pipeline: p, opts: opts.withDefaults(), source: src.Name}
	if !opts.DryRun {
		j.intake = p.Repository.Intake(j.opts.Project)
	}
	return j.run(ctx, src, j.commit)
}

// Validate does what Onboard does without a repository: nothing is stored or
// fetched, and names are not compared with those that are taken.
func (p *Pipeline) Validate(ctx context.Context, src Source, opts Options) (Report, error) {
	opts.Images = Reference
	j := &job{Pipeline: p, opts: opts.withDefaults(), source: src.Name}
	return j.run(ctx, src, func(context.Context) (Report, error) { return j.report(Valid), nil })
}

func (j *job) run(ctx context.Context, src Source, commit func(context.Context) (Report, error)) (report Report, err error) {
	j.kept = make(map[string]held)
	j.digests = make(map[string]imagerepo.Content)
	opened, closer, err := src.Open(ctx)
	if err != nil {
		return j.failed(err)
	}
	defer closer.Close()
	defer func() {
		if j.archive != nil {
			err = errors.Join(err, j.archive.Close())
		}
		if j.intake != nil {
			err = errors.Join(err, j.intake.Close(ctx))
		}
		if err != nil {
			report, err = j.failed(err)
		}
	}()

	for _, stage := range []func(context.Context) error{
		func(ctx context.Context) error { return j.open(ctx, opened) },
		j.describe,
		j.stage,
		j.fingerprint,
	} {
		err := stage(ctx)
		if f, blamed := asFinding(err); blamed {
			j.findings = append(j.findings, f)
		} else if err != nil {
			return j.failed(err)
		}
		if j.archive == nil || err != nil {
			break
		}
	}
	if j.findings.Refused() {
		return j.report(Rejected), nil
	}
	return commit(ctx)
}

// open reads the container. The images of a tar are staged on the way.
func (j *job) open(ctx context.Context, src csar.Source) error {
	watched := &watched{job: j, total: -1}
	if src.At != nil {
		watched.total = src.Size
	} else {
		src.Reader = io.TeeReader(src.Reader, watched)
	}
	archive, findings, err := csar.Open(ctx, src, csar.Options{Limits: j.Limits, Keep: j.keep})
	j.archive, j.findings = archive, findings
	return err
}

// describe reads what the package says.
func (j *job) describe(context.Context) error {
	pkg, findings := tosca.Read(j.archive)
	j.pkg = pkg
	j.findings = append(j.findings, findings...)
	return nil
}

func (j *job) report(status Status) Report {
	report := Report{Source: j.source, Status: status, Findings: j.findings.Sorted()}
	if j.pkg != nil && j.pkg.Name != "" {
		report.Package = &PackageReport{Name: j.pkg.Name, Vendor: j.pkg.Vendor, Version: j.pkg.Version,
			Dialect: j.pkg.Dialect, VDUs: len(j.pkg.VDUs)}
	}
	for _, img := range j.images {
		r := img.report()
		if status != Onboarded && status != Unchanged {
			r.ID, r.Action = "", "" // what it was to become
		}
		report.Images = append(report.Images, r)
	}
	return report
}

func (j *job) failed(err error) (Report, error) {
	report := j.report(Failed)
	report.Error = err.Error()
	return report, fmt.Errorf("onboard %s: %w", j.source, err)
}

// watched tells the progress of bytes that pass.
type watched struct {
	job         *job
	image       string
	done, total int64
}

func (w *watched) Write(p []byte) (int, error) {
	w.done += int64(len(p))
	if w.job.opts.Progress != nil {
		w.job.opts.Progress(Progress{Source: w.job.source, Image: w.image, Done: w.done, Total: w.total})
	}
	return len(p), nil
}

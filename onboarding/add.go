package onboarding

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/tosca"
)

// AddRequest describes an image that a user adds without a package. Exactly one
// of Content and Description.URL is set.
type AddRequest struct {
	Options
	// Description says what the image is. An empty DiskFormat is found from the
	// bytes, an empty ContainerFormat means bare.
	Description tosca.ImageDescription
	Content     io.Reader
	Size        int64 // bytes of Content; -1 while unknown
}

// Add takes one image in. The report's Package is empty. A name that belongs
// to the same bytes makes it Unchanged.
func (p *Pipeline) Add(ctx context.Context, req AddRequest) (report Report, err error) {
	d := req.Description
	j := &job{Pipeline: p, opts: req.Options.withDefaults(), source: d.Name, intake: p.Repository.Intake(req.withDefaults().Project)}
	defer func() {
		if err = errors.Join(err, j.intake.Close(ctx)); err != nil {
			report, err = j.failed(err)
		}
	}()
	existing, err := j.existing(ctx, d.Name)
	if err != nil {
		return Report{}, err
	}
	img := image{description: d, source: imagerepo.Source{URL: d.URL}}
	switch {
	case d.URL == "":
		img.held, err = j.take(ctx, req.Content, d.Name, req.Size, keys(d.Digests))
		if err == nil {
			err = j.judge(ctx, d, img.held)
		}
	case j.opts.Images == Fetch:
		img.held, img.source, err = j.current(ctx, d, existing)
	}
	if f, blamed := asFinding(err); blamed {
		j.findings = append(j.findings, f)
	} else if err != nil {
		return Report{}, err
	}
	if img.description.DiskFormat == "" {
		img.description.DiskFormat = string(img.inspected.Format)
	}
	if img.description.ContainerFormat == "" {
		img.description.ContainerFormat = "bare"
	}
	j.images = []image{img}
	return j.commitImage(ctx)
}

// commitImage makes an image visible that no package brings.
func (j *job) commitImage(ctx context.Context) (Report, error) {
	for range commitAttempts {
		if !j.findings.Refused() {
			if err := j.settleNames(ctx); err != nil {
				return Report{}, err
			}
		}
		if j.findings.Refused() {
			return j.report(Rejected), nil
		}
		created := j.now().UTC()
		pub := imagerepo.Publication{Package: &imagerepo.Package{CreatedAt: created}}
		if err := j.assign(ctx, &pub); err != nil {
			return Report{}, err
		}
		if len(pub.Images) == 0 {
			return j.report(Unchanged), nil
		}
		pub.Package, pub.Uses = nil, nil
		pub.Images[0].Manual = true
		err := j.intake.Publish(ctx, pub)
		var taken *imagerepo.NameTakenError
		if err == nil {
			return j.report(Onboarded), nil
		}
		if !errors.As(err, &taken) {
			return Report{}, err
		}
	}
	return Report{}, fmt.Errorf("the repository changed %d times while the image was committed", commitAttempts)
}

package onboarding

import (
	"context"
	"fmt"
	"io"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/csar"
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
	// Spend, if not nil, is asked before bytes are taken in, and told how many there
	// are with them. A transfer that begins again counts from zero. Its error ends
	// the adding, and is its error, wrapped.
	Spend func(total int64) error
}

// Add takes one image in. The report's Package is empty. A name that belongs
// to the same bytes makes it Unchanged, as nothing is stored; but if a package
// brought that image, it is the user's own from then on and outlives the package.
// An image with stated digests cannot be added by reference, since only packages
// keep them.
func (p *Pipeline) Add(ctx context.Context, req AddRequest) (Report, error) {
	d := req.Description
	j := p.job(d.Name, req.Options)
	j.spend = req.Spend
	return j.ending(ctx, func() (Report, error) {
		img := &image{description: d, source: imagerepo.Source{URL: d.URL}}
		if err := j.blame(j.add(ctx, img, req)); err != nil {
			return Report{}, err
		}
		j.images = append(j.images, img)
		if !j.findings.Refused() {
			if err := j.claim(ctx, img); err != nil {
				return Report{}, err
			}
		}
		return j.commit(ctx)
	})
}

// add takes the bytes of an image in, if it has any yet.
func (j *job) add(ctx context.Context, img *image, req AddRequest) (err error) {
	d := img.description
	switch {
	case d.URL == "":
		content := j.watch(csar.Source{Reader: req.Content, Size: req.Size}).Reader
		if img.content, err = j.take(ctx, content, d.Name, req.Size, keys(d.Digests)); err == nil {
			err = j.judge(ctx, d, img.content)
		}
	case j.opts.Images == Fetch:
		err = j.fetch(ctx, img)
	case len(d.Digests) > 0:
		err = fmt.Errorf("image %q: digests are stated, but a reference would not keep them", d.Name)
	}
	return err
}

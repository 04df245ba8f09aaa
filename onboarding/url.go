package onboarding

import (
	"context"
	"errors"
	"fmt"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/tosca"
)

// stageURL takes an image in that the package describes by a URL. One that the
// repository has from the same URL is fetched again only if the origin says
// that it changed.
func (j *job) stageURL(ctx context.Context, d tosca.ImageDescription) error {
	existing, err := j.existing(ctx, d.Name)
	if err != nil {
		return err
	}
	img := image{description: d, source: imagerepo.Source{URL: d.URL}}
	if j.opts.Images == Fetch && j.intake != nil {
		img.held, img.source, err = j.current(ctx, d, existing)
		if f, blamed := asFinding(err); blamed {
			j.findings = append(j.findings, f)
			return nil
		}
		if err != nil {
			return err
		}
	}
	j.settle(&img, existing)
	j.images = append(j.images, img)
	return nil
}

// current returns the content that is behind a URL now: fetched, or, if it did
// not change, that of the image which was fetched from there before.
func (j *job) current(ctx context.Context, d tosca.ImageDescription, existing *imagerepo.Image) (held, imagerepo.Source, error) {
	req := fetch.Request{URL: d.URL, Digests: d.Digests, Compression: d.Compression,
		DiskFormat: d.DiskFormat, ContainerFormat: d.ContainerFormat}
	have := existing != nil && existing.Stored() && existing.Source.URL == d.URL
	if have {
		req.ETag, req.LastModified = existing.Source.ETag, existing.Source.LastModified
	}
	content, source, err := j.fetch(ctx, d, req)
	switch {
	case have && errors.Is(err, fetch.ErrNotModified):
	case have && err != nil && ctx.Err() == nil:
		j.findings = append(j.findings, finding(CodeImageURLUnchecked, tosca.Warning, d.Place,
			fmt.Sprintf("image %q is in the repository, but its URL could not be asked: %v", d.Name, err)))
	case err != nil:
		return held{}, imagerepo.Source{}, err
	default:
		// Its digests were those of the source or of the content; both are proven.
		d.Digests = nil
		return content, source, j.judge(ctx, d, content)
	}
	return held{Staged: imagerepo.Staged{ID: existing.ID, Twin: existing.ID, Content: existing.Content}}, existing.Source, nil
}

// fetchAnew is how often a fetch begins from zero because the content changed
// in the middle of it.
const fetchAnew = 3

// fetch takes the content behind a URL in. An error that is the description's
// fault is a *refusal.
func (j *job) fetch(ctx context.Context, d tosca.ImageDescription, req fetch.Request) (held, imagerepo.Source, error) {
	for attempt := 1; ; attempt++ {
		content, source, err := j.fetchOnce(ctx, d, req)
		if errors.Is(err, fetch.ErrChanged) && attempt < fetchAnew {
			continue
		}
		if err != nil && blamesDescription(err) {
			code := CodeImageURL
			var differs *fetch.DigestError
			if errors.As(err, &differs) {
				code = CodeImageChecksum
			}
			err = &refusal{finding(code, tosca.Error, d.Place, fmt.Sprintf("image %q: %v", d.Name, err))}
		}
		return content, source, err
	}
}

func (j *job) fetchOnce(ctx context.Context, d tosca.ImageDescription, req fetch.Request) (content held, source imagerepo.Source, err error) {
	response, err := j.Fetch.Open(ctx, req)
	if err != nil {
		return content, source, err
	}
	defer response.Close()
	content, err = j.take(ctx, response, d.Name, response.Size(), keys(d.Digests))
	if err != nil {
		return content, source, err
	}
	if _, err := response.Verify(content.Digests); err != nil {
		return content, source, err
	}
	from := response.Provenance()
	return content, imagerepo.Source{URL: d.URL, ETag: from.ETag, LastModified: from.LastModified}, nil
}

// blamesDescription reports whether fetching again would not help: the URL or
// what is said of its content is wrong.
func blamesDescription(err error) bool {
	var blocked *fetch.BlockedError
	var redirect *fetch.RedirectError
	var status *fetch.StatusError
	var page *fetch.ContentError
	var compression *fetch.CompressionError
	var size *fetch.SizeError
	var digest *fetch.DigestError
	return errors.As(err, &blocked) || errors.As(err, &redirect) || errors.As(err, &page) ||
		errors.As(err, &compression) || errors.As(err, &size) || errors.As(err, &digest) ||
		errors.Is(err, fetch.ErrURL) || errors.Is(err, fetch.ErrBrokenCompression) || errors.Is(err, fetch.ErrUnframed) ||
		(errors.As(err, &status) && status.Code >= 400 && status.Code < 500)
}

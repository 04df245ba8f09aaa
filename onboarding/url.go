package onboarding

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/tosca"
)

// fetchImages takes in the images that the package describes by a URL. It comes
// last, as nothing is transferred for a package that is refused; of its URLs
// only the beginning is looked at, so that one run tells all that is wrong.
func (j *job) fetchImages(ctx context.Context) error {
	for _, d := range j.pkg.Images {
		if d.URL == "" {
			continue
		}
		img := &image{description: d, source: imagerepo.Source{URL: d.URL}}
		if j.opts.Images == Fetch && j.findings.Refused() {
			_ = j.blame(j.probe(ctx, d)) // that an origin does not answer is no finding
			continue
		}
		if j.opts.Images == Fetch {
			if err := j.blame(j.fetch(ctx, img)); err != nil {
				return err
			}
			if j.findings.Refused() {
				continue
			}
		}
		if err := j.claim(ctx, img); err != nil {
			return err
		}
		j.images = append(j.images, img)
	}
	return nil
}

func request(d tosca.ImageDescription) fetch.Request {
	return fetch.Request{URL: d.URL, Digests: d.Digests, Compression: d.Compression,
		DiskFormat: d.DiskFormat, ContainerFormat: d.ContainerFormat}
}

// probe looks at the beginning of what a URL delivers.
func (j *job) probe(ctx context.Context, d tosca.ImageDescription) error {
	response, err := j.Fetch.Open(ctx, request(d))
	if err != nil {
		return blamed(d, err)
	}
	return response.Close()
}

// fetch gives an image the content that is behind its URL now: transferred, or,
// if it did not change, that of an image which was fetched from there before.
// An error that is the description's fault is a *refusal.
func (j *job) fetch(ctx context.Context, img *image) error {
	d := img.description
	req := request(d)
	before, err := j.fetchedBefore(ctx, d)
	if err != nil {
		return err
	}
	if j.opts.Progress != nil {
		req.Progress = func(done, total int64) {
			j.opts.Progress(Progress{Source: j.source, Image: d.Name, Done: done, Total: total})
		}
	}
	if before != nil {
		req.ETag, req.LastModified = before.Source.ETag, before.Source.LastModified
	}
	var origin *originError
	img.content, img.source, err = j.transfer(ctx, d, req)
	switch {
	case err == nil:
		j.judgeFormat(d, img.content) // the digests are proven, be they the source's or the content's
		return nil
	case before == nil, ctx.Err() != nil:
		return blamed(d, err)
	case errors.Is(err, fetch.ErrNotModified):
	case errors.As(err, &origin):
		j.findings = append(j.findings, finding(CodeImageURLUnchecked, tosca.Warning, d.Place,
			fmt.Sprintf("image %q is in the repository, and its URL does not deliver another: %v", d.Name, err)))
	default:
		return err
	}
	img.source = before.Source
	img.Staged = imagerepo.Staged{Twin: before.ID, Content: before.Content}
	return nil
}

// fetchedBefore returns an image of the project that was fetched from the URL
// of a description and agrees with all that the description states, or nil. The
// one of that name comes first.
func (j *job) fetchedBefore(ctx context.Context, d tosca.ImageDescription) (*imagerepo.Image, error) {
	if j.Repository == nil {
		return nil, nil
	}
	var found *imagerepo.Image
	for img, err := range j.Repository.Catalog().Images(ctx, imagerepo.ImageFilter{Project: j.opts.Project, URL: d.URL}) {
		if err != nil {
			return nil, err
		}
		if !img.Stored() || d.DiskFormat != "" && d.DiskFormat != img.DiskFormat ||
			d.ContainerFormat != "" && d.ContainerFormat != img.ContainerFormat {
			continue
		}
		if found == nil || img.Name == d.Name {
			found = &img
		}
	}
	if found == nil {
		return nil, nil
	}
	for algorithm, stated := range d.Digests {
		computed, err := j.Repository.Digest(ctx, *found, algorithm)
		if err != nil {
			return nil, err
		}
		if computed != stated {
			return nil, nil
		}
	}
	return found, nil
}

// fetchAnew is how often a fetch begins from zero because the content changed
// in the middle of it.
const fetchAnew = 3

// transfer takes in the content behind a URL. Errors of the origin, as opposed
// to our own, are an *originError.
func (j *job) transfer(ctx context.Context, d tosca.ImageDescription, req fetch.Request) (c content, source imagerepo.Source, err error) {
	for range fetchAnew {
		c, source, err = j.transferOnce(ctx, d, req)
		if !errors.Is(err, fetch.ErrChanged) {
			break
		}
	}
	return c, source, err
}

func (j *job) transferOnce(ctx context.Context, d tosca.ImageDescription, req fetch.Request) (c content, source imagerepo.Source, err error) {
	response, err := j.Fetch.Open(ctx, req)
	if err != nil {
		return c, source, &originError{err}
	}
	defer response.Close()
	c, err = j.take(ctx, originReader{response}, d.Name, response.Size(), keys(d.Digests))
	if err != nil {
		return c, source, err
	}
	if _, err := response.Verify(c.Digests); err != nil {
		return c, source, &originError{err}
	}
	from := response.Provenance()
	return c, imagerepo.Source{URL: d.URL, ETag: from.ETag, LastModified: from.LastModified}, nil
}

// originError is an error of whoever serves a URL, or of the way there.
type originError struct{ err error }

func (e *originError) Error() string { return e.err.Error() }
func (e *originError) Unwrap() error { return e.err }

// originReader marks the errors of reading from an origin.
type originReader struct{ r io.Reader }

func (o originReader) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	if err != nil && err != io.EOF {
		err = &originError{err}
	}
	return n, err
}

// blamed makes a *refusal of an error of fetching that another attempt would not
// mend.
func blamed(d tosca.ImageDescription, err error) error {
	if !fetch.IsPermanent(err) {
		return err
	}
	code := CodeImageURL
	var digest *fetch.DigestError
	if errors.As(err, &digest) {
		code = CodeImageChecksum
	}
	return &refusal{finding(code, tosca.Error, d.Place, fmt.Sprintf("image %q: %v", d.Name, err))}
}

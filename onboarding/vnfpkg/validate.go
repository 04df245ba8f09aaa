package vnfpkg

import (
	"context"
	"errors"
	"io"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/csar"
)

// Validate checks a package and stores nothing: as [onboarding.Pipeline.Validate]
// does, or, with opts.DryRun, as Onboard would, which compares it with what the
// project has. Size is that of a package which is sent, in bytes, if it is greater
// than zero. It counts as an upload while it lasts, and fails with a *TooLargeError
// or a *QuotaError, or as the pipeline does.
func (s *Service) Validate(ctx context.Context, src onboarding.Source, size int64, opts onboarding.Options) (onboarding.Report, error) {
	limit := s.Limits.PackageSize
	if limit > 0 && size > limit {
		return onboarding.Report{}, &TooLargeError{Limit: limit}
	}
	admission, err := s.Admit(ctx, opts.Project, 0)
	if err != nil {
		return onboarding.Report{}, err
	}
	defer admission.Close()
	if limit > 0 {
		src.Open = limited(src.Open, limit)
	}
	if opts.DryRun {
		return s.Pipeline.Onboard(ctx, src, opts)
	}
	return s.Pipeline.Validate(ctx, src, opts)
}

// limited has opened packages fail with a *TooLargeError when they have more than
// limit bytes.
func limited(open func(context.Context) (csar.Source, io.Closer, error), limit int64) func(context.Context) (csar.Source, io.Closer, error) {
	return func(ctx context.Context) (csar.Source, io.Closer, error) {
		src, closer, err := open(ctx)
		if err != nil {
			return src, closer, err
		}
		over := &TooLargeError{Limit: limit}
		if src.Size > limit {
			return csar.Source{}, nil, errors.Join(over, closer.Close())
		}
		if src.Reader != nil {
			src.Reader = &bounded{src.Reader, limit, over}
		}
		return src, closer, nil
	}
}

// bounded is a reader that fails when there are more bytes than may be.
type bounded struct {
	r    io.Reader
	left int64 // bytes; negative once there were more
	over error
}

// Read implements [io.Reader].
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p[:min(int64(len(p)), b.left+1)])
	if b.left -= int64(n); b.left < 0 {
		return n, b.over
	}
	return n, err
}

package vnfpkg

import (
	"context"
	"io"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
)

// Content is bytes of a package, opened for reading; it fits http.ServeContent.
// It is for one goroutine. The caller closes it.
type Content struct {
	io.ReadSeekCloser
	// Name is the name of the file, without folders.
	Name string
	Size int64 // bytes
	// SHA256 is the digest in lower-case hex, fit for an ETag.
	SHA256 string
	// ModTime is when the bytes were received.
	ModTime time.Time
}

// Content opens the original archive of an onboarded package. It fails with a
// *StateError if the package is not onboarded, or with ErrNotKept.
func (s *Service) Content(ctx context.Context, project, id string) (*Content, error) {
	return nil, errPending
}

// Files returns the files of an onboarded package, sorted by path, with the
// content of descriptors, metadata and scripts up to 1 MiB. It fails with a
// *StateError if the package is not onboarded.
func (s *Service) Files(ctx context.Context, project, id string) ([]imagerepo.PackageFile, error) {
	return nil, errPending
}

// Descriptors returns the files that the descriptor (VNFD) consists of, the main
// one first, with their content. It fails with a *StateError if the package is
// not onboarded.
func (s *Service) Descriptors(ctx context.Context, project, id string) ([]imagerepo.PackageFile, error) {
	return nil, errPending
}

// Artifact opens a file of an onboarded package by its path. It comes from the
// catalogue, from the image repository, or from the original archive. Reading at
// an offset of a file that lies compressed in the archive reads what comes before
// it, too. It fails with ErrNoArtifact, ErrNotKept if only the original archive
// had it, or a *StateError if the package is not onboarded.
func (s *Service) Artifact(ctx context.Context, project, id, path string) (*Content, error) {
	return nil, errPending
}

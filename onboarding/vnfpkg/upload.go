package vnfpkg

import (
	"context"
	"io"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/onboarding/job"
)

// Receipt says that an archive was accepted, and which job works at it.
type Receipt struct {
	Resource Resource
	Job      job.Job
}

// ReceiveOptions describe a body. The zero value says nothing about it.
type ReceiveOptions struct {
	// Size is the length of the body in bytes if it is greater than zero; else
	// it is not known.
	Size int64
	// Digests are those that were stated for the body, lower-case hex by
	// algorithm; see [imagerepo.Algorithm].
	Digests imagerepo.Digests
	// Filename is what the caller calls the archive, or empty.
	Filename string
	// By is who sends it, for the list of jobs.
	By string
}

// Receive takes the archive of a resource in the state CREATED from one body. When
// it returns, the archive is durable and a job of kind [KindOnboard] is to take it
// through the pipeline. On any error, the end of the context among them, the
// resource is CREATED again and nothing is left of the body.
//
// It reads body to its end, and holds a constant amount of memory. Errors of body
// are returned as they are, wrapped. It fails with a *StateError, *TooLargeError,
// *QuotaError, ErrNoSpace, ErrIncomplete or ErrChecksum.
func (s *Service) Receive(ctx context.Context, project, id string, body io.Reader, opts ReceiveOptions) (Receipt, error) {
	return Receipt{}, errPending
}

// BeginOptions describe a resumable upload.
type BeginOptions struct {
	// Size is the length of the archive in bytes, or -1 if it is not known yet.
	Size int64
	// SHA256 is the digest that was stated for the archive, or empty. Complete
	// compares it.
	SHA256 string
	// Filename is what the caller calls the archive, or empty.
	Filename string
}

// Begin starts a resumable upload to a resource in the state CREATED. It expires
// when no byte arrives for Config.Expiry; the resource is CREATED then. It fails
// with a *StateError, *TooLargeError, *QuotaError or ErrNoSpace.
func (s *Service) Begin(ctx context.Context, project, id string, opts BeginOptions) (Resource, error) {
	return Resource{}, errPending
}

// Offset returns at which byte a resumable upload goes on. It fails with a
// *StateError if there is none, or with ErrExpired.
func (s *Service) Offset(ctx context.Context, project, id string) (int64, error) {
	return 0, errPending
}

// AppendOptions describe a part of a resumable upload.
type AppendOptions struct {
	// Size is the length of the part in bytes if it is greater than zero; else
	// it is not known.
	Size int64
	// Algorithm and Digest are the stated digest of the part, lower-case hex; see
	// [imagerepo.Algorithm]. With one, the part counts as a whole or not at all.
	Algorithm, Digest string
}

// Append adds a part to a resumable upload and returns the offset after it. The
// part must begin at offset, the end of those before. Whatever it returns, the
// bytes up to the returned offset are durable; on an error of r, or the end of the
// context, that is what has arrived, unless the part has a digest. Errors of r are
// returned as they are, wrapped.
//
// It fails with an *OffsetError, ErrBusy while another request appends,
// ErrChecksum, *TooLargeError, *QuotaError, ErrNoSpace, ErrIncomplete when the
// upload would become larger than its size, ErrExpired, or a *StateError if there
// is no upload.
func (s *Service) Append(ctx context.Context, project, id string, offset int64, r io.Reader, opts AppendOptions) (int64, error) {
	return 0, errPending
}

// Declare gives a resumable upload the size that was not known when it began. It
// fails with ErrIncomplete when there are more bytes already or it has another
// size, *TooLargeError, *QuotaError, or a *StateError if there is no upload.
func (s *Service) Declare(ctx context.Context, project, id string, size int64) (Resource, error) {
	return Resource{}, errPending
}

// Complete accepts an upload that has all its bytes, as Receive does at the end of
// a body. It fails with ErrIncomplete while bytes are missing, and with
// ErrChecksum when the whole has not the stated digest; then the upload has ended
// and the resource is CREATED again.
func (s *Service) Complete(ctx context.Context, project, id, by string) (Receipt, error) {
	return Receipt{}, errPending
}

// Abandon ends an upload without accepting it: its bytes are removed and the
// resource is CREATED again. It fails with a *StateError if there is none.
func (s *Service) Abandon(ctx context.Context, project, id string) error {
	return errPending
}

// From says where to get an archive.
type From struct {
	URL string
	// Credential is for the URL's host, if not nil. It is held in memory and never
	// stored: if the server is restarted before the archive has arrived, the
	// resource becomes ERROR and says so.
	Credential *fetch.Credential
	// By is who asks for it, for the list of jobs.
	By string
}

// UploadFrom has a job of kind [KindFetch] get the archive of a resource in the
// state CREATED from a URL, which must pass the source guard, and take it through
// the pipeline. The resource is UPLOADING until the bytes are there; what goes
// wrong makes it ERROR. It fails with a *StateError, or with an error that wraps
// fetch.ErrURL.
func (s *Service) UploadFrom(ctx context.Context, project, id string, from From) (Receipt, error) {
	return Receipt{}, errPending
}

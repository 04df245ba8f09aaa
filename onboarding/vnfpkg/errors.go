package vnfpkg

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
)

var (
	// ErrNoSpace says that the disk, or the quota of the file system, is full.
	ErrNoSpace = errors.New("no space left for packages")
	// ErrVersion says that a resource has changed since the caller saw it.
	ErrVersion = errors.New("the package was changed by somebody else")
	// ErrUserData says that a resource would have more user data than one may have.
	ErrUserData = fmt.Errorf("it would have more than %d bytes of user data; remove members by setting them to null", maxUserData)
	// ErrBusy says that another request is sending the same upload.
	ErrBusy = errors.New("another request is sending the package")
	// ErrExpired says that a resumable upload stood still for too long, and was
	// given up.
	ErrExpired = errors.New("the upload has expired")
	// ErrDamaged says that the bytes of a resumable upload are gone or not what
	// they were: it must be abandoned and begun again.
	ErrDamaged = errors.New("what had arrived of the upload is lost")
	// ErrNotKept says that the original archive is not there: it is not kept, or
	// the package came by the command line.
	ErrNotKept = errors.New("the original package is not kept")
	// ErrNoArtifact says that a package has no file of that path.
	ErrNoArtifact = errors.New("the package has no such file")
	// ErrChecksum says that bytes do not have the digest that was stated for
	// them. None of them count.
	ErrChecksum = errors.New("the bytes do not have the stated digest")
	// ErrIncomplete says that a body ended before, or went on after, its stated
	// length.
	ErrIncomplete = errors.New("the body does not have its stated length")
)

// CauseOf returns what kind of reason an error is that ends a job, or none if it lies
// elsewhere, such as with an origin.
func CauseOf(err error) onboarding.Cause {
	_, large := errors.AsType[*TooLargeError](err)
	_, quota := errors.AsType[*QuotaError](err)
	_, file := errors.AsType[*fs.PathError](err)
	_, corrupt := errors.AsType[*imagerepo.CorruptError](err)
	switch {
	case large || quota:
		return onboarding.CauseLimit
	case errors.Is(err, ErrNoSpace), errors.Is(spaceError(err), ErrNoSpace):
		return onboarding.CauseSpace
	case file || corrupt || errors.Is(err, ErrDamaged):
		return onboarding.CauseInternal
	}
	return ""
}

// Tell completes the report of an attempt at a job, and returns the error that ended the
// attempt, or nil, as a project may read them: what is wrong with the server's own files
// or disk, the text of which has paths, goes to the log.
func Tell(log *slog.Logger, job string, report *onboarding.Report, err error) error {
	report.Cause = CauseOf(err)
	switch report.Cause {
	case onboarding.CauseSpace:
		report.Error = ErrNoSpace.Error()
	case onboarding.CauseInternal:
		report.Error = fmt.Sprintf("the server failed; its log tells more under the job's ID, %s", job)
	default:
		return err
	}
	log.Error("job failed for a reason of the server's own", "job", job, "err", err)
	return untold{err, report.Error}
}

// untold is an error with another text.
type untold struct {
	error
	text string
}

func (u untold) Error() string { return u.text }
func (u untold) Unwrap() error { return u.error }

// StateError says that a resource is in a state in which it cannot be asked for
// this.
type StateError struct {
	ID          string
	State       State
	Operational Operational
	InUse       bool
	// Problem is a clause that tells what is not possible and why.
	Problem string
}

func (e *StateError) Error() string { return fmt.Sprintf("package %s %s", e.ID, e.Problem) }

// DescriptorError says that the descriptor ID of a package is another one's.
type DescriptorError struct {
	DescriptorID string
	Existing     string // ID of the package that has it
}

func (e *DescriptorError) Error() string {
	return fmt.Sprintf("descriptor %s is that of package %s", e.DescriptorID, e.Existing)
}

// OffsetError says that a part of an upload does not begin where the last one
// ended.
type OffsetError struct {
	Have int64 // bytes that are there
}

func (e *OffsetError) Error() string {
	return fmt.Sprintf("the upload goes on at byte %d", e.Have)
}

// TooLargeError says that a package, or an image without one, exceeds the size that
// one may have.
type TooLargeError struct {
	Limit int64 // bytes
	Image bool
}

func (e *TooLargeError) Error() string {
	if e.Image {
		return fmt.Sprintf("the image is larger than %d bytes, the limit of this server; ask its operator to raise max-image-size", e.Limit)
	}
	return fmt.Sprintf("the package is larger than %d bytes, the limit of this server; "+
		"refer to images by URL instead of embedding them, or ask its operator to raise max-package-size", e.Limit)
}

// Quota names a limit of a project.
type Quota string

// The limits of a project.
const (
	QuotaBytes    Quota = "bytes"
	QuotaPackages Quota = "packages"
	QuotaUploads  Quota = "uploads"
	// QuotaSubscriptions is that of package notify.
	QuotaSubscriptions Quota = "subscriptions"
)

// QuotaError says that a project has as much as it may have.
type QuotaError struct {
	Project string
	Quota   Quota
	Limit   int64 // bytes, packages, uploads at once, or subscriptions
	// RetryAfter is set where waiting helps.
	RetryAfter time.Duration
}

func (e *QuotaError) Error() string {
	switch e.Quota {
	case QuotaBytes:
		return fmt.Sprintf("project %q would take more than its %d bytes; delete packages or images that it does not need", e.Project, e.Limit)
	case QuotaPackages, QuotaSubscriptions:
		return fmt.Sprintf("project %q has %d %s, the most that it may have; delete those that it does not need", e.Project, e.Limit, e.Quota)
	default:
		return fmt.Sprintf("project %q has %d uploads under way, the most that it may have at once; try again when one has ended", e.Project, e.Limit)
	}
}

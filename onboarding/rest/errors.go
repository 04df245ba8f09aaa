package rest

import (
	"context"
	"errors"
	"math"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
	"github.com/gangway-nfv/gangway/vim"
)

var (
	// ErrStalled says that a request's body brought nothing for the stall
	// time-out.
	ErrStalled = errors.New("the request's body stood still for too long")
	// ErrBroken says that a request's body broke off.
	ErrBroken = errors.New("the request's body broke off")
	// ErrStopping is the cause of the end of requests that are cut because the
	// server stops.
	ErrStopping = errors.New("the server stops")
)

// meaning is what an error means in HTTP.
type meaning struct {
	is     func(error) bool
	status int
	// detail says it instead of the error; empty means the error's own text.
	detail string
}

func is(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }

func as[E error](err error) bool { _, ok := errors.AsType[E](err); return ok }

// meanings has the errors that callers can do something about, the most telling
// ones first. It is never written to.
var meanings = []meaning{
	{is(ErrStopping), http.StatusServiceUnavailable, stops},
	{is(syscall.ENOSPC), http.StatusInsufficientStorage, diskFull},
	{is(syscall.EDQUOT), http.StatusInsufficientStorage, diskFull},
	{is(syscall.EFBIG), http.StatusInsufficientStorage, diskFull},
	{is(ErrStalled), http.StatusRequestTimeout, ""},
	{is(ErrBroken), http.StatusBadRequest, ""},
	{as[*http.MaxBytesError], http.StatusRequestEntityTooLarge, ""},

	{as[*access.TooManyError], http.StatusTooManyRequests, ""},
	{is(access.ErrInvalid), http.StatusUnauthorized, ""},
	{is(access.ErrUnavailable), http.StatusServiceUnavailable, "credentials cannot be checked at the moment; send the request again"},
	{is(access.ErrNotFound), http.StatusNotFound, ""},
	{is(access.ErrNameTaken), http.StatusConflict, ""},
	{as[*access.DeniedError], http.StatusForbidden, ""},
	{as[*access.InputError], http.StatusUnprocessableEntity, ""},

	{as[*imagerepo.NameTakenError], http.StatusConflict, ""},
	{as[*imagerepo.PackageExistsError], http.StatusConflict, ""},
	{as[*imagerepo.InUseError], http.StatusConflict, ""},
	{is(imagerepo.ErrExists), http.StatusConflict, ""},
	{as[*imagerepo.CorruptError], http.StatusInternalServerError, "the stored file is damaged: run gangway doctor"},
	{is(imagerepo.ErrNotFound), http.StatusNotFound, ""},
	{as[*onboarding.AmbiguousError], http.StatusConflict, ""},

	{is(vnfpkg.ErrNoSpace), http.StatusInsufficientStorage, diskFull},
	{is(vnfpkg.ErrUserData), http.StatusRequestEntityTooLarge, ""},
	{as[*vnfpkg.TooLargeError], http.StatusRequestEntityTooLarge, ""},
	{quota(vnfpkg.QuotaBytes), http.StatusRequestEntityTooLarge, ""},
	{as[*vnfpkg.QuotaError], http.StatusTooManyRequests, ""},
	{as[*vnfpkg.StateError], http.StatusConflict, ""},
	{as[*vnfpkg.OffsetError], http.StatusConflict, ""},
	{is(vnfpkg.ErrBusy), http.StatusConflict, ""},
	{is(vnfpkg.ErrVersion), http.StatusPreconditionFailed, ""},
	{is(vnfpkg.ErrExpired), http.StatusGone, ""},
	{is(vnfpkg.ErrDamaged), http.StatusGone, ""},
	{is(vnfpkg.ErrNotKept), http.StatusNotFound, ""},
	{is(vnfpkg.ErrNoArtifact), http.StatusNotFound, ""},
	{is(vnfpkg.ErrChecksum), http.StatusUnprocessableEntity, ""},
	{is(vnfpkg.ErrIncomplete), http.StatusBadRequest, ""},

	{as[*fetch.BlockedError], http.StatusUnprocessableEntity, ""},
	{is(fetch.ErrURL), http.StatusUnprocessableEntity, ""},
	{as[*fetch.RedirectError], http.StatusUnprocessableEntity, ""},
	{as[*fetch.ContentError], http.StatusUnprocessableEntity, ""},
	{as[*fetch.SizeError], http.StatusUnprocessableEntity, ""},
	{as[*fetch.DigestError], http.StatusUnprocessableEntity, ""},
	{is(fetch.ErrTooLarge), http.StatusRequestEntityTooLarge, ""},
	{as[*fetch.StatusError], http.StatusBadGateway, ""},
	{is(fetch.ErrStalled), http.StatusGatewayTimeout, ""},

	{is(operation.ErrUnknownVIM), http.StatusNotFound, ""},
	{as[*operation.InputError], http.StatusUnprocessableEntity, ""},

	{is(job.ErrNotFound), http.StatusNotFound, ""},
	{is(job.ErrKeyReused), http.StatusUnprocessableEntity, ""},
	{as[*job.BusyError], http.StatusTooManyRequests, ""},
	{as[*job.FullError], http.StatusTooManyRequests, ""},
	{is(job.ErrStopping), http.StatusServiceUnavailable, stops},

	{as[*vim.MissingError], http.StatusUnprocessableEntity, ""},
	{as[*vim.TransientError], http.StatusBadGateway, ""},
	{is(context.DeadlineExceeded), http.StatusGatewayTimeout, "what this needs did not answer in time"},
}

func quota(kind vnfpkg.Quota) func(error) bool {
	return func(err error) bool {
		exceeded, ok := errors.AsType[*vnfpkg.QuotaError](err)
		return ok && exceeded.Quota == kind
	}
}

const (
	stops    = "the server stops; send the request again"
	diskFull = "the server's disk is full, and nothing was kept; delete packages or images, or give it more room"
)

// ProblemOf says what an error means in HTTP. An error that carries a [Problem] is
// that one; one that is not known here is a 500 without its text.
func ProblemOf(err error) Problem {
	if problem, ok := errors.AsType[Problem](err); ok {
		return problem
	}
	problem := Problem{Status: http.StatusInternalServerError, Detail: "the server failed; its log tells more under the request's ID"}
	for _, m := range meanings {
		if m.is(err) {
			problem = Problem{Status: m.status, Detail: m.detail}
			if m.detail == "" {
				problem.Detail = err.Error()
			}
			break
		}
	}
	header := make(http.Header)
	if after := retryAfter(err, problem.Status); after > 0 {
		header.Set("Retry-After", seconds(after))
	}
	if problem.Status == http.StatusRequestTimeout {
		header.Set("Connection", "close")
	}
	problem.Header = header
	return problem
}

// retryAfter says when the same may be tried again, or zero where that is not known.
func retryAfter(err error, status int) time.Duration {
	if tooMany, ok := errors.AsType[*access.TooManyError](err); ok {
		return tooMany.RetryAfter
	}
	if exceeded, ok := errors.AsType[*vnfpkg.QuotaError](err); ok {
		return exceeded.RetryAfter
	}
	if as[*job.BusyError](err) || as[*job.FullError](err) {
		return retryBusy
	}
	if transient, ok := errors.AsType[*vim.TransientError](err); ok {
		return transient.After
	}
	if status == http.StatusServiceUnavailable {
		return 5 * time.Second
	}
	return 0
}

// retryBusy is when to try again what needs a job to end.
const retryBusy = 5 * time.Second

// seconds renders a duration as Retry-After has it, in whole seconds and at least
// one.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}

// stalled reports whether reading a body ended because nothing came.
func stalled(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// transientStatus reports whether a later attempt may get another answer.
func transientStatus(code int) bool {
	switch code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return code >= 500
}

// transientError reports whether a later attempt may succeed where this one
// failed without an answer. Whether the caller gave up is not asked here: a
// dialler's own time-out looks like the context's.
func transientError(err error) bool {
	var (
		blocked  *BlockedError
		redirect *RedirectError
		verify   *tls.CertificateVerificationError
		record   tls.RecordHeaderError
		dns      *net.DNSError
		op       *net.OpError
	)
	switch {
	case errors.As(err, &blocked), errors.As(err, &redirect):
		return false
	case errors.As(err, &verify), errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return false
	case errors.As(err, &dns):
		return !dns.IsNotFound
	case errors.As(err, &op):
		// These two are how crypto/tls reports an alert.
		return op.Op != "remote error" && op.Op != "local error"
	}
	return true
}

// pause returns how long to wait after the given number of failures in a row: as
// long as the server asks for within the cap, else twice as long each time, a
// random half of it left out so that many clients do not come back at once.
func (o Options) pause(failures int, retryAfter string, now time.Time) time.Duration {
	if wait, ok := parseRetryAfter(retryAfter, now); ok {
		return min(wait, o.RetryAfterMax) + rand.N(o.BackoffMin)
	}
	wait := o.BackoffMax
	if shift := failures - 1; shift < 32 && o.BackoffMin<<shift>>shift == o.BackoffMin {
		wait = min(wait, o.BackoffMin<<shift)
	}
	return wait - rand.N(wait/2+1)
}

// parseRetryAfter reads a Retry-After header (RFC 9110, 10.2.3): seconds or a date.
func parseRetryAfter(value string, now time.Time) (time.Duration, bool) {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now)), true
	}
	return 0, false
}

// sleep waits for d or until ctx ends, whose error it then returns.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

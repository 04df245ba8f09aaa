package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// shortly is how long a server is tried that has not answered yet, and whatever is
	// answered at once: who made a mistake in its address shall know soon. One that
	// says when to come back is tried for as long as the client has patience.
	shortly = 5 * time.Second
	// retryAfterMax caps what a server asks for with Retry-After.
	retryAfterMax = 2 * time.Minute
)

// patience is for how long something is tried again. It belongs to one goroutine.
type patience struct {
	client   *Client
	limit    time.Duration
	reached  bool      // the server is there, or was
	failures int       // in a row
	since    time.Time // of the first of them
}

func (c *Client) patient(limit time.Duration) *patience { return &patience{client: c, limit: limit} }

// moved says that something has been achieved since the last failure.
func (p *patience) moved() { p.failures, p.reached = 0, true }

// wait returns nil when it is time to try again what has failed with err, and an
// error if that is not worth it.
func (p *patience) wait(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !transient(err) {
		return err
	}
	p.reached = p.reached || !undialled(err)
	limit := p.limit
	if !p.reached {
		limit = min(limit, shortly)
	}
	asked := retryAfter(err)
	if asked > 0 {
		limit = max(limit, p.client.options.Patience)
	}
	if p.failures++; p.failures == 1 {
		p.since = time.Now()
	}
	if time.Since(p.since) > limit {
		return fmt.Errorf("%w; given up after %s", err, limit)
	}
	pause := p.client.options.pause(p.failures, asked)
	p.client.options.Log.Warn("server is tried again", "server", p.client.server, "failures", p.failures, "pause", pause, "err", err)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// pause is how long to wait after a number of failures in a row: as long as the
// server asks for, or else twice as long each time, a random half of it left out so
// that many clients do not come back at once.
func (o Options) pause(failures int, asked time.Duration) time.Duration {
	if asked > 0 {
		return min(asked, retryAfterMax) + rand.N(o.BackoffMin)
	}
	wait := o.BackoffMax
	if shift := failures - 1; shift < 32 && o.BackoffMin<<shift>>shift == o.BackoffMin {
		wait = min(wait, o.BackoffMin<<shift)
	}
	return wait - rand.N(wait/2+1)
}

// retryAfter reads the Retry-After header of an error (RFC 9110, 10.2.3): seconds or
// a date. It is zero where there is none.
func retryAfter(err error) time.Duration {
	told, ok := errors.AsType[*Error](err)
	if !ok {
		return 0
	}
	value := strings.TrimSpace(told.header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(date))
	}
	return 0
}

// transient reports whether another attempt may succeed.
func transient(err error) bool {
	if _, ok := errors.AsType[*passing](err); ok {
		return true
	}
	if told, ok := errors.AsType[*Error](err); ok {
		switch told.Status {
		case http.StatusRequestTimeout, http.StatusTooEarly:
			return true
		case http.StatusTooManyRequests:
			// Without a time it is the limit of a project, which waiting does not change.
			return !told.spoken || told.header.Get("Retry-After") != ""
		case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported, http.StatusInsufficientStorage:
			return false
		}
		return told.Status >= 500
	}
	if broken, ok := errors.AsType[*unreachable](err); ok {
		return passes(broken.err)
	}
	return errors.Is(err, io.ErrUnexpectedEOF)
}

// passes reports whether an error of the network may be gone soon.
func passes(err error) bool {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return !dns.IsNotFound
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		// These two are how crypto/tls reports an alert.
		return op.Op != "remote error" && op.Op != "local error"
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, plain := errors.AsType[tls.RecordHeaderError](err)
	return !untrusted && !plain && !errors.Is(err, http.ErrSchemeMismatch)
}

// passing is an error that is known to be gone soon.
type passing struct{ error }

func (e *passing) Unwrap() error { return e.error }

// decided reports whether gangway has done what it was asked for, without success and
// without asking to be asked again: to do the same once more costs as much, and ends
// the same.
func decided(err error) bool {
	told, ok := errors.AsType[*Error](err)
	return ok && told.spoken && told.Status >= 500 && told.Status != http.StatusServiceUnavailable && retryAfter(err) == 0
}

// begun is why a request failed of whose content something was read: the server may
// have it, and who reads it may do so until the transport lets go of it.
type begun struct{ error }

func (e *begun) Unwrap() error { return e.error }

// untouched reports whether a request that failed has changed nothing at the server
// for certain. That it is not available says nothing: it may have stopped in the
// middle.
func untouched(r request, err error) bool {
	if r.content != nil {
		_, begun := errors.AsType[*begun](err)
		return !begun
	}
	if told, ok := errors.AsType[*Error](err); ok {
		return told.spoken && told.Status == http.StatusTooManyRequests
	}
	return undialled(err)
}

// undialled reports whether there was no connection at all.
func undialled(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

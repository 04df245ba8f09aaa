package client

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

var (
	// ErrForbidden says that the token does not permit what was asked for.
	ErrForbidden = errors.New("not permitted")
	// ErrConflict says that the server cannot do what was asked for as things are:
	// an image is in use, a name is taken or fits several packages, a job was
	// cancelled.
	ErrConflict = errors.New("conflict")
)

// Error is what a server answers instead of what it was asked for (RFC 9457). By
// [errors.Is] it is access.ErrInvalid for a token that was refused, ErrForbidden,
// ErrConflict, and for what is not there or is there already the error of the
// package whose thing it is: imagerepo.ErrNotFound, imagerepo.ErrExists,
// job.ErrNotFound, access.ErrNotFound, access.ErrNameTaken or
// operation.ErrUnknownVIM.
type Error struct {
	Server string // its URL
	Status int    // of HTTP
	Title  string
	Detail string
	// RequestID is under what the server's log has more.
	RequestID string

	means  error // by the request and the status; nil if it is nothing special
	header http.Header
	spoken bool // gangway has answered, and no proxy
	asked  bool // with a token
	report json.RawMessage
}

func (e *Error) Error() string {
	text := fmt.Sprintf("server %s: ", e.Server)
	switch {
	case e.Status >= 300 && e.Status < 400:
		text += "redirects to " + hostOf(e.header.Get("Location")) + ", which is not followed: give the address that it has itself"
	case !e.spoken:
		text += fmt.Sprintf("answers %d %s, and not as gangway does", e.Status, http.StatusText(e.Status))
	case e.Status == http.StatusUnauthorized && !e.asked:
		text += "wants a token"
	case e.Status == http.StatusUnauthorized:
		text += "token refused" + strings.TrimSuffix(": "+e.Detail, ": ")
	default:
		text += cmp.Or(e.Detail, e.Title, http.StatusText(e.Status))
	}
	if e.Status >= 500 && e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	return text
}

// Is implements the interface of [errors.Is].
func (e *Error) Is(target error) bool {
	if !e.spoken {
		return false
	}
	switch target {
	case access.ErrInvalid:
		return e.Status == http.StatusUnauthorized
	case ErrForbidden:
		return e.Status == http.StatusForbidden
	case ErrConflict:
		return e.Status == http.StatusConflict
	}
	return target == e.means
}

func hostOf(location string) string {
	if u, err := url.Parse(location); err == nil && u.Host != "" {
		return u.Scheme + "://" + u.Host
	}
	return "another path"
}

// maxProblem bounds the body of an error, in bytes. It may have the report of a
// package with many findings.
const maxProblem = 16 << 20

// problem reads an answer that is an error.
func (c *Client) problem(resp *http.Response, r request) *Error {
	e := &Error{Server: c.server, Status: resp.StatusCode, RequestID: resp.Header.Get("X-Request-Id"), header: resp.Header, asked: c.options.Token != ""}
	switch resp.StatusCode {
	case http.StatusNotFound:
		e.means = r.absent
	case http.StatusConflict:
		e.means = r.taken
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	e.spoken = kind == "application/problem+json" || resp.Header.Get("Tus-Resumable") != ""
	if kind != "application/problem+json" {
		return e
	}
	var told struct {
		Title, Detail string
		Report        json.RawMessage
		Errors        []struct{ Message, Location string }
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxProblem)).Decode(&told); err != nil {
		return e // such as the answer to HEAD, which has no body
	}
	e.Title, e.Detail, e.report = told.Title, told.Detail, told.Report
	for _, more := range told.Errors {
		e.Detail += "; " + strings.TrimSpace(more.Location+" "+more.Message)
	}
	return e
}

// PendingError says that the client has stopped waiting for a job of the server,
// which goes on there.
type PendingError struct {
	Server string // its URL
	Job    string // ID
	Err    error  // why nobody waits any more
}

func (e *PendingError) Error() string {
	return fmt.Sprintf("job %s goes on at server %s, and was not waited for: %v", e.Job, e.Server, e.Err)
}

func (e *PendingError) Unwrap() error { return e.Err }

// unreachable says why no answer came.
type unreachable struct {
	server string
	err    error
}

func (e *unreachable) Error() string { return fmt.Sprintf("server %s: %v", e.server, e.err) }
func (e *unreachable) Unwrap() error { return e.err }

// sourceError is an error of what is to be sent, and not of the way.
type sourceError struct{ error }

func (e *sourceError) Unwrap() error { return e.error }

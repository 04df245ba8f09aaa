package fetch

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/gangway-nfv/gangway/imagerepo/diskfmt"
)

var (
	// ErrNotModified says that the copy whose validators the request named is
	// still current.
	ErrNotModified = errors.New("not modified")
	// ErrChanged says that the content behind the URL changed during the
	// transfer. What was read belongs to the old content.
	ErrChanged = errors.New("the content behind the URL changed during the transfer")
	// ErrStalled says that a connection stood still for the stall time-out.
	ErrStalled = errors.New("connection stalled")
	// ErrTooLarge says that source or content exceed [Options.MaxSize].
	ErrTooLarge = errors.New("larger than the limit")
	// ErrUnframed says that the server marked the end of the body by closing the
	// connection, and that neither size nor digest were stated, so that nothing
	// tells the end from a broken connection.
	ErrUnframed = errors.New("the server sent no length, and neither size nor digest are stated")
	// ErrURL says that a URL is not an absolute http or https URL.
	ErrURL = errors.New("not an absolute http or https URL")
	// ErrBrokenCompression says that the compressed source is damaged, cut, or
	// followed by other data.
	ErrBrokenCompression = errors.New("broken compressed data")
)

// IsPermanent reports whether an error of fetching is one that another attempt
// would not mend: the URL, or what is said of its content, is wrong.
func IsPermanent(err error) bool {
	var blocked *BlockedError
	var redirect *RedirectError
	var status *StatusError
	var page *ContentError
	var compression *CompressionError
	var size *SizeError
	var digest *DigestError
	return errors.As(err, &blocked) || errors.As(err, &redirect) || errors.As(err, &page) || errors.As(err, &compression) ||
		errors.As(err, &size) || errors.As(err, &digest) || errors.Is(err, ErrURL) || errors.Is(err, ErrBrokenCompression) ||
		errors.Is(err, ErrUnframed) || errors.Is(err, ErrTooLarge) || errors.As(err, &status) && status.Code >= 400 && status.Code < 500
}

// StatusError is an answer with a status that carries no image.
type StatusError struct{ Code int }

func (e *StatusError) Error() string {
	return fmt.Sprintf("status %d %s", e.Code, http.StatusText(e.Code))
}

// RedirectError is a redirect that was not followed.
type RedirectError struct{ Reason string }

func (e *RedirectError) Error() string { return "redirect refused: " + e.Reason }

// ContentError is a body that is no image: a page, an error document, nothing.
type ContentError struct {
	Found       string // such as "an HTML page"
	ContentType string // as the server says
}

func (e *ContentError) Error() string {
	if e.ContentType == "" {
		return fmt.Sprintf("expected an image, found %s", e.Found)
	}
	return fmt.Sprintf("expected an image, found %s (Content-Type %s)", e.Found, e.ContentType)
}

// CompressionError is a source that is not compressed as stated.
type CompressionError struct {
	Stated string
	Found  diskfmt.Format // empty: not compressed
}

func (e *CompressionError) Error() string {
	if e.Found == "" {
		return fmt.Sprintf("expected %s data, found no compression", e.Stated)
	}
	return fmt.Sprintf("expected %s data, found %s", e.Stated, e.Found)
}

// SizeError is a body whose size in bytes is not the stated one.
type SizeError struct{ Want, Got int64 }

func (e *SizeError) Error() string {
	return fmt.Sprintf("expected %d bytes, found %d", e.Want, e.Got)
}

// DigestError is content whose digest is not the stated one.
type DigestError struct{ Algorithm, Want, Got string }

func (e *DigestError) Error() string {
	return fmt.Sprintf("expected %s %s, found %s", e.Algorithm, e.Want, e.Got)
}

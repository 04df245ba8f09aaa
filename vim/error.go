package vim

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

var (
	// ErrNotFound is wrapped by errors about an image that the VIM does not
	// have or does not show.
	ErrNotFound = errors.New("image not found")
	// ErrConflict is wrapped by errors about an image that somebody else
	// creates or uploads.
	ErrConflict = errors.New("image is taken")
)

// TransientError is a failure of one attempt that says nothing about the next.
type TransientError struct {
	// After is how long the VIM asks to wait (Retry-After); zero if it doesn't.
	After time.Duration
	Err   error
}

func (e *TransientError) Error() string { return e.Err.Error() }
func (e *TransientError) Unwrap() error { return e.Err }

// Refusal says by what rule a VIM refuses an image.
type Refusal string

const (
	ByPolicy     Refusal = "policy"     // 403: the user may not do that
	ByQuota      Refusal = "quota"      // 413: too large, too many, store full
	ByInspection Refusal = "inspection" // 415: the content is not what it is declared to be
	ByRequest    Refusal = "request"    // 400 and others: the record itself is wrong
)

// RefusedError is a VIM's final no.
type RefusedError struct {
	VIM string
	By  Refusal
	// Rule is the name of the policy or quota, as the VIM's operator knows it;
	// empty if the VIM doesn't tell.
	Rule string
	// Message is what the VIM said.
	Message string
	Err     error
}

func (e *RefusedError) Error() string {
	what := string(e.By)
	if e.Rule != "" {
		what += " " + e.Rule
	}
	if e.Message == "" {
		return fmt.Sprintf("vim %s: refused by %s", e.VIM, what)
	}
	return fmt.Sprintf("vim %s: refused by %s: %s", e.VIM, what, e.Message)
}

func (e *RefusedError) Unwrap() error { return e.Err }

// MissingError says that none of a VDU's images is on the VIM or can be
// brought there.
type MissingError struct {
	VIM     string
	Project string
	VDU     string
	// Tried are the names and IDs of the VDU's alternatives, in their order.
	Tried []string
	// Unusable says of images that were found why they do not count.
	Unusable []string
	// Nearest are names on the VIM that resemble those tried, nearest first.
	Nearest []string
}

func (e *MissingError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "vim %s: project %s: vdu %s: no image", e.VIM, e.Project, e.VDU)
	if len(e.Tried) > 0 {
		fmt.Fprintf(&b, " named %s", quoted(e.Tried, " or "))
	}
	if len(e.Unusable) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(e.Unusable, "; "))
	}
	if len(e.Nearest) > 0 {
		fmt.Fprintf(&b, "; nearest: %s", quoted(e.Nearest, ", "))
	}
	return b.String()
}

// MismatchError says that an image on the VIM has other bytes than ours.
type MismatchError struct {
	VIM   string
	Image Image
	// Attribute is what differs: size or a hash algorithm.
	Attribute string
	Want, Got string
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("vim %s: image %s (%s): %s is %s, ours is %s",
		e.VIM, e.Image.Name, e.Image.ID, e.Attribute, e.Got, e.Want)
}

// UnverifiedError says that an image could not be proven to have our bytes,
// where Options.RequireDigest asks for that.
type UnverifiedError struct {
	VIM    string
	Image  Image
	Reason string
}

func (e *UnverifiedError) Error() string {
	return fmt.Sprintf("vim %s: image %s (%s): not verified: %s", e.VIM, e.Image.Name, e.Image.ID, e.Reason)
}

// CorruptError says that the repository's own bytes no longer have the digest
// that they were stored under.
type CorruptError struct {
	ImageID   string
	Want, Got string // sha256
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("image %s: stored bytes have sha256 %s, expected %s", e.ImageID, e.Got, e.Want)
}

func quoted(names []string, sep string) string {
	q := make([]string, len(names))
	for i, n := range names {
		q[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(q, sep)
}

package vim

import (
	"context"
	"io"
	"strings"
)

// A Want is what one VDU needs on a VIM: any one of its alternatives.
type Want struct {
	VDU string
	// SoftwareImageID is the identifier by which the VNFD knows the image.
	SoftwareImageID string
	// Alternatives are in order of preference.
	Alternatives []Alternative
}

// An Alternative is an image by its name or ID on the VIM, with what the
// repository has to offer under that name, or nil.
type Alternative struct {
	Ref   string
	Offer *Offer
}

// An Offer is an image that the repository can give to a VIM. Its functions
// must be safe for concurrent use; an Offer is read only.
type Offer struct {
	// ID is the image's ID in the repository, Project its project there.
	ID      string
	Name    string
	Project string
	// Package names the package that brought the image, for the mark.
	Package         string
	Size            int64  // bytes
	SHA256          string // lower-case hex
	DiskFormat      string
	ContainerFormat string
	MinDisk         int64 // GB
	MinRAM          int64 // MB
	IsPublic        bool
	// Properties are hw_* and os_* properties for the VIM; others are not
	// sent.
	Properties map[string]string

	// Known returns a digest in lower-case hex if the repository has it
	// already. It may be nil.
	Known func(algorithm string) (hex string, ok bool)
	// Digest returns a digest in lower-case hex, and reads the whole image to
	// compute it if it must.
	Digest func(ctx context.Context, algorithm string) (hex string, err error)
	// Learned is told of digests that were computed while the image was
	// uploaded. It may be nil.
	Learned func(ctx context.Context, algorithm, hex string) error
	// Open opens the image's bytes. The caller closes them.
	Open func(ctx context.Context) (Content, error)

	// Pin is set for an image by reference whose bytes the repository has not
	// fetched yet; Size and SHA256 mean nothing then, and only Name, the
	// formats and Pin are used. Pin fetches the bytes and returns the offer of
	// what was stored, whose own Pin is nil. A launch calls it once at most,
	// and only if the image has to be uploaded.
	Pin func(ctx context.Context) (*Offer, error)
}

// Content is an open image file.
type Content interface {
	io.ReaderAt
	io.Closer
}

// known returns a digest that costs nothing.
func (o *Offer) known(algorithm string) (string, bool) {
	if algorithm == "sha256" {
		return o.SHA256, true
	}
	if o.Known == nil {
		return "", false
	}
	return o.Known(algorithm)
}

// digest returns a digest at any cost.
func (o *Offer) digest(ctx context.Context, algorithm string) (string, error) {
	if hex, ok := o.known(algorithm); ok {
		return hex, nil
	}
	return o.Digest(ctx, algorithm)
}

// key identifies content on a VIM: the same bytes, to be read in the same
// format. Offers with one key are one image there.
func (o *Offer) key() string {
	if o.Pin != nil {
		return "reference " + o.ID
	}
	return strings.Join([]string{o.SHA256, o.DiskFormat, o.ContainerFormat}, " ")
}

// properties returns those properties that may be sent: hw_* and os_*, without
// Glance's own attributes and reserved prefixes.
func (o *Offer) properties() map[string]string {
	sent := make(map[string]string)
	for name, value := range o.Properties {
		switch {
		case name == "os_hidden", strings.HasPrefix(name, "os_hash_"), strings.HasPrefix(name, "os_glance_"):
		case strings.HasPrefix(name, "hw_"), strings.HasPrefix(name, "os_"):
			sent[name] = value
		}
	}
	return sent
}

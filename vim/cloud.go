package vim

import (
	"context"
	"io"
	"iter"
	"strconv"
)

// A Cloud is one project of one VIM, as a place for images. Its methods are
// safe for concurrent use. They retry what is small and safe to repeat; Upload
// is one attempt.
type Cloud interface {
	// Name is the VIM's name in the configuration.
	Name() string
	// Project returns the project that the images belong to. It is where the
	// first connection is made.
	Project(ctx context.Context) (Project, error)
	// Images lists all images that the project sees, in any state. An error
	// ends the sequence, and a sequence without an error is complete.
	Images(ctx context.Context) iter.Seq2[Image, error]
	// Image returns one image by ID, or an error that wraps ErrNotFound.
	Image(ctx context.Context, id string) (Image, error)
	// Create makes a queued image. The error wraps ErrConflict when the ID is
	// or was taken, and is a *RefusedError when a policy or quota forbids it.
	Create(ctx context.Context, r Record) (Image, error)
	// Upload sends size bytes of body to a queued image. Body is read at most
	// once; it may be asked for more after Upload has returned. When that is
	// nil the VIM has accepted all bytes. The error wraps ErrConflict when somebody else is
	// uploading to the image or has done so, ErrNotFound when the image is
	// gone; it is a *RefusedError when the VIM will never take these bytes, and
	// a *TransientError when another attempt may work.
	Upload(ctx context.Context, id string, body io.Reader, size int64) error
	// Beat sets the mark's beat on an image.
	Beat(ctx context.Context, id, value string) error
	// Delete deletes an image. One that is gone already is no error.
	Delete(ctx context.Context, id string) error
}

// Project is a project (tenant) of a VIM.
type Project struct {
	ID   string
	Name string
}

// Status is the state of an image in Glance.
type Status string

// The states that matter here. Any other makes an image unusable.
const (
	Queued      Status = "queued"
	Saving      Status = "saving"
	Active      Status = "active"
	Deactivated Status = "deactivated"
)

// Image is an image on a VIM. Strings are empty where Glance says null.
type Image struct {
	ID              string
	Name            string
	Status          Status
	Size            int64 // bytes; -1 while unknown
	Owner           string
	Visibility      string
	Hidden          bool
	DiskFormat      string
	ContainerFormat string
	HashAlgorithm   string // os_hash_algo
	HashValue       string // os_hash_value, lower-case hex
	MD5             string // checksum, lower-case hex
	CreatedAt       string // RFC 3339
	UpdatedAt       string // RFC 3339, in whole seconds
	Mark            Mark
}

// digest returns the image's hash as the VIM states it: the algorithm of its
// operator's choice, else MD5, else nothing.
func (i Image) digest() (algorithm, hex string) {
	switch {
	case i.HashAlgorithm != "" && i.HashValue != "":
		return i.HashAlgorithm, i.HashValue
	case i.MD5 != "":
		return "md5", i.MD5
	}
	return "", ""
}

// A Mark is the set of properties by which gangway knows its own records. It
// is written when the record is created: properties that change during an
// upload fall back to what they were when it began.
type Mark struct {
	ImageID    string `json:"gangway_image_id,omitempty"`
	Package    string `json:"gangway_package,omitempty"`
	SHA256     string `json:"gangway_sha256,omitempty"`
	Generation string `json:"gangway_generation,omitempty"`
	// Beat changes while an uploader is at work.
	Beat string `json:"gangway_beat,omitempty"`
}

// Record is an image to be created.
type Record struct {
	ID              string
	Name            string
	DiskFormat      string
	ContainerFormat string
	MinDisk         int64 // GB
	MinRAM          int64 // MB
	Visibility      string
	Properties      map[string]string
	Mark            Mark
}

func (o *Offer) record(id string, generation int, public bool) Record {
	r := Record{
		ID: id, Name: o.Name,
		DiskFormat: o.DiskFormat, ContainerFormat: o.ContainerFormat,
		MinDisk: o.MinDisk, MinRAM: o.MinRAM,
		Visibility: "private",
		Properties: o.properties(),
		Mark: Mark{
			ImageID: o.ID, Package: o.Package, SHA256: o.SHA256,
			Generation: strconv.Itoa(generation),
		},
	}
	if public {
		r.Visibility = "public"
	}
	return r
}

package imagerepo

import (
	"encoding/json"
	"time"
)

// Image is what the repository knows of one image. It is plain data; changing
// a copy changes nothing in the repository.
type Image struct {
	// ID is a UUID. It is the name of the image's file, too (the seed's rule).
	ID      string
	Project string
	// Name is unique within Project.
	Name string
	// Content is what the bytes are; it is zero for an image that is only
	// referenced by its URL and was never fetched.
	Content
	DiskFormat      string // as Glance spells it: raw, qcow2, vmdk, …
	ContainerFormat string // as Glance spells it: bare, ovf, ova, …
	MinDisk         int64  // GB
	MinRAM          int64  // MB
	MinCPU          int64  // virtual CPUs
	IsPublic        bool
	// Properties are hw_* and os_* properties that a VIM is given.
	Properties map[string]string
	// Source is where the bytes came from, if that was a URL.
	Source Source
	// Manual is set for an image that a user added, be it after a package brought
	// it. It outlives the packages that use it.
	Manual    bool
	CreatedAt time.Time
	// Packages are the packages that use the image. [Catalog] fills it in;
	// it is not read when an image is stored.
	Packages []PackageRef
}

// Stored reports whether the repository holds the image's bytes.
func (img Image) Stored() bool { return img.SHA256() != "" }

// Content identifies bytes.
type Content struct {
	Size    int64 // bytes
	Digests Digests
}

// SHA256 returns the identity of the content in lower-case hex, or the empty
// string where the bytes were never seen.
func (c Content) SHA256() string { return c.Digests[SHA256] }

// Source is the origin of an image that came, or will come, from a URL.
type Source struct {
	URL          string
	ETag         string
	LastModified string // as the origin wrote it in its Last-Modified header
}

// Package is a package as the repository sees it: who brought images, and who
// uses them. What the package says is kept as an opaque record.
type Package struct {
	ID      string
	Project string
	Vendor  string
	Name    string
	Version string
	Dialect string
	// Fingerprint is the SHA-256 over the paths and digests of all files of the
	// package: equal fingerprints mean the same package.
	Fingerprint string
	// DescriptorID is the identifier that the package gives its descriptor, such as
	// the vnfd_id; it is empty where it gives none.
	DescriptorID string
	// Record is the package's model.
	Record    json.RawMessage
	CreatedAt time.Time
	// Images are the images that the package uses, by their names in it.
	Images []ImageRef
	// Missing are the names of images that the package used until they were
	// deleted by force. [Catalog] fills it in.
	Missing []string
}

// PackageFile is a file of a package that is kept with its record.
type PackageFile struct {
	Path    string
	Role    string
	Size    int64  // bytes
	SHA256  string // lower-case hex
	Content []byte // nil for a file that is only listed
}

// PackageRef names a package.
type PackageRef struct {
	ID      string `json:"id" yaml:"id"`
	Vendor  string `json:"vendor" yaml:"vendor"`
	Name    string `json:"name" yaml:"name"`
	Version string `json:"version" yaml:"version"`
}

// String renders the reference as vendor/name version.
func (p PackageRef) String() string {
	s := p.Name
	if p.Vendor != "" {
		s = p.Vendor + "/" + s
	}
	if p.Version != "" {
		s += " " + p.Version
	}
	return s
}

// Called reports whether the package goes by a name: name, vendor/name, or either with
// :version.
func (p PackageRef) Called(name string) bool {
	versioned := p.Name + ":" + p.Version
	switch name {
	case p.Name, versioned, p.Vendor + "/" + p.Name, p.Vendor + "/" + versioned:
		return true
	}
	return false
}

// Ref returns the package's reference.
func (p Package) Ref() PackageRef {
	return PackageRef{ID: p.ID, Vendor: p.Vendor, Name: p.Name, Version: p.Version}
}

// ImageRef names an image that a package uses.
type ImageRef struct {
	ID   string `json:"id" yaml:"id"`
	Name string `json:"name" yaml:"name"`
}

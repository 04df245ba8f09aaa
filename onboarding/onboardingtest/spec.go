package onboardingtest

import "cmp"

// Spec says what a package describes, in whatever convention it is written.
// Empty strings get defaults, so Spec{Name: "firewall"} is a valid package
// with one VDU and no image.
type Spec struct {
	Name    string
	Vendor  string // default "gangway"
	Version string // default "1.0"
	// Images become one VDU each. A package that names none has one VDU whose
	// image the VIM must have already.
	Images []SoftwareImage
}

// SoftwareImage is an image of a package: embedded when Content is set, else
// at URL, else expected on the VIM.
type SoftwareImage struct {
	Name            string
	Content         *Image
	URL             string
	DiskFormat      string // default: the content's, else qcow2
	ContainerFormat string // default bare
	MinDisk         int    // GB
	MinRAM          int    // MB
	MinCPU          int
	Public          bool
	// SHA256 is the stated digest. SOL004 states the content's own if it is
	// empty; Open Baton's metadata has no place for one.
	SHA256 string
}

// Embed returns an image that the package brings.
func Embed(name string, content Image) SoftwareImage {
	return SoftwareImage{Name: name, Content: &content}
}

// Link returns an image that the package refers to by URL.
func Link(name, url string) SoftwareImage {
	return SoftwareImage{Name: name, URL: url}
}

func (s Spec) withDefaults() Spec {
	s.Vendor = cmp.Or(s.Vendor, "gangway")
	s.Version = cmp.Or(s.Version, "1.0")
	images := make([]SoftwareImage, len(s.Images))
	for i, image := range s.Images {
		if image.Content != nil {
			image.DiskFormat = cmp.Or(image.DiskFormat, image.Content.DiskFormat())
		}
		image.DiskFormat = cmp.Or(image.DiskFormat, "qcow2")
		image.ContainerFormat = cmp.Or(image.ContainerFormat, "bare")
		images[i] = image
	}
	s.Images = images
	return s
}

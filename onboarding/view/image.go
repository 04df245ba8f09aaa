package view

import (
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/tosca"
)

// Image is an image of the repository.
type Image struct {
	ID              string            `json:"id"`
	Name            string            `json:"name"`
	Project         string            `json:"project"`
	Size            int64             `json:"size"` // bytes
	Digests         imagerepo.Digests `json:"digests"`
	DiskFormat      string            `json:"diskFormat"`
	ContainerFormat string            `json:"containerFormat"`
	MinDisk         int64             `json:"minDisk"` // GB
	MinRAM          int64             `json:"minRam"`  // MB
	MinCPU          int64             `json:"minCPU"`
	IsPublic        bool              `json:"isPublic"`
	Properties      map[string]string `json:"properties,omitempty"`
	URL             string            `json:"url,omitempty"`
	// File is where the bytes are, on the machine that has the repository. The
	// server does not tell it.
	File      string                 `json:"file,omitempty"`
	CreatedAt time.Time              `json:"createdAt"`
	Packages  []imagerepo.PackageRef `json:"packages"`
}

// NewImage returns the view of an image, without its File. Secrets that a URL may
// hold are left out.
func NewImage(img imagerepo.Image) Image {
	return Image{
		ID: img.ID, Name: img.Name, Project: img.Project, Size: img.Size, Digests: img.Digests,
		DiskFormat: img.DiskFormat, ContainerFormat: img.ContainerFormat,
		MinDisk: img.MinDisk, MinRAM: img.MinRAM, MinCPU: img.MinCPU, IsPublic: img.IsPublic,
		Properties: img.Properties, URL: fetch.Redact(img.Source.URL), CreatedAt: img.CreatedAt,
		Packages: append([]imagerepo.PackageRef{}, img.Packages...),
	}
}

// Added is an image that was added, or that was there.
type Added struct {
	Image
	// Action says what became of the bytes.
	Action onboarding.Action `json:"action"`
	// Findings are warnings.
	Findings tosca.Findings `json:"findings"`
}

// Stored reports whether the repository has the image's bytes.
func (i Image) Stored() bool { return i.Digests[imagerepo.SHA256] != "" }

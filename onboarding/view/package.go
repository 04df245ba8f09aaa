package view

import (
	"encoding/json"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// Package is a package of the repository; Model, which is a tosca.Package
// in JSON, and Files only where one is shown.
type Package struct {
	ID          string               `json:"id"`
	Project     string               `json:"project"`
	Vendor      string               `json:"vendor"`
	Name        string               `json:"name"`
	Version     string               `json:"version"`
	Dialect     string               `json:"dialect"`
	Fingerprint string               `json:"fingerprint"`
	CreatedAt   time.Time            `json:"createdAt"`
	Images      []imagerepo.ImageRef `json:"images"`
	Model       json.RawMessage      `json:"model,omitempty"`
	Files       []File               `json:"files,omitempty"`
}

// Resource is a package as the server has it. Of one that is not onboarded the
// Package is mostly empty.
type Resource struct {
	Package
	State            vnfpkg.State       `json:"state"`
	OperationalState vnfpkg.Operational `json:"operationalState"`
	InUse            bool               `json:"inUse"`
	// Filename is what the caller called the archive, if it was said.
	Filename string `json:"filename,omitempty"`
	// Archive is the original package, once it has arrived.
	Archive *Archive `json:"archive,omitempty"`
	// Job is the ID of the job that works, or worked, at the package.
	Job string `json:"job,omitempty"`
	// Failure says why the state is ERROR.
	Failure *vnfpkg.Failure `json:"failure,omitempty"`
}

// Archive is a package as it was uploaded.
type Archive struct {
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
	Kept   bool   `json:"kept"` // it can be downloaded
}

// File is a file of a package.
type File struct {
	Path   string `json:"path"`
	Role   string `json:"role,omitempty"`
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// NewPackage returns the view of a package, with its Model if it has its record.
func NewPackage(pkg imagerepo.Package, files []imagerepo.PackageFile) Package {
	view := Package{
		ID: pkg.ID, Project: pkg.Project, Vendor: pkg.Vendor, Name: pkg.Name, Version: pkg.Version,
		Dialect: pkg.Dialect, Fingerprint: pkg.Fingerprint, CreatedAt: pkg.CreatedAt,
		Images: append([]imagerepo.ImageRef{}, pkg.Images...), Model: pkg.Record,
	}
	for _, file := range files {
		view.Files = append(view.Files, File{Path: file.Path, Role: file.Role, Size: file.Size, SHA256: file.SHA256})
	}
	return view
}

// NewResource returns the view of a package resource, with its Model if it is
// onboarded.
func NewResource(r vnfpkg.Resource, files []imagerepo.PackageFile) Resource {
	shown := Resource{State: r.State, OperationalState: r.Operational, InUse: r.InUse, Filename: r.Filename, Job: r.Job, Failure: r.Failure,
		Package: Package{ID: r.ID, Project: r.Project, CreatedAt: r.CreatedAt, Images: []imagerepo.ImageRef{}}}
	if r.Package != nil {
		shown.Package = NewPackage(*r.Package, files)
	}
	if r.SHA256 != "" {
		shown.Archive = &Archive{Size: r.Size, SHA256: r.SHA256, Kept: r.Kept}
	}
	return shown
}

// Deleted is what is gone after a package was deleted. Of one that was not onboarded
// the ID is all that there is to tell.
type Deleted struct {
	Package imagerepo.PackageRef `json:"package"`
	Images  []imagerepo.ImageRef `json:"images"`
}

// NewDeleted returns the view of a deleted package and the images that went with it.
func NewDeleted(pkg imagerepo.Package, images []imagerepo.Image) Deleted {
	deleted := Deleted{Package: pkg.Ref(), Images: []imagerepo.ImageRef{}}
	for _, img := range images {
		deleted.Images = append(deleted.Images, imagerepo.ImageRef{ID: img.ID, Name: img.Name})
	}
	return deleted
}

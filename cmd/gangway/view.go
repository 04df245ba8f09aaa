package main

import (
	"encoding/json"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
)

// imageView is an image as it is printed.
type imageView struct {
	ID              string                 `json:"id" yaml:"id"`
	Name            string                 `json:"name" yaml:"name"`
	Project         string                 `json:"project" yaml:"project"`
	Size            int64                  `json:"size" yaml:"size"` // bytes
	Digests         imagerepo.Digests      `json:"digests" yaml:"digests"`
	DiskFormat      string                 `json:"diskFormat" yaml:"diskFormat"`
	ContainerFormat string                 `json:"containerFormat" yaml:"containerFormat"`
	MinDisk         int64                  `json:"minDisk" yaml:"minDisk"` // GB
	MinRAM          int64                  `json:"minRam" yaml:"minRam"`   // MB
	MinCPU          int64                  `json:"minCPU" yaml:"minCPU"`
	IsPublic        bool                   `json:"isPublic" yaml:"isPublic"`
	Properties      map[string]string      `json:"properties,omitempty" yaml:"properties,omitempty"`
	URL             string                 `json:"url,omitempty" yaml:"url,omitempty"`
	File            string                 `json:"file,omitempty" yaml:"file,omitempty"`
	CreatedAt       time.Time              `json:"createdAt" yaml:"createdAt"`
	Packages        []imagerepo.PackageRef `json:"packages" yaml:"packages"`
}

func viewImage(repository *imagerepo.Repository, img imagerepo.Image) imageView {
	view := imageView{
		ID: img.ID, Name: img.Name, Project: img.Project, Size: img.Size, Digests: img.Digests,
		DiskFormat: img.DiskFormat, ContainerFormat: img.ContainerFormat,
		MinDisk: img.MinDisk, MinRAM: img.MinRAM, MinCPU: img.MinCPU, IsPublic: img.IsPublic,
		Properties: img.Properties, URL: img.Source.URL, CreatedAt: img.CreatedAt, Packages: img.Packages,
	}
	if img.Stored() {
		view.File = repository.Location(img.ID)
	}
	return view
}

// packageView is a package as it is printed; Record and Files only when one is
// shown.
type packageView struct {
	ID          string               `json:"id" yaml:"id"`
	Project     string               `json:"project" yaml:"project"`
	Vendor      string               `json:"vendor" yaml:"vendor"`
	Name        string               `json:"name" yaml:"name"`
	Version     string               `json:"version" yaml:"version"`
	Dialect     string               `json:"dialect" yaml:"dialect"`
	Fingerprint string               `json:"fingerprint" yaml:"fingerprint"`
	CreatedAt   time.Time            `json:"createdAt" yaml:"createdAt"`
	Images      []imagerepo.ImageRef `json:"images" yaml:"images"`
	Model       any                  `json:"model,omitempty" yaml:"model,omitempty"`
	Files       []fileView           `json:"files,omitempty" yaml:"files,omitempty"`
}

type fileView struct {
	Path   string `json:"path" yaml:"path"`
	Role   string `json:"role,omitempty" yaml:"role,omitempty"`
	Size   int64  `json:"size" yaml:"size"` // bytes
	SHA256 string `json:"sha256" yaml:"sha256"`
}

func viewPackage(pkg imagerepo.Package, files []imagerepo.PackageFile) (packageView, error) {
	view := packageView{
		ID: pkg.ID, Project: pkg.Project, Vendor: pkg.Vendor, Name: pkg.Name, Version: pkg.Version,
		Dialect: pkg.Dialect, Fingerprint: pkg.Fingerprint, CreatedAt: pkg.CreatedAt, Images: pkg.Images,
	}
	for _, file := range files {
		view.Files = append(view.Files, fileView{Path: file.Path, Role: file.Role, Size: file.Size, SHA256: file.SHA256})
	}
	if pkg.Record == nil {
		return view, nil
	}
	return view, json.Unmarshal(pkg.Record, &view.Model)
}

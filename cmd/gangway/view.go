package main

import (
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/vim/glance"
)

// imageView is an image as it is printed.
type imageView struct {
	ID              string                 `json:"id"`
	Name            string                 `json:"name"`
	Project         string                 `json:"project"`
	Size            int64                  `json:"size"` // bytes
	Digests         imagerepo.Digests      `json:"digests"`
	DiskFormat      string                 `json:"diskFormat"`
	ContainerFormat string                 `json:"containerFormat"`
	MinDisk         int64                  `json:"minDisk"` // GB
	MinRAM          int64                  `json:"minRam"`  // MB
	MinCPU          int64                  `json:"minCPU"`
	IsPublic        bool                   `json:"isPublic"`
	Properties      map[string]string      `json:"properties,omitempty"`
	URL             string                 `json:"url,omitempty"`
	File            string                 `json:"file,omitempty"`
	CreatedAt       time.Time              `json:"createdAt"`
	Packages        []imagerepo.PackageRef `json:"packages"`
}

func viewImage(repository *imagerepo.Repository, img imagerepo.Image) imageView {
	view := imageView{
		ID: img.ID, Name: img.Name, Project: img.Project, Size: img.Size, Digests: img.Digests,
		DiskFormat: img.DiskFormat, ContainerFormat: img.ContainerFormat,
		MinDisk: img.MinDisk, MinRAM: img.MinRAM, MinCPU: img.MinCPU, IsPublic: img.IsPublic,
		Properties: img.Properties, URL: fetch.Redact(img.Source.URL), CreatedAt: img.CreatedAt, Packages: img.Packages,
	}
	if img.Stored() {
		view.File = repository.Location(img.ID)
	}
	return view
}

// packageView is a package as it is printed; Model and Files only when one is
// shown.
type packageView struct {
	ID          string               `json:"id"`
	Project     string               `json:"project"`
	Vendor      string               `json:"vendor"`
	Name        string               `json:"name"`
	Version     string               `json:"version"`
	Dialect     string               `json:"dialect"`
	Fingerprint string               `json:"fingerprint"`
	CreatedAt   time.Time            `json:"createdAt"`
	Images      []imagerepo.ImageRef `json:"images"`
	Model       any                  `json:"model,omitempty"`
	Files       []fileView           `json:"files,omitempty"`
}

type fileView struct {
	Path   string `json:"path"`
	Role   string `json:"role,omitempty"`
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

func viewPackage(pkg imagerepo.Package, files []imagerepo.PackageFile) packageView {
	view := packageView{
		ID: pkg.ID, Project: pkg.Project, Vendor: pkg.Vendor, Name: pkg.Name, Version: pkg.Version,
		Dialect: pkg.Dialect, Fingerprint: pkg.Fingerprint, CreatedAt: pkg.CreatedAt, Images: pkg.Images,
	}
	if pkg.Record != nil {
		view.Model = pkg.Record
	}
	for _, file := range files {
		view.Files = append(view.Files, fileView{Path: file.Path, Role: file.Role, Size: file.Size, SHA256: file.SHA256})
	}
	return view
}

// checkView is what was found out about a VIM as it is printed.
type checkView struct {
	VIM           string      `json:"vim"`
	AuthURL       string      `json:"authUrl"`
	Region        string      `json:"region,omitempty"`
	User          string      `json:"user,omitempty"`
	Project       projectView `json:"project"`
	Roles         []string    `json:"roles"`
	Endpoint      string      `json:"endpoint,omitempty"`
	APIVersion    string      `json:"apiVersion,omitempty"`
	LatencyMS     int64       `json:"latencyMs"`
	HashAlgorithm string      `json:"hashAlgorithm,omitempty"`
	ImportMethods []string    `json:"importMethods"`
	Quotas        []quotaView `json:"quotas"`
	MayPublish    answerView  `json:"mayPublish"`
	Problems      []string    `json:"problems"`
	Error         string      `json:"error,omitempty"`
}

type projectView struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

type quotaView struct {
	Name  string `json:"name"`
	Limit int64  `json:"limit"` // -1: none
	Used  int64  `json:"used"`
}

type answerView struct {
	Verdict glance.Verdict `json:"verdict"`
	How     string         `json:"how,omitempty"`
}

func viewCheck(c glance.Check) checkView {
	view := checkView{
		VIM: c.VIM, AuthURL: c.AuthURL, Region: c.Region, User: c.User, Project: projectView(c.Project),
		Roles: append([]string{}, c.Roles...), Endpoint: c.Endpoint, APIVersion: c.APIVersion, LatencyMS: c.Latency.Milliseconds(),
		HashAlgorithm: c.HashAlgorithm, ImportMethods: append([]string{}, c.ImportTypes...), Quotas: []quotaView{},
		MayPublish: answerView(c.MayPublish), Problems: append([]string{}, c.Problems...),
	}
	if c.Err != nil {
		view.Error = c.Err.Error()
	}
	for _, q := range c.Quotas {
		view.Quotas = append(view.Quotas, quotaView(q))
	}
	return view
}

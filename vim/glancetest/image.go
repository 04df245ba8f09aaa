package glancetest

import (
	"maps"
	"net/http"
	"os"
	"slices"
	"time"
)

// An Image is a record of a Glance. Empty strings stand for null.
type Image struct {
	ID    string
	Name  string
	Owner string // ID of a project; see ProjectID
	// Status is queued, saving, active or deactivated.
	Status string
	// Visibility is shared, private, community or public.
	Visibility      string
	DiskFormat      string
	ContainerFormat string
	MinDisk         int64 // GiB
	MinRAM          int64 // MiB
	Protected       bool
	Hidden          bool
	// Size in bytes is shown to clients as null until the image is active.
	Size       int64
	Checksum   string // MD5, hexadecimal
	HashAlgo   string
	HashValue  string
	Tags       []string
	Properties map[string]string
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

func (img Image) clone() Image {
	img.Tags = slices.Clone(img.Tags)
	img.Properties = maps.Clone(img.Properties)
	return img
}

// A record is an image and its content. It is guarded by its Glance's mutex.
type record struct {
	Image
	deleted bool
	data    []byte // content, when kept in memory
	path    string // content, when kept in a file
}

func (rec *record) forgetContent() {
	rec.data = nil
	if rec.path != "" {
		_ = os.Remove(rec.path)
		rec.path = ""
	}
}

// visibleTo tells whether a user may see the image by its ID.
func (img *Image) visibleTo(t token) bool {
	return t.user.Admin || img.Owner == t.projectID() ||
		img.Visibility == "public" || img.Visibility == "community"
}

// stored tells whether the image has content.
func (img *Image) stored() bool { return img.Status == "active" || img.Status == "deactivated" }

// formatsMissing refuses content for an image that doesn't say what it is.
func (img *Image) formatsMissing() error {
	switch {
	case img.DiskFormat == "" && img.ContainerFormat == "":
		return refuse(http.StatusBadRequest, "Properties disk_format, container_format must be set prior to saving data.")
	case img.DiskFormat == "":
		return refuse(http.StatusBadRequest, "Property disk_format must be set prior to saving data.")
	case img.ContainerFormat == "":
		return refuse(http.StatusBadRequest, "Property container_format must be set prior to saving data.")
	}
	return nil
}

// view is the image as clients see it: base attributes and the properties
// beside them (Image API v2, "Show image").
func (img *Image) view() map[string]any {
	v := make(map[string]any, 28+len(img.Properties))
	for name, value := range img.Properties {
		v[name] = value
	}
	maps.Copy(v, map[string]any{
		"id": img.ID, "name": orNull(img.Name), "owner": orNull(img.Owner),
		"status": img.Status, "visibility": img.Visibility,
		"disk_format": orNull(img.DiskFormat), "container_format": orNull(img.ContainerFormat),
		"min_disk": img.MinDisk, "min_ram": img.MinRAM,
		"protected": img.Protected, "os_hidden": img.Hidden,
		"size": nil, "virtual_size": nil,
		"checksum": orNull(img.Checksum), "os_hash_algo": orNull(img.HashAlgo), "os_hash_value": orNull(img.HashValue),
		"tags":       append([]string{}, img.Tags...),
		"created_at": img.CreatedAt.UTC().Format(time.RFC3339),
		"updated_at": img.UpdatedAt.UTC().Format(time.RFC3339),
		"self":       "/v2/images/" + img.ID,
		"file":       "/v2/images/" + img.ID + "/file",
		"schema":     "/v2/schemas/image",
	})
	if img.stored() {
		v["size"] = img.Size
		if img.DiskFormat == "raw" {
			v["virtual_size"] = img.Size
		}
		v["stores"] = "local"
	}
	return v
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

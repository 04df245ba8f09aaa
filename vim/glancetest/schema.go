package glancetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// What clients may not set (Glance's schema of an image): those it owns, and
// those it keeps to itself.
var (
	readOnly = []string{"created_at", "updated_at", "status", "checksum", "size", "virtual_size",
		"direct_url", "self", "file", "schema", "stores"}
	hashes   = []string{"os_hash_algo", "os_hash_value"}
	reserved = []string{"location", "deleted", "deleted_at"}

	visibilities     = []string{"community", "public", "private", "shared"}
	diskFormats      = []string{"ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"}
	containerFormats = []string{"ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"}

	uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
)

// maxText is the longest name, owner or tag, in characters.
const maxText = 255

// guard refuses attributes that clients may not set.
func guard(name string) error {
	switch {
	case slices.Contains(readOnly, name):
		return refuse(http.StatusForbidden, "Attribute '%s' is read-only.", name)
	case slices.Contains(reserved, name), strings.HasPrefix(name, "os_glance_"):
		return refuse(http.StatusForbidden, "Attribute '%s' is reserved.", name)
	case utf8.RuneCountInString(name) > maxText:
		return refuse(http.StatusBadRequest, "Custom property should not be greater than 255 characters.")
	}
	return nil
}

// set gives an attribute or property the value that JSON said, or refuses it.
// Numbers are json.Number.
func (img *Image) set(name string, value any) (err error) {
	switch name {
	case "name":
		img.Name, err = text(value)
	case "owner":
		img.Owner, err = text(value)
	case "visibility":
		if value == nil {
			return mismatch(value, "is not of type 'string'")
		}
		img.Visibility, err = oneOf(value, visibilities)
	case "disk_format":
		img.DiskFormat, err = oneOf(value, diskFormats)
	case "container_format":
		img.ContainerFormat, err = oneOf(value, containerFormats)
	case "min_disk":
		img.MinDisk, err = integer(value)
	case "min_ram":
		img.MinRAM, err = integer(value)
	case "protected":
		img.Protected, err = boolean(value)
	case "os_hidden":
		img.Hidden, err = boolean(value)
	case "tags":
		img.Tags, err = tags(value)
	default:
		s, ok := value.(string)
		if !ok {
			return mismatch(value, "is not of type 'string'")
		}
		if img.Properties == nil {
			img.Properties = make(map[string]string)
		}
		img.Properties[name] = s
	}
	return err
}

// base tells whether set keeps the attribute beside the properties.
func base(name string) bool {
	switch name {
	case "name", "owner", "visibility", "disk_format", "container_format",
		"min_disk", "min_ram", "protected", "os_hidden", "tags":
		return true
	}
	return false
}

func mismatch(value any, problem string) error {
	shown, err := json.Marshal(value)
	if err != nil {
		shown = fmt.Append(nil, value)
	}
	return refuse(http.StatusBadRequest, "Provided object does not match schema 'image': %s %s", shown, problem)
}

func text(value any) (string, error) {
	s, ok := value.(string)
	switch {
	case value != nil && !ok:
		return "", mismatch(value, "is not of type 'null', 'string'")
	case utf8.RuneCountInString(s) > maxText:
		return "", mismatch(value, "is too long")
	}
	return s, nil
}

func oneOf(value any, allowed []string) (string, error) {
	s, ok := value.(string)
	if value != nil && (!ok || !slices.Contains(allowed, s)) {
		return "", mismatch(value, "is not one of "+strings.Join(allowed, ", "))
	}
	return s, nil
}

func integer(value any) (int64, error) {
	n, ok := value.(json.Number)
	if !ok {
		return 0, mismatch(value, "is not of type 'integer'")
	}
	i, err := n.Int64()
	if err != nil {
		return 0, mismatch(value, "is not of type 'integer'")
	}
	return i, nil
}

func boolean(value any) (bool, error) {
	b, ok := value.(bool)
	if !ok {
		return false, mismatch(value, "is not of type 'boolean'")
	}
	return b, nil
}

func tags(value any) ([]string, error) {
	list, ok := value.([]any)
	if !ok {
		return nil, mismatch(value, "is not of type 'array'")
	}
	var all []string
	for _, item := range list {
		s, ok := item.(string)
		if !ok {
			return nil, mismatch(item, "is not of type 'string'")
		}
		if utf8.RuneCountInString(s) > maxText {
			return nil, mismatch(item, "is too long")
		}
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all, nil
}

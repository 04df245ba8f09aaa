package diskfmt

import (
	"fmt"
	"slices"
	"strings"
)

// MismatchError says that the bytes are not what was declared.
type MismatchError struct {
	DiskFormat      string   // as declared
	ContainerFormat string   // as declared
	Expected        []Format // any of them would have fitted
	Found           Format
}

func (e *MismatchError) Error() string {
	var want []string
	for _, f := range e.Expected {
		want = append(want, string(f))
	}
	declared := "disk format " + e.DiskFormat
	if e.ContainerFormat != "" {
		declared += " in container format " + e.ContainerFormat
	}
	return fmt.Sprintf("%s: expected %s, found %s", declared, strings.Join(want, " or "), e.Found)
}

// Match compares what a description declares, in Glance's words and any case,
// with what the bytes are. It returns nil if they fit and a [*MismatchError] if
// they do not. Problems of the image are not its concern.
//
// The container decides first: compressed wants a compressed file, ova a tar, docker a tar or a
// compressed one, whatever the disk format inside; ovf was long used as a synonym
// of bare and takes either meaning; every other container is bare. Then the disk
// format must be the one found, where
//   - an empty one declares nothing and fits everything;
//   - raw also takes iso (what a hybrid image is when written to a disk), luks
//     (VIMs store an encrypted volume as raw) and a fixed VHD (raw data with 512
//     bytes behind them), but neither archives nor compressed files;
//   - iso takes only iso; a hybrid image is one;
//   - ami is a raw file system, aki and ari are a kernel and a RAM disk, often
//     compressed;
//   - vpc is QEMU's word for vhd.
func Match(diskFormat, containerFormat string, found Result) error {
	disk, container := strings.ToLower(diskFormat), strings.ToLower(containerFormat)
	want := expected(disk, container)
	switch {
	case len(want) == 0, slices.Contains(want, found.Format):
		return nil
	case slices.Contains(want, Raw) && found.Format == VHD && found.Variant == "fixed":
		return nil
	}
	return &MismatchError{DiskFormat: diskFormat, ContainerFormat: containerFormat, Expected: want, Found: found.Format}
}

// expected lists the formats that fit; none means that anything does.
func expected(disk, container string) []Format {
	compressed := []Format{Gzip, XZ, Zstd, Bzip2}
	switch container {
	case "compressed":
		return compressed
	case "ova":
		return []Format{OVA, Tar}
	case "docker":
		return append([]Format{Tar, OVA}, compressed...)
	case "ovf":
		if disk != "" {
			return append(bare(disk), OVA, Tar)
		}
	}
	return bare(disk)
}

// bare lists the formats that a disk format names.
func bare(disk string) []Format {
	switch disk {
	case "":
		return nil
	case "raw":
		return []Format{Raw, ISO, LUKS}
	case "ami":
		return []Format{Raw}
	case "aki", "ari":
		return []Format{Raw, Gzip, XZ, Zstd, Bzip2}
	case "vpc":
		return []Format{VHD}
	}
	return []Format{Format(disk)}
}

package diskfmt

import "fmt"

// Format is what the bytes are. The values that Glance knows as a disk_format
// are spelled as Glance spells them.
type Format string

// The formats that are told apart. Everything else is [Raw].
const (
	Raw   Format = "raw" // also disks with an MBR or GPT, see Result.Variant
	QCOW2 Format = "qcow2"
	VMDK  Format = "vmdk"
	VHD   Format = "vhd" // QEMU's vpc
	VHDX  Format = "vhdx"
	VDI   Format = "vdi"
	ISO   Format = "iso"
	Ploop Format = "ploop" // QEMU's parallels
	QED   Format = "qed"
	LUKS  Format = "luks"
	Tar   Format = "tar"
	OVA   Format = "ova" // a tar whose first member is an OVF descriptor
	Gzip  Format = "gz"
	XZ    Format = "xz"
	Zstd  Format = "zst"
	Bzip2 Format = "bz2"
)

// Compressed reports whether f is a compression rather than an image.
func (f Format) Compressed() bool {
	return f == Gzip || f == XZ || f == Zstd || f == Bzip2
}

// Result is what an inspection found.
type Result struct {
	Format Format
	// Variant refines the format: gpt or mbr of a raw disk, the createType of a
	// VMDK, fixed, dynamic or differencing of a VHD or VDI, v2 or v3 of a qcow2.
	// It may be empty.
	Variant string
	// Size is the number of bytes seen.
	Size int64
	// VirtualSize is the size in bytes of the disk that a guest would see, or
	// zero where the headers do not tell it. For raw and iso it equals Size.
	VirtualSize int64
	// Problems are the reasons not to give the image to a VIM. An image with
	// none of them reads no file but itself.
	Problems []Problem
}

// Code names a kind of [Problem]. Codes are stable.
type Code string

const (
	// BackingFile: the image is an overlay on another file.
	BackingFile Code = "backing-file"
	// DataFile: the guest's data lie in another file.
	DataFile Code = "data-file"
	// UnknownFeature: the header demands a feature that this package does not
	// know, so nothing can be said about the rest.
	UnknownFeature Code = "unknown-feature"
	// ExternalExtent: a VMDK descriptor names extents other than the file itself.
	ExternalExtent Code = "external-extent"
	// CreateType: a VMDK of a kind other than monolithicSparse and
	// streamOptimized, the two that are complete in one file.
	CreateType Code = "create-type"
	// Unsupported: a format or version that is obsolete and not taken by VIMs.
	Unsupported Code = "unsupported"
	// Malformed: the header contradicts itself, or the file ends within it.
	Malformed Code = "malformed"
	// Ambiguous: the bytes are a valid image of two formats at once.
	Ambiguous Code = "ambiguous"
)

// Problem is one reason not to give an image to a VIM.
type Problem struct {
	Code   Code
	Detail string // what was found, for people; parts of it come from the image
}

func (p Problem) String() string { return fmt.Sprintf("%s: %s", p.Code, p.Detail) }

// problemf appends a problem to the result.
func (r *Result) problemf(code Code, format string, args ...any) {
	r.Problems = append(r.Problems, Problem{Code: code, Detail: fmt.Sprintf(format, args...)})
}

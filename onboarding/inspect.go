package onboarding

import "github.com/gangway-nfv/gangway/imagerepo/diskfmt"

// Inspection is what the first bytes of a file tell of it as an image.
type Inspection struct {
	// DiskFormat is what would be stored if none is declared.
	DiskFormat  string `json:"diskFormat"`
	VirtualSize int64  `json:"virtualSize"` // bytes; 0 while unknown
	// MinDisk is what a disk must have to hold the virtual size.
	MinDisk int64 `json:"minDisk"` // GB
	// Compressed says that the file is a compression and DiskFormat is which.
	Compressed bool `json:"compressed"`
	// Problems are the reasons for which the image would be refused.
	Problems []string `json:"problems"`
}

// InspectedHead is how many bytes of a file [Inspect] needs, unless it has fewer.
const InspectedHead = diskfmt.HeadSize

// gib is Glance's GB of disks, in bytes.
const gib = 1 << 30

// Inspect judges a file of a size in bytes as taking it in does, by its beginning,
// see [diskfmt.InspectHead]. It stores nothing.
func Inspect(head []byte, size int64) Inspection {
	found := diskfmt.InspectHead(head, size)
	seen := Inspection{DiskFormat: string(found.Format), VirtualSize: found.VirtualSize, Compressed: found.Format.Compressed(), Problems: []string{}}
	seen.MinDisk = found.VirtualSize / gib
	if found.VirtualSize%gib > 0 {
		seen.MinDisk++
	}
	for _, problem := range found.Problems {
		seen.Problems = append(seen.Problems, problem.String())
	}
	return seen
}

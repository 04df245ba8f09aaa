package csar

import "cmp"

// Limits bound what an archive may cost. A zero field means its default.
type Limits struct {
	Members    int   // entries of the archive, folders included; default 20,000
	MemberSize int64 // bytes of one member; default 128 GiB
	TotalSize  int64 // bytes of all members; default 256 GiB
	// Ratio is how many times larger than its compressed form a zip member,
	// or the tar in a compressed stream, may be. It only counts from
	// ratioFloor bytes on: an empty disk image compresses 500 times and is
	// no bomb. The default is 500.
	Ratio      int64
	PathLength int // bytes of a member's path; default 1024
	PathDepth  int // folders and file in a member's path; default 32
	// FileSize is the size in bytes up to which a file can be a descriptor,
	// which ReadFile returns and a tar's reading keeps in memory; default
	// 4 MiB.
	FileSize int64
	// Memory is how many bytes of a tar's members stay in memory in all, half
	// of it for YAML, JSON and the like only; default 16 MiB.
	Memory int64
}

// ratioFloor is the size in bytes below which a member is harmless, however
// well it was compressed.
const ratioFloor = 64 << 20

// DefaultLimits returns the limits that the zero value stands for.
func DefaultLimits() Limits {
	return Limits{
		Members:    20_000,
		MemberSize: 128 << 30,
		TotalSize:  256 << 30,
		Ratio:      500,
		PathLength: 1024,
		PathDepth:  32,
		FileSize:   4 << 20,
		Memory:     16 << 20,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	return Limits{
		Members:    cmp.Or(l.Members, d.Members),
		MemberSize: cmp.Or(l.MemberSize, d.MemberSize),
		TotalSize:  cmp.Or(l.TotalSize, d.TotalSize),
		Ratio:      cmp.Or(l.Ratio, d.Ratio),
		PathLength: cmp.Or(l.PathLength, d.PathLength),
		PathDepth:  cmp.Or(l.PathDepth, d.PathDepth),
		FileSize:   cmp.Or(l.FileSize, d.FileSize),
		Memory:     cmp.Or(l.Memory, d.Memory),
	}
}

// bomb reports whether size bytes out of compressed ones exceed the ratio.
func (l Limits) bomb(size, compressed int64) bool {
	return size > ratioFloor && size/l.Ratio > compressed
}

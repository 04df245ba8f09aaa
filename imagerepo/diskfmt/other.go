package diskfmt

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
)

// probeISO knows ISO 9660 by the first volume descriptor (ECMA-119, 8.1). The 32
// KiB before it are free: a hybrid image has a partition table there and boots
// from a disk, too, and is still reported as an ISO.
func probeISO(e evidence) (Result, bool) {
	if !hasAt(e.head, 0x8001, "CD001\x01") {
		return Result{}, false
	}
	return Result{Format: ISO, Variant: partitionTable(e.head), VirtualSize: e.size}, true
}

// partitionTable names the partition table of a disk, if it has one.
func partitionTable(head []byte) string {
	switch {
	case hasAt(head, sector, "EFI PART"):
		return "gpt"
	case hasAt(head, 510, "\x55\xaa"):
		return "mbr"
	}
	return ""
}

func probeLUKS(e evidence) (Result, bool) {
	if !hasAt(e.head, 0, "LUKS\xba\xbe") {
		return Result{}, false
	}
	version := binary.BigEndian.Uint16(field{e.head, binary.BigEndian}.bytes(6, 2))
	return Result{Format: LUKS, Variant: "v" + strconv.Itoa(int(version))}, true
}

// probePloop knows the expandable images of Virtuozzo and Parallels.
func probePloop(e evidence) (Result, bool) {
	h := field{e.head, binary.LittleEndian}
	r := Result{Format: Ploop}
	switch {
	case hasAt(e.head, 0, "WithoutFreeSpace"):
		r.setVirtual(h.u64(36)&0xffffffff, sector) // the upper half is unused
	case hasAt(e.head, 0, "WithouFreSpacExt"):
		r.setVirtual(h.u64(36), sector)
	default:
		return Result{}, false
	}
	return r, true
}

// probeTar knows a tar by the checksum of its first header, which all dialects
// have; an OVA is one that begins with the OVF descriptor (DSP0243, 6.2).
func probeTar(e evidence) (Result, bool) {
	if len(e.head) < sector || e.head[0] == 0 {
		return Result{}, false
	}
	h := e.head[:sector]
	stated, err := strconv.ParseInt(strings.Trim(string(h[148:156]), " \x00"), 8, 64)
	if err != nil {
		return Result{}, false
	}
	var sum int64
	for i, c := range h {
		if i >= 148 && i < 156 {
			c = ' '
		}
		sum += int64(c)
	}
	if sum != stated {
		return Result{}, false
	}
	name, _, _ := bytes.Cut(h[:100], []byte{0})
	if bytes.HasSuffix(bytes.ToLower(name), []byte(".ovf")) {
		return Result{Format: OVA}, true
	}
	return Result{Format: Tar}, true
}

func probeCompressed(e evidence) (Result, bool) {
	f := Compression(e.head)
	return Result{Format: f}, f != ""
}

// Compression returns [Gzip], [XZ], [Zstd] or [Bzip2] if head, the first bytes of
// a file (ten are enough), begins a stream of that kind, and the empty Format
// otherwise.
func Compression(head []byte) Format {
	switch {
	case hasAt(head, 0, "\x1f\x8b\x08") && len(head) > 3 && head[3]&0xe0 == 0: // reserved flags
		return Gzip
	case hasAt(head, 0, "\xfd7zXZ\x00"):
		return XZ
	case hasAt(head, 0, "\x28\xb5\x2f\xfd"):
		return Zstd
	case hasAt(head, 0, "BZh") && (hasAt(head, 4, "1AY&SY") || hasAt(head, 4, "\x17rE8P\x90")):
		return Bzip2
	}
	return ""
}

package diskfmt

import "encoding/binary"

// Offsets of [MS-VHDX] 2.2. The metadata items come after the 64 KiB of their
// table; writers put them right behind it.
const (
	vhdxRegionOffset = 192 << 10
	vhdxRegionSize   = 64 << 10
	vhdxMetadataWant = 128 << 10
	vhdxFirstData    = 1 << 20 // the header section ends here
	vhdxMaxEntries   = 2047
)

// GUIDs as they lie in the file.
const (
	vhdxRegionMetadata = "\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e"
	vhdxFileParameters = "\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b"
	vhdxVirtualSize    = "\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8"
	vhdxHasParent      = 1 << 1
)

func isVHDX(head []byte) bool { return hasAt(head, 0, "vhdxfile") }

// vhdxMetadataOffset finds the metadata region in a region table.
func vhdxMetadataOffset(table []byte) (int64, bool) {
	if !hasAt(table, 0, "regi") {
		return 0, false
	}
	h := field{table, binary.LittleEndian}
	for i := range min(h.u32(8), vhdxMaxEntries) {
		at := 16 + 32*int(i)
		if !hasAt(table, at, vhdxRegionMetadata) {
			continue
		}
		offset := h.u64(at + 16)
		return int64(offset), offset >= vhdxFirstData && offset < 1<<62
	}
	return 0, false
}

func probeVHDX(e evidence) (Result, bool) {
	if !isVHDX(e.head) {
		return Result{}, false
	}
	r := Result{Format: VHDX}
	size, hasSize := vhdxItem(e.vhdxMetadata, vhdxVirtualSize, 8)
	flags, hasFlags := vhdxItem(e.vhdxMetadata, vhdxFileParameters, 8)
	if e.cut && e.vhdxMetadata == nil {
		return r, true
	}
	if !hasSize || !hasFlags {
		// Without them nothing tells whether the disk has a parent.
		r.problemf(Malformed, "vhdx without readable metadata")
		return r, true
	}
	r.setVirtual(binary.LittleEndian.Uint64(size), 1)
	if binary.LittleEndian.Uint32(flags[4:])&vhdxHasParent != 0 {
		r.problemf(BackingFile, "differencing vhdx")
	}
	return r, true
}

// vhdxItem returns the first n bytes of a metadata item. An item that occurs
// twice counts as none: readers differ in which one they take.
func vhdxItem(metadata []byte, guid string, n uint64) (item []byte, ok bool) {
	if !hasAt(metadata, 0, "metadata") {
		return nil, false
	}
	h := field{metadata, binary.LittleEndian}
	seen := 0
	for i := range min(h.u16(10), vhdxMaxEntries) {
		at := 32 + 32*int(i)
		if hasAt(metadata, at, guid) {
			item = slice(metadata, uint64(h.u32(at+16)), n)
			seen++
		}
	}
	return item, seen == 1 && item != nil
}

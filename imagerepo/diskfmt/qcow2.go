package diskfmt

import (
	"encoding/binary"
	"fmt"
)

// Incompatible features of a qcow2 v3 header: a reader that does not know a set
// bit must not open the image.
const (
	qcow2Corrupt      = 1 << 1
	qcow2ExternalData = 1 << 2
	qcow2KnownBits    = 1<<5 - 1 // dirty, corrupt, external data, compression type, extended L2
)

const (
	qcow2HeaderV2 = 72
	qcow2HeaderV3 = 104

	qcow2ExtEnd      = 0
	qcow2ExtDataFile = 0x44415441 // "DATA"
)

func probeQCOW2(e evidence) (Result, bool) {
	if !hasAt(e.head, 0, "QFI\xfb") {
		return Result{}, false
	}
	h := field{e.head, binary.BigEndian}
	version := h.u32(4)
	r := Result{Format: QCOW2, Variant: fmt.Sprintf("v%d", version)}
	switch {
	case version != 2 && version != 3:
		r.problemf(Unsupported, "qcow version %d", version)
		return r, true
	case len(e.head) < qcow2HeaderV2, version == 3 && len(e.head) < qcow2HeaderV3:
		r.problemf(Malformed, "qcow2 header ends after %d bytes", len(e.head))
		return r, true
	}
	r.setVirtual(h.u64(24), 1)
	if bits := h.u32(20); bits < 9 || bits > 21 {
		r.problemf(Malformed, "qcow2 cluster_bits %d", bits)
	}
	if offset := h.u64(8); offset != 0 {
		name := slice(e.head, offset, uint64(h.u32(16)))
		r.problemf(BackingFile, "qcow2 overlay on %q", printable(name))
	}
	if version == 3 {
		r.checkQCOW2Features(h)
	}
	return r, true
}

func (r *Result) checkQCOW2Features(h field) {
	length := h.u32(100)
	if length < qcow2HeaderV3 || length%8 != 0 {
		r.problemf(Malformed, "qcow2 header_length %d", length)
	}
	bits := h.u64(72)
	if bits&qcow2ExternalData != 0 {
		r.problemf(DataFile, "qcow2 data in %q", printable(qcow2Extension(h, length, qcow2ExtDataFile)))
	}
	if bits&qcow2Corrupt != 0 {
		r.problemf(Malformed, "qcow2 marked corrupt by its writer")
	}
	if unknown := bits &^ qcow2KnownBits; unknown != 0 {
		r.problemf(UnknownFeature, "qcow2 incompatible features %#x", unknown)
	}
}

// qcow2Extension returns the data of a header extension, nil if there is none.
func qcow2Extension(h field, headerLength, want uint32) []byte {
	for at := uint64(headerLength); slice(h.b, at, 8) != nil; {
		kind, length := h.u32(int(at)), uint64(h.u32(int(at)+4))
		switch kind {
		case qcow2ExtEnd:
			return nil
		case want:
			return slice(h.b, at+8, length)
		}
		at += 8 + (length+7)/8*8
	}
	return nil
}

// probeQED knows QEMU's enhanced disk, which QEMU itself gave up for qcow2 v3.
func probeQED(e evidence) (Result, bool) {
	if !hasAt(e.head, 0, "QED\x00") {
		return Result{}, false
	}
	h := field{e.head, binary.LittleEndian}
	r := Result{Format: QED}
	r.problemf(Unsupported, "qed image")
	r.setVirtual(h.u64(48), 1)
	if features := h.u64(16); features&1 != 0 {
		name := slice(e.head, uint64(h.u32(56)), uint64(h.u32(60)))
		r.problemf(BackingFile, "qed overlay on %q", printable(name))
	}
	return r, true
}

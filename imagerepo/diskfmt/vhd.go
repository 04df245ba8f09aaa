package diskfmt

import "encoding/binary"

const vhdCookie = "conectix"

// probeVHD looks for the footer at the end, and for its copy at the start that
// every kind but the fixed one has. The end counts only with a good checksum: it
// is guest data in any other format.
func probeVHD(e evidence) (Result, bool) {
	var footer []byte
	switch {
	case hasAt(e.head, 0, vhdCookie):
		footer = e.head[:min(len(e.head), sector)]
	case len(e.tail) >= sector && vhdChecksum(e.tail[len(e.tail)-sector:]):
		footer = e.tail[len(e.tail)-sector:]
	default:
		return Result{}, false
	}
	r := Result{Format: VHD}
	if !vhdChecksum(footer) {
		r.problemf(Malformed, "vhd footer with a wrong checksum")
	}
	h := field{footer, binary.BigEndian}
	r.setVirtual(h.u64(48), 1)
	switch kind := h.u32(60); kind {
	case 2:
		r.Variant = "fixed"
	case 3:
		r.Variant = "dynamic"
	case 4:
		r.Variant = "differencing"
		r.problemf(BackingFile, "differencing vhd")
	default:
		r.problemf(Unsupported, "vhd disk type %d", kind)
	}
	return r, true
}

// vhdChecksum reports whether b is a footer: cookie, and the complement of the sum
// of its bytes without the checksum itself.
func vhdChecksum(b []byte) bool {
	if len(b) != sector || !hasAt(b, 0, vhdCookie) {
		return false
	}
	var sum uint32
	for i, c := range b {
		if i < 64 || i >= 68 {
			sum += uint32(c)
		}
	}
	return binary.BigEndian.Uint32(b[64:]) == ^sum
}

// probeVDI reads VirtualBox's header, whose signature follows 64 bytes of text.
func probeVDI(e evidence) (Result, bool) {
	if !hasAt(e.head, 0x40, "\x7f\x10\xda\xbe") {
		return Result{}, false
	}
	h := field{e.head, binary.LittleEndian}
	r := Result{Format: VDI}
	if version := h.u32(0x44); version != 1<<16|1 {
		r.problemf(Unsupported, "vdi version %d.%d", version>>16, version&0xffff)
		return r, true
	}
	if len(e.head) < sector {
		r.problemf(Malformed, "vdi header ends after %d bytes", len(e.head))
		return r, true
	}
	r.setVirtual(h.u64(0x170), 1)
	switch kind := h.u32(0x4c); kind {
	case 1:
		r.Variant = "dynamic"
	case 2:
		r.Variant = "fixed"
	case 3, 4: // undo, differencing
		r.Variant = "differencing"
	default:
		r.problemf(Unsupported, "vdi image type %d", kind)
	}
	if link := h.bytes(0x1a8, 16); r.Variant == "differencing" || !zero(link) {
		r.problemf(BackingFile, "vdi overlay on image %x", link)
	}
	return r, true
}

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

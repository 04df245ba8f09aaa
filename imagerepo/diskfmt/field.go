package diskfmt

import (
	"bytes"
	"encoding/binary"
	"math"
)

// field reads numbers from a header. Reading past its end yields zero, so that a
// probe can look at a short file; probes check the length where it matters.
type field struct {
	b     []byte
	order binary.ByteOrder
}

func (f field) u16(at int) uint16 { return f.order.Uint16(f.bytes(at, 2)) }
func (f field) u32(at int) uint32 { return f.order.Uint32(f.bytes(at, 4)) }
func (f field) u64(at int) uint64 { return f.order.Uint64(f.bytes(at, 8)) }

// bytes returns n bytes at the offset, zeros if they are not all there. n is small.
func (f field) bytes(at, n int) []byte {
	if b := slice(f.b, uint64(at), uint64(n)); b != nil {
		return b
	}
	return make([]byte, n)
}

// slice returns n bytes at the offset, or nil if they are not all there.
func slice(b []byte, at, n uint64) []byte {
	if at > uint64(len(b)) || n > uint64(len(b))-at {
		return nil
	}
	return b[at : at+n]
}

// hasAt reports whether b holds magic at the offset.
func hasAt(b []byte, at int, magic string) bool {
	return bytes.Equal(slice(b, uint64(at), uint64(len(magic))), []byte(magic))
}

// setVirtual sets the virtual size to n units, or notes that it is absurd.
func (r *Result) setVirtual(n, unit uint64) {
	if n > math.MaxInt64/unit {
		r.problemf(Malformed, "virtual size of %d × %d bytes", n, unit)
		return
	}
	r.VirtualSize = int64(n * unit)
}

// printable renders text that an image holds for an error message: cut at the
// first NUL and at 255 bytes.
func printable(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(bytes.ToValidUTF8(b[:min(len(b), 255)], []byte("?")))
}

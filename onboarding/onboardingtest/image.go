package onboardingtest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
)

// Image is the content of a disk image, computed on demand instead of stored.
// It is an immutable value, safe for concurrent use.
type Image struct {
	size         int64
	seed         uint64
	compressible bool
	qcow2        *qcow2Layout // nil for a raw image
}

// Raw returns an image of size pseudo-random bytes, which no compressor
// shortens. Images of different seeds have different bytes.
func Raw(size int64, seed uint64) Image {
	return Image{size: size, seed: seed}
}

// QCOW2 returns a valid qcow2 version 3 image whose file has size bytes, or
// the smallest file possible if size is less than that. Its data clusters are
// pseudo-random; its virtual size in bytes is virtual, or the data's if that is
// larger.
func QCOW2(size, virtual int64, seed uint64) Image {
	layout := newQCOW2Layout(size, virtual)
	return Image{size: max(size, layout.dataStart), seed: seed, qcow2: layout}
}

// Compressible returns the image with data that deflate shortens to about a
// third, as it does with the files of an operating system.
func (i Image) Compressible() Image {
	i.compressible = true
	return i
}

// Size returns the length of the image in bytes.
func (i Image) Size() int64 { return i.size }

// VirtualSize returns the size in bytes of the disk that a guest sees.
func (i Image) VirtualSize() int64 {
	if i.qcow2 != nil {
		return i.qcow2.virtual
	}
	return i.size
}

// DiskFormat returns the image's format as Glance spells it.
func (i Image) DiskFormat() string {
	if i.qcow2 != nil {
		return "qcow2"
	}
	return "raw"
}

// Reader returns a new reader of the image. It seeks, so it can also serve
// HTTP range requests.
func (i Image) Reader() *io.SectionReader {
	return io.NewSectionReader(i, 0, i.size)
}

// SHA256 reads the image through and returns its digest in lower-case hex.
func (i Image) SHA256() string {
	h := sha256.New()
	if _, err := copyAll(h, i.Reader()); err != nil {
		panic(fmt.Sprintf("reading an image that is computed: %v", err))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// ReadAt implements [io.ReaderAt].
func (i Image) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("image read at %d: negative offset", off)
	}
	if off >= i.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), i.size-off))
	i.fill(p[:n], off)
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (i Image) fill(p []byte, off int64) {
	for len(p) > 0 {
		word := i.word(off / 8)
		if off%8 == 0 && len(p) >= 8 {
			binary.BigEndian.PutUint64(p, word)
			p, off = p[8:], off+8
			continue
		}
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], word)
		n := copy(p, b[off%8:])
		p, off = p[n:], off+int64(n)
	}
}

// word returns the k-th eight bytes of the image.
func (i Image) word(k int64) uint64 {
	if i.qcow2 != nil && k*8 < i.qcow2.dataStart {
		return i.qcow2.word(k * 8)
	}
	const line = "gangway sample data, which compresses well and means nothing ..."
	if at := int(k % 8); i.compressible && at > 1 {
		return binary.BigEndian.Uint64([]byte(line[at*8:]))
	}
	// SplitMix64, whose k-th output needs none of those before it.
	z := i.seed*0xd1342543de82ef95 + uint64(k+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// copyAll is io.Copy with a buffer large enough that the cost of a call does
// not count.
func copyAll(dst io.Writer, src io.Reader) (int64, error) {
	// The wrapper hides ReadFrom and WriteTo, which would choose their own,
	// smaller buffer.
	return io.CopyBuffer(struct{ io.Writer }{dst}, src, make([]byte, 1<<20))
}

package diskfmt

import (
	"fmt"
	"io"
)

const (
	headSize = 64 << 10 // holds every fixed header, and an ISO's at 32 KiB
	tailSize = 3 * 512  // a streamOptimized VMDK's footer; a VHD's is its last third
)

// Inspector is an [io.Writer] that recognises the disk image written to it. Its
// memory is constant. It is not safe for concurrent use; its zero value is ready.
type Inspector struct {
	size    int64
	regions []region
	tail    [tailSize]byte // right-aligned while the stream is shorter
}

// region is a part of the image that is kept.
type region struct {
	offset int64
	want   int
	buf    []byte
}

func (g *region) full() bool { return len(g.buf) == g.want }

// Write looks at the next bytes of the image. It keeps no reference to p and
// never fails.
func (in *Inspector) Write(p []byte) (int, error) {
	in.see(in.size, p)
	in.keepTail(p)
	in.size += int64(len(p))
	return len(p), nil
}

// Result returns what the bytes written so far are. Facts that are found at the
// end of a file (a fixed VHD, a VMDK's footer) are right only once every byte was
// written.
func (in *Inspector) Result() Result {
	return in.evidence().judge()
}

// Inspect recognises a stored image of the given size in bytes. It reads less
// than 300 KiB, whatever the size. The error is r's own.
func Inspect(r io.ReaderAt, size int64) (Result, error) {
	in := Inspector{size: size}
	in.plan()
	for i := 0; i < len(in.regions); i++ {
		g := in.regions[i]
		p := make([]byte, max(0, min(int64(g.want), size-g.offset)))
		if err := readFull(r, p, g.offset); err != nil {
			return Result{}, err
		}
		in.see(g.offset, p)
	}
	tail := in.tail[tailSize-min(tailSize, size):]
	if err := readFull(r, tail, size-int64(len(tail))); err != nil {
		return Result{}, err
	}
	return in.Result(), nil
}

// HeadSize is how many of an image's first bytes [InspectHead] needs, in bytes.
const HeadSize = headSize

// InspectHead recognises an image of the given size in bytes, of which only the
// beginning is at hand: all of it, or HeadSize bytes at least. What it takes the rest
// to see is not found: a fixed VHD, which is known by its end and looks raw, what a
// VMDK's footer says, and a VHDX whose metadata lie behind.
func InspectHead(head []byte, size int64) Result {
	var in Inspector
	_, _ = in.Write(head)
	e := in.evidence()
	if size > e.size {
		e.size, e.tail, e.cut = size, nil, true
		if len(in.regions) > 2 && !in.regions[2].full() {
			e.vhdxMetadata = nil // what it lacks may lie behind
		}
	}
	return e.judge()
}

func readFull(r io.ReaderAt, p []byte, offset int64) error {
	if n, err := r.ReadAt(p, offset); n < len(p) {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("read %d bytes at %d: %w", len(p), offset, err)
	}
	return nil
}

// see offers p, the bytes at offset, to every region that is not yet full. A full
// one may tell where the next one lies, always further on: the loop reaches it
// with the same p.
func (in *Inspector) see(offset int64, p []byte) {
	in.plan()
	for i := 0; i < len(in.regions); i++ {
		g := &in.regions[i]
		next := g.offset + int64(len(g.buf))
		if g.full() || next < offset || next >= offset+int64(len(p)) {
			continue
		}
		part := p[next-offset:]
		g.buf = append(g.buf, part[:min(len(part), g.want-len(g.buf))]...)
		if g.full() {
			in.plan()
		}
	}
}

// plan adds the region that the last one points to, if any.
func (in *Inspector) plan() {
	n := len(in.regions)
	switch {
	case n == 0:
		in.regions = append(in.regions, region{want: headSize})
	case !in.regions[n-1].full():
	case n == 1 && isVHDX(in.regions[0].buf):
		in.regions = append(in.regions, region{offset: vhdxRegionOffset, want: vhdxRegionSize})
	case n == 2:
		if offset, ok := vhdxMetadataOffset(in.regions[1].buf); ok {
			in.regions = append(in.regions, region{offset: offset, want: vhdxMetadataWant})
		}
	}
}

func (in *Inspector) keepTail(p []byte) {
	if len(p) >= tailSize {
		copy(in.tail[:], p[len(p)-tailSize:])
		return
	}
	copy(in.tail[:], in.tail[len(p):])
	copy(in.tail[tailSize-len(p):], p)
}

// evidence is what the probes look at.
type evidence struct {
	size         int64
	head         []byte // up to headSize bytes from the start
	tail         []byte // up to tailSize bytes before the end; nil if the end is not at hand
	cut          bool   // the end is not at hand
	vhdxRegions  []byte // a VHDX's first region table; nil if the file ends before it
	vhdxMetadata []byte // the start of its metadata region; likewise
}

func (in *Inspector) evidence() evidence {
	e := evidence{size: in.size, tail: in.tail[tailSize-min(tailSize, in.size):]}
	for i, part := range []*[]byte{&e.head, &e.vhdxRegions, &e.vhdxMetadata} {
		if i < len(in.regions) {
			*part = in.regions[i].buf
		}
	}
	return e
}

// judge asks every probe. The first that knows the bytes decides the format; a
// second one makes the image ambiguous, since two programs could then read two
// different disks from one file.
func (e evidence) judge() Result {
	probes := []func(evidence) (Result, bool){
		probeQCOW2, probeQED, probeVMDK, probeVHDX, probeVDI, probeLUKS, probePloop,
		probeVHD, probeISO, probeTar, probeCompressed,
	}
	var found *Result
	for _, probe := range probes {
		r, ok := probe(e)
		switch {
		case !ok:
		case found == nil:
			found = &r
		default:
			found.problemf(Ambiguous, "%s and %s at once", found.Format, r.Format)
			found.Problems = append(found.Problems, r.Problems...)
		}
	}
	if found == nil {
		found = &Result{Format: Raw, Variant: partitionTable(e.head), VirtualSize: e.size}
	}
	found.Size = e.size
	return *found
}

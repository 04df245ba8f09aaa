package csar

import (
	"archive/tar" // for the types that archiver's headers have; archiver reads
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/mholt/archiver/v4"
)

// readTar reads a tar to the end of r, in order.
func (o *opener) readTar(ctx context.Context, in *origin, r io.Reader) (*Archive, error) {
	reading := &tarReading{opener: o, in: in, files: newInventory(&o.report, o.limits)}
	end := &tarEnd{r: r}
	var stopped error // an error of ours, which archiver would wrap
	err := archiver.Tar{}.Extract(ctx, end, func(ctx context.Context, f archiver.FileInfo) error {
		header, ok := f.Header.(*tar.Header)
		if !ok {
			return fmt.Errorf("member %s: header is a %T", f.NameInArchive, f.Header)
		}
		end.next(header.Size)
		stopped = reading.member(ctx, header, f)
		return stopped
	})
	switch {
	case stopped != nil:
		return nil, stopped
	case err != nil:
		return nil, in.explain("", err)
	case !end.closed():
		return nil, fault(CodeTruncated, "", "the tar ends without the block of zeros that closes it")
	}
	if err := end.drain(); err != nil {
		return nil, in.explain("", err)
	}
	return reading.files.archive()
}

// tarReading is the state of reading one tar.
type tarReading struct {
	*opener
	files  *inventory
	in     *origin
	memory int64
	top    string // the first part of all names so far
	mixed  bool   // there is none
}

func (t *tarReading) member(ctx context.Context, header *tar.Header, f archiver.FileInfo) error {
	mode, kind := tarType(header)
	name, err := t.files.admit(candidate{
		name: header.Name, mode: mode, kind: kind, size: header.Size,
		link: func() (string, error) { return header.Linkname, nil },
	})
	if name == "" || err != nil {
		return err
	}
	content, err := f.Open()
	if err != nil {
		return t.in.explain(name, err)
	}
	e := &entry{Member: Member{Path: name, Raw: name, Size: header.Size}, offset: int64(len(t.files.entries))}
	r := &tarContent{r: content, in: t.in, path: name, left: header.Size}
	t.files.file(e)
	if !t.isImage(name) && e.Size <= t.limits.FileSize && t.memory+e.Size <= t.room(name) {
		t.memory += e.Size
		data := make([]byte, e.Size)
		_, err := io.ReadFull(r, data)
		e.open = inMemory(data)
		return err
	}
	e.Kept = true
	return t.pass(ctx, e.Member, r)
}

// pass hands a member's bytes to the KeepFunc.
func (t *tarReading) pass(ctx context.Context, m Member, r *tarContent) error {
	keep := t.keep
	if keep == nil {
		keep = drop
	}
	err := keep(ctx, m, r)
	switch {
	case r.failed != nil:
		return r.failed // however the KeepFunc put it
	case err != nil:
		return err
	case r.left > 0:
		return fmt.Errorf("member %s: %d bytes were not read", m.Path, r.left)
	}
	return nil
}

func drop(_ context.Context, _ Member, r io.Reader) error {
	_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, make([]byte, readSize))
	return err
}

// isImage reports whether the path lies in images/, or in images/ of what may
// turn out to be the top folder of all members.
func (t *tarReading) isImage(name string) bool {
	if strings.HasPrefix(name, "images/") {
		return true
	}
	first, rest, nested := strings.Cut(name, "/")
	if t.top == "" {
		t.top = first
	}
	t.mixed = t.mixed || !nested || first != t.top || isPackageFolder(first)
	return !t.mixed && strings.HasPrefix(rest, "images/")
}

// room returns how much memory there is for members like this. Half is set
// apart for descriptors, as thousands of scripts may come before them.
func (t *tarReading) room(name string) int64 {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml", ".json", ".meta", ".mf":
		return t.limits.Memory
	}
	return t.limits.Memory / 2
}

// tarType returns the type bits of a member, and what to call it.
func tarType(h *tar.Header) (fs.FileMode, string) {
	if h.Typeflag == tar.TypeGNUSparse || h.PAXRecords["GNU.sparse.major"] != "" || h.PAXRecords["GNU.sparse.map"] != "" {
		return fs.ModeIrregular, "sparse file" // its size is what its header claims
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeCont:
		return 0, "file"
	case tar.TypeDir:
		return fs.ModeDir, "folder"
	case tar.TypeSymlink:
		return fs.ModeSymlink, "symbolic link"
	case tar.TypeLink:
		return fs.ModeIrregular, "hard link"
	case tar.TypeChar, tar.TypeBlock:
		return fs.ModeDevice, "device"
	case tar.TypeFifo:
		return fs.ModeNamedPipe, "pipe"
	}
	return fs.ModeIrregular, fmt.Sprintf("member of type %q", h.Typeflag)
}

// tarContent reads one member's bytes and remembers why they ended early.
type tarContent struct {
	r      io.Reader
	in     *origin
	path   string
	left   int64
	failed error
}

func (c *tarContent) Read(p []byte) (int, error) {
	if c.failed != nil {
		return 0, c.failed
	}
	n, err := c.r.Read(p)
	c.left -= int64(n)
	if err != nil && err != io.EOF {
		c.failed = c.in.explain(c.path, err)
		return n, c.failed
	}
	return n, err
}

const blockSize = 512

// tarEnd watches how a tar ends. A tar is closed by two blocks of zeros, and
// archive/tar takes the mere end of the file for the same, so that a tar cut
// between two members would pass for a whole one.
type tarEnd struct {
	r     io.Reader
	n     int64 // bytes read
	after int64 // where the current member's blocks end
	zeros int64 // bytes of zeros at the end of what was read after that
}

// next tells that a header has just been read, and the size of its member.
func (e *tarEnd) next(size int64) {
	e.after = e.n + (size+blockSize-1)/blockSize*blockSize
	e.zeros = 0
}

func (e *tarEnd) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	start := max(0, min(e.after-e.n, int64(n)))
	e.n += int64(n)
	for _, b := range p[start:n] {
		if b == 0 {
			e.zeros++
		} else {
			e.zeros = 0
		}
	}
	return n, err
}

// closed reports whether a block of zeros came last. One of the two is enough:
// nothing but the other one can be missing.
func (e *tarEnd) closed() bool { return e.zeros >= blockSize }

// drain reads what follows the trailer, which must be zeros. Writers fill up
// their last record with them, and a decompressor compares its checksum only
// at the end.
func (e *tarEnd) drain() error {
	start, zeros := e.n, e.zeros
	if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{e}, make([]byte, readSize)); err != nil {
		return err
	}
	if e.zeros-zeros != e.n-start {
		return fault(CodeTrailingData, "", "something follows the end of the tar")
	}
	return nil
}

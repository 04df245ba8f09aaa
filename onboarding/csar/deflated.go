package csar

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zip" // for its errors; archiver reads
)

// Deflated is a member of a zip in the form in which it lies there. Equal
// bytes inflate to equal content, so who has seen them before need not inflate
// them again.
type Deflated struct {
	Size  int64  // bytes
	CRC32 uint32 // of the content, as the zip states it

	in     *origin
	record *record
}

// Deflated returns a member in its compressed form, or nil for one that has
// none: a stored member of a zip, any of a tar, or a path that is not there.
func (a *Archive) Deflated(path string) *Deflated {
	e, err := a.find(path)
	if err != nil {
		return nil
	}
	return e.deflated
}

// Open returns a reader of the compressed bytes, until the context ends. Of
// what they hold it proves nothing; what the zip states of it is compared as far
// as it states it twice.
func (d *Deflated) Open(ctx context.Context) io.Reader {
	return d.content(ctx, io.MultiReader(d.bytes(), following{d}))
}

// Inflate returns a reader of the content. It is what [Archive.OpenMember]
// gives, and shows every compressed byte to seen, in order, before it returns
// io.EOF.
func (d *Deflated) Inflate(ctx context.Context, seen io.Writer) io.Reader {
	packed := bufio.NewReaderSize(io.TeeReader(d.bytes(), seen), readSize)
	return d.content(ctx, &inflating{of: d, packed: packed, content: flate.NewReader(packed), crc: crc32.NewIEEE()})
}

func (d *Deflated) bytes() io.Reader {
	return io.NewSectionReader(d.in, d.record.data, d.record.compressed)
}

func (d *Deflated) content(ctx context.Context, r io.Reader) io.Reader {
	return &zipContent{ctx: ctx, r: io.NopCloser(r), in: d.in, name: d.record.name}
}

// inflating compares what comes out of the compressed bytes with what the zip
// says of it. Its errors are those of archiver's reader.
type inflating struct {
	of              *Deflated
	packed, content io.Reader
	crc             hash.Hash32
	n               int64
}

func (i *inflating) Read(p []byte) (int, error) {
	n, err := i.content.Read(p)
	i.n += int64(n)
	if i.n > i.of.record.size {
		return 0, zip.ErrFormat
	}
	_, _ = i.crc.Write(p[:n])
	if err == io.EOF {
		err = i.finish()
	}
	return n, err
}

// finish decides about the end of the content; all is well if it returns io.EOF.
func (i *inflating) finish() error {
	if _, err := io.Copy(io.Discard, i.packed); err != nil { // what the content does without
		return err
	}
	if i.n < i.of.record.size {
		return io.ErrUnexpectedEOF
	}
	if i.crc.Sum32() != i.of.CRC32 {
		return zip.ErrChecksum
	}
	_, err := following{i.of}.Read(nil)
	return err
}

// following reads nothing. It compares the checksum behind the compressed bytes
// (4.3.9), if there is one, with that of the directory; all is well if it
// returns io.EOF.
type following struct{ *Deflated }

func (f following) Read([]byte) (int, error) {
	if f.record.flags&flagDescriptor == 0 {
		return 0, io.EOF
	}
	const signature = "PK\x07\x08" // which is optional
	b := make([]byte, len(signature)+4)
	if _, err := f.in.ReadAt(b, f.record.data+f.record.compressed); err != nil {
		return 0, err
	}
	if binary.LittleEndian.Uint32(bytes.TrimPrefix(b, []byte(signature))) != f.CRC32 {
		return 0, zip.ErrChecksum
	}
	return 0, io.EOF
}

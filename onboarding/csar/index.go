package csar

import (
	"archive/tar" // archiver does not tell where a member's bytes begin
	"context"
	"errors"
	"fmt"
	"io"
)

// Index opens a package in a file for reading single files of it: every member can
// be opened, in a tar, too, and one that is not compressed where it lies, see
// [Archive.Section]. It is for a package that Open found nothing wrong with, and
// proves nothing again; it reads a plain tar's headers only, and a compressed tar
// once to its end. The caller closes the Archive, which needs src until then.
func Index(ctx context.Context, src Source, limits Limits) (*Archive, error) {
	limits = limits.withDefaults()
	head := make([]byte, sniffLen)
	n, err := src.At.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("package %s: %w", src.Name, err)
	}
	format := sniff(head[:n])
	if format == formatZip {
		a, findings, err := Open(ctx, src, Options{Limits: limits})
		if err == nil && a == nil {
			err = fmt.Errorf("package %s cannot be read any more: %s", src.Name, findings[0])
		}
		return a, err
	}
	x := &tarIndex{ctx: ctx, src: src, format: format, files: newInventory(&report{}, limits)}
	a, err := x.read()
	if err != nil {
		return nil, fmt.Errorf("package %s: %w", src.Name, err)
	}
	return a, nil
}

// Section returns the bytes of a member where they lie, for reading at any
// offset, or false for one that is compressed or not there.
func (a *Archive) Section(path string) (*io.SectionReader, bool) {
	e, err := a.find(path)
	if err != nil || e.stored == nil {
		return nil, false
	}
	return io.NewSectionReader(e.stored, 0, e.stored.Size()), true
}

// tarIndex finds out where the members of a tar begin.
type tarIndex struct {
	ctx    context.Context
	src    Source
	format format // of the compression, or tar
	files  *inventory
}

// stream returns the tar from its beginning.
func (x *tarIndex) stream() (io.ReadCloser, error) {
	whole := io.NewSectionReader(x.src.At, 0, x.src.Size)
	if x.format == formatTar {
		return inPlace{whole}, nil
	}
	return decompressor(x.format).OpenReader(whole)
}

// inPlace is a tar that is not compressed.
type inPlace struct{ *io.SectionReader }

func (inPlace) Close() error { return nil }

func (x *tarIndex) read() (*Archive, error) {
	if x.format == formatUnknown {
		return nil, errors.New("the file is no archive any more")
	}
	r, err := x.stream()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	passed := &passed{r: r}
	in, offset := io.Reader(passed), func() int64 { return passed.n }
	if whole, ok := r.(inPlace); ok {
		// It seeks, so that archive/tar passes over the members' bytes.
		in = whole
		offset = func() int64 { n, _ := whole.Seek(0, io.SeekCurrent); return n }
	}
	for reader := tar.NewReader(in); ; {
		if err := x.ctx.Err(); err != nil {
			return nil, err
		}
		header, err := reader.Next()
		if err == io.EOF {
			return x.files.archive()
		}
		if err == nil {
			err = x.member(header, offset())
		}
		if err != nil {
			return nil, err
		}
	}
}

// passed counts the bytes that are read.
type passed struct {
	r io.Reader
	n int64
}

func (p *passed) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.n += int64(n)
	return n, err
}

// member adds a member whose bytes begin at an offset of the tar.
func (x *tarIndex) member(header *tar.Header, offset int64) error {
	mode, kind := tarType(header)
	name, err := x.files.admit(candidate{
		name: header.Name, mode: mode, kind: kind, size: header.Size,
		link: func() (string, error) { return header.Linkname, nil },
	})
	if name == "" || err != nil {
		return err
	}
	e := &entry{Member: Member{Path: name, Raw: name, Size: header.Size}, offset: offset}
	if x.format == formatTar {
		e.stored = io.NewSectionReader(x.src.At, offset, header.Size)
	}
	e.open = func(ctx context.Context) (io.ReadCloser, error) { return x.open(ctx, e) }
	x.files.file(e)
	return nil
}

// open opens a member's bytes.
func (x *tarIndex) open(ctx context.Context, e *entry) (io.ReadCloser, error) {
	if e.stored != nil {
		return inPlace{io.NewSectionReader(e.stored, 0, e.Size)}, nil
	}
	r, err := x.stream()
	if err != nil {
		return nil, err
	}
	in := &origin{ctx: ctx, r: r} // which ends with the context
	if _, err := io.CopyN(io.Discard, in, e.offset); err != nil {
		return nil, errors.Join(fmt.Errorf("member %s: %w", e.Path, err), r.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(in, e.Size), r}, nil
}

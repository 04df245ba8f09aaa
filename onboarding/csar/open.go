package csar

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/mholt/archiver/v4"

	"github.com/gangway-nfv/gangway/tosca"
)

// KeepFunc takes a member of a tar while it passes: one that is too large to
// stay in memory, or lies in the package's folder images/. (The members of a
// zip can be read at any time.) It must read r to its end, which delivers
// m.Size bytes, and wrap r's errors. What it keeps is found again by
// Member.Raw in the Archive; if Open returns an error or no Archive, what was
// kept is worth nothing. Its calls do not overlap.
type KeepFunc func(ctx context.Context, m Member, r io.Reader) error

// Options say how to open a package. The zero value is useful.
type Options struct {
	Limits Limits
	// Keep is nil for a caller that wants to know what a package says and
	// not what its images hold: their bytes are read, checked and dropped.
	Keep KeepFunc
	// Spool stores a zip that comes as a stream, and a deflated package in a
	// signed envelope. By default that is a temporary file without a name.
	Spool SpoolFunc
}

// Open reads a package's container. The findings say what is wrong with it.
// The Archive is nil if they leave nothing that could be relied on, as with a
// truncated archive; members that they refuse are not in it. The error is for
// what is not the archive's fault: the source, the spool, the KeepFunc or the
// context. The caller closes the Archive.
func Open(ctx context.Context, src Source, opts Options) (*Archive, tosca.Findings, error) {
	o := &opener{limits: opts.Limits.withDefaults(), keep: opts.Keep, spool: opts.Spool}
	if o.spool == nil {
		o.spool = spoolToTemp
	}
	a, err := o.open(ctx, src)
	if err == nil && a.isEnvelope() {
		a, err = o.unwrap(ctx, src.Name, a)
	}
	return o.outcome(src.Name, a, err)
}

// outcome makes findings of an error that is the archive's fault.
func (o *opener) outcome(name string, a *Archive, err error) (*Archive, tosca.Findings, error) {
	var fault *Error
	switch {
	case errors.As(err, &fault):
		o.add(fault.Finding)
		return nil, o.findings.Sorted(), nil
	case err != nil:
		return nil, nil, fmt.Errorf("package %s: %w", name, err)
	}
	return a, o.findings.Sorted(), nil
}

// opener holds the state of one call of Open.
type opener struct {
	report
	limits Limits
	keep   KeepFunc
	spool  SpoolFunc
}

// readSize is the size of reads from the source. Larger ones gain nothing.
const readSize = 256 << 10

func (o *opener) open(ctx context.Context, src Source) (*Archive, error) {
	in := &origin{ctx: ctx, r: src.Reader, at: src.At}
	if src.At != nil {
		in.r = io.NewSectionReader(src.At, 0, src.Size)
	}
	r := bufio.NewReaderSize(in, readSize)
	head, err := r.Peek(sniffLen)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch f := sniff(head); f {
	case formatUnknown:
		return nil, fault(CodeNotAnArchive, "", "the source is no archive").
			expected("a zip or tar").found("%d bytes that begin with % x", len(head), head[:min(4, len(head))])
	case formatTar:
		return o.readTar(ctx, in, r)
	case formatZip:
		if src.At != nil {
			return o.openZip(ctx, in, src.Size)
		}
		return o.openSpooled(ctx, in, r)
	default:
		return o.readCompressed(ctx, in, f, r)
	}
}

// openSpooled stores a zip that comes as a stream and opens it there.
func (o *opener) openSpooled(ctx context.Context, in *origin, r io.Reader) (*Archive, error) {
	stored, err := o.spool(ctx, io.LimitReader(r, o.limits.TotalSize+1))
	if err != nil {
		return nil, err
	}
	if stored.Size > o.limits.TotalSize {
		err = fault(CodeLimitTotalSize, "", "the zip is too large").expected("at most %d bytes", o.limits.TotalSize)
		return nil, errors.Join(err, stored.Close())
	}
	in.at = stored
	a, err := o.openZip(ctx, in, stored.Size)
	if err != nil {
		return nil, errors.Join(err, stored.Close())
	}
	a.closer = stored
	return a, nil
}

// readCompressed takes one layer of compression off a tar.
func (o *opener) readCompressed(ctx context.Context, in *origin, f format, r io.Reader) (*Archive, error) {
	decoder, err := decompressor(f).OpenReader(r)
	if err != nil {
		return nil, in.explain("", err)
	}
	a, err := o.readTarWithin(ctx, in, f, decoder)
	return a, errors.Join(err, decoder.Close())
}

func (o *opener) readTarWithin(ctx context.Context, in *origin, f format, decoder io.Reader) (*Archive, error) {
	r := bufio.NewReaderSize(&expansion{decoder, in, o.limits, 0}, readSize)
	head, err := r.Peek(sniffLen)
	if err != nil && err != io.EOF {
		return nil, in.explain("", err)
	}
	if inner := sniff(head); inner != formatTar {
		what := "no archive"
		if inner != formatUnknown {
			what = "a " + string(inner)
		}
		return nil, fault(CodeNested, "", "the %s stream does not hold a tar", f).expected("a tar").found("%s", what)
	}
	return o.readTar(ctx, in, r)
}

func decompressor(f format) archiver.Decompressor {
	switch f {
	case formatGzip:
		return archiver.Gz{}
	case formatXz:
		return archiver.Xz{}
	case formatBzip2:
		return archiver.Bz2{}
	}
	// Without these options a frame may ask for a window of 512 MiB, and the
	// decoder decodes ahead into a buffer for each processor.
	return archiver.Zstd{DecoderOptions: []zstd.DOption{
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128 << 20), zstd.WithDecoderLowmem(true),
	}}
}

// expansion reads from a decoder and watches the ratio to what the decoder
// read from the origin.
type expansion struct {
	r      io.Reader
	in     *origin
	limits Limits
	n      int64
}

func (x *expansion) Read(p []byte) (int, error) {
	n, err := x.r.Read(p)
	x.n += int64(n)
	if x.limits.bomb(x.n, x.in.n) {
		return 0, fault(CodeLimitRatio, "", "the content grows too much").
			expected("at most %d bytes out of one", x.limits.Ratio).found("%d bytes out of the first %d", x.n, x.in.n)
	}
	return n, err
}

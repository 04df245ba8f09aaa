package csar

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/mholt/archiver/v4"
)

// openZip reads a zip's directory. The members' bytes are read later.
func (o *opener) openZip(ctx context.Context, in *origin, size int64) (*Archive, error) {
	records, err := readDirectory(in, size, o.limits)
	if err != nil {
		return nil, in.explain("", err)
	}
	z := &zipReading{opener: o, in: in, files: newInventory(&o.report, o.limits)}
	var stopped error // an error of ours, which archiver would wrap
	i := 0
	err = archiver.Zip{}.Extract(ctx, io.NewSectionReader(in, 0, size), func(ctx context.Context, f archiver.FileInfo) error {
		if i == len(records) || f.NameInArchive != records[i].name || f.Size() != records[i].size {
			stopped = fault(CodeContradiction, f.NameInArchive, "the zip's directory can be read in two ways")
			return stopped
		}
		stopped = z.member(records[i], f)
		i++
		return stopped
	})
	switch {
	case stopped != nil:
		return nil, stopped
	case err != nil:
		return nil, in.explain("", err)
	case i != len(records):
		return nil, fault(CodeContradiction, "", "the zip's directory can be read in two ways")
	}
	return z.files.archive()
}

// zipReading is the state of reading one zip's directory.
type zipReading struct {
	*opener
	files       *inventory
	in          *origin
	backslashes bool // were reported
}

func (z *zipReading) member(r *record, f archiver.FileInfo) error {
	name := strings.ReplaceAll(r.name, `\`, "/") // as old .NET programs write it
	open := func(ctx context.Context) (io.ReadCloser, error) { return z.in.openMember(ctx, r, f) }
	mode := f.Mode().Type()
	if strings.HasSuffix(name, "/") {
		mode = fs.ModeDir
	}
	if mode.IsDir() && r.size > 0 {
		z.add(fault(CodeContradiction, r.name, "the folder has content").found("%d bytes", r.size).Finding)
		return nil
	}
	path, err := z.files.admit(candidate{name: name, mode: mode, kind: describe(mode), size: r.size, link: func() (string, error) {
		return readLink(open, r)
	}})
	if path == "" || err != nil {
		return err
	}
	if name != r.name && !z.backslashes {
		z.backslashes = true // once is enough
		z.add(warning(CodeBackslash, r.name, "names part folders by backslashes"))
	}
	if problem := z.check(r); problem != nil {
		z.add(problem.Finding)
		return nil
	}
	e := &entry{Member: Member{Path: path, Raw: path, Size: r.size}, open: open, offset: r.data}
	switch r.method {
	case methodStore:
		e.stored = io.NewSectionReader(z.in, r.data, r.size)
	case methodDeflate:
		e.deflated = &Deflated{Size: r.compressed, CRC32: r.crc, in: z.in, record: r}
	}
	z.files.file(e)
	return nil
}

// check returns why a member's bytes cannot be read or trusted.
func (z *zipReading) check(r *record) *Error {
	switch limits := z.limits; {
	case r.flags&(flagEncrypted|flagMasked) != 0:
		return fault(CodeEncrypted, r.name, "the member is encrypted")
	case r.method != methodStore && r.method != methodDeflate:
		return fault(CodeMethod, r.name, "the member's compression is not supported").
			expected("0 (store) or 8 (deflate)").found("%d", r.method)
	case r.method == methodStore && r.compressed != r.size:
		return fault(CodeContradiction, r.name, "the stored member has two sizes").found("%d and %d", r.compressed, r.size)
	case r.crc == 0 && r.size > 0:
		// To readers, archiver's among them, it means that there is none.
		return fault(CodeCorrupt, r.name, "the member has no checksum")
	case limits.bomb(r.size, r.compressed):
		return fault(CodeLimitRatio, r.name, "the member grows too much").
			expected("at most %d bytes out of one", limits.Ratio).found("%d bytes out of %d", r.size, r.compressed)
	}
	return nil
}

// readLink returns the target of a symbolic link, which a zip has as content.
func readLink(open func(context.Context) (io.ReadCloser, error), r *record) (string, error) {
	const longest = 4096 // PATH_MAX
	if r.size > longest || r.flags&flagEncrypted != 0 {
		return "", nil // which leads nowhere
	}
	content, err := open(context.Background())
	if err != nil {
		return "", err
	}
	target, err := io.ReadAll(content)
	return string(target), errors.Join(err, content.Close())
}

// openMember opens a member's bytes. archiver's reader inflates, counts them
// and compares the CRC.
func (o *origin) openMember(ctx context.Context, r *record, f archiver.FileInfo) (io.ReadCloser, error) {
	content, err := f.Open()
	if err != nil {
		return nil, o.explain(r.name, err)
	}
	return &zipContent{ctx: ctx, r: content, in: o, name: r.name}, nil
}

// zipContent reads a member until the context ends, and explains its errors.
type zipContent struct {
	ctx  context.Context
	r    io.ReadCloser
	in   *origin
	name string
}

func (c *zipContent) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	switch {
	case err == nil || err == io.EOF:
	case errors.Is(err, io.ErrUnexpectedEOF):
		// The zip is whole, or it would not have been opened.
		err = c.in.explain(c.name, fault(CodeCorrupt, c.name, "the member's compressed bytes end early"))
	default:
		err = c.in.explain(c.name, fmt.Errorf("member %s: %w", c.name, err))
	}
	return n, err
}

func (c *zipContent) Close() error { return c.r.Close() }

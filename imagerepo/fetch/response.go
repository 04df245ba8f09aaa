package fetch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gangway-nfv/gangway/imagerepo/diskfmt"
)

// Response is an open image: a reader of its content. After the first error that
// is not io.EOF, and after io.EOF, every Read returns the same. It is for one
// goroutine; ending the context of [Client.Open] interrupts a Read.
type Response struct {
	req     Request
	name    string // the redacted URL, for errors
	cancel  context.CancelFunc
	source  *source
	content io.ReadCloser
	format  diskfmt.Format // of the compression, empty if none
	hashes  hashes         // of a compressed source
	size    int64          // content bytes delivered
	limit   int64          // content bytes allowed
	err     error
}

func newResponse(s *source, req Request, cancel context.CancelFunc) (*Response, error) {
	hashes, err := newHashes(req.Digests)
	if err != nil {
		return nil, err
	}
	if err := s.open(req.ETag, req.LastModified); err != nil {
		return nil, err
	}
	if s.total > s.options.MaxSize {
		return nil, fmt.Errorf("%w: %d of %d bytes", ErrTooLarge, s.total, s.options.MaxSize)
	}
	buffered := bufio.NewReaderSize(s, 4<<10) // larger reads pass it by
	head, err := buffered.Peek(sniffSize)
	if err != nil && err != io.EOF {
		return nil, err
	}
	contentType := s.header.Get("Content-Type")
	if kind := page(contentType, head); kind != "" {
		return nil, &ContentError{Found: kind, ContentType: contentType}
	}
	r := &Response{req: req, name: redact(s.url), cancel: cancel, source: s, limit: s.options.MaxSize}
	r.format, err = compression(req, s.url.Path, s.header.Get("Content-Encoding"), head)
	if err != nil {
		return nil, err
	}
	if err := r.expectSize(); err != nil {
		return nil, err
	}
	if r.format == "" {
		r.content = io.NopCloser(buffered)
		return r, nil
	}
	r.hashes = hashes
	if r.content, err = decompress(r.format, io.TeeReader(buffered, hashes.writer())); err != nil {
		return nil, r.unpackError(err)
	}
	return r, nil
}

// expectSize compares the stated size with the announced one, as far as that can
// be said before the end, and else takes it for the limit of the content.
func (r *Response) expectSize() error {
	want, announced := r.req.Size, r.source.total
	switch {
	case want == 0, want == announced:
	case r.format == "" && announced >= 0:
		return &SizeError{Want: want, Got: announced}
	case r.format == "", announced >= 0:
		r.limit = min(r.limit, want)
	}
	// What is left is a compressed source without a length: either may be meant.
	return nil
}

// Read implements [io.Reader] on the content. io.EOF means that the transfer was
// complete. Beside the errors of [Client.Open] it returns [ErrChanged],
// [ErrBrokenCompression] and [ErrUnframed].
func (r *Response) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.content.Read(p)
	r.size += int64(n)
	switch {
	case r.size > r.limit:
		n, err = 0, r.oversize()
	case err == io.EOF:
		err = r.finish()
	case err != nil:
		err = r.unpackError(err)
	}
	if err != nil && err != io.EOF {
		err = fmt.Errorf("fetch %s: %w", r.name, err)
	}
	r.err = err
	return n, err
}

// finish decides about the end of the content; all is well if it returns io.EOF.
// Every decoder reads its source to the end, so the source's length was checked.
func (r *Response) finish() error {
	switch {
	case r.size == 0:
		return &ContentError{Found: "a compressed empty file"}
	case r.req.Size > 0 && r.req.Size != r.size && (r.format == "" || r.req.Size != r.source.offset):
		return &SizeError{Want: r.req.Size, Got: r.size}
	case !r.source.framed && r.req.Size == 0 && len(r.req.Digests) == 0:
		return ErrUnframed
	}
	return io.EOF
}

func (r *Response) oversize() error {
	if r.limit < r.source.options.MaxSize {
		return &SizeError{Want: r.req.Size, Got: r.size}
	}
	return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, r.limit)
}

// unpackError tells an error of the source, which passes through, from one of
// the decompressor's own.
func (r *Response) unpackError(err error) error {
	if r.source.err != nil {
		return r.source.err
	}
	return fmt.Errorf("%w: %s: %w", ErrBrokenCompression, r.format, err)
}

// Close ends the transfer. It need not be complete.
func (r *Response) Close() error {
	r.cancel()
	return errors.Join(r.content.Close(), r.source.Close())
}

// Size returns the expected size of the content in bytes, -1 while it is unknown.
func (r *Response) Size() int64 {
	switch {
	case r.err == io.EOF:
		return r.size
	case r.format == "" && r.source.total >= 0:
		return r.source.total
	case r.limit < r.source.options.MaxSize:
		return r.limit
	}
	return -1
}

// Part says which bytes a stated digest belongs to.
type Part string

const (
	// Source means the bytes as they were transferred, compressed.
	Source Part = "source"
	// Content means the bytes that Read delivered.
	Content Part = "content"
)

// Verify compares the stated digests with the content's, which the caller
// computed in every stated algorithm, and, if the source was decompressed, with
// the source's. All of them must fit the same part, which is returned; with none
// stated that is the content. It returns a [*DigestError] if they fit neither,
// and must be called after io.EOF.
func (r *Response) Verify(content map[string]string) (Part, error) {
	if r.err != io.EOF {
		return "", fmt.Errorf("fetch %s: verified before its end", r.name)
	}
	err := compareDigests(r.req.Digests, content)
	if err == nil {
		return Content, nil
	}
	if r.format != "" && compareDigests(r.req.Digests, r.hashes.sums()) == nil {
		return Source, nil
	}
	return "", fmt.Errorf("fetch %s: %w", r.name, err)
}

// Provenance is where the content came from.
type Provenance struct {
	// ETag and LastModified are the server's, for the next request.
	ETag, LastModified string
	// FinalURL is where the redirects ended, redacted.
	FinalURL string
	// Compression is what was taken off: gz, xz, zst, bz2 or nothing.
	Compression string
	// SourceSize is the number of bytes transferred.
	SourceSize int64
	// SourceDigests are those of a source that was decompressed, hex by
	// algorithm: SHA-256 and the stated ones.
	SourceDigests map[string]string
	// Resumes counts the connections after the first.
	Resumes int
}

// Provenance returns what is known so far; it is final after io.EOF.
func (r *Response) Provenance() Provenance {
	p := Provenance{
		ETag:         r.source.header.Get("ETag"),
		LastModified: r.source.header.Get("Last-Modified"),
		FinalURL:     r.source.finalURL,
		Compression:  string(r.format),
		SourceSize:   r.source.offset,
		Resumes:      r.source.resumes,
	}
	if r.format != "" && r.err == io.EOF {
		p.SourceDigests = r.hashes.sums()
	}
	return p
}

package rest

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"
)

// ServeContent answers with a file as [http.ServeContent] does, with a range and
// preconditions by the ETag and other fields that are set already, but tells errors
// in the form of the door, and those of reading the file to the request's log. Several ranges at once are answered with the whole file
// (RFC 9110, clause 14.2): what lies compressed would be inflated anew for each.
func ServeContent(w http.ResponseWriter, r *http.Request, modified time.Time, content io.ReadSeeker) {
	if strings.Contains(r.Header.Get("Range"), ",") {
		r.Header.Del("Range")
	}
	sent := &contentWriter{ResponseWriter: w}
	http.ServeContent(sent, r, "", modified, &contentReader{content, r.Context()})
	if sent.failed == 0 {
		return
	}
	for _, name := range []string{"Content-Length", "Content-Type", "Etag", "Last-Modified", "Repr-Digest", "Content-Disposition"} {
		w.Header().Del(name)
	}
	switch sent.failed {
	case http.StatusRequestedRangeNotSatisfiable:
		Fail(w, r, Errorf(sent.failed, "the range %q is not within the file", r.Header.Get("Range")))
	case http.StatusPreconditionFailed:
		Fail(w, r, Errorf(sent.failed, "the file is another than the request asks for"))
	default:
		Fail(w, r, Errorf(sent.failed, "the file cannot be sent"))
	}
}

// contentReader tells the request's log why it cannot read on: http.ServeContent only
// breaks off.
type contentReader struct {
	io.ReadSeeker
	ctx context.Context
}

// Read implements [io.Reader].
func (c *contentReader) Read(p []byte) (int, error) {
	n, err := c.ReadSeeker.Read(p)
	if err != nil && err != io.EOF {
		Note(c.ctx, err)
	}
	return n, err
}

// contentWriter keeps the errors that http.ServeContent writes as plain text from
// going out.
type contentWriter struct {
	http.ResponseWriter
	failed int
}

func (c *contentWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *contentWriter) WriteHeader(status int) {
	if status >= http.StatusBadRequest {
		c.failed = status
		return
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *contentWriter) Write(p []byte) (int, error) {
	if c.failed != 0 {
		return len(p), nil
	}
	return c.ResponseWriter.Write(p)
}

// ReadFrom implements [io.ReaderFrom].
func (c *contentWriter) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(c.ResponseWriter, r)
}

// Package origintest is a web server that misbehaves on demand, for tests of
// whatever fetches images and for demonstrations, in the manner of
// [net/http/httptest].
//
// An [Origin] serves files with ETag, Last-Modified, ranges and conditional
// requests as a good server does. Each file has a queue of faults: a request takes
// the next one and is answered by it; when the queue is empty the file is served
// well. The origin keeps a record of every request and counts the bytes it sent.
package origintest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// Origin is the server. Its methods are safe for concurrent use.
type Origin struct {
	// URL of the server, without a slash at the end.
	URL string

	server *httptest.Server
	mu     sync.Mutex
	files  map[string]*File
	seen   []Request
	sent   int64
}

// File is what a path serves. Content is not copied.
type File struct {
	Content     []byte
	ETag        string // with its quotes; empty: none is sent
	Modified    time.Time
	ContentType string // empty: application/octet-stream
	Encoding    string // a Content-Encoding to claim
	// Chunked hides the length; ranges are then ignored, too.
	Chunked bool
	// NoRanges ignores Range headers.
	NoRanges bool
	// Faults answer the first requests, one each.
	Faults []Fault
	// Always answers the requests after those, in place of good service.
	Always Fault
}

// Fault answers a request for a file.
type Fault func(w http.ResponseWriter, r *http.Request, f File)

// Request is what the origin remembers of a request.
type Request struct {
	Method, Path string
	Header       http.Header
	Host         string
}

// New starts an origin on loopback. The caller closes it.
func New() *Origin { return start((*httptest.Server).Start) }

// NewTLS starts an origin with a certificate that [Origin.Certificate] returns.
func NewTLS() *Origin { return start((*httptest.Server).StartTLS) }

func start(listen func(*httptest.Server)) *Origin {
	o := &Origin{files: map[string]*File{}}
	o.server = httptest.NewUnstartedServer(o)
	o.server.Config.ErrorLog = log.New(io.Discard, "", 0) // broken connections are the point
	listen(o.server)
	o.URL = o.server.URL
	return o
}

// Certificate returns the server's certificate in DER.
func (o *Origin) Certificate() []byte { return o.server.Certificate().Raw }

// Close cuts what is still open and stops the server.
func (o *Origin) Close() {
	o.server.CloseClientConnections()
	o.server.Close()
}

// Serve puts a file at a path, in place of the one that is there, and returns its
// URL. A file given without ETag and Modified has no validator; see [Plain].
func (o *Origin) Serve(path string, f File) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.files[path] = &f
	return o.URL + path
}

// Plain returns a file as a good server serves it, its ETag made from its content.
func Plain(content []byte, faults ...Fault) File {
	sum := sha256.Sum256(content)
	return File{
		Content:  content,
		ETag:     `"` + hex.EncodeToString(sum[:8]) + `"`,
		Modified: time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC),
		Faults:   faults,
	}
}

// Requests returns the requests so far, in order of arrival.
func (o *Origin) Requests() []Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]Request(nil), o.seen...)
}

// Sent returns the number of body bytes written so far.
func (o *Origin) Sent() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.sent
}

// ServeHTTP implements [http.Handler], so that an origin can be served elsewhere.
func (o *Origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	o.seen = append(o.seen, Request{Method: r.Method, Path: r.URL.Path, Header: r.Header.Clone(), Host: r.Host})
	f := o.files[r.URL.Path]
	var file File
	answer := Good
	if f != nil {
		file = *f
		switch {
		case len(f.Faults) > 0:
			answer, f.Faults = f.Faults[0], f.Faults[1:]
		case f.Always != nil:
			answer = f.Always
		}
	}
	o.mu.Unlock()
	if f == nil {
		http.NotFound(w, r)
		return
	}
	answer(&counter{ResponseWriter: w, o: o}, r, file)
}

// counter counts body bytes. It hides io.ReaderFrom on purpose.
type counter struct {
	http.ResponseWriter
	o *Origin
}

func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *counter) Write(p []byte) (int, error) {
	// Counted first: the client may have the bytes before Write returns.
	c.o.count(len(p))
	n, err := c.ResponseWriter.Write(p)
	c.o.count(n - len(p))
	return n, err
}

func (o *Origin) count(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent += int64(n)
}

// Good is the answer of a server without faults.
func Good(w http.ResponseWriter, r *http.Request, f File) {
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	if f.ContentType != "" {
		h.Set("Content-Type", f.ContentType)
	}
	if f.ETag != "" {
		h.Set("ETag", f.ETag)
	}
	if f.Encoding != "" {
		h.Set("Content-Encoding", f.Encoding)
	}
	if f.NoRanges || f.Chunked {
		r = r.Clone(r.Context())
		r.Header.Del("Range")
	}
	if !f.Chunked {
		// Without this the server drops the length of encoded content.
		if f.Encoding != "" && r.Header.Get("Range") == "" {
			whole(w, f)
			return
		}
		http.ServeContent(w, r, "", f.Modified, bytes.NewReader(f.Content))
		return
	}
	if !f.Modified.IsZero() {
		h.Set("Last-Modified", f.Modified.UTC().Format(http.TimeFormat))
	}
	flush(w)
	io.Copy(w, bytes.NewReader(f.Content))
}

func flush(w http.ResponseWriter) { http.NewResponseController(w).Flush() }

package fetch

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// source is the body behind a URL as one stream, whatever number of connections
// it takes. It delivers each byte once, in order, and ends with io.EOF only when
// the server's announced length is reached.
type source struct {
	ctx     context.Context // the transfer's, as in http.Request
	options Options
	client  *retryablehttp.Client
	url     *url.URL
	log     *slog.Logger
	report  func(done, total int64)

	body     io.ReadCloser
	offset   int64 // bytes delivered
	failures int   // in a row, without a new byte
	resumes  int
	err      error // what ended the stream before its end

	// What was delivered, as a hash with a random seed: quick, and enough to tell
	// whether a second body begins with the same bytes.
	prefix maphash.Hash

	// Facts of the current representation.
	header   http.Header
	finalURL string // redacted
	total    int64  // bytes, -1 if unknown
	framed   bool   // the protocol marks the end of the body
	ranges   bool   // worth asking for
}

func newSource(ctx context.Context, o Options, hop http.RoundTripper, u *url.URL, req Request) *source {
	s := &source{ctx: ctx, options: o, url: u, log: o.Logger.With("url", redact(u)), report: req.Progress}
	if s.report == nil {
		s.report = func(int64, int64) {}
	}
	s.client = &retryablehttp.Client{
		HTTPClient: &http.Client{Transport: hop, CheckRedirect: checkRedirect},
		RetryMax:   math.MaxInt, // retry counts by progress instead
		CheckRetry: s.retry,
		Backoff: func(_, _ time.Duration, _ int, resp *http.Response) time.Duration {
			return s.pause(resp)
		},
		ErrorHandler: func(resp *http.Response, err error, _ int) (*http.Response, error) {
			if resp != nil {
				resp.Body.Close()
			}
			return nil, err
		},
	}
	return s
}

// open makes the first connection.
func (s *source) open(etag, lastModified string) error {
	header := http.Header{}
	if etag != "" {
		header.Set("If-None-Match", etag)
	}
	if lastModified != "" {
		header.Set("If-Modified-Since", lastModified)
	}
	resp, err := s.get(header)
	if err != nil {
		return err
	}
	s.body = resp.Body
	switch {
	case resp.StatusCode == http.StatusNotModified && (etag != "" || lastModified != ""):
		return ErrNotModified
	case resp.StatusCode != http.StatusOK:
		return &StatusError{Code: resp.StatusCode}
	}
	s.adopt(resp)
	return nil
}

// adopt takes over the facts of a response that carries the whole body.
func (s *source) adopt(resp *http.Response) {
	s.body = resp.Body
	s.header = resp.Header
	s.finalURL = redact(resp.Request.URL)
	s.total = resp.ContentLength
	s.framed = resp.ContentLength >= 0 || len(resp.TransferEncoding) > 0
	s.ranges = !strings.EqualFold(resp.Header.Get("Accept-Ranges"), "none")
}

// get sends a request until an answer comes that is worth looking at.
func (s *source) get(header http.Header) (*http.Response, error) {
	req, err := retryablehttp.NewRequestWithContext(s.ctx, http.MethodGet, s.url.String(), nil)
	if err != nil {
		return nil, ErrURL
	}
	req.Header = header
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", s.options.UserAgent)
	return s.client.Do(req)
}

// retry is the library's CheckRetry: whether to send the request once more.
func (s *source) retry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	var failed *url.Error
	switch {
	case errors.As(err, &failed):
		err = failed.Err // without the URL, which it does not redact
	case err == nil && transientStatus(resp.StatusCode):
		err = &StatusError{Code: resp.StatusCode}
	}
	if err == nil {
		return false, nil
	}
	if err := s.failed(err); err != nil {
		return false, err
	}
	return true, nil
}

// failed counts a failure. It returns an error if that was the last.
func (s *source) failed(err error) error {
	var status *StatusError
	if !errors.As(err, &status) && !transientError(err) {
		return err
	}
	s.failures++
	if s.failures >= s.options.Attempts {
		return fmt.Errorf("%d attempts without progress: %w", s.failures, err)
	}
	s.log.Warn("fetch interrupted", "offset", s.offset, "failures", s.failures, "err", err)
	return nil
}

func (s *source) pause(resp *http.Response) time.Duration {
	after := ""
	if resp != nil && transientStatus(resp.StatusCode) {
		after = resp.Header.Get("Retry-After")
	}
	return s.options.pause(s.failures, after, time.Now())
}

// Read implements [io.Reader]. An error is final and stays in s.err.
func (s *source) Read(p []byte) (int, error) {
	for s.err == nil {
		if s.total >= 0 {
			p = p[:min(int64(len(p)), s.total-s.offset)]
		}
		if len(p) == 0 && s.total == s.offset {
			return 0, io.EOF
		}
		n, err := s.body.Read(p)
		switch {
		case n > 0:
			// An error beside the bytes comes again at the next call.
			s.deliver(p[:n])
			return n, s.err
		case err == io.EOF && s.total < 0:
			return 0, io.EOF
		case err == io.EOF:
			s.err = s.resume(io.ErrUnexpectedEOF)
		case err != nil:
			s.err = s.resume(err)
		case len(p) == 0:
			return 0, nil
		}
	}
	return 0, s.err
}

func (s *source) deliver(p []byte) {
	s.offset += int64(len(p))
	s.failures = 0
	s.prefix.Write(p)
	s.report(s.offset, s.total)
	if s.offset > s.options.MaxSize {
		s.err = fmt.Errorf("%w: more than %d bytes", ErrTooLarge, s.options.MaxSize)
	}
}

// Close ends the connection.
func (s *source) Close() error {
	if s.body == nil {
		return nil
	}
	return s.body.Close()
}

// resume replaces a broken body by one that goes on at the offset.
func (s *source) resume(cause error) error {
	for {
		s.body.Close()
		if s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		if err := s.failed(cause); err != nil {
			return err
		}
		if err := sleep(s.ctx, s.pause(nil)); err != nil {
			return err
		}
		header := http.Header{}
		if validator := s.validator(); s.ranges && validator != "" && s.offset > 0 {
			header.Set("Range", fmt.Sprintf("bytes=%d-", s.offset))
			header.Set("If-Range", validator)
		}
		ranged := header.Get("Range") != ""
		resp, err := s.get(header)
		if err != nil {
			return err
		}
		s.resumes++
		s.body = resp.Body
		switch {
		case resp.StatusCode == http.StatusOK:
			if cause, err = s.startOver(resp); err != nil {
				return err
			}
		case !ranged:
			return &StatusError{Code: resp.StatusCode}
		case resp.StatusCode == http.StatusPartialContent:
			cause = s.goOn(resp)
		case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable:
			cause = s.atEnd(resp)
		default:
			return &StatusError{Code: resp.StatusCode}
		}
		if cause == nil {
			return nil
		}
	}
}

// goOn takes a partial response, if it is the part that was asked for. A server
// that answers with another one is not asked for parts again.
func (s *source) goOn(resp *http.Response) error {
	r, ok := parseContentRange(resp.Header.Get("Content-Range"))
	etag := resp.Header.Get("ETag")
	switch {
	case !ok || r.first != s.offset,
		r.total >= 0 && s.total >= 0 && r.total != s.total,
		r.total < 0 && s.total < 0, // nothing would tell the last part
		resp.ContentLength >= 0 && resp.ContentLength != r.last-r.first+1,
		etag != "" && etag != s.header.Get("ETag"):
		s.ranges = false
		return fmt.Errorf("asked for bytes from %d, got Content-Range %q", s.offset, resp.Header.Get("Content-Range"))
	}
	if s.total < 0 {
		s.total, s.framed = r.total, true
	}
	return nil
}

// atEnd takes an unsatisfied range for the end of the body if the server says
// that the body ends just there: only the end mark of a body without a length was
// lost.
func (s *source) atEnd(resp *http.Response) error {
	r, ok := parseContentRange(resp.Header.Get("Content-Range"))
	if ok && r.first < 0 && r.total == s.offset && (s.total < 0 || s.total == s.offset) {
		s.total, s.framed = s.offset, true
		s.body.Close()
		s.body = http.NoBody
		return nil
	}
	s.ranges = false
	return &StatusError{Code: resp.StatusCode}
}

// startOver reads a whole body up to the offset and compares it with what was
// delivered. The cause is set if this connection broke as well; the error is
// final.
func (s *source) startOver(resp *http.Response) (cause, err error) {
	length := resp.ContentLength
	if length >= 0 && length < s.offset {
		return nil, ErrChanged
	}
	var again maphash.Hash
	again.SetSeed(s.prefix.Seed())
	n, err := io.CopyN(&again, resp.Body, s.offset)
	switch {
	case n == s.offset && again.Sum64() == s.prefix.Sum64():
		s.adopt(resp)
		return nil, nil
	case n == s.offset, err == io.EOF && length < 0:
		return nil, ErrChanged
	}
	return err, nil
}

// validator returns what If-Range may carry: a strong ETag, or a date that is a
// strong validator by RFC 9110, 8.8.2.2, or nothing.
func (s *source) validator() string {
	if etag := s.header.Get("ETag"); etag != "" {
		if strings.HasPrefix(etag, `"`) {
			return etag
		}
		return ""
	}
	modified, err := http.ParseTime(s.header.Get("Last-Modified"))
	if err != nil {
		return ""
	}
	sent, err := http.ParseTime(s.header.Get("Date"))
	if err != nil || sent.Sub(modified) < time.Second {
		return ""
	}
	return s.header.Get("Last-Modified")
}

package fetch_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/google/go-cmp/cmp"
)

// newOrigin starts an origin that ends with the test.
func newOrigin(t *testing.T) *origintest.Origin {
	t.Helper()
	o := origintest.New()
	t.Cleanup(o.Close)
	return o
}

// newClient returns a client with tiny pauses that may use loopback.
func newClient(t *testing.T, change ...func(*fetch.Options)) *fetch.Client {
	t.Helper()
	o := fetch.Options{
		AllowPrivate:  true,
		Attempts:      4,
		BackoffMin:    time.Millisecond,
		BackoffMax:    5 * time.Millisecond,
		RetryAfterMax: 5 * time.Millisecond,
		StallTimeout:  5 * time.Second,
		Proxy:         func(*http.Request) (*url.URL, error) { return nil, nil },
	}
	for _, c := range change {
		c(&o)
	}
	client, err := fetch.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// pattern returns n bytes in which no two parts are alike.
func pattern(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func sha(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// get reads a URL to its end.
func get(t *testing.T, c *fetch.Client, req fetch.Request) ([]byte, *fetch.Response, error) {
	t.Helper()
	r, err := c.Open(t.Context(), req)
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { r.Close() })
	b, err := io.ReadAll(r)
	return b, r, err
}

func TestBrokenTransfersAreCompleted(t *testing.T) {
	content := pattern(300_000)
	const cut = 100_000
	old := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	plain := origintest.Plain(content)
	without := func(change func(*origintest.File)) origintest.File {
		f := plain
		change(&f)
		return f
	}
	tests := []struct {
		name   string
		file   origintest.File
		faults []origintest.Fault
		ranges []string // the Range header of each request
		sent   int64    // at most that many bytes beyond the content; -1: not said
	}{
		{"nothing breaks", plain, nil, []string{""}, 0},
		{"one break", plain, []origintest.Fault{origintest.CutAfter(cut)}, []string{"", "bytes=100000-"}, 0},
		{"breaks with progress are not counted", plain,
			[]origintest.Fault{
				origintest.CutAfter(30_000), origintest.CutAfter(30_000), origintest.CutAfter(30_000), origintest.CutAfter(30_000),
				origintest.CutAfter(30_000), origintest.CutAfter(30_000), origintest.CutAfter(30_000), origintest.CutAfter(30_000),
			},
			[]string{"", "bytes=30000-", "bytes=60000-", "bytes=90000-", "bytes=120000-", "bytes=150000-", "bytes=180000-", "bytes=210000-", "bytes=240000-"}, 0},
		{"refusals before and after", plain,
			[]origintest.Fault{origintest.Status(503), origintest.CutAfter(cut), origintest.Status(429, "Retry-After", "86400"), origintest.Drop()},
			[]string{"", "", "bytes=100000-", "bytes=100000-", "bytes=100000-"}, -1},
		{"a date serves as validator", without(func(f *origintest.File) { f.ETag, f.Modified = "", old }),
			[]origintest.Fault{origintest.CutAfter(cut)}, []string{"", "bytes=100000-"}, 0},
		{"a weak tag does not", without(func(f *origintest.File) { f.ETag = "W/" + f.ETag }),
			[]origintest.Fault{origintest.CutAfter(cut)}, []string{"", ""}, cut},
		{"no validator", without(func(f *origintest.File) { f.ETag, f.Modified = "", time.Time{} }),
			[]origintest.Fault{origintest.CutAfter(cut)}, []string{"", ""}, cut},
		{"a server that ignores ranges", without(func(f *origintest.File) { f.NoRanges = true }),
			[]origintest.Fault{origintest.CutAfter(cut)}, []string{"", "bytes=100000-"}, cut},
		{"a break while the start is read again", without(func(f *origintest.File) { f.NoRanges = true }),
			[]origintest.Fault{origintest.CutAfter(cut), origintest.CutAfter(cut / 2)},
			[]string{"", "bytes=100000-", "bytes=100000-"}, cut + cut/2},
		{"a part that starts elsewhere", plain,
			[]origintest.Fault{origintest.CutAfter(cut), origintest.WrongRange(-7)}, []string{"", "bytes=100000-", ""}, -1},
		{"a part without a position", plain,
			[]origintest.Fault{origintest.CutAfter(cut), origintest.ContentRange("")}, []string{"", "bytes=100000-", ""}, -1},
		{"a part of a longer body", plain,
			[]origintest.Fault{origintest.CutAfter(cut), origintest.ContentRange("bytes 100000-299999/999999")}, []string{"", "bytes=100000-", ""}, -1},
		{"a range said to be unsatisfiable", plain,
			[]origintest.Fault{origintest.CutAfter(cut), origintest.Status(416, "Content-Range", "bytes */300000")}, []string{"", "bytes=100000-", ""}, -1},
		{"no length, cut", without(func(f *origintest.File) { f.Chunked = true }),
			[]origintest.Fault{origintest.CutAfter(cut)}, []string{"", "bytes=100000-"}, cut},
		{"no length, only the end mark lost", without(func(f *origintest.File) { f.Chunked = true }),
			[]origintest.Fault{origintest.CutAfter(len(content)), origintest.Status(416, "Content-Range", "bytes */300000")},
			[]string{"", "bytes=300000-"}, -1},
		{"a break within the first bytes", plain, []origintest.Fault{origintest.CutAfter(10)}, []string{"", "bytes=10-"}, 0},
		{"a break before the first byte", plain, []origintest.Fault{origintest.CutAfter(0)}, []string{"", ""}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := newOrigin(t)
			f := tt.file
			f.Faults = tt.faults
			var last, total int64
			got, r, err := get(t, newClient(t), fetch.Request{
				URL:      o.Serve("/disk.img", f),
				Progress: func(done, of int64) { last, total = done, of },
			})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, content) {
				t.Fatalf("got %d bytes that differ from the %d served", len(got), len(content))
			}
			var ranges []string
			for _, q := range o.Requests() {
				ranges = append(ranges, q.Header.Get("Range"))
				if (q.Header.Get("Range") == "") != (q.Header.Get("If-Range") == "") {
					t.Errorf("Range %q came with If-Range %q", q.Header.Get("Range"), q.Header.Get("If-Range"))
				}
				if enc := q.Header.Get("Accept-Encoding"); enc != "identity" {
					t.Errorf("got Accept-Encoding %q, want identity", enc)
				}
			}
			if diff := cmp.Diff(tt.ranges, ranges); diff != "" {
				t.Errorf("requested ranges (-want +got):\n%s", diff)
			}
			if extra := o.Sent() - int64(len(content)); tt.sent >= 0 && extra != tt.sent {
				t.Errorf("got %d bytes transferred twice, want %d", extra, tt.sent)
			}
			if last != int64(len(content)) || (total != last && !f.Chunked) {
				t.Errorf("progress ended at %d of %d", last, total)
			}
			if p := r.Provenance(); p.ETag != f.ETag || p.SourceSize != int64(len(content)) || r.Size() != int64(len(content)) {
				t.Errorf("got %+v, size %d", p, r.Size())
			}
		})
	}
}

func TestContentThatChangesDuringTheTransferIsNotMixed(t *testing.T) {
	before, after := pattern(200_000), pattern(200_001)[1:]
	o := newOrigin(t)
	u := o.Serve("/current.img", origintest.Plain(before, origintest.StallAfter(50_000)))
	c := newClient(t, func(o *fetch.Options) { o.StallTimeout = 100 * time.Millisecond })
	r, err := c.Open(t.Context(), fetch.Request{URL: u})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	o.Serve("/current.img", origintest.Plain(after))
	got, err := io.ReadAll(r)
	if !errors.Is(err, fetch.ErrChanged) {
		t.Errorf("got %v after %d bytes, want ErrChanged", err, len(got))
	}
	if _, again := r.Read(make([]byte, 1)); again == nil || again.Error() != err.Error() {
		t.Errorf("the next Read got %v, want the same error", again)
	}
}

func TestANewTagOnTheSameBytesDoesNotMatter(t *testing.T) {
	content := pattern(200_000)
	o := newOrigin(t)
	u := o.Serve("/disk.img", origintest.Plain(content, origintest.StallAfter(50_000)))
	c := newClient(t, func(o *fetch.Options) { o.StallTimeout = 100 * time.Millisecond })
	r, err := c.Open(t.Context(), fetch.Request{URL: u})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	mirror := origintest.Plain(content)
	mirror.ETag = `"another"`
	o.Serve("/disk.img", mirror)
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, content) {
		t.Fatalf("got %d bytes and %v", len(got), err)
	}
	if p := r.Provenance(); p.ETag != mirror.ETag {
		t.Errorf("got ETag %s, want that of the last whole body, %s", p.ETag, mirror.ETag)
	}
}

func TestFailuresEndTheFetch(t *testing.T) {
	content := pattern(10_000)
	status := func(code int, header ...string) origintest.File {
		return origintest.File{Always: origintest.Status(code, header...)}
	}
	body := func(contentType, text string) origintest.File {
		return origintest.File{Always: origintest.Body(contentType, text)}
	}
	as := func(target any) func(error) bool {
		return func(err error) bool { return errors.As(err, target) }
	}
	is := func(target error) func(error) bool {
		return func(err error) bool { return errors.Is(err, target) }
	}
	var (
		statusErr   *fetch.StatusError
		contentErr  *fetch.ContentError
		sizeErr     *fetch.SizeError
		redirectErr *fetch.RedirectError
	)
	tests := []struct {
		name     string
		file     origintest.File
		req      fetch.Request
		want     func(error) bool
		requests int
	}{
		{"not found", status(404), fetch.Request{}, as(&statusErr), 1},
		{"forbidden", status(403), fetch.Request{}, as(&statusErr), 1},
		{"a server without the method", status(501), fetch.Request{}, as(&statusErr), 1},
		{"no content", status(204), fetch.Request{}, as(&statusErr), 1},
		{"a part that was not asked for", status(206), fetch.Request{}, as(&statusErr), 1},
		{"not modified that was not asked for", status(304), fetch.Request{}, as(&statusErr), 1},
		{"unavailable for good", status(503, "Retry-After", "0"), fetch.Request{}, as(&statusErr), 4},
		{"too many requests for good", status(429), fetch.Request{}, as(&statusErr), 4},
		{"time-out for good", status(408), fetch.Request{}, as(&statusErr), 4},
		{"too early for good", status(425), fetch.Request{}, as(&statusErr), 4},
		{"an HTML page", body("text/html; charset=utf-8", "\n <!DOCTYPE html><title>Sign in</title>"), fetch.Request{}, as(&contentErr), 1},
		{"an HTML page that is called an image", body("application/octet-stream", "<HTML><body>gone"), fetch.Request{}, as(&contentErr), 1},
		{"text that is called HTML", body("text/html", "Sorry!"), fetch.Request{}, as(&contentErr), 1},
		{"an S3 error", body("binary/octet-stream", "<?xml version=\"1.0\"?><Error/>"), fetch.Request{}, as(&contentErr), 1},
		{"a JSON error", body("application/problem+json", "{\"title\":\"no\"}"), fetch.Request{}, as(&contentErr), 1},
		{"nothing", body("application/octet-stream", ""), fetch.Request{}, as(&contentErr), 1},
		{"an encoding that was not asked for", origintest.File{Content: content, Encoding: "br"}, fetch.Request{}, as(&contentErr), 1},
		{"another size than stated, told by the length", origintest.Plain(content), fetch.Request{Size: 9_999}, as(&sizeErr), 1},
		{"another size than stated, told by the end", origintest.File{Content: content, Chunked: true}, fetch.Request{Size: 9_999}, as(&sizeErr), 1},
		{"more than stated, told on the way", origintest.File{Content: content, Chunked: true, Always: origintest.StallAfter(9_500)}, fetch.Request{Size: 9_000}, as(&sizeErr), 1},
		{"no framing and nothing stated", origintest.File{Content: content, Always: origintest.Unframed(-1)}, fetch.Request{}, is(fetch.ErrUnframed), 1},
		{"no framing, cut", origintest.File{Content: content, Always: origintest.Unframed(5_000)}, fetch.Request{Size: 10_000}, as(&sizeErr), 1},
		{"too large by its length", origintest.Plain(pattern(70_000)), fetch.Request{}, is(fetch.ErrTooLarge), 1},
		{"too large by its end", origintest.File{Content: pattern(70_000), Chunked: true}, fetch.Request{}, is(fetch.ErrTooLarge), 1},
		{"always cut at the same place", origintest.File{Content: content, NoRanges: true, Always: origintest.CutAfter(5_000)}, fetch.Request{}, is(io.ErrUnexpectedEOF), 4},
		{"redirected without end", origintest.File{Always: origintest.Redirect("/disk.img")}, fetch.Request{}, as(&redirectErr), 11},
		{"redirected to a file", origintest.File{Always: origintest.Redirect("file:///etc/passwd")}, fetch.Request{}, as(&redirectErr), 1},
		{"redirected to rubbish", origintest.File{Always: origintest.Redirect("http://[::1/%zz?token=geheim")}, fetch.Request{}, as(&redirectErr), 1},
		{"redirected nowhere", status(302), fetch.Request{}, as(&statusErr), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := newOrigin(t)
			req := tt.req
			req.URL = o.Serve("/disk.img", tt.file) + "?token=geheim"
			got, _, err := get(t, newClient(t, func(o *fetch.Options) { o.MaxSize = 65_536 }), req)
			if err == nil || !tt.want(err) {
				t.Fatalf("got %d bytes and error %v", len(got), err)
			}
			if n := len(o.Requests()); n != tt.requests {
				t.Errorf("got %d requests, want %d", n, tt.requests)
			}
			if bytes.Contains([]byte(err.Error()), []byte("geheim")) {
				t.Errorf("the error tells the token: %v", err)
			}
		})
	}
}

func TestUnframedBodyIsTakenWhenItsSizeIsStated(t *testing.T) {
	content := pattern(10_000)
	o := newOrigin(t)
	u := o.Serve("/disk.img", origintest.File{Content: content, Always: origintest.Unframed(-1)})
	got, _, err := get(t, newClient(t), fetch.Request{URL: u, Size: 10_000})
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("got %d bytes and %v", len(got), err)
	}
}

func TestImagesAreTakenWhateverTheirContentType(t *testing.T) {
	for _, contentType := range []string{"text/html", "text/plain", "application/json", "", ";;"} {
		o := newOrigin(t)
		f := origintest.Plain(pattern(5_000))
		f.ContentType = contentType
		if _, _, err := get(t, newClient(t), fetch.Request{URL: o.Serve("/disk.img", f)}); err != nil {
			t.Errorf("Content-Type %q: %v", contentType, err)
		}
	}
}

func TestACurrentCopyIsNotFetchedAgain(t *testing.T) {
	o := newOrigin(t)
	f := origintest.Plain(pattern(5_000))
	u := o.Serve("/disk.img", f)
	c := newClient(t)
	_, r, err := get(t, c, fetch.Request{URL: u})
	if err != nil {
		t.Fatal(err)
	}
	p := r.Provenance()
	for name, req := range map[string]fetch.Request{
		"both": {URL: u, ETag: p.ETag, LastModified: p.LastModified},
		"tag":  {URL: u, ETag: p.ETag},
		"date": {URL: u, LastModified: p.LastModified},
	} {
		if _, _, err := get(t, c, req); !errors.Is(err, fetch.ErrNotModified) {
			t.Errorf("%s: got %v, want ErrNotModified", name, err)
		}
	}
	f.ETag = `"new"`
	o.Serve("/disk.img", f)
	if _, _, err := get(t, c, fetch.Request{URL: u, ETag: p.ETag, LastModified: p.LastModified}); err != nil {
		t.Errorf("after a change: %v", err)
	}
}

func TestStalledConnections(t *testing.T) {
	content := pattern(100_000)
	short := func(o *fetch.Options) { o.StallTimeout = 50 * time.Millisecond }
	t.Run("are replaced", func(t *testing.T) {
		o := newOrigin(t)
		u := o.Serve("/disk.img", origintest.Plain(content, origintest.StallAfter(0), origintest.StallAfter(50_000)))
		got, _, err := get(t, newClient(t, short), fetch.Request{URL: u})
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("got %d bytes and %v", len(got), err)
		}
	})
	t.Run("end the fetch when nothing else comes", func(t *testing.T) {
		o := newOrigin(t)
		u := o.Serve("/disk.img", origintest.File{Content: content, Always: origintest.StallAfter(0)})
		_, _, err := get(t, newClient(t, short), fetch.Request{URL: u})
		if !errors.Is(err, fetch.ErrStalled) {
			t.Errorf("got %v, want ErrStalled", err)
		}
	})
	t.Run("are told from slow ones", func(t *testing.T) {
		o := newOrigin(t)
		f := origintest.Plain(content, origintest.Slow(5_000, 10*time.Millisecond))
		u := o.Serve("/disk.img", f)
		c := newClient(t, func(o *fetch.Options) { o.StallTimeout = 150 * time.Millisecond })
		got, r, err := get(t, c, fetch.Request{URL: u})
		if err != nil || !bytes.Equal(got, content) {
			t.Fatalf("got %d bytes and %v", len(got), err)
		}
		if n := r.Provenance().Resumes; n != 0 {
			t.Errorf("got %d resumes of a transfer that took longer than the stall time-out but progressed, want none", n)
		}
	})
}

func TestEndingTheContextEndsTheRead(t *testing.T) {
	o := newOrigin(t)
	u := o.Serve("/disk.img", origintest.Plain(pattern(100_000), origintest.StallAfter(50_000)))
	ctx, cancel := context.WithCancel(t.Context())
	r, err := newClient(t).Open(ctx, fetch.Request{URL: u, Progress: func(done, _ int64) {
		if done == 50_000 {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestURLsThatAreNone(t *testing.T) {
	c := newClient(t)
	for _, u := range []string{"", "disk.img", "/disk.img", "ftp://h/x", "file:///etc/passwd", "http://", "http:///x", "http:h", "://x:geheim@h", "http://u:geheim@h:x/"} {
		_, err := c.Open(t.Context(), fetch.Request{URL: u})
		if !errors.Is(err, fetch.ErrURL) {
			t.Errorf("%q: got %v, want ErrURL", u, err)
		}
		if err != nil && bytes.Contains([]byte(err.Error()), []byte("geheim")) {
			t.Errorf("%q: the error tells the password: %v", u, err)
		}
	}
}

func TestLogsTellNoSecrets(t *testing.T) {
	var log bytes.Buffer
	o := newOrigin(t)
	u, err := url.Parse(o.Serve("/disk.img", origintest.Plain(pattern(100), origintest.Status(503), origintest.CutAfter(50))))
	if err != nil {
		t.Fatal(err)
	}
	u.User, u.RawQuery = url.UserPassword("alice", "geheim"), "X-Amz-Signature=geheim&geheim"
	c := newClient(t, func(o *fetch.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	_, r, err := get(t, c, fetch.Request{URL: u.String()})
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(log.Bytes(), []byte("\n")); lines != 2 {
		t.Errorf("got %d lines, want one for each of 2 failures:\n%s", lines, &log)
	}
	if bytes.Contains(log.Bytes(), []byte("geheim")) || bytes.Contains(log.Bytes(), []byte("alice")) {
		t.Errorf("secrets in the log:\n%s", &log)
	}
	want := o.URL + "/disk.img?X-Amz-Signature=xxxxx&xxxxx"
	if got := r.Provenance().FinalURL; got != want {
		t.Errorf("got final URL %s, want %s", got, want)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]fetch.Options{
		"allow list":  {Allow: []string{"http://host/"}},
		"ca file":     {CAFile: "testdata/inside.gz"},
		"no ca file":  {CAFile: "testdata/absent"},
		"attempts":    {Attempts: -1},
		"back-off":    {BackoffMin: time.Hour},
		"token":       {Credentials: map[string]fetch.Credential{"h": {Token: "a\r\nHost: b"}}},
		"maximum":     {MaxSize: -1},
		"stall":       {StallTimeout: -1},
		"retry-after": {RetryAfterMax: -1},
	} {
		if _, err := fetch.New(o); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

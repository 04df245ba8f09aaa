package fetch

// The tests of this file are inside the package: they look at parsers that are
// not exported and replace the network by a function, so that testing/synctest
// can measure pauses of minutes.

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := f(req)
	if resp != nil {
		resp.Request = req
	}
	return resp, err
}

func answer(code int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: code, Header: h, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body))}
}

func TestPausesBetweenAttempts(t *testing.T) {
	const s = time.Second
	down := func(header ...string) *http.Response { return answer(503, "down", header...) }
	date := time.Date(2000, 1, 1, 0, 1, 30, 0, time.UTC).Format(http.TimeFormat) // synctest starts at midnight
	tests := []struct {
		name     string
		answers  []*http.Response
		min, max time.Duration // of all pauses together
	}{
		{"grow from half a second", []*http.Response{down(), down(), down()}, 1750 * time.Millisecond, 3500 * time.Millisecond},
		{"stop growing at the cap", []*http.Response{down(), down(), down(), down(), down(), down(), down()}, 30750 * time.Millisecond, 61500 * time.Millisecond},
		{"last as long as the server asks for", []*http.Response{down("Retry-After", "90")}, 90 * s, 90*s + 500*time.Millisecond},
		{"last until the date that the server names", []*http.Response{down("Retry-After", date)}, 90 * s, 90*s + 500*time.Millisecond},
		{"last no longer than the cap", []*http.Response{down("Retry-After", "86400")}, 120 * s, 120*s + 500*time.Millisecond},
		{"ignore what is no time", []*http.Response{down("Retry-After", "soon")}, 250 * time.Millisecond, 500 * time.Millisecond},
		{"ignore negative times", []*http.Response{down("Retry-After", "-5")}, 250 * time.Millisecond, 500 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				queue := append(tt.answers, answer(200, "image"))
				src := newSource(t.Context(), Options{}.withDefaults(), roundTrip(func(*http.Request) (*http.Response, error) {
					resp := queue[0]
					queue = queue[1:]
					return resp, nil
				}), &url.URL{Scheme: "http", Host: "h"}, Request{})
				defer src.Close()
				start := time.Now()
				if err := src.open("", ""); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took < tt.min || took > tt.max {
					t.Errorf("got pauses of %s, want %s to %s", took, tt.min, tt.max)
				}
			})
		})
	}
}

func TestABrokenBodyIsGivenUpAfterItsAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errBroken := errors.New("broken")
		body := io.MultiReader(strings.NewReader("ima"), errReader{errBroken})
		src := newSource(t.Context(), Options{Attempts: 3}.withDefaults(), roundTrip(func(*http.Request) (*http.Response, error) {
			return nil, errBroken
		}), &url.URL{Scheme: "http", Host: "h"}, Request{})
		src.adopt(&http.Response{Request: &http.Request{URL: src.url}, ContentLength: 5, Body: io.NopCloser(body)})
		start := time.Now()
		got, err := io.ReadAll(src)
		if !errors.Is(err, errBroken) || !bytes.Equal(got, []byte("ima")) {
			t.Errorf("got %q and %v", got, err)
		}
		if took := time.Since(start); took < 750*time.Millisecond || took > 1500*time.Millisecond {
			t.Errorf("got pauses of %s for 3 attempts, want 0.75 to 1.5 s", took)
		}
	})
}

func TestAPauseEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		src := newSource(ctx, Options{}.withDefaults(), roundTrip(func(*http.Request) (*http.Response, error) {
			return answer(503, "down", "Retry-After", "60"), nil
		}), &url.URL{Scheme: "http", Host: "h"}, Request{})
		start := time.Now()
		if err := src.open("", ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want context.DeadlineExceeded", err)
		}
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("got an end after %s, want 10s", took)
		}
	})
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestTransientErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"a name that does not exist":       {&net.DNSError{IsNotFound: true}, false},
		"a name server that is silent":     {&net.DNSError{IsTimeout: true}, true},
		"a refused connection":             {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true},
		"a dialler's time-out":             {&net.OpError{Op: "dial", Err: context.DeadlineExceeded}, true},
		"a TLS alert":                      {&net.OpError{Op: "remote error", Err: errors.New("tls: handshake failure")}, false},
		"a certificate that is not right":  {&tls.CertificateVerificationError{Err: errors.New("expired")}, false},
		"an address that the guard blocks": {&net.OpError{Op: "dial", Err: &BlockedError{}}, false},
		"a stalled connection":             {fmt.Errorf("read: %w", ErrStalled), true},
		"a cut body":                       {io.ErrUnexpectedEOF, true},
	} {
		if got := transientError(tt.err); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

func TestARequestOnAnIdleConnectionHasTheWholeStallTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		conn := &stallConn{Conn: near, limit: time.Minute}
		defer conn.Close()
		start := time.Now()
		failed := make(chan error, 1)
		go func() { // as the transport does while the connection is idle
			_, err := conn.Read(make([]byte, 1))
			failed <- err
		}()
		time.Sleep(50 * time.Second)
		go io.ReadFull(far, make([]byte, 3))
		if _, err := conn.Write([]byte("GET")); err != nil {
			t.Fatal(err)
		}
		if err := <-failed; !errors.Is(err, ErrStalled) {
			t.Errorf("got %v, want ErrStalled", err)
		}
		if took := time.Since(start); took != 110*time.Second {
			t.Errorf("the read failed after %s, want a minute after the request at 50s", took)
		}
	})
}

func TestPauseIsRandomWithinItsBounds(t *testing.T) {
	o := Options{}.withDefaults()
	seen := map[time.Duration]bool{}
	for failures := 1; failures < 100; failures++ {
		d := o.pause(failures, "", time.Time{})
		if d < o.BackoffMin/2 || d > o.BackoffMax {
			t.Errorf("failure %d: got %s", failures, d)
		}
		seen[d] = true
	}
	if len(seen) < 50 {
		t.Errorf("got %d different pauses of 99, want jitter", len(seen))
	}
}

func TestParseContentRange(t *testing.T) {
	for value, want := range map[string]contentRange{
		"bytes 0-9/100":    {0, 9, 100},
		"Bytes  5-5/6":     {5, 5, 6},
		"bytes 5-9/*":      {5, 9, -1},
		"bytes */100":      {-1, -1, 100},
		"bytes 0-1/" + big: {0, 1, 1<<63 - 1},
	} {
		if got, ok := parseContentRange(value); !ok || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", value, got, ok, want)
		}
	}
	for _, value := range []string{"", "bytes", "bytes 0-9", "bytes 9-0/100", "bytes 0-100/100", "bytes */*", "bytes -1-9/100",
		"bytes +0-9/100", "items 0-9/100", "bytes 0-9/100/100", "bytes 0x0-9/100", "bytes 0-9223372036854775808/*", "bytes 0-/9"} {
		if got, ok := parseContentRange(value); ok {
			t.Errorf("%q: got %+v, want it refused", value, got)
		}
	}
}

const big = "9223372036854775807"

func FuzzContentRange(f *testing.F) {
	for _, seed := range []string{"bytes 0-9/100", "bytes 5-9/*", "bytes */100", "bytes 0-0/1", "bytes 0-" + big + "/*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r, ok := parseContentRange(value)
		if !ok {
			return
		}
		if r.first < -1 || r.last < r.first || r.total >= 0 && r.last >= r.total || r.first < 0 && r.total < 0 {
			t.Errorf("%q: got %+v", value, r)
		}
		text := fmt.Sprintf("bytes %d-%d/%d", r.first, r.last, r.total)
		if r.first >= 0 && r.total >= 0 {
			if again, ok := parseContentRange(text); !ok || again != r {
				t.Errorf("%q read again: got %+v, want %+v", text, again, r)
			}
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"0", "120", "-1", "Fri, 31 Dec 1999 23:59:59 GMT", "Friday, 31-Dec-99 23:59:59 GMT", "Fri Dec 31 23:59:59 1999", "99999999999"} {
		f.Add(seed)
	}
	now := time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)
	o := Options{}.withDefaults()
	f.Fuzz(func(t *testing.T, value string) {
		if d, _ := parseRetryAfter(value, now); d < 0 {
			t.Errorf("%q: got %s", value, d)
		}
		if d := o.pause(1, value, now); d <= 0 || d > o.RetryAfterMax+o.BackoffMin {
			t.Errorf("%q: got a pause of %s", value, d)
		}
	})
}

func FuzzPage(f *testing.F) {
	for _, seed := range []string{"<!doctype html>", "\xef\xbb\xbf <HTML>", "{\"a\":1}", "QFI\xfb", "", "text \xc3"} {
		f.Add("text/html", []byte(seed))
	}
	f.Fuzz(func(t *testing.T, contentType string, head []byte) {
		kind := page(contentType, head)
		if kind == "" && len(head) == 0 {
			t.Error("an empty body passed")
		}
		if kind != "" && bytes.IndexByte(head, 0) == 0 {
			t.Errorf("a binary body is called %s", kind)
		}
	})
}

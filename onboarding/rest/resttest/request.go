package resttest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Answer is what came back, read.
type Answer struct {
	*http.Response
	Text string // of the body
}

// Send sends a request to a path or URL, with lines of a header such as
// "If-Match: *"; one without a value takes away what [Server.Header] has. A body
// that is a string, []byte or [io.Reader] is sent as it is, any other as JSON.
// Redirections are not followed.
func (s *Server) Send(ctx context.Context, method, at string, body any, header ...string) (*http.Response, error) {
	var content io.Reader
	kind := "application/octet-stream"
	switch b := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(b)
	case []byte:
		content = bytes.NewReader(b)
	case io.Reader:
		content = b
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return nil, err
		}
		content, kind = bytes.NewReader(text), "application/json"
	}
	if strings.HasPrefix(at, "/") {
		at = s.URL + at
	}
	req, err := http.NewRequestWithContext(ctx, method, at, content)
	if err != nil {
		return nil, err
	}
	if content != nil {
		req.Header.Set("Content-Type", kind)
	}
	for _, lines := range [][]string{s.Header, header} {
		for _, line := range lines {
			name, value, _ := strings.Cut(line, ": ")
			if req.Header.Del(name); value != "" {
				req.Header.Set(name, value)
			}
		}
	}
	return s.Client().Do(req)
}

// Do is Send that reads and checks the answer.
func (s *Server) Do(t testing.TB, method, at string, body any, header ...string) Answer {
	t.Helper()
	resp, err := s.Send(t.Context(), method, at, body, header...)
	NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	NoError(t, err)
	a := Answer{resp, string(text)}
	s.Check(t, a)
	return a
}

// Problem checks that an error is a problem (RFC 9457).
func Problem(t testing.TB, a Answer) {
	t.Helper()
	if a.StatusCode >= 400 && a.Request.Method != http.MethodHead && a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s %s: %d of type %s", a.Request.Method, a.Request.URL, a.StatusCode, a.Header.Get("Content-Type"))
	}
}

// Want fails unless the answer has a status.
func (a Answer) Want(t testing.TB, status int) Answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: %d %.500s, want %d", a.Request.Method, a.Request.URL, a.StatusCode, a.Text, status)
	}
	return a
}

// Decode decodes the body.
func (a Answer) Decode(t testing.TB, value any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Text), value); err != nil {
		t.Fatalf("%s %s: %d %.500q: %v", a.Request.Method, a.Request.URL, a.StatusCode, a.Text, err)
	}
}

// Into returns what an answer has, decoded.
func Into[T any](t testing.TB, a Answer) (value T) {
	t.Helper()
	a.Decode(t, &value)
	return value
}

// NoError fails if there is an error.
func NoError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Until waits for something that happens soon.
func Until(t testing.TB, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

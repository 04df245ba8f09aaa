package origintest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// CutAfter answers well, with the right length, and breaks the connection after n
// bytes of the body.
func CutAfter(n int) Fault {
	return DoAfter(n, func(*http.Request) {})
}

// StallAfter sends n bytes of the body and then nothing until the client leaves.
func StallAfter(n int) Fault {
	return DoAfter(n, func(r *http.Request) { <-r.Context().Done() })
}

// DoAfter answers well up to n bytes of the body, calls do, and breaks the
// connection when that returns.
func DoAfter(n int, do func(*http.Request)) Fault {
	return func(w http.ResponseWriter, r *http.Request, f File) {
		Good(&limiter{ResponseWriter: w, left: n, do: func() { do(r) }}, r, f)
	}
}

type limiter struct {
	http.ResponseWriter
	left int
	do   func()
}

func (l *limiter) Unwrap() http.ResponseWriter { return l.ResponseWriter }

func (l *limiter) Write(p []byte) (int, error) {
	if len(p) < l.left {
		l.left -= len(p)
		return l.ResponseWriter.Write(p)
	}
	l.ResponseWriter.Write(p[:l.left])
	flush(l.ResponseWriter)
	l.do()
	panic(http.ErrAbortHandler)
}

// Slow sends the body in pieces of n bytes with a pause before each.
func Slow(n int, pause time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, f File) {
		Good(&slow{ResponseWriter: w, r: r, piece: n, pause: pause}, r, f)
	}
}

type slow struct {
	http.ResponseWriter
	r     *http.Request
	piece int
	pause time.Duration
}

func (s *slow) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *slow) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		select {
		case <-s.r.Context().Done():
			return done, s.r.Context().Err()
		case <-time.After(s.pause):
		}
		n, err := s.ResponseWriter.Write(p[done:min(len(p), done+s.piece)])
		done += n
		if err != nil {
			return done, err
		}
		flush(s.ResponseWriter)
	}
	return done, nil
}

// Drop closes the connection without an answer.
func Drop() Fault {
	return func(http.ResponseWriter, *http.Request, File) { panic(http.ErrAbortHandler) }
}

// Status answers with a status and headers given as key, value pairs.
func Status(code int, header ...string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ File) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		if code >= 400 {
			fmt.Fprintln(w, http.StatusText(code))
		}
	}
}

// Body answers 200 with another body, such as an error page.
func Body(contentType, body string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ File) {
		w.Header().Set("Content-Type", contentType)
		w.Write([]byte(body))
	}
}

// Redirect leads elsewhere.
func Redirect(location string) Fault {
	return Status(http.StatusFound, "Location", location)
}

// IgnoreRange answers 200 with the whole file.
func IgnoreRange() Fault {
	return func(w http.ResponseWriter, r *http.Request, f File) {
		f.NoRanges = true
		Good(w, r, f)
	}
}

// WrongRange answers 206 with the bytes from shift after the asked position, and
// says so in Content-Range.
func WrongRange(shift int) Fault {
	return func(w http.ResponseWriter, r *http.Request, f File) {
		from := max(0, min(len(f.Content)-1, rangeStart(r)+shift))
		partial(w, f, from, fmt.Sprintf("bytes %d-%d/%d", from, len(f.Content)-1, len(f.Content)))
	}
}

// ContentRange answers 206 with the right bytes under another Content-Range.
func ContentRange(value string) Fault {
	return func(w http.ResponseWriter, r *http.Request, f File) {
		partial(w, f, rangeStart(r), value)
	}
}

func partial(w http.ResponseWriter, f File, from int, contentRange string) {
	w.Header().Set("Content-Range", contentRange)
	w.Header().Set("ETag", f.ETag)
	w.WriteHeader(http.StatusPartialContent)
	w.Write(f.Content[from:])
}

func rangeStart(r *http.Request) int {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Range"), "bytes="), "-")
	n, _ := strconv.Atoi(first)
	return n
}

// Unframed answers as a server of HTTP/1.0 does: no length, the end of the
// connection is the end of the body, here after n bytes (-1: all of it).
func Unframed(n int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, f File) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		if n < 0 {
			n = len(f.Content)
		}
		fmt.Fprintf(buffered, "HTTP/1.0 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n%s", f.Content[:n])
		buffered.Flush()
	}
}

func whole(w http.ResponseWriter, f File) {
	w.Header().Set("Content-Length", strconv.Itoa(len(f.Content)))
	w.Write(f.Content)
}

package glancetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A Route is a kind of request, as a pattern of http.ServeMux. Faults and
// counters go by it.
type Route string

// The routes that clients use most.
const (
	Authenticate Route = "POST /v3/auth/tokens"
	List         Route = "GET /v2/images"
	Create       Route = "POST /v2/images"
	Show         Route = "GET /v2/images/{id}"
	Update       Route = "PATCH /v2/images/{id}"
	Delete       Route = "DELETE /v2/images/{id}"
	Upload       Route = "PUT /v2/images/{id}/file"
	Download     Route = "GET /v2/images/{id}/file"
)

// An exchange is one request on its way to its answer.
type exchange struct {
	w      http.ResponseWriter
	r      *http.Request
	from   token // who asks; zero for routes that are open to all
	faults []Fault
	server *Server
	// reading is set once the body is being read: who has asked to be told to go
	// on with it sends it from then on.
	reading bool
}

// A handler answers a request or returns why not: an *answer, errCut to break
// the connection, anything else for a 500.
type handler func(x *exchange) error

// An answer is an error as Keystone and Glance put it.
type answer struct {
	status     int
	text       string
	retryAfter time.Duration
}

func (a *answer) Error() string { return fmt.Sprintf("%d %s", a.status, a.text) }

func refuse(status int, format string, args ...any) error {
	return &answer{status: status, text: fmt.Sprintf(format, args...)}
}

// errCut ends an exchange without an answer, by closing its connection.
var errCut = errors.New("connection cut")

// handle registers a route: count, faults, then h, then the answer in the
// service's own form of errors.
func (s *Server) handle(mux *http.ServeMux, route Route, region string, count *stats,
	h handler, write func(http.ResponseWriter, *http.Request, *answer)) {
	mux.HandleFunc(string(route), func(w http.ResponseWriter, r *http.Request) {
		count.request(route)
		x := &exchange{w: w, r: r, server: s}
		x.faults = s.faults.match(route, region, r.PathValue("id"))
		err := x.befall(h)
		if err == nil {
			return
		}
		var a *answer
		if !errors.As(err, &a) {
			if errors.Is(err, errCut) || errors.Is(err, errDie) || errors.Is(err, errClosing) || r.Context().Err() != nil {
				panic(http.ErrAbortHandler)
			}
			a = &answer{status: http.StatusInternalServerError, text: err.Error()}
		}
		if a.retryAfter > 0 {
			seconds := int64((a.retryAfter + time.Second - 1) / time.Second)
			w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
		}
		if !x.reading {
			write(w, r, a)
			return
		}
		// Closing the connection while the client sends would reset it, and the
		// client might never see the answer: read on until it has.
		control := http.NewResponseController(w)
		_ = control.EnableFullDuplex() // HTTP/2 always is
		write(w, r, a)
		_ = control.Flush()
		_, _ = io.Copy(io.Discard, r.Body)
	})
}

// befall runs h between the faults that come before it and those that replace
// its answer.
func (x *exchange) befall(h handler) error {
	var after []Fault
	for _, f := range x.faults {
		switch {
		case f.AfterEffect:
			after = append(after, f)
		case f.AfterBytes == 0:
			if err := f.act(x); err != nil {
				return err
			}
		}
	}
	if len(after) == 0 {
		return h(x)
	}
	// The answer is dropped only if a fault takes its place.
	held := &heldAnswer{ResponseWriter: x.w}
	x.w = held
	err := h(x)
	x.w = held.ResponseWriter
	for _, f := range after {
		if ferr := f.act(x); ferr != nil {
			return ferr
		}
	}
	held.release()
	return err
}

// heldAnswer keeps a handler's answer back.
type heldAnswer struct {
	http.ResponseWriter
	header http.Header
	status int
	body   []byte
}

func (h *heldAnswer) Header() http.Header {
	if h.header == nil {
		h.header = make(http.Header)
	}
	return h.header
}

func (h *heldAnswer) WriteHeader(status int) { h.status = status }

func (h *heldAnswer) Write(p []byte) (int, error) {
	h.body = append(h.body, p...)
	return len(p), nil
}

func (h *heldAnswer) release() {
	for name, values := range h.header {
		h.ResponseWriter.Header()[name] = values
	}
	if h.status != 0 {
		h.ResponseWriter.WriteHeader(h.status)
	}
	if len(h.body) > 0 {
		_, _ = h.ResponseWriter.Write(h.body)
	}
}

// reply sends v as JSON. A client that left before is no concern of ours.
func reply(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
	return nil
}

// decode reads a JSON body of at most 1 MiB into v.
func (x *exchange) decode(v any) error {
	d := json.NewDecoder(http.MaxBytesReader(x.w, x.r.Body, 1<<20))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return refuse(http.StatusBadRequest, "Malformed JSON in request body.")
	}
	return nil
}

// glanceError writes an error as Glance does: HTML, or JSON for those who
// accept it.
func glanceError(w http.ResponseWriter, r *http.Request, a *answer) {
	title := http.StatusText(a.status)
	code := fmt.Sprintf("%d %s", a.status, title)
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		_ = reply(w, a.status, map[string]string{
			"message": a.text + "<br /><br />\n\n\n", "code": code, "title": title,
		})
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(a.status)
	fmt.Fprintf(w, "<html>\n <head>\n  <title>%s</title>\n </head>\n <body>\n  <h1>%s</h1>\n  %s<br /><br />\n\n\n </body>\n</html>",
		code, code, html.EscapeString(a.text))
}

// keystoneError writes an error as Keystone does.
func keystoneError(w http.ResponseWriter, _ *http.Request, a *answer) {
	_ = reply(w, a.status, map[string]any{"error": map[string]any{
		"code": a.status, "message": a.text, "title": http.StatusText(a.status),
	}})
}

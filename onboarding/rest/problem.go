package rest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
)

// Problem is an error as HTTP tells it (RFC 9457). Its members are those of
// ETSI's ProblemDetails (NFV-SOL 013, clause 6.3). It is an error itself, so that
// a handler can return the one that it means.
type Problem struct {
	Type     string `json:"type,omitempty"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance,omitempty"`
	// More has members beyond the standard's, such as a report. None may have
	// the name of one above.
	More map[string]any `json:"-"`
	// Header has fields that belong to the answer, such as Retry-After.
	Header http.Header `json:"-"`
}

// Errorf returns a problem of a status with a formatted detail.
func Errorf(status int, format string, args ...any) Problem {
	return Problem{Status: status, Detail: fmt.Sprintf(format, args...)}
}

func (p Problem) Error() string { return cmp.Or(p.Detail, http.StatusText(p.Status)) }

// MarshalJSON implements [json.Marshaler].
func (p Problem) MarshalJSON() ([]byte, error) {
	p.Title = cmp.Or(p.Title, http.StatusText(p.Status))
	p.Detail = cmp.Or(p.Detail, p.Title)
	type members Problem
	standard, err := encode(members(p))
	if err != nil || len(p.More) == 0 {
		return standard, err
	}
	more, err := encode(p.More)
	if err != nil {
		return nil, err
	}
	return slices.Concat(standard[:len(standard)-1], []byte{','}, more[1:]), nil
}

// encode renders a value as JSON that is not meant for HTML.
func encode(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(text.Bytes(), []byte{'\n'}), err
}

// WriteProblem answers with a problem as application/problem+json. It is the
// form of doors that have none of their own.
func WriteProblem(w http.ResponseWriter, _ *http.Request, problem Problem) {
	maps.Copy(w.Header(), problem.Header)
	w.Header().Set("Content-Type", "application/problem+json")
	write(w, problem.Status, problem)
}

// WriteJSON answers with a value as application/json. That the client does not
// take it is no matter of the caller's.
func WriteJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	write(w, status, value)
}

func write(w http.ResponseWriter, status int, value any) {
	text, err := encode(value)
	if err != nil {
		panic(fmt.Errorf("answer cannot be written as JSON: %w", err)) // told to the client as a 500
	}
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

// maxJSON bounds a JSON body, in bytes.
const maxJSON = 1 << 20

// ReadJSON reads a request's body, which must be one JSON value of at most 1 MiB,
// into value. Members that value does not have are passed over. The error is a
// [Problem], or says why the body cannot be read.
func ReadJSON(r *http.Request, value any) error {
	text, err := readJSON(r)
	if err != nil {
		return err
	}
	if len(text) == 0 {
		return Errorf(http.StatusBadRequest, "the request has no body")
	}
	err = json.Unmarshal(text, value)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return Errorf(http.StatusBadRequest, "%s cannot be a JSON %s", cmp.Or(wrong.Field, "the request body"), wrong.Value)
	}
	if err != nil {
		return Errorf(http.StatusBadRequest, "request body: %v", err)
	}
	return nil
}

// BufferJSON reads a request's body, of at most 1 MiB, and puts what it has read in
// its place, for a handler that knows no such limits. The error is as with
// [ReadJSON].
func BufferJSON(r *http.Request) error {
	text, err := readJSON(r)
	r.Body = io.NopCloser(bytes.NewReader(text))
	return err
}

func readJSON(r *http.Request) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxJSON+1))
	if err != nil {
		return nil, fmt.Errorf("request body: %w", err)
	}
	if len(text) > maxJSON {
		return nil, Errorf(http.StatusRequestEntityTooLarge, "the JSON of a request may have %d bytes", maxJSON)
	}
	return text, nil
}

// HandlerFunc is a handler that returns what went wrong, which is answered by
// [Fail]. It must not have written anything then.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// ServeHTTP implements [http.Handler].
func (f HandlerFunc) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := f(w, r); err != nil {
		Fail(w, r, err)
	}
}

// Fail answers a request with an error, in the form of its door.
func Fail(w http.ResponseWriter, r *http.Request, err error) {
	problem := ProblemFor(r.Context(), err)
	at := exchangeOf(r.Context())
	if at == nil {
		WriteProblem(w, r, problem)
		return
	}
	if at.gone {
		return // nobody waits for an answer
	}
	at.door.fail(w, r, problem)
}

// Note tells the request's log what went wrong with it. It is for what goes wrong when
// the answer has begun already, and for the goroutine that handles the request.
func Note(ctx context.Context, err error) {
	at := exchangeOf(ctx)
	if at == nil {
		return
	}
	if at.err == nil {
		at.err = err
	}
	if errors.Is(err, context.Canceled) && context.Cause(ctx) == context.Canceled {
		at.gone = true // else the request was ended here, and its client waits
	}
}

// ProblemFor is [ProblemOf] for the error that a request is about to be answered
// with by other means than [Fail]. The error goes to the request's log, and what is
// nobody's fault but the server's only there.
func ProblemFor(ctx context.Context, err error) Problem {
	Note(ctx, err)
	cause := context.Cause(ctx)
	if errors.Is(cause, ErrStopping) {
		return ProblemOf(ErrStopping)
	}
	if ended := ctx.Err(); ended != nil && errors.Is(err, ended) {
		return ProblemOf(cause)
	}
	return ProblemOf(err)
}

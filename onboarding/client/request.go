package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

// request is what is asked of the server. It may be sent more than once.
type request struct {
	method string
	path   string // escaped, below the server's URL
	query  url.Values
	header http.Header
	// json is the body, if not nil.
	json any
	// content is the body, if not nil: a new one for each time that it is sent, or
	// the same one if the request is not repeatable.
	content func() io.Reader
	// length of the content in bytes; -1 while unknown.
	length int64
	// told is called with the bytes of the content that have gone out, if not nil.
	// Each time that it is sent they begin at zero.
	told func(sent int64)
	// answer bounds how long the answer may take once the content is sent; zero
	// means not at all, for what is worked at before it is answered.
	answer time.Duration
	// slow is a request with JSON that is worked at before it is answered.
	slow bool
	// repeatable is a request that does the same if it arrives twice, and whose
	// content can be had again.
	repeatable bool
	// absent and taken are what 404 and 409 mean.
	absent, taken error
}

func get(path string, absent error) request {
	return request{method: http.MethodGet, path: path, repeatable: true, absent: absent}
}

// at is the path of one thing in a collection. It is empty for what nothing can be
// called, as it would be the path of something else.
func at(collection, called string, more ...string) string {
	if called == "" || called == "." || called == ".." {
		return ""
	}
	return "/api/v1/" + path.Join(append([]string{collection, url.PathEscape(called)}, more...)...)
}

// idIn returns the last element of an address that the server answered with, which
// is all that is believed of it.
func idIn(address string) string {
	if address == "" {
		return ""
	}
	return path.Base(address)
}

// send sends a request once. The error is an *Error, an *unreachable, a *sourceError
// or that of the context, in a *begun once something was read of the content. The
// caller closes the body of the answer.
func (c *Client) send(ctx context.Context, r request) (_ *http.Response, err error) {
	if r.path == "" {
		return nil, fmt.Errorf("server %s: nothing has an empty name, or is called . or ..: %w", c.server, cmp.Or(r.absent, fs.ErrInvalid))
	}
	sending, cancel := context.WithCancelCause(ctx)
	w := newWatch(c.options.Stall, cancel)
	var content io.Reader
	var sent *body
	length := int64(0)
	switch {
	case r.json != nil:
		text, err := json.Marshal(r.json)
		if err != nil {
			return nil, errors.Join(err, w.end())
		}
		content, length = bytes.NewReader(text), int64(len(text))
		if r.slow {
			w.pause()
		}
	case r.content != nil:
		sent = &body{source: r.content(), watch: w, told: r.told, answer: r.answer}
		if content, length = sent, r.length; length == 0 {
			length = -1 // else it would be no body at all
		}
	}
	address := c.server + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(sending, r.method, address, content)
	if err != nil {
		return nil, errors.Join(err, w.end())
	}
	req.ContentLength = length
	c.describe(req, r)
	resp, err := c.http.Do(req)
	if sent != nil {
		read, failed := sent.detach()
		if failed != nil && err != nil {
			err = &sourceError{failed}
		}
		defer func() {
			if read && err != nil {
				err = &begun{err}
			}
		}()
	}
	if err != nil {
		stalled := context.Cause(sending)
		_ = w.end()
		return nil, c.lost(ctx, err, stalled)
	}
	w.pause()
	resp.Body = &watchedBody{ReadCloser: resp.Body, watch: w, lost: func(err error) error { return c.lost(ctx, err, context.Cause(sending)) }}
	if resp.StatusCode >= 300 {
		defer discard(resp.Body)
		return nil, c.problem(resp, r)
	}
	return resp, nil
}

// describe sets the header of a request.
func (c *Client) describe(req *http.Request, r request) {
	for name, values := range r.header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", c.options.UserAgent)
	if c.options.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.options.Token)
	}
	if project := c.options.Project; project != "" && project != access.AllProjects {
		req.Header.Set("Gangway-Project", project)
	}
	switch {
	case r.json != nil:
		req.Header.Set("Content-Type", "application/json")
	case r.content != nil:
		if req.Header.Get("Content-Type") == "" {
			req.Header.Set("Content-Type", "application/octet-stream")
		}
		// What is refused is not sent, and its answer not lost in a broken pipe.
		req.Header.Set("Expect", "100-continue")
	}
}

// lost says why a request or the reading of its answer has failed.
func (c *Client) lost(ctx context.Context, err, cause error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, ours := errors.AsType[*sourceError](err); ours {
		return err
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	if cause != nil {
		err = cause
	}
	return &unreachable{c.server, err}
}

// maxAnswer bounds the JSON of an answer, in bytes.
const maxAnswer = 64 << 20

// outcome is what is left of an answer whose body was read.
type outcome struct {
	status int
	header http.Header
}

// call sends a request, again if need be, and reads the answer into out unless that
// is nil.
func (c *Client) call(ctx context.Context, r request, out any) (outcome, error) {
	return c.callFor(ctx, c.patient(shortly), r, out)
}

// callFor is call with as much patience as is given. Content that gets further than
// it did before has moved.
func (c *Client) callFor(ctx context.Context, p *patience, r request, out any) (outcome, error) {
	if r.content != nil {
		told, most := r.told, int64(0)
		r.told = func(sent int64) {
			if sent > most {
				most = sent
				p.moved()
			}
			if told != nil {
				told(sent)
			}
		}
	}
	for {
		got, err := c.once(ctx, r, out)
		if err == nil {
			return got, nil
		}
		if r.method != http.MethodGet && decided(err) {
			return got, err
		}
		if !r.repeatable && !untouched(r, err) {
			if r.content != nil && transient(err) {
				err = fmt.Errorf("%w; a stream cannot be sent again, a file can", err)
			}
			return got, err
		}
		if err := p.wait(ctx, err); err != nil {
			return got, err
		}
	}
}

// once sends a request and reads the answer.
func (c *Client) once(ctx context.Context, r request, out any) (outcome, error) {
	resp, err := c.send(ctx, r)
	if err != nil {
		return outcome{}, err
	}
	defer discard(resp.Body)
	got := outcome{resp.StatusCode, resp.Header}
	if out == nil {
		return got, nil
	}
	limited := io.LimitReader(resp.Body, maxAnswer)
	if err := json.NewDecoder(limited).Decode(out); err != nil {
		if _, broken := errors.AsType[*unreachable](err); broken || ctx.Err() != nil {
			return got, err
		}
		return got, fmt.Errorf("server %s: answers what cannot be read as that of gangway: %w", c.server, err)
	}
	return got, nil
}

// discard reads what is left of an answer, if that is little, so that its connection
// can be used again, and closes it.
func discard(answer io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, answer, 64<<10)
	_ = answer.Close()
}

// list yields the items of all pages of a list, each page when it is come to.
func list[T any](ctx context.Context, c *Client, r request) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			var page []T
			got, err := c.call(ctx, r, &page)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page {
				if !yield(item, nil) {
					return
				}
			}
			if r.query = next(got.header); r.query == nil {
				return
			}
		}
	}
}

// next returns the query of the page that follows, as a Link header tells it
// (RFC 8288), or nil after the last one.
func next(header http.Header) url.Values {
	for _, link := range header.Values("Link") {
		target, params, found := strings.Cut(strings.TrimSpace(link), ">")
		if !found || !strings.Contains(params, `rel="next"`) {
			continue
		}
		if u, err := url.Parse(strings.TrimPrefix(target, "<")); err == nil {
			return u.Query()
		}
	}
	return nil
}

// collect returns the first items of a list; zero means all.
func collect[T any](items iter.Seq2[T, error], limit int) ([]T, error) {
	all := []T{}
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		if all = append(all, item); len(all) == limit {
			break
		}
	}
	return all, nil
}

package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/job"
)

// maxPage is how many items a server puts into one answer at most.
const maxPage = 1000

// Jobs returns the selected jobs, newest first. Without a Project in the filter they
// are those of the client's, and with access.AllProjects as that one those of all
// projects, which takes a role in all of them. A Limit of zero means all jobs.
func (c *Client) Jobs(ctx context.Context, filter job.Filter) ([]job.Job, error) {
	query := url.Values{}
	c = c.in(filter.Project)
	c.all(query)
	var states []string
	for _, state := range filter.States {
		states = append(states, string(state))
	}
	set(query, "kind", string(filter.Kind))
	set(query, "subject", filter.Subject)
	set(query, "state", strings.Join(states, ","))
	set(query, "marker", filter.Before)
	query.Set("limit", strconv.Itoa(pageFor(filter.Limit)))
	r := get("/api/v1/jobs", nil)
	r.query = query
	return collect(list[job.Job](ctx, c, r), filter.Limit)
}

// all asks for what is of all projects, if that is what the client is about.
func (c *Client) all(query url.Values) {
	if c.options.Project == access.AllProjects {
		query.Set("all", "true")
	}
}

// set sets a parameter that is not empty.
func set(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}

// pageFor is how many items a page should have of which so many are wanted; zero
// means all.
func pageFor(limit int) int {
	if limit <= 0 {
		return maxPage
	}
	return min(limit, maxPage)
}

// Job returns a job. The error wraps job.ErrNotFound.
func (c *Client) Job(ctx context.Context, id string) (job.Job, error) {
	var j job.Job
	_, err := c.call(ctx, get(at("jobs", id), job.ErrNotFound), &j)
	return j, err
}

// CancelJob ends a job, or asks one that is running to end. One that has ended stays
// as it is. The error wraps job.ErrNotFound.
func (c *Client) CancelJob(ctx context.Context, id string) (job.Job, error) {
	var j job.Job
	_, err := c.call(ctx, request{method: http.MethodPost, path: at("jobs", id, "cancel"), repeatable: true, absent: job.ErrNotFound}, &j)
	return j, err
}

// WatchJob yields the events of a job with numbers above after, those that are there
// and then those to come, and ends after the one that tells the job's end. It
// connects again when the connection breaks. An error is the last thing that it
// yields; it wraps job.ErrNotFound, or is that of the context or of a server that has
// not answered for [Options.Patience].
func (c *Client) WatchJob(ctx context.Context, id string, after int64) iter.Seq2[job.Event, error] {
	return c.watch(ctx, id, after, c.patient(c.options.Patience))
}

func (c *Client) watch(ctx context.Context, id string, after int64, p *patience) iter.Seq2[job.Event, error] {
	return func(yield func(job.Event, error) bool) {
		for {
			ended, err := c.follow(ctx, id, after, p, func(e job.Event) bool {
				after = e.Number
				return yield(e, nil)
			})
			if ended {
				return
			}
			if err := p.wait(ctx, err); err != nil {
				yield(job.Event{}, err)
				return
			}
		}
	}
}

// follow reads the events of a job on one connection. It reports whether there are
// no more, or no more are wanted; else the error says why the connection ended.
func (c *Client) follow(ctx context.Context, id string, after int64, p *patience, yield func(job.Event) bool) (ended bool, err error) {
	r := get(at("jobs", id, "events"), job.ErrNotFound)
	r.header = http.Header{"Accept": {"text/event-stream"}}
	if after > 0 {
		r.header.Set("Last-Event-ID", strconv.FormatInt(after, 10))
	}
	resp, err := c.send(ctx, r)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close() // there may always be more
	p.reached = true
	if resp.StatusCode == http.StatusNoContent {
		return true, nil
	}
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind != "text/event-stream" {
		return false, &passing{fmt.Errorf("server %s: answers with %q instead of events", c.server, kind)}
	}
	for e, err := range events(resp.Body, p.moved) {
		switch {
		case err != nil:
			return false, err
		case e.Number <= after:
			continue
		case !yield(e), ends(e):
			return true, nil
		}
	}
	// A server that stops ends the stream, too.
	return false, &unreachable{c.server, io.ErrUnexpectedEOF}
}

// wait returns a job when it has ended, and tells how far it is until then. An error
// is a *PendingError unless there is no such job.
func (c *Client) wait(ctx context.Context, id string, told func(job.Progress)) (job.Job, error) {
	j, err := c.ended(ctx, id, told)
	if err != nil && !errors.Is(err, job.ErrNotFound) {
		err = &PendingError{Server: c.server, Job: id, Err: err}
	}
	return j, err
}

func (c *Client) ended(ctx context.Context, id string, told func(job.Progress)) (job.Job, error) {
	var after int64
	p := c.patient(c.options.Patience)
	p.reached = true // by who knows the job
	for {
		for e, err := range c.watch(ctx, id, after, p) {
			if err != nil {
				return job.Job{}, err
			}
			after = e.Number
			if at, ok := progress(e); ok && told != nil {
				told(at)
			}
		}
		var j job.Job
		if _, err := c.callFor(ctx, p, get(at("jobs", id), job.ErrNotFound), &j); err != nil || j.State.Ended() {
			return j, err
		}
		// Somebody in between answers for the server.
		if err := p.wait(ctx, &passing{fmt.Errorf("server %s: the events of job %s have ended before the job", c.server, id)}); err != nil {
			return j, err
		}
	}
}

// unsuccessful is the error of a job that did not succeed.
func (c *Client) unsuccessful(j job.Job) error {
	if j.State == job.Cancelled {
		return fmt.Errorf("server %s: job %s: %w", c.server, j.ID, job.ErrCancelled)
	}
	return fmt.Errorf("server %s: job %s: %s", c.server, j.ID, j.Error)
}

package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
	"github.com/gangway-nfv/gangway/tosca"
)

// Onboard has the server take a package in, and waits for it to be done. A file is
// sent so that it can go on after any break, also of this process (see
// [Options.StateDir]); a stream is sent once; a URL is fetched by the server. The
// bytes that are sent are told as progress of the package, and then what the server
// fetches.
//
// The report and the error are as with [onboarding.Pipeline.Onboard]. The error is a
// *PendingError once the server has everything. Options that a server does not know
// are an error that wraps [errors.ErrUnsupported], before anything is sent.
func (c *Client) Onboard(ctx context.Context, src onboarding.Source, opts onboarding.Options) (onboarding.Report, error) {
	if opts.DryRun {
		return c.validate(ctx, src, opts, true)
	}
	report, err := onboarding.Report{}, unsupported(opts)
	if err == nil {
		report, err = c.in(opts.Project).onboard(ctx, src, opts)
	}
	return concluded("onboard", src.Name, report, err)
}

// Validate has the server check a package, and stores and fetches nothing. The
// report and the error are as with [onboarding.Pipeline.Validate].
func (c *Client) Validate(ctx context.Context, src onboarding.Source, opts onboarding.Options) (onboarding.Report, error) {
	return c.validate(ctx, src, opts, false)
}

// unsupported says which of the options no server can be told.
func unsupported(opts onboarding.Options) error {
	switch {
	case len(opts.Digests) > 0:
		return fmt.Errorf("digests to compute: %w at a server, which computes what it needs", errors.ErrUnsupported)
	case opts.PackageID != "":
		return fmt.Errorf("ID of a package: %w at a server, which gives it", errors.ErrUnsupported)
	}
	return nil
}

// concluded makes report and error of a call what those of the pipeline are.
func concluded(doing, source string, report onboarding.Report, err error) (onboarding.Report, error) {
	if told, ok := errors.AsType[*Error](err); ok && told.report != nil {
		var inside onboarding.Report
		if json.Unmarshal(told.report, &inside) == nil && inside.Status == onboarding.Rejected {
			report, err = inside, nil
		}
	}
	if err != nil {
		report.Status, report.Error = onboarding.Failed, err.Error()
		err = fmt.Errorf("%s %s: %w", doing, source, err)
	}
	report.Source = source
	if report.Images == nil {
		report.Images = []onboarding.ImageReport{}
	}
	if report.Findings == nil {
		report.Findings = tosca.Findings{}
	}
	return report, err
}

// from is the JSON that tells a server from where to fetch a package.
type from struct {
	URL string `json:"url"`
}

// wishes are the parameters that say how a package is onboarded.
func wishes(src onboarding.Source, opts onboarding.Options) url.Values {
	query := url.Values{}
	set(query, "name", baseOf(src))
	set(query, "onConflict", string(opts.OnConflict))
	set(query, "images", string(opts.Images))
	return query
}

// baseOf is what the server calls a file; of others it knows better.
func baseOf(src onboarding.Source) string {
	base := filepath.Base(src.Name)
	if src.URL != "" || base == "-" || base == "." || base == string(filepath.Separator) {
		return ""
	}
	return base
}

func (c *Client) onboard(ctx context.Context, src onboarding.Source, opts onboarding.Options) (onboarding.Report, error) {
	r := request{method: http.MethodPost, path: "/api/v1/packages", query: wishes(src, opts), header: http.Header{"Prefer": {"respond-async"}}}
	var accepted job.Job
	if src.URL != "" {
		r.json = from{src.URL}
		if _, err := c.call(ctx, r, &accepted); err != nil {
			return onboarding.Report{}, err
		}
		return c.outcome(ctx, src, accepted.ID, opts, false)
	}
	opened, closer, err := src.Open(ctx)
	if err != nil {
		return onboarding.Report{}, err
	}
	defer closer.Close()
	if opened.At != nil {
		return c.upload(ctx, src, opened, opts)
	}
	r.content, r.length = func() io.Reader { return opened.Reader }, -1
	r.told = (&meter{source: src.Name, size: -1, progress: opts.Progress}).from(0)
	if _, err := c.call(ctx, r, &accepted); err != nil {
		return onboarding.Report{}, err
	}
	return c.outcome(ctx, src, accepted.ID, opts, true)
}

// outcome waits for the job that onboards a package, which was sent or is fetched,
// and returns its report.
func (c *Client) outcome(ctx context.Context, src onboarding.Source, id string, opts onboarding.Options, sent bool) (onboarding.Report, error) {
	j, err := c.wait(ctx, id, steps(src.Name, opts.Progress, sent))
	if err != nil {
		return onboarding.Report{}, err
	}
	var result vnfpkg.Outcome
	if len(j.Result) > 0 {
		if err := json.Unmarshal(j.Result, &result); err != nil {
			return onboarding.Report{}, fmt.Errorf("server %s: result of job %s: %w", c.server, j.ID, err)
		}
	}
	if j.State != job.Succeeded && result.Report.Status != onboarding.Rejected {
		return result.Report, c.unsuccessful(j)
	}
	return result.Report, nil
}

// meter tells how much of something has been sent. What is sent again is not told
// again.
type meter struct {
	source   string
	size     int64 // bytes; -1 while unknown
	progress func(onboarding.Progress)
	most     int64 // bytes that were told of
}

// from returns what to call for bytes that go out from an offset on.
func (m *meter) from(offset int64) func(sent int64) {
	if m.progress == nil {
		return nil
	}
	return func(sent int64) {
		if at := offset + sent; at > m.most {
			m.most = at
			m.progress(onboarding.Progress{Source: m.source, Done: at, Total: m.size})
		}
	}
}

// steps returns what to tell of a job. Of a package that was sent the server's own
// reading of it is not told, as its bytes are done.
func steps(source string, progress func(onboarding.Progress), sent bool) func(job.Progress) {
	if progress == nil {
		return nil
	}
	return func(at job.Progress) {
		if at.Step != "" || !sent {
			progress(onboarding.Progress{Source: source, Image: at.Step, Done: at.Done, Total: at.Total})
		}
	}
}

func (c *Client) validate(ctx context.Context, src onboarding.Source, opts onboarding.Options, repository bool) (onboarding.Report, error) {
	report, err := onboarding.Report{}, unsupported(opts)
	if err == nil {
		report, err = c.in(opts.Project).check(ctx, src, opts, repository)
	}
	return concluded("onboard", src.Name, report, err)
}

func (c *Client) check(ctx context.Context, src onboarding.Source, opts onboarding.Options, repository bool) (report onboarding.Report, err error) {
	r := request{method: http.MethodPost, path: "/api/v1/validate", repeatable: true, absent: imagerepo.ErrNotFound}
	if r.query = wishes(src, opts); repository {
		r.query.Set("repository", "true")
	}
	if src.URL != "" {
		r.json, r.slow = from{src.URL}, true
		_, err = c.call(ctx, r, &report)
		return report, err
	}
	opened, closer, err := src.Open(ctx)
	if err != nil {
		return report, err
	}
	defer closer.Close()
	r.length = -1
	if r.repeatable = opened.At != nil; r.repeatable {
		r.length = opened.Size
		was := infoOf(opened)
		r.content = func() io.Reader { return &part{file: opened, was: was} }
	} else {
		r.content = func() io.Reader { return opened.Reader }
	}
	r.told = (&meter{source: src.Name, size: r.length, progress: opts.Progress}).from(0)
	_, err = c.callFor(ctx, c.patient(c.options.Patience), r, &report)
	return report, err
}

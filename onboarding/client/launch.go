package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

// atOnce is for how many seconds a launch is waited for before its events are: one
// that finds all images on the VIMs ends sooner.
const atOnce = 2

// Launch has the server give VIMs what a package or VDUs need, and waits for it to
// be done. Progress is told how far the uploads are, in bytes of all of them, and
// which one is moving; it may be nil.
//
// The report is complete also beside an error. The error wraps
// imagerepo.ErrNotFound for a package that is not there, and is a *PendingError when
// the server goes on alone.
func (c *Client) Launch(ctx context.Context, l operation.Launch, progress func(what string, done, total int64)) (onboarding.LaunchReport, error) {
	var told json.RawMessage
	got, err := c.callFor(ctx, c.patient(c.options.Patience), request{method: http.MethodPost, path: "/api/v1/launches", repeatable: true, json: l, absent: imagerepo.ErrNotFound,
		header: http.Header{"Idempotency-Key": {uuid.NewString()}, "Prefer": {fmt.Sprintf("wait=%d", atOnce)}}}, &told)
	var report onboarding.LaunchReport
	if failed, ok := errors.AsType[*Error](err); ok && failed.report != nil {
		return report, errors.Join(err, json.Unmarshal(failed.report, &report))
	}
	if err != nil {
		return report, err
	}
	if got.status == http.StatusOK {
		return report, json.Unmarshal(told, &report)
	}
	var begun view.Launch
	if err := json.Unmarshal(told, &begun); err != nil {
		return report, err
	}
	j, err := c.wait(ctx, begun.ID, func(at job.Progress) {
		if progress != nil {
			progress(at.Step, at.Done, at.Total)
		}
	})
	if err != nil {
		return report, err
	}
	ended, err := view.NewLaunch(j)
	if ended.Report != nil {
		report = *ended.Report
	}
	if err == nil && j.State != job.Succeeded {
		err = c.unsuccessful(j)
	}
	return report, err
}

// Doctor has the server examine the repository, whatever the project. It takes an
// admin of all projects. Progress is told the bytes that were read.
func (c *Client) Doctor(ctx context.Context, opts imagerepo.DoctorOptions) (imagerepo.Diagnosis, error) {
	var found imagerepo.Diagnosis
	var j job.Job
	_, err := c.call(ctx, request{method: http.MethodPost, path: "/api/v1/doctor", header: http.Header{"Prefer": {"respond-async"}},
		json: operation.Examination{Quick: opts.Quick, Repair: opts.Repair}}, &j)
	if err != nil {
		return found, err
	}
	j, err = c.wait(ctx, j.ID, func(at job.Progress) {
		if opts.Progress != nil {
			opts.Progress(imagerepo.DoctorProgress{Bytes: at.Done})
		}
	})
	if err == nil && len(j.Result) > 0 {
		err = json.Unmarshal(j.Result, &found)
	}
	if err == nil && j.State != job.Succeeded {
		err = c.unsuccessful(j)
	}
	return found, err
}

// VIMs returns the names of the VIMs that the server knows.
func (c *Client) VIMs(ctx context.Context) ([]string, error) {
	names := []string{}
	_, err := c.call(ctx, get("/api/v1/vims", nil), &names)
	return names, err
}

// CheckVIM has the server find out what a VIM is like. With probe it tries to
// publish an image there, and removes it. What is wrong with the VIM stands in the
// view; the error wraps operation.ErrUnknownVIM.
func (c *Client) CheckVIM(ctx context.Context, name string, probe bool) (view.Check, error) {
	r := get(at("vims", name, "check"), operation.ErrUnknownVIM)
	if probe {
		r = request{method: http.MethodPost, path: at("vims", name, "probe"), absent: operation.ErrUnknownVIM}
	}
	var found view.Check
	_, err := c.call(ctx, r, &found)
	return found, err
}

package view

import (
	"encoding/json"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/operation"
)

// NewJob returns what is shown of a job: all but its payload and its key, which are
// the business of who asked for it.
func NewJob(j job.Job) job.Job {
	j.Payload, j.Key = nil, ""
	return j
}

// Launch is a launch as an operation, under way or ended.
type Launch struct {
	ID      string `json:"id"`
	Project string `json:"project"`
	// Package is what is launched, unless the VDUs were written out.
	Package   *imagerepo.PackageRef `json:"package,omitempty"`
	VIMs      []string              `json:"vims"` // their names
	DryRun    bool                  `json:"dryRun"`
	By        string                `json:"by,omitempty"` // who asked for it
	State     job.State             `json:"state"`
	Progress  job.Progress          `json:"progress"`
	CreatedAt time.Time             `json:"createdAt"`
	EndedAt   *time.Time            `json:"endedAt,omitempty"`
	// Report is there once the launch has ended, unless it could not begin.
	Report *onboarding.LaunchReport `json:"report,omitempty"`
	Error  string                   `json:"error,omitempty"`
}

// NewLaunch returns the view of a job of the kind launch. What was asked for is told
// if the job has its payload.
func NewLaunch(j job.Job) (Launch, error) {
	asked, err := operation.LaunchedOf(j)
	if err != nil {
		return Launch{}, err
	}
	shown := Launch{ID: j.ID, Project: j.Project, State: j.State, Progress: j.Progress, CreatedAt: j.CreatedAt,
		Package: asked.Of, VIMs: append([]string{}, asked.VIMs...), DryRun: asked.DryRun, By: j.By}
	if !j.State.Ended() {
		return shown, nil
	}
	shown.EndedAt, shown.Error = &j.EndedAt, j.Error
	if len(j.Result) > 0 {
		shown.Report = new(onboarding.LaunchReport)
		return shown, json.Unmarshal(j.Result, shown.Report)
	}
	return shown, nil
}

package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/view"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

func (d *door) jobs() {
	tags := []string{"jobs"}
	operate(d, read("/api/v1/jobs"), huma.Operation{
		OperationID: "list-jobs", Tags: tags, Summary: "List jobs",
		Description: "Lists the jobs of the project, those that were added last first. Their results are told where one is shown. " +
			"Jobs are kept for a week after their end.",
	}, d.listJobs)
	operate(d, read("/api/v1/jobs/{job}"), huma.Operation{
		OperationID: "show-job", Tags: tags, Summary: "Show a job",
		Description: "Shows a job with its progress or, once it has ended, its result.",
	}, d.showJob)
	operate(d, change(http.MethodPost, "/api/v1/jobs/{job}/cancel", "job.cancel"), huma.Operation{
		OperationID: "cancel-job", Tags: tags, Summary: "Cancel a job",
		Description: "Ends a job, or asks one that is running to end. One that has ended stays as it is.",
	}, d.cancelJob)
	operate(d, read("/api/v1/jobs/{job}/events"), events("watch-job", tags, "job"), d.watchJob)
	doctor := change(http.MethodPost, "/api/v1/doctor", "repository.examine")
	doctor.Need, doctor.Everywhere = access.Admin, true
	operate(d, doctor, huma.Operation{
		OperationID: "examine-repository", Tags: []string{"doctor"}, Summary: "Prove that database, files and digests agree",
		Description: "Examines the repository as gangway doctor does. The result of the job is the diagnosis.",
		Responses:   d.answers(map[int]any{http.StatusAccepted: job.Job{}, http.StatusOK: imagerepo.Diagnosis{}}),
	}, d.examine)
}

type oneJob struct{ Body job.Job }

// AtJob is the path of a job.
type AtJob struct {
	Job string `path:"job" doc:"ID"`
}

type listJobs struct {
	Page
	Kind    job.Kind    `query:"kind" doc:"such as onboard, fetch, launch, image"`
	Subject string      `query:"subject" doc:"ID of what the job is about, such as a package"`
	State   []job.State `query:"state" enum:"queued,running,succeeded,failed,cancelled" doc:"one or more, with commas between"`
	All     bool        `query:"all" doc:"the jobs of all projects, for those with a role in all of them"`
}

type jobList struct {
	Link string `header:"Link"`
	Body []job.Job
}

func (d *door) listJobs(ctx context.Context, in *listJobs) (*jobList, error) {
	caller := rest.CallerOf(ctx)
	filter := job.Filter{Project: caller.Project, Kind: in.Kind, Subject: in.Subject, States: in.State, Before: in.Marker, Limit: in.Limit + 1}
	if in.All {
		if !everywhere(caller) {
			return nil, rest.Errorf(http.StatusForbidden, "the jobs of all projects take a role in all projects")
		}
		filter.Project = ""
	}
	jobs, err := d.Queue.List(ctx, filter)
	if err != nil {
		return nil, err
	}
	out := &jobList{Body: []job.Job{}}
	if len(jobs) > in.Limit {
		jobs = jobs[:in.Limit]
		out.Link = next(ctx, in.Limit, jobs[in.Limit-1].ID)
	}
	for _, j := range jobs {
		j.Result = nil // which may be a megabyte of findings
		out.Body = append(out.Body, view.NewJob(j))
	}
	return out, nil
}

func everywhere(caller rest.Caller) bool {
	return caller.Grants[access.AllProjects].Includes(access.Reader)
}

// job returns a job that the caller may see: one of the project, or any for who has
// a role in all projects, to whom those of no single project are shown, too.
func (d *door) job(ctx context.Context, id string) (job.Job, error) {
	j, err := d.Queue.Get(ctx, id)
	if err != nil {
		return job.Job{}, err
	}
	if caller := rest.CallerOf(ctx); j.Project != caller.Project && !everywhere(caller) {
		return job.Job{}, job.ErrNotFound
	}
	return j, nil
}

func (d *door) showJob(ctx context.Context, in *AtJob) (*oneJob, error) {
	j, err := d.job(ctx, in.Job)
	if err != nil {
		return nil, err
	}
	return &oneJob{view.NewJob(j)}, nil
}

func (d *door) cancelJob(ctx context.Context, in *AtJob) (*oneJob, error) {
	j, err := d.job(ctx, in.Job)
	if err != nil {
		return nil, err
	}
	caller := rest.CallerOf(ctx)
	role := caller.Role(j.Project)
	if j.Project == access.AllProjects {
		role = caller.Grants[access.AllProjects]
	}
	rest.Concerns(ctx, j.Project)
	if !role.Includes(access.Writer) {
		return nil, rest.Errorf(http.StatusForbidden, "this needs the role %s in project %q", access.Writer, j.Project)
	}
	rest.Target(ctx, j.ID)
	if j, err = d.Queue.Cancel(ctx, j.ID); err != nil {
		return nil, err
	}
	return &oneJob{view.NewJob(j)}, nil
}

func (d *door) examine(ctx context.Context, in *struct {
	Prefer
	Body operation.Examination
}) (*accepted, error) {
	who := asked(ctx, "")
	who.Project = access.AllProjects // it tells of all of them
	j, err := d.Operations.Examine(ctx, who, in.Body)
	if err != nil {
		return nil, err
	}
	return d.outcome(ctx, j)
}

// outcome is the answer about a job that was begun: its result, when it has ended in
// the time that the client wants to wait, or where it is.
func (d *door) outcome(ctx context.Context, j job.Job) (*accepted, error) {
	p := preferred(ctx)
	rest.Target(ctx, j.ID)
	answer := d.accept(ctx, "jobs", j.ID, p, view.NewJob(j))
	if p.wait <= 0 {
		return answer, nil
	}
	j, ended, err := d.ended(ctx, j, p.wait)
	if err != nil || !ended {
		return answer, err
	}
	if j.State != job.Succeeded {
		return nil, unsuccessful(j, answer.Location)
	}
	answer.Status, answer.Body = http.StatusOK, j.Result
	return answer, nil
}

// unsuccessful is the problem of a job that failed or was cancelled: one of what it
// was given where its report says so, else one of what the job needed.
func unsuccessful(j job.Job, location string) rest.Problem {
	report := operation.ReportOf(j)
	p := blame(rest.Errorf(http.StatusBadGateway, "%s", j.Error), report.Cause)
	p.Header = http.Header{"Location": {location}}
	if report.Status != "" {
		p.More = map[string]any{"report": report}
	}
	switch {
	case j.State == job.Cancelled:
		p.Status = http.StatusConflict
	case report.Status == onboarding.Rejected:
		p.Status = rejected(report).Status
	}
	return p
}

// blame makes a problem one of the cause, if there is any.
func blame(p rest.Problem, cause onboarding.Cause) rest.Problem {
	switch cause {
	case onboarding.CauseLimit:
		p.Status = http.StatusRequestEntityTooLarge
	case onboarding.CauseSpace:
		return rest.ProblemOf(vnfpkg.ErrNoSpace)
	case onboarding.CauseInternal:
		p.Status = http.StatusInternalServerError
	}
	return p
}

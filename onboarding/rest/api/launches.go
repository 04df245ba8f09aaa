package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/view"
	"github.com/gangway-nfv/gangway/vim"
)

func (d *door) launches() {
	tags := []string{"launches"}
	operate(d, change(http.MethodPost, "/api/v1/launches", "launch"), huma.Operation{
		OperationID: "launch", Tags: tags, Summary: "Give VIMs the images that they lack",
		Description: "Resolves the images of a package's VDUs, or of VDUs that are written out, on each VIM, and uploads what is missing. " +
			"The answer comes when every image is ACTIVE, or with respond-async at once. A call with the Idempotency-Key of another joins that one.",
		Responses: d.answers(map[int]any{http.StatusOK: onboarding.LaunchReport{}, http.StatusAccepted: view.Launch{}}),
		Errors:    []int{http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusBadGateway},
	}, d.launch)
	operate(d, read("/api/v1/launches"), huma.Operation{
		OperationID: "list-launches", Tags: tags, Summary: "List launches", Description: "Lists the launches of the project, the last ones first, without their reports.",
	}, d.listLaunches)
	operate(d, read("/api/v1/launches/{job}"), huma.Operation{
		OperationID: "show-launch", Tags: tags, Summary: "Show a launch", Description: "Shows how far a launch is or, once it has ended, its report.",
	}, d.showLaunch)
	operate(d, read("/api/v1/launches/{job}/events"), events("watch-launch", tags, "launch"), d.watchLaunch)
}

func (d *door) launch(ctx context.Context, in *struct {
	Prefer
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255"`
	Body           operation.Launch
}) (*accepted, error) {
	p := preferred(ctx)
	now := !p.async || p.wait > 0
	j, err := d.Operations.Launch(ctx, asked(ctx, in.IdempotencyKey), in.Body, now)
	if errors.Is(err, operation.ErrUnknownVIM) {
		return nil, rest.Errorf(http.StatusUnprocessableEntity, "%v: there are %q", err, d.VIMs.Names())
	}
	if _, busy := errors.AsType[*job.BusyError](err); busy {
		p := rest.ProblemOf(err)
		p.Detail += ", or have this one wait for its turn with Prefer: respond-async"
		return nil, p
	}
	if err != nil {
		return nil, err
	}
	rest.Target(ctx, j.ID)
	ended := false
	if now {
		if j, ended, err = d.ended(ctx, j, p.wait); err != nil {
			return nil, err
		}
	}
	shown, err := view.NewLaunch(j)
	if err != nil {
		return nil, err
	}
	answer := d.accept(ctx, "launches", j.ID, p, shown)
	if !ended {
		return answer, nil
	}
	if j.State != job.Succeeded {
		return nil, failed(shown, answer.Location)
	}
	answer.Status, answer.Body = http.StatusOK, shown.Report
	return answer, nil
}

// failed is the problem of a launch that did not succeed: one of the request where
// nobody has an image, one of the server where it could not fetch one for want of
// room, else one of a VIM.
func failed(l view.Launch, location string) rest.Problem {
	p := rest.Errorf(http.StatusBadGateway, "%s", l.Error)
	if l.Report != nil {
		p = blame(p, l.Report.Cause)
	}
	p.Header = http.Header{"Location": {location}}
	switch {
	case l.State == job.Cancelled:
		p.Status = http.StatusConflict
	case l.Report == nil:
		p.Status = http.StatusInternalServerError
	default:
		p.More = map[string]any{"report": l.Report}
		for _, on := range l.Report.VIMs {
			for _, vdu := range on.VDUs {
				if vdu.Image.Action == vim.Missing && l.Report.Cause == "" {
					p.Status = http.StatusUnprocessableEntity
				}
			}
		}
	}
	return p
}

type launchList struct {
	Link string `header:"Link"`
	Body []view.Launch
}

type listLaunches struct {
	Page
	DryRun string `query:"dryRun" enum:"true,false" doc:"only plans, or none of them"`
}

func (d *door) listLaunches(ctx context.Context, in *listLaunches) (*launchList, error) {
	out := &launchList{Body: []view.Launch{}}
	filter := job.Filter{Project: rest.CallerOf(ctx).Project, Kind: operation.KindLaunch, Before: in.Marker, Limit: in.Limit + 1}
	if in.DryRun != "" {
		filter.Limit = max(filter.Limit, 100) // there may be many of the others
	}
	for {
		jobs, err := d.Queue.List(ctx, filter)
		if err != nil {
			return nil, err
		}
		for _, j := range jobs {
			j.Result = nil
			shown, err := view.NewLaunch(j)
			if err != nil {
				return nil, err
			}
			if in.DryRun != "" && in.DryRun != strconv.FormatBool(shown.DryRun) {
				continue
			}
			if len(out.Body) == in.Limit {
				out.Link = next(ctx, in.Limit, out.Body[in.Limit-1].ID)
				return out, nil
			}
			out.Body = append(out.Body, shown)
		}
		if len(jobs) < filter.Limit {
			return out, nil
		}
		filter.Before = jobs[len(jobs)-1].ID
	}
}

// launched returns a launch that the caller may see.
func (d *door) launched(ctx context.Context, id string) (job.Job, error) {
	j, err := d.job(ctx, id)
	if err == nil && j.Kind != operation.KindLaunch {
		err = job.ErrNotFound
	}
	return j, err
}

func (d *door) showLaunch(ctx context.Context, in *AtJob) (*struct{ Body view.Launch }, error) {
	j, err := d.launched(ctx, in.Job)
	if err != nil {
		return nil, err
	}
	shown, err := view.NewLaunch(j)
	return &struct{ Body view.Launch }{shown}, err
}

func (d *door) watchLaunch(ctx context.Context, in *watch) (*huma.StreamResponse, error) {
	if _, err := d.launched(ctx, in.Job); err != nil {
		return nil, err
	}
	return d.watchJob(ctx, in)
}

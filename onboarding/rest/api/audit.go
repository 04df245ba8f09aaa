package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

// Audit is the log of who did what, see [access.Audit].
type Audit interface {
	List(ctx context.Context, filter access.EventFilter) ([]access.Event, error)
}

func (d *door) auditLog() {
	route := read("/api/v1/audit")
	route.Need = access.Admin
	operate(d, route, huma.Operation{
		OperationID: "list-audit-events", Tags: []string{"audit"}, Summary: "Show the audit log",
		Description: "Lists who changed what in the project, the last first.",
	}, d.listEvents)
}

type listEvents struct {
	Page
	Subject string    `query:"subject" doc:"only what this one did, such as token ci"`
	Since   time.Time `query:"since" doc:"only what happened since this time"`
	All     bool      `query:"all" doc:"what happened in all projects, for those who are admins of all of them"`
}

type eventList struct {
	Link string `header:"Link"`
	Body []view.Event
}

func (d *door) listEvents(ctx context.Context, in *listEvents) (*eventList, error) {
	caller := rest.CallerOf(ctx)
	filter := access.EventFilter{Project: caller.Project, Subject: in.Subject, Since: in.Since, Before: in.Marker, Limit: in.Limit + 1}
	if in.All {
		if !caller.Grants[access.AllProjects].Includes(access.Admin) {
			return nil, rest.Errorf(http.StatusForbidden, "the events of all projects take an admin of all projects")
		}
		filter.Project = ""
	}
	events, err := d.Audit.List(ctx, filter)
	if err != nil {
		return nil, err
	}
	out := &eventList{Body: []view.Event{}}
	if len(events) > in.Limit {
		events = events[:in.Limit]
		out.Link = next(ctx, in.Limit, events[in.Limit-1].ID)
	}
	for _, e := range events {
		out.Body = append(out.Body, view.NewEvent(e))
	}
	return out, nil
}

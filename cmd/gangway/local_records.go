package main

import (
	"context"
	"fmt"
	"iter"
	"os/user"

	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

// localRecords are the records in the home. Whoever may write there may do
// everything, and the audit log tells who did.
type localRecords struct {
	ledger  *ledger.Ledger
	project string
}

func (l localRecords) queue() *job.Queue { return job.NewQueue(l.ledger.Jobs(), job.Options{}) }

func (l localRecords) tokens() *access.Tokens {
	return access.NewTokens(l.ledger.Tokens(), access.Config{})
}

func (l localRecords) audit() *access.Audit {
	return access.NewAudit(l.ledger.Events(), access.Config{})
}

// record writes to the audit log what was done on the machine itself.
func (l localRecords) record(ctx context.Context, action, project, target string) error {
	who := "local"
	if u, err := user.Current(); err == nil {
		who += " " + u.Username
	}
	return l.audit().Record(ctx, access.Event{Subject: who, Project: project, Action: action, Target: target, Outcome: access.Done})
}

func (l localRecords) Jobs(ctx context.Context, filter job.Filter) ([]job.Job, error) {
	jobs, err := l.queue().List(ctx, filter)
	shown := []job.Job{}
	for _, j := range jobs {
		j.Result = nil // as the server does
		shown = append(shown, view.NewJob(j))
	}
	return shown, err
}

func (l localRecords) Job(ctx context.Context, id string) (job.Job, error) {
	j, err := l.queue().Get(ctx, id)
	if err == nil && j.Project != l.project && l.project != access.AllProjects {
		err = fmt.Errorf("job %q in project %q: %w", id, l.project, job.ErrNotFound)
	}
	return view.NewJob(j), err
}

func (l localRecords) WatchJob(ctx context.Context, id string, after int64) iter.Seq2[job.Event, error] {
	return func(yield func(job.Event, error) bool) {
		if _, err := l.Job(ctx, id); err != nil {
			yield(job.Event{}, err)
			return
		}
		l.queue().Watch(ctx, id, after)(yield)
	}
}

func (l localRecords) CancelJob(ctx context.Context, id string) (job.Job, error) {
	if _, err := l.Job(ctx, id); err != nil {
		return job.Job{}, err
	}
	j, err := l.queue().Cancel(ctx, id)
	if err != nil {
		return job.Job{}, err
	}
	return view.NewJob(j), l.record(ctx, "job.cancel", j.Project, j.ID)
}

func (l localRecords) Tokens(ctx context.Context) ([]view.Token, error) {
	tokens, err := l.tokens().List(ctx, l.project)
	shown := []view.Token{}
	for _, t := range tokens {
		shown = append(shown, view.NewToken(t))
	}
	return shown, err
}

func (l localRecords) CreateToken(ctx context.Context, wanted access.NewToken) (view.Token, error) {
	token, secret, err := l.tokens().Create(ctx, wanted)
	if err != nil {
		return view.Token{}, err
	}
	shown := view.NewToken(token)
	shown.Token = secret
	return shown, l.record(ctx, "token.create", token.Project, token.Name)
}

func (l localRecords) RevokeToken(ctx context.Context, called string) (view.Token, error) {
	token, err := l.tokens().Revoke(ctx, called)
	if err != nil {
		return view.Token{}, err
	}
	return view.NewToken(token), l.record(ctx, "token.revoke", token.Project, token.Name)
}

func (l localRecords) Events(ctx context.Context, filter access.EventFilter) ([]view.Event, error) {
	events, err := l.audit().List(ctx, filter)
	shown := []view.Event{}
	for _, e := range events {
		shown = append(shown, view.NewEvent(e))
	}
	return shown, err
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gangway-nfv/gangway/onboarding/job"
)

func newJobs(a *app) *cobra.Command {
	return group("jobs", "List, show, watch and cancel the jobs of the server",
		newJobsList(a), newJobsShow(a), newJobsWatch(a), newJobsCancel(a))
}

func newJobsList(a *app) *cobra.Command {
	var kind string
	var states []string
	var filter job.Filter
	names := make([]string, 0, len(job.States()))
	for _, state := range job.States() {
		names = append(names, string(state))
	}
	cmd := &cobra.Command{
		Use: "list", Short: "List jobs, newest first",
		Long: `List the jobs of the project of --project, newest first; with '*' those of all
projects. Jobs are kept for a week after their end.`,
		Example: `  gangway jobs list --state queued,running
  gangway jobs list --kind launch --project '*' -o json`,
		Args: cobra.NoArgs,
		RunE: a.running(func() error {
			filter.Project, filter.Kind, filter.States = a.config.within(), job.Kind(kind), nil
			errs := []error{atLeast("limit", filter.Limit, 0)}
			for _, state := range states {
				errs = append(errs, oneOf("state", state, names...))
				filter.States = append(filter.States, job.State(state))
			}
			return errors.Join(errs...)
		}, func(ctx context.Context, _ []string) error {
			return a.recorded(ctx, func(r records) error {
				jobs, err := r.Jobs(ctx, filter)
				if err != nil {
					return err
				}
				return a.print(jobs, func(w io.Writer) error {
					var rows [][]string
					for _, j := range jobs {
						rows = append(rows, []string{j.ID, string(j.Kind), stateOf(j), localTime(j.CreatedAt), localTime(j.EndedAt), j.Project, j.Subject, done(j.Progress)})
					}
					return table(w, "ID\tKIND\tSTATE\tCREATED\tENDED\tPROJECT\tSUBJECT\tPROGRESS", rows)
				})
			})
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&kind, "kind", "", "only jobs of this kind, such as onboard, fetch, launch or image")
	flags.StringSliceVar(&states, "state", nil, "only jobs in these states: "+strings.Join(names, ", "))
	flags.StringVar(&filter.Subject, "subject", "", "only jobs about this ID, such as that of a package")
	flags.StringVar(&filter.Before, "before", "", "only jobs that were added before the one of this ID: the next page")
	flags.IntVar(&filter.Limit, "limit", 100, "how many to list, 0 for all")
	complete(cmd, "state", names...)
	return cmd
}

// stateOf is a job's state for people, who may have asked it to end.
func stateOf(j job.Job) string {
	if j.Cancelling {
		return "cancelling"
	}
	return string(j.State)
}

// localTime renders a time for people; the zero time is none.
func localTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return local(&t, "")
}

// done renders progress for people.
func done(p job.Progress) string {
	text := p.Step
	switch {
	case p.Total > 0:
		text += " " + size(p.Done) + " of " + size(p.Total)
	case p.Done > 0:
		text += " " + size(p.Done)
	}
	return strings.TrimSpace(text)
}

func newJobsShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show JOB", Short: "Show a job by its ID, with its progress or its result",
		Example: "  gangway jobs show 0197c5a1-6f0e-7a51-9a39-0d1f3a6c2b11", Args: cobra.ExactArgs(1),
		ValidArgsFunction: a.completing(1, a.jobIDs),
		RunE: a.running(nil, func(ctx context.Context, args []string) error {
			return a.recorded(ctx, func(r records) error {
				j, err := r.Job(ctx, args[0])
				if err != nil {
					return err
				}
				return a.print(j, func(w io.Writer) error {
					rows := [][]string{
						{"id", j.ID}, {"project", j.Project}, {"kind", string(j.Kind)}, {"subject", j.Subject}, {"title", j.Title}, {"by", j.By}, {"state", stateOf(j)},
						{"attempt", fmt.Sprint(j.Attempt)}, {"created", localTime(j.CreatedAt)}, {"started", localTime(j.StartedAt)}, {"ended", localTime(j.EndedAt)},
						{"progress", done(j.Progress)}, {"error", j.Error}, {"result", string(j.Result)},
					}
					if j.State == job.Queued {
						rows = append(rows, []string{"not before", localTime(j.NotBefore)})
					}
					return table(w, "PROPERTY\tVALUE", rows)
				})
			})
		}),
	}
}

func newJobsWatch(a *app) *cobra.Command {
	var after int64
	cmd := &cobra.Command{
		Use: "watch JOB", Short: "Print what happens to a job until it has ended",
		Long: `Print the events of a job, those that were and those to come, until it has ended.
The exit code is 1 when it failed or was cancelled.`,
		Example: "  gangway jobs watch 0197c5a1-6f0e-7a51-9a39-0d1f3a6c2b11 -o json", Args: cobra.ExactArgs(1),
		ValidArgsFunction: a.completing(1, a.jobIDs),
		RunE: a.running(func() error { return atLeast("after", after, 0) }, func(ctx context.Context, args []string) error {
			return a.recorded(ctx, func(r records) error {
				for event, err := range r.WatchJob(ctx, args[0], after) {
					if err != nil {
						return err
					}
					if err := a.printItem(event, func(w io.Writer) error { return printEvent(w, event) }); err != nil {
						return err
					}
				}
				j, err := r.Job(ctx, args[0])
				if err == nil && j.State != job.Succeeded {
					return &failure{} // the last event tells why
				}
				return err
			})
		}),
	}
	cmd.Flags().Int64Var(&after, "after", 0, "only events with higher numbers than this")
	return cmd
}

func printEvent(w io.Writer, e job.Event) error {
	var text string
	switch e.Type {
	case job.ProgressEvent:
		var p job.Progress
		if err := json.Unmarshal(e.Data, &p); err != nil {
			return err
		}
		text = done(p)
	default:
		var c job.Change
		if err := json.Unmarshal(e.Data, &c); err != nil {
			return err
		}
		text = string(c.State)
		if c.State == job.Running {
			text = fmt.Sprintf("%s, attempt %d", c.State, c.Attempt)
		}
		if c.Error != "" {
			text += ": " + c.Error
		}
	}
	_, err := fmt.Fprintf(w, "%s  %d  %s\n", localTime(e.At), e.Number, printable(strings.ReplaceAll(text, "\n", "; ")))
	return err
}

func newJobsCancel(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "cancel JOB...", Short: "End jobs before their time",
		Long: `End jobs. One that is running is asked to end, which the server that runs it hears
within two seconds; jobs watch tells when it has. One that has ended is refused.`,
		Example: "  gangway jobs cancel 0197c5a1-6f0e-7a51-9a39-0d1f3a6c2b11", Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completing(math.MaxInt, a.jobIDs),
		RunE: a.running(nil, func(ctx context.Context, args []string) error {
			return a.recorded(ctx, func(r records) error {
				for _, id := range args {
					j, err := r.Job(ctx, id)
					if err != nil {
						return err
					}
					if j.State.Ended() {
						return fmt.Errorf("job %s has ended: %s", j.ID, j.State)
					}
					if j, err = r.CancelJob(ctx, id); err != nil {
						return err
					}
					if err := a.printItem(j, func(w io.Writer) error {
						said := "job %s is %s\n"
						if j.Cancelling {
							said = "job %s is asked to end: it is %s\n"
						}
						_, err := fmt.Fprintf(w, said, j.ID, j.State)
						return err
					}); err != nil {
						return err
					}
				}
				return nil
			})
		}),
	}
}

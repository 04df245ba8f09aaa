package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

func newAudit(a *app) *cobra.Command {
	return group("audit", "Show the audit log of the server", newAuditList(a))
}

func newAuditList(a *app) *cobra.Command {
	var since string
	var filter access.EventFilter
	cmd := &cobra.Command{
		Use: "list", Short: "List who changed what, newest first",
		Long: `List the changes in the project of --project, newest first; with '*' those in all
projects, and those that concern none.`,
		Example: `  gangway audit list --since 7d
  gangway audit list --project '*' --subject 'token ci' -o json`,
		Args: cobra.NoArgs,
		RunE: a.running(func() (err error) {
			filter.Since, err = moment("since", since, time.Now(), earlier)
			if filter.Project = a.config.Project; filter.Project == access.AllProjects {
				filter.Project = ""
			}
			return err
		}, func(ctx context.Context, _ []string) error {
			return a.withFoundLedger(ctx, func(l *ledger.Ledger) error {
				events, err := access.NewAudit(l.Events(), access.Config{}).List(ctx, filter)
				if err != nil {
					return err
				}
				views := []view.Event{}
				for _, e := range events {
					views = append(views, view.NewEvent(e))
				}
				return a.print(views, func(w io.Writer) error {
					var rows [][]string
					for _, v := range views {
						rows = append(rows, []string{local(&v.At, ""), string(v.Outcome), v.Action, v.Subject, v.From, v.Project, v.Target})
					}
					return table(w, "TIME\tOUTCOME\tACTION\tSUBJECT\tFROM\tPROJECT\tTARGET", rows)
				})
			})
		}),
	}
	cmd.Flags().StringVar(&filter.Subject, "subject", "", "only what this one did, such as 'token ci'")
	cmd.Flags().StringVar(&since, "since", "", "only what happened so long ago at most, such as 7d or 12h, or since a day or time")
	cmd.Flags().StringVar(&filter.Before, "before", "", "only what happened before the event of this ID: the next page")
	cmd.Flags().IntVar(&filter.Limit, "limit", 100, "how many to list, 0 for all")
	return cmd
}

package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/gangway-nfv/gangway/onboarding/access"
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
			filter.Project = a.config.within()
			return err
		}, func(ctx context.Context, _ []string) error {
			return a.recorded(ctx, func(r records) error {
				events, err := r.Events(ctx, filter)
				if err != nil {
					return err
				}
				return a.print(events, func(w io.Writer) error {
					var rows [][]string
					for _, v := range events {
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

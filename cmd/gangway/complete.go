package main

import (
	"context"
	"log/slog"
	"slices"

	"github.com/spf13/cobra"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
	"github.com/gangway-nfv/gangway/vim/glance"
)

// complete makes the shell offer the values of a flag.
func complete(cmd *cobra.Command, flag string, values ...string) {
	offer(cmd, flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

func offer(cmd *cobra.Command, flag string, fn cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, fn); err != nil {
		panic(err) // there is no such flag
	}
}

// completing makes the shell offer what list returns for the first so many
// arguments, and files for those after it. What is wrong is not told: there is
// no place for it.
func (a *app) completing(arguments int, list func(context.Context) ([]string, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= arguments {
			return nil, cobra.ShellCompDirectiveDefault
		}
		if err := a.configure(cmd); err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		a.log = slog.New(slog.DiscardHandler)
		names, err := list(cmd.Context())
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		names = slices.DeleteFunc(names, func(name string) bool {
			return slices.Contains(args, name) || name != printable(name)
		})
		return slices.Compact(slices.Sorted(slices.Values(names))), cobra.ShellCompDirectiveNoFileComp
	}
}

// mostOffered bounds how many names a shell is given to choose from.
const mostOffered = 1000

func (a *app) packageNames(ctx context.Context) (names []string, err error) {
	err = a.withRepository(ctx, func(p *onboarding.Pipeline) error {
		for pkg, err := range p.Repository.Catalog().Packages(ctx, imagerepo.PackageFilter{Project: a.config.Project}) {
			if err != nil {
				return err
			}
			if names = append(names, pkg.Name); len(names) == mostOffered {
				return nil
			}
		}
		return nil
	})
	return names, err
}

func (a *app) imageNames(ctx context.Context) (names []string, err error) {
	err = a.withRepository(ctx, func(p *onboarding.Pipeline) error {
		for img, err := range p.Repository.Catalog().Images(ctx, imagerepo.ImageFilter{Project: a.config.Project, Limit: mostOffered}) {
			if err != nil {
				return err
			}
			names = append(names, img.Name)
		}
		return nil
	})
	return names, err
}

func (a *app) tokenNames(ctx context.Context) (names []string, err error) {
	err = a.withFoundLedger(ctx, func(l *ledger.Ledger) error {
		tokens, err := access.NewTokens(l.Tokens(), access.Config{}).List(ctx, access.AllProjects)
		for _, token := range tokens[:min(len(tokens), mostOffered)] {
			names = append(names, token.Name)
		}
		return err
	})
	return names, err
}

// jobIDs returns the IDs of jobs that have not ended.
func (a *app) jobIDs(ctx context.Context) (ids []string, err error) {
	filter := job.Filter{States: []job.State{job.Queued, job.Running}, Limit: mostOffered}
	if a.config.Project != access.AllProjects {
		filter.Project = a.config.Project
	}
	err = a.withJobs(ctx, func(q *job.Queue, _ *ledger.Ledger) error {
		jobs, err := q.List(ctx, filter)
		for _, j := range jobs {
			ids = append(ids, j.ID)
		}
		return err
	})
	return ids, err
}

func vimNames(context.Context) ([]string, error) {
	config, err := glance.Load()
	if err != nil {
		return nil, err
	}
	return config.Names(), nil
}

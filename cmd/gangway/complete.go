package main

import (
	"context"
	"log/slog"
	"slices"

	"github.com/spf13/cobra"

	"github.com/gangway-nfv/gangway/onboarding/job"
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
	err = a.reading(ctx, func(r repository) error {
		for pkg, err := range r.Packages(ctx) {
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
	err = a.reading(ctx, func(r repository) error {
		for img, err := range r.Images(ctx) {
			if err != nil {
				return err
			}
			if names = append(names, img.Name); len(names) == mostOffered {
				return nil
			}
		}
		return nil
	})
	return names, err
}

func (a *app) tokenNames(ctx context.Context) (names []string, err error) {
	err = a.recorded(ctx, func(r records) error {
		tokens, err := r.Tokens(ctx)
		for _, token := range tokens[:min(len(tokens), mostOffered)] {
			names = append(names, token.Name)
		}
		return err
	})
	return names, err
}

// jobIDs returns the IDs of jobs that have not ended.
func (a *app) jobIDs(ctx context.Context) (ids []string, err error) {
	err = a.recorded(ctx, func(r records) error {
		jobs, err := r.Jobs(ctx, job.Filter{Project: a.config.within(), States: []job.State{job.Queued, job.Running}, Limit: mostOffered})
		for _, j := range jobs {
			ids = append(ids, j.ID)
		}
		return err
	})
	return ids, err
}

func (a *app) vimNames(ctx context.Context) (names []string, err error) {
	err = a.withClouds(func(site clouds) error {
		names, err = site.VIMs(ctx)
		return err
	})
	return names, err
}

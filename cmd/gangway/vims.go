package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/gangway-nfv/gangway/onboarding/view"
	"github.com/gangway-nfv/gangway/vim/glance"
)

func newVIMs(a *app) *cobra.Command {
	return group("vims", "List and check the VIMs of clouds.yaml, or of the server", newVIMsList(a), newVIMsCheck(a))
}

func newVIMsList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the VIMs", Example: "  OS_CLIENT_CONFIG_FILE=clouds.yaml gangway vims list", Args: cobra.NoArgs,
		RunE: a.running(nil, func(ctx context.Context, _ []string) error {
			names, err := a.vimNames(ctx)
			if err != nil {
				return err
			}
			return a.print(append([]string{}, names...), func(w io.Writer) error {
				for _, name := range names {
					if _, err := fmt.Fprintln(w, printable(name)); err != nil {
						return err
					}
				}
				return nil
			})
		}),
	}
}

func newVIMsCheck(a *app) *cobra.Command {
	var probe bool
	cmd := &cobra.Command{
		Use:   "check [VIM...]",
		Short: "Check whether VIMs can be used, and how",
		Long: `Check VIMs, all of them unless some are named: whether they can be reached, their
hash algorithm, import methods and quotas, and whether the user may publish.
Nothing is changed on a VIM without --probe.`,
		Example:           "  gangway vims check region-one",
		ValidArgsFunction: a.completing(math.MaxInt, a.vimNames),
		RunE: a.running(nil, func(ctx context.Context, names []string) error {
			if len(names) == 0 {
				all, err := a.vimNames(ctx)
				if err != nil {
					return err
				}
				names = all
			}
			checks, err := a.check(ctx, names, probe)
			if err != nil {
				return err
			}
			if err := a.print(checks, func(w io.Writer) error { return printChecks(w, checks) }); err != nil {
				return err
			}
			if slices.ContainsFunc(checks, func(c view.Check) bool { return c.Error != "" }) {
				return &failure{}
			}
			return nil
		}),
	}
	cmd.Flags().BoolVar(&probe, "probe", false, "try to publish: create an empty public image and delete it")
	return cmd
}

// check checks VIMs, all at the same time and each once.
func (a *app) check(ctx context.Context, names []string, probe bool) ([]view.Check, error) {
	names = once(names)
	checks, errs := make([]view.Check, len(names)), make([]error, len(names))
	err := a.withClouds(func(site clouds) error {
		var asked sync.WaitGroup
		for i, name := range names {
			asked.Go(func() { checks[i], errs[i] = site.CheckVIM(ctx, name, probe) })
		}
		asked.Wait()
		return errors.Join(errs...)
	})
	return checks, err
}

// once returns names in their order, each once.
func once(names []string) []string {
	var found []string
	for _, name := range names {
		if !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	return found
}

func viewCheck(c glance.Check) view.Check {
	shown := view.Check{
		VIM: c.VIM, AuthURL: c.AuthURL, Region: c.Region, User: c.User, Project: view.Project(c.Project),
		Roles: append([]string{}, c.Roles...), Endpoint: c.Endpoint, APIVersion: c.APIVersion, LatencyMS: c.Latency.Milliseconds(),
		HashAlgorithm: c.HashAlgorithm, ImportMethods: append([]string{}, c.ImportTypes...), Quotas: []view.Quota{},
		MayPublish: view.Answer{Verdict: string(c.MayPublish.Verdict), How: c.MayPublish.How},
		Problems:   append([]string{}, c.Problems...),
	}
	if c.Err != nil {
		shown.Error = c.Err.Error()
	}
	for _, q := range c.Quotas {
		shown.Quotas = append(shown.Quotas, view.Quota(q))
	}
	return shown
}

func printChecks(w io.Writer, checks []view.Check) error {
	var rows [][]string
	for _, c := range checks {
		state := "ok"
		if c.Error != "" {
			state = "failed"
		}
		rows = append(rows, []string{c.VIM, state, c.Project.Name, c.User, c.APIVersion, c.HashAlgorithm,
			string(c.MayPublish.Verdict), fmt.Sprint(c.LatencyMS), strings.Join(c.ImportMethods, ",")})
	}
	if err := table(w, "VIM\tSTATE\tPROJECT\tUSER\tAPI\tHASH\tMAY PUBLISH\tLATENCY MS\tIMPORT METHODS", rows); err != nil {
		return err
	}
	for _, c := range checks {
		var lines []string
		for _, q := range c.Quotas {
			limit := fmt.Sprint(q.Limit)
			if q.Limit < 0 {
				limit = "unlimited"
			}
			lines = append(lines, fmt.Sprintf("quota %s: %d of %s", q.Name, q.Used, limit))
		}
		if c.MayPublish.How != "" {
			lines = append(lines, "may publish: "+c.MayPublish.How)
		}
		lines = append(lines, c.Problems...)
		if c.Error != "" {
			lines = append(lines, "error: "+c.Error)
		}
		for _, line := range lines {
			if _, err := fmt.Fprintln(w, printable(c.VIM+": "+line)); err != nil {
				return err
			}
		}
	}
	return nil
}

// openVIMs returns the VIMs of those names, each once. The caller closes them.
func openVIMs(names []string, options glance.Options) ([]*glance.Cloud, error) {
	config, err := glance.Load()
	if err != nil {
		return nil, err
	}
	var clouds []*glance.Cloud
	var errs []error
	for _, name := range once(names) {
		cloud, err := config.Open(name, options)
		switch {
		case errors.Is(err, glance.ErrUnknownVIM):
			errs = append(errs, fmt.Errorf("%w: there are %q", err, config.Names()))
		case err != nil:
			errs = append(errs, err)
		default:
			clouds = append(clouds, cloud)
		}
	}
	if err := errors.Join(errs...); err != nil {
		for _, cloud := range clouds {
			cloud.Close()
		}
		return nil, err
	}
	return clouds, nil
}

package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glance"
)

func newLaunch(a *app) *cobra.Command {
	var names []string
	var options vim.Options
	var stallTimeout time.Duration
	cmd := &cobra.Command{
		Use:   "launch PACKAGE",
		Short: "Give VIMs the images that a package needs",
		Long: `Resolve the image references of a package's VDUs on one or more VIMs, and upload
exactly what is missing. The VIMs are the clouds of clouds.yaml. PACKAGE is an
ID, a name, vendor/name or vendor/name:version.`,
		Example: `  gangway launch firewall --vim region-one --dry-run
  gangway launch acme/firewall:1.0 --vim region-one --vim region-two`,
		Args: cobra.ExactArgs(1),
		RunE: running(func(ctx context.Context, _ *cobra.Command, args []string) error {
			if options.VisibilityFallback != "" && options.VisibilityFallback != "private" {
				return usagef("--visibility-fallback is %q, not private", options.VisibilityFallback)
			}
			config, err := glance.Load()
			if err != nil {
				return err
			}
			var clouds []vim.Cloud
			for _, name := range names {
				cloud, err := config.Open(name, glance.Options{StallTimeout: stallTimeout})
				if err != nil {
					return err
				}
				defer cloud.Close()
				clouds = append(clouds, cloud)
			}
			return a.withPipeline(ctx, func(p *onboarding.Pipeline) error {
				return a.launch(ctx, p, onboarding.LaunchRequest{
					Project: a.config.Project, Package: args[0], VIMs: clouds, Options: options})
			})
		}),
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&names, "vim", nil, "VIM to launch on; may be given several times")
	flags.BoolVar(&options.DryRun, "dry-run", false, "print the plan and change nothing")
	flags.BoolVar(&options.RequireDigest, "require-digest", false, "refuse images on the VIM that are not proven to have our bytes")
	flags.StringVar(&options.VisibilityFallback, "visibility-fallback", "", "private: upload privately where publishing is forbidden")
	flags.IntVar(&options.Uploads, "uploads", 4, "uploads at once")
	flags.IntVar(&options.UploadsPerVIM, "uploads-per-vim", 2, "uploads at once to one VIM")
	flags.DurationVar(&options.StallAfter, "takeover-after", time.Minute, "how long an upload by another may stand still before it is taken over")
	flags.DurationVar(&stallTimeout, "stall-timeout", time.Minute, "how long an upload of ours may stand still")
	if err := cmd.MarkFlagRequired("vim"); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}

func (a *app) launch(ctx context.Context, p *onboarding.Pipeline, req onboarding.LaunchRequest) error {
	bars := a.newProgress()
	req.Options.Log = a.log
	req.Options.Progress = func(at vim.Progress) { bars.update(at.VIM+" "+at.Image, at.Done, at.Total) }
	report, err := p.Launch(ctx, req)
	bars.finish()
	if len(report.VIMs) == 0 {
		return err
	}
	if printErr := a.print(report, func(w io.Writer) error { return printLaunch(w, report) }); printErr != nil {
		return printErr
	}
	return err
}

func printLaunch(w io.Writer, report onboarding.LaunchReport) error {
	var rows [][]string
	for _, on := range report.VIMs {
		for _, vdu := range on.VDUs {
			verified := "no"
			if vdu.Image.Verified {
				verified = "yes"
			}
			rows = append(rows, []string{on.VIM, vdu.Name, vdu.Image.Name, string(vdu.Image.Action), vdu.Image.ID, verified})
		}
	}
	if err := table(w, "VIM\tVDU\tIMAGE\tACTION\tID ON THE VIM\tVERIFIED", rows); err != nil {
		return err
	}
	for _, on := range report.VIMs {
		for _, vdu := range on.VDUs {
			for _, warning := range vdu.Warnings {
				fmt.Fprintf(w, "warning: %s: %s: %s\n", on.VIM, printable(vdu.Name), printable(warning))
			}
		}
	}
	return nil
}

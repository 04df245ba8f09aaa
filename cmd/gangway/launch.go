package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glance"
)

type launchFlags struct {
	vims         []string
	options      vim.Options
	stallTimeout time.Duration
}

// leastTakeover is several times as long as an uploader is silent between the
// signs of life that it gives, see [vim.Options].
const leastTakeover = 10 * time.Second

func (f *launchFlags) check() error {
	errs := []error{
		oneOf("visibility-fallback", f.options.VisibilityFallback, "", "private"),
		checkUploads(f.options),
		atLeast("stall-timeout", f.stallTimeout, time.Second),
	}
	if len(f.vims) == 0 {
		errs = append(errs, errors.New("--vim is missing"))
	}
	return errors.Join(errs...)
}

// checkUploads checks what registerUploads registers.
func checkUploads(o vim.Options) error {
	return errors.Join(
		atLeast("uploads", o.Uploads, 1),
		atLeast("uploads-per-vim", o.UploadsPerVIM, 1),
		atLeast("takeover-after", o.StallAfter, leastTakeover),
	)
}

// registerUploads defines the flags of all that uploads to VIMs.
func registerUploads(flags *pflag.FlagSet, o *vim.Options) {
	flags.IntVar(&o.Uploads, "uploads", 4, "uploads at once in one launch")
	flags.IntVar(&o.UploadsPerVIM, "uploads-per-vim", 2, "uploads at once to one VIM in one launch")
	flags.DurationVar(&o.StallAfter, "takeover-after", time.Minute, "how long an upload by another may stand still before it is taken over")
}

func newLaunch(a *app) *cobra.Command {
	f := &launchFlags{}
	cmd := &cobra.Command{
		Use:   "launch PACKAGE",
		Short: "Give VIMs the images that a package needs",
		Long: `Resolve the image references of a package's VDUs on one or more VIMs, and upload
exactly what is missing. The VIMs are the clouds of clouds.yaml, or those of the
server. PACKAGE is an ID, a name, vendor/name or vendor/name:version.`,
		Example: `  gangway launch firewall --vim region-one --dry-run
  gangway launch acme/firewall:1.0 --vim region-one --vim region-two`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completing(1, a.packageNames),
		RunE: a.running(f.check, func(ctx context.Context, args []string) error {
			wanted := operation.Launch{Package: args[0], VIMs: once(f.vims), DryRun: f.options.DryRun,
				RequireDigest: f.options.RequireDigest, VisibilityFallback: f.options.VisibilityFallback}
			return a.launching(ctx, f, func(l launcher) error { return a.launch(ctx, l, wanted) })
		}),
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.vims, "vim", nil, "VIM to launch on; may be given several times")
	flags.BoolVar(&f.options.DryRun, "dry-run", false, "print the plan and change nothing")
	flags.BoolVar(&f.options.RequireDigest, "require-digest", false, "refuse images on the VIM that are not proven to have our bytes")
	flags.StringVar(&f.options.VisibilityFallback, "visibility-fallback", "", "private: upload privately where publishing is forbidden")
	registerUploads(flags, &f.options)
	flags.DurationVar(&f.stallTimeout, "stall-timeout", time.Minute, "how long an upload of ours may stand still")
	complete(cmd, "visibility-fallback", "private")
	offer(cmd, "vim", a.completing(math.MaxInt, a.vimNames))
	return cmd
}

// launching runs fn on what launches on the VIMs of the flags.
func (a *app) launching(ctx context.Context, f *launchFlags, fn func(launcher) error) error {
	if a.config.remote() {
		return a.withRemote(func(r remote) error { return fn(r) })
	}
	clouds, err := openVIMs(f.vims, glance.Options{StallTimeout: f.stallTimeout})
	if err != nil {
		return err
	}
	for _, cloud := range clouds {
		defer cloud.Close()
	}
	options := f.options
	options.Log = a.log
	return a.openFound(ctx, cleaned(ctx, func(p *onboarding.Pipeline) error {
		return fn(localLauncher{a.here(p), clouds, options})
	}))
}

func (a *app) launch(ctx context.Context, l launcher, wanted operation.Launch) error {
	bars := a.newProgress()
	report, err := l.Launch(ctx, wanted, func(what string, done, total int64) { bars.update(what, "", done, total) })
	bars.finish()
	if len(report.VIMs) == 0 {
		return err
	}
	return errors.Join(err, a.print(report, func(w io.Writer) error { return printLaunch(w, report) }))
}

func printLaunch(w io.Writer, report onboarding.LaunchReport) error {
	var rows [][]string
	for _, on := range report.VIMs {
		for _, vdu := range on.VDUs {
			verified := "no"
			if vdu.Image.Verified {
				verified = "yes"
			}
			rows = append(rows, []string{on.VIM, vdu.Name, string(vdu.Image.Action), verified, vdu.Image.ID, vdu.Image.Name})
		}
	}
	if err := table(w, "VIM\tVDU\tACTION\tVERIFIED\tID ON THE VIM\tIMAGE", rows); err != nil {
		return err
	}
	for _, on := range report.VIMs {
		for _, vdu := range on.VDUs {
			for _, warning := range vdu.Warnings {
				fmt.Fprintf(w, "warning: %s\n", printable(fmt.Sprintf("%s: %s: %s", on.VIM, vdu.Name, warning)))
			}
		}
	}
	return nil
}

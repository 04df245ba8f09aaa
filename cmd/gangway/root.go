package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
)

// app is what all commands share: the streams, the configuration and what is
// made from it.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	config Config
	log    *slog.Logger
	bars   atomic.Pointer[mpb.Progress] // nil while none are shown
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "gangway",
		Short: "Bring VNF packages and their images aboard a telco cloud",
		Long: `gangway takes VNF packages in (Open Baton packages and CSARs, ETSI SOL004
CSARs), keeps their images in a repository with unique names, and gives an
OpenStack VIM exactly the images that it lacks when a VNF is launched.

With --server the commands act on a gangway server in place of the repository in the
home; the token for it comes from --token-file or GANGWAY_TOKEN.

Every flag is also an environment variable (--images-dir is GANGWAY_IMAGES_DIR)
and a key of the configuration file (images-dir). A flag beats the environment,
which beats the file.

The exit code is 0 when all is well, 1 when something was rejected or failed, 2
for wrong usage and 3 after an interruption.`,
		Example: `  gangway onboard firewall.tar
  gangway images list
  gangway launch firewall --vim region-one --dry-run
  gangway launch firewall --vim region-one`,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	a.config.register(root.PersistentFlags())
	complete(root, "output", outputs...)
	complete(root, "log-level", logLevels...)
	complete(root, "log-format", logFormats...)
	root.AddCommand(newOnboard(a), newValidate(a), newPackages(a), newImages(a), newVIMs(a), newLaunch(a), newServe(a), newDoctor(a),
		newJobs(a), newTokens(a), newAudit(a))
	return root
}

// group is a command that only has others below it.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(commands...)
	return cmd
}

// running makes a command's function one that is called when the configuration
// is complete and what check finds is well. What is wrong before is wrong usage
// and told at once; what goes wrong afterwards is a failure. Check may be nil.
func (a *app) running(check func() error, fn func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := a.configure(cmd)
		if check != nil {
			err = errors.Join(err, check())
		}
		if err != nil {
			return err
		}
		a.log = a.logger()
		err = fn(cmd.Context(), args)
		var failed *failure
		if err == nil || errors.As(err, &failed) {
			return err
		}
		return &failure{err}
	}
}

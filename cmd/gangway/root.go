package main

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/spf13/cobra"
)

// app is what all commands share: the streams, the configuration and what is
// made from it.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	config Config
	log    *slog.Logger
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "gangway",
		Short: "Bring VNF packages and their images aboard a telco cloud",
		Long: `gangway takes VNF packages in (Open Baton packages and CSARs, ETSI SOL004
CSARs), keeps their images in a repository with unique names, and gives an
OpenStack VIM exactly the images that it lacks when a VNF is launched.`,
		Example: `  gangway onboard firewall.tar
  gangway images list
  gangway launch firewall --vim region-one --dry-run
  gangway launch firewall --vim region-one`,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return a.configure(cmd)
		},
	}
	a.config.register(root.PersistentFlags())
	root.AddCommand(newOnboard(a), newValidate(a), newPackages(a), newImages(a), newVIMs(a), newLaunch(a))
	return root
}

// running makes a command's function one whose errors are failures, not wrong
// usage.
func running(fn func(ctx context.Context, cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := fn(cmd.Context(), cmd, args)
		var usage *usageError
		var failed *failure
		if err == nil || errors.As(err, &usage) || errors.As(err, &failed) {
			return err
		}
		return &failure{err}
	}
}

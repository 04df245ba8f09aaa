package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/gangway-nfv/gangway/vim/glance"
)

func newVIMs(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "vims", Short: "List and check the VIMs of clouds.yaml"}
	cmd.AddCommand(newVIMsList(a))
	return cmd
}

func newVIMsList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the VIMs", Example: "  OS_CLIENT_CONFIG_FILE=clouds.yaml gangway vims list", Args: cobra.NoArgs,
		RunE: running(func(context.Context, *cobra.Command, []string) error {
			config, err := glance.Load()
			if err != nil {
				return err
			}
			return a.print(config.Names(), func(w io.Writer) error {
				for _, name := range config.Names() {
					fmt.Fprintln(w, printable(name))
				}
				return nil
			})
		}),
	}
}

package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/gangway-nfv/gangway/imagerepo"
)

func newDoctor(a *app) *cobra.Command {
	var options imagerepo.DoctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Prove that database, files and digests agree",
		Long: `Prove that database, files and digests agree, in all projects. Every stored image
is read through unless --quick is given. The exit code is 1 while a problem
remains.`,
		Example: `  gangway doctor --quick
  gangway doctor --repair`,
		Args: cobra.NoArgs,
		RunE: a.running(nil, func(ctx context.Context, _ []string) error {
			return a.reading(ctx, func(r repository) error {
				bars := a.newProgress()
				options.Progress = func(at imagerepo.DoctorProgress) {
					bars.update("doctor", "", at.Bytes, -1)
				}
				diagnosis, err := r.Doctor(ctx, options)
				bars.finish()
				if err != nil {
					return err
				}
				if err := a.print(diagnosis, func(w io.Writer) error { return printDiagnosis(w, diagnosis) }); err != nil {
					return err
				}
				if !diagnosis.Healthy() {
					return &failure{}
				}
				return nil
			})
		}),
	}
	cmd.Flags().BoolVar(&options.Repair, "repair", false, "mend what can be mended without a loss")
	cmd.Flags().BoolVar(&options.Quick, "quick", false, "look at names and sizes only")
	return cmd
}

func printDiagnosis(w io.Writer, d imagerepo.Diagnosis) error {
	for _, problem := range d.Problems {
		state := "problem"
		if problem.Repaired {
			state = "repaired"
		}
		about := ""
		if problem.Name != "" {
			about = fmt.Sprintf("image %q (%s) of project %q: ", problem.Name, problem.Image, problem.Project)
		}
		fmt.Fprintf(w, "%s: %s [%s]\n", state, printable(about+problem.Message), problem.Kind)
		if problem.Location != "" {
			fmt.Fprintf(w, "    at    %s\n", printable(problem.Location))
		}
		fmt.Fprintf(w, "    cure  %s\n", printable(problem.Cure))
	}
	_, err := fmt.Fprintf(w, "%d image(s) in %d file(s), %s read: %d problem(s)\n", d.Images, d.Files, size(d.Bytes), len(d.Problems))
	return err
}

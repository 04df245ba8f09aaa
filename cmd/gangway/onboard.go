package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
)

var (
	conflicts = []string{string(onboarding.Reject), string(onboarding.Keep)}
	urlImages = []string{string(onboarding.Fetch), string(onboarding.Reference)}
)

type onboardFlags struct {
	jobs       int
	keepGoing  bool
	onConflict string
	images     string
	digests    []string
	dryRun     bool
	report     string
}

func (f *onboardFlags) register(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.jobs, "jobs", 2, "packages at once")
	cmd.Flags().BoolVar(&f.keepGoing, "keep-going", false, "go on after a package that is rejected or fails")
	cmd.Flags().StringVar(&f.report, "report", "", "write all reports to this file (JSON)")
}

func (f *onboardFlags) check() error {
	errs := []error{
		oneOf("on-conflict", f.onConflict, conflicts...),
		oneOf("images", f.images, urlImages...),
		atLeast("jobs", f.jobs, 1),
	}
	for _, algorithm := range f.digests {
		if _, ok := imagerepo.Algorithm(algorithm); !ok {
			errs = append(errs, fmt.Errorf("--digests has %q, which is not one of %s", algorithm, strings.Join(imagerepo.Algorithms(), ", ")))
		}
	}
	return errors.Join(errs...)
}

func newOnboard(a *app) *cobra.Command {
	flags := &onboardFlags{}
	cmd := &cobra.Command{
		Use:   "onboard SOURCE...",
		Short: "Take packages and their images into the repository",
		Long: `Take packages and their images into the repository. A SOURCE is a file, a
folder of packages, an http or https URL, or - for standard input. Onboarding a
package again stores nothing.`,
		Example: `  gangway onboard firewall.tar router.csar
  gangway onboard packages/ --jobs 4 --keep-going --report report.json
  curl -s https://example.org/firewall.tar | gangway onboard -`,
		Args: cobra.MinimumNArgs(1),
		RunE: a.running(flags.check, func(ctx context.Context, args []string) error {
			if flags.dryRun {
				return a.trying(ctx, func(r repository, there bool) error {
					if !there {
						return a.batch(ctx, r, args, flags, r.Validate)
					}
					return a.batch(ctx, r, args, flags, r.Onboard)
				})
			}
			return a.filling(ctx, func(r repository) error {
				return a.batch(ctx, r, args, flags, r.Onboard)
			})
		}),
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&flags.onConflict, "on-conflict", string(onboarding.Reject), "when an image name belongs to other bytes: reject the package, or keep the image that is there")
	cmd.Flags().StringVar(&flags.images, "images", string(onboarding.Fetch), "fetch images by URL, or store the reference only")
	cmd.Flags().StringSliceVar(&flags.digests, "digests", nil, "digests to compute at once beside sha256, such as sha512")
	cmd.Flags().BoolVar(&flags.dryRun, "dry-run", false, "check everything and store nothing")
	complete(cmd, "on-conflict", conflicts...)
	complete(cmd, "images", urlImages...)
	complete(cmd, "digests", imagerepo.Algorithms()...)
	return cmd
}

func newValidate(a *app) *cobra.Command {
	flags := &onboardFlags{onConflict: string(onboarding.Reject), images: string(onboarding.Reference)}
	cmd := &cobra.Command{
		Use:     "validate SOURCE...",
		Short:   "Check packages without a repository",
		Long:    "Make the checks of onboard, and store and fetch nothing.",
		Example: "  gangway validate firewall.tar -o json",
		Args:    cobra.MinimumNArgs(1),
		RunE: a.running(flags.check, func(ctx context.Context, args []string) error {
			return a.checking(ctx, func(r repository) error {
				return a.batch(ctx, r, args, flags, r.Validate)
			})
		}),
	}
	flags.register(cmd)
	return cmd
}

// batch runs one for every source and prints the reports.
func (a *app) batch(ctx context.Context, r repository, args []string, flags *onboardFlags,
	one func(context.Context, onboarding.Source, onboarding.Options) (onboarding.Report, error)) (err error) {
	reports := []onboarding.Report{}
	if flags.report != "" {
		// A file that cannot be written is better told before the work than after.
		file, createErr := os.Create(flags.report)
		if createErr != nil {
			return fmt.Errorf("report: %w", createErr)
		}
		defer func() { err = errors.Join(err, writeJSON(file, reports, "  "), file.Close()) }()
	}
	bars := a.newProgress()
	options := onboarding.Options{
		Project: a.config.Project, OnConflict: onboarding.Conflict(flags.onConflict), Images: onboarding.URLImages(flags.images),
		Digests: flags.digests, DryRun: flags.dryRun,
		Progress: func(at onboarding.Progress) { bars.update(at.Source, at.Image, at.Done, at.Total) },
	}
	var printErr error
	accepted := true
	err = onboarding.Batch(ctx, a.sources(ctx, r, args), onboarding.BatchOptions{Jobs: flags.jobs, KeepGoing: flags.keepGoing},
		func(ctx context.Context, src onboarding.Source) (onboarding.Report, error) {
			return one(ctx, src, options)
		},
		func(report onboarding.Report) {
			bars.end(report.Source)
			reports = append(reports, report)
			accepted = accepted && report.Status != onboarding.Rejected && report.Status != onboarding.Failed
			printErr = errors.Join(printErr, a.printItem(report, func(io.Writer) error { return nil })) // the summary comes last
		})
	bars.finish()
	if a.config.Output == "text" {
		printErr = a.summary(reports)
	}
	switch err := errors.Join(err, printErr); {
	case err != nil:
		return err
	case !accepted:
		return &failure{}
	case len(reports) == 0:
		complain(a.stderr, "no packages in "+strings.Join(args, ", "))
	}
	return nil
}

// sources yields what the arguments name.
func (a *app) sources(ctx context.Context, r repository, args []string) iter.Seq2[onboarding.Source, error] {
	return func(yield func(onboarding.Source, error) bool) {
		for _, arg := range args {
			if info, err := os.Stat(arg); err == nil && info.IsDir() {
				for src, err := range onboarding.FolderSources(arg) {
					if !yield(src, err) {
						return
					}
				}
				continue
			}
			src := onboarding.FileSource(arg)
			switch {
			case arg == "-":
				src = onboarding.StreamSource("-", a.input(ctx))
			case onboarding.IsURL(arg):
				src = r.URLSource(arg)
			}
			if !yield(src, nil) {
				return
			}
		}
	}
}

// summary prints what became of all packages, with the findings of each.
func (a *app) summary(reports []onboarding.Report) error {
	var rows [][]string
	for _, report := range reports {
		name, images := "", int64(0)
		if report.Package != nil {
			name = imagerepo.PackageRef{Vendor: report.Package.Vendor, Name: report.Package.Name, Version: report.Package.Version}.String()
		}
		for _, img := range report.Images {
			images += img.Size
		}
		rows = append(rows, []string{string(report.Status), name, fmt.Sprint(len(report.Images)), size(images), report.Source})
	}
	if len(rows) > 0 {
		if err := table(a.stdout, "STATUS\tPACKAGE\tIMAGES\tSIZE\tSOURCE", rows); err != nil {
			return err
		}
	}
	for _, report := range reports {
		if len(report.Findings) > 0 || report.Error != "" {
			if _, err := fmt.Fprintf(a.stdout, "\n%s\n", printable(report.Source)); err != nil {
				return err
			}
			printFindings(a.stdout, report)
		}
	}
	return nil
}

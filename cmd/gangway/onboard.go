package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
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
	var errs []error
	oneOf := func(flag, value string, values ...string) {
		if !slices.Contains(values, value) {
			errs = append(errs, fmt.Errorf("--%s is %q, not one of %s", flag, value, strings.Join(values, ", ")))
		}
	}
	oneOf("on-conflict", f.onConflict, string(onboarding.Reject), string(onboarding.Keep))
	oneOf("images", f.images, string(onboarding.Fetch), string(onboarding.Reference))
	if f.jobs < 1 {
		errs = append(errs, errors.New("--jobs is less than 1"))
	}
	for _, algorithm := range f.digests {
		if _, ok := imagerepo.Algorithm(algorithm); !ok {
			errs = append(errs, fmt.Errorf("--digests has %q, which is not one of %s", algorithm, strings.Join(imagerepo.Algorithms(), ", ")))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return &usageError{err}
	}
	return nil
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
		RunE: running(func(ctx context.Context, _ *cobra.Command, args []string) error {
			if err := flags.check(); err != nil {
				return err
			}
			return a.withPipeline(ctx, func(p *onboarding.Pipeline) error {
				return a.batch(ctx, p, args, flags, p.Onboard)
			})
		}),
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&flags.onConflict, "on-conflict", string(onboarding.Reject), "when an image name belongs to other bytes: reject the package, or keep the image that is there")
	cmd.Flags().StringVar(&flags.images, "images", string(onboarding.Fetch), "fetch images by URL, or store the reference only")
	cmd.Flags().StringSliceVar(&flags.digests, "digests", nil, "digests to compute at once beside sha256, such as sha512")
	cmd.Flags().BoolVar(&flags.dryRun, "dry-run", false, "check everything and store nothing")
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
		RunE: running(func(ctx context.Context, _ *cobra.Command, args []string) error {
			if err := flags.check(); err != nil {
				return err
			}
			return a.withoutRepository(func(p *onboarding.Pipeline) error {
				return a.batch(ctx, p, args, flags, p.Validate)
			})
		}),
	}
	flags.register(cmd)
	return cmd
}

// batch runs one for every source and prints the reports.
func (a *app) batch(ctx context.Context, p *onboarding.Pipeline, args []string, flags *onboardFlags,
	one func(context.Context, onboarding.Source, onboarding.Options) (onboarding.Report, error)) error {
	bars := a.newProgress()
	options := onboarding.Options{
		Project: a.config.Project, OnConflict: onboarding.Conflict(flags.onConflict), Images: onboarding.URLImages(flags.images),
		Digests: flags.digests, DryRun: flags.dryRun,
		Progress: func(at onboarding.Progress) { bars.update(at.Source, at.Done, at.Total) },
	}
	reports := []onboarding.Report{}
	var printErr error
	err := onboarding.Batch(ctx, a.sources(p, args), onboarding.BatchOptions{Jobs: flags.jobs, KeepGoing: flags.keepGoing},
		func(ctx context.Context, src onboarding.Source) (onboarding.Report, error) {
			return one(ctx, src, options)
		},
		func(report onboarding.Report) {
			bars.end(report.Source)
			reports = append(reports, report)
			if a.config.Output != "text" {
				printErr = errors.Join(printErr, a.printItem(report))
			}
		})
	bars.finish()
	if a.config.Output == "text" {
		printErr = a.summary(reports)
	}
	if flags.report != "" {
		printErr = errors.Join(printErr, writeReports(flags.report, reports))
	}
	if err := errors.Join(err, printErr); err != nil {
		return err
	}
	for _, report := range reports {
		if report.Status == onboarding.Rejected || report.Status == onboarding.Failed {
			return &failure{}
		}
	}
	return nil
}

// sources yields what the arguments name.
func (a *app) sources(p *onboarding.Pipeline, args []string) iter.Seq2[onboarding.Source, error] {
	return func(yield func(onboarding.Source, error) bool) {
		for _, arg := range args {
			info, err := os.Stat(arg)
			switch {
			case arg == "-":
				if !yield(onboarding.StreamSource("-", a.stdin), nil) {
					return
				}
			case onboarding.IsURL(arg):
				if !yield(onboarding.URLSource(arg, p.Fetch), nil) {
					return
				}
			case err == nil && info.IsDir():
				for src, err := range onboarding.FolderSources(arg) {
					if !yield(src, err) {
						return
					}
				}
			default:
				if !yield(onboarding.FileSource(arg), nil) {
					return
				}
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
		rows = append(rows, []string{report.Source, string(report.Status), name, fmt.Sprint(len(report.Images)), size(images)})
	}
	if len(rows) > 0 {
		if err := table(a.stdout, "SOURCE\tSTATUS\tPACKAGE\tIMAGES\tSIZE", rows); err != nil {
			return err
		}
	}
	for _, report := range reports {
		if len(report.Findings) > 0 || report.Error != "" {
			fmt.Fprintf(a.stdout, "\n%s\n", printable(report.Source))
			printFindings(a.stdout, report)
		}
	}
	return nil
}

func writeReports(path string, reports []onboarding.Report) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	encoder := json.NewEncoder(io.Writer(file))
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(reports)
}

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/view"
	"github.com/gangway-nfv/gangway/tosca"
)

func newPackages(a *app) *cobra.Command {
	return group("packages", "List, show and delete packages", newPackagesList(a), newPackagesShow(a), newPackagesDelete(a))
}

func newPackagesList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the packages of the project", Example: "  gangway packages list -o json", Args: cobra.NoArgs,
		RunE: a.running(nil, func(ctx context.Context, _ []string) error {
			return a.reading(ctx, func(r repository) error {
				views := []view.Package{}
				for pkg, err := range r.Packages(ctx) {
					if err != nil {
						return err
					}
					views = append(views, pkg)
				}
				slices.SortFunc(views, func(a, b view.Package) int { // a server has them in the order of their coming
					return cmp.Or(cmp.Compare(a.Vendor, b.Vendor), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
				})
				return a.print(views, func(w io.Writer) error {
					var rows [][]string
					for _, v := range views {
						rows = append(rows, []string{v.ID, v.Vendor, v.Name, v.Version, v.Dialect, fmt.Sprint(len(v.Images)), local(&v.CreatedAt, "")})
					}
					return table(w, "ID\tVENDOR\tNAME\tVERSION\tDIALECT\tIMAGES\tCREATED", rows)
				})
			})
		}),
	}
}

func newPackagesShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show PACKAGE", Short: "Show a package with its VDUs, images and files",
		Long:    "Show a package. PACKAGE is an ID, a name, vendor/name or vendor/name:version.",
		Example: "  gangway packages show acme/firewall:1.0", Args: cobra.ExactArgs(1),
		ValidArgsFunction: a.completing(1, a.packageNames),
		RunE: a.running(nil, func(ctx context.Context, args []string) error {
			return a.reading(ctx, func(r repository) error {
				shown, err := r.Package(ctx, args[0])
				if err != nil {
					return err
				}
				return a.print(shown, func(w io.Writer) error { return printPackage(w, shown) })
			})
		}),
	}
}

func printPackage(w io.Writer, shown view.Package) error {
	var model tosca.Package
	if err := json.Unmarshal(shown.Model, &model); err != nil {
		return fmt.Errorf("record of package %s: %w", shown.ID, err)
	}
	called := imagerepo.PackageRef{Vendor: shown.Vendor, Name: shown.Name, Version: shown.Version}
	fmt.Fprintf(w, "%s\n  id       %s\n  dialect  %s\n  created  %s\n\n", printable(called.String()), shown.ID, shown.Dialect,
		local(&shown.CreatedAt, ""))
	var rows [][]string
	for _, vdu := range model.VDUs {
		rows = append(rows, []string{vdu.Name, strings.Join(vdu.Images, " or ")})
	}
	if err := table(w, "VDU\tIMAGE", rows); err != nil {
		return err
	}
	rows = nil
	for _, img := range shown.Images {
		rows = append(rows, []string{img.ID, img.Name})
	}
	fmt.Fprintln(w)
	if err := table(w, "ID\tIMAGE", rows); err != nil {
		return err
	}
	rows = nil
	for _, file := range shown.Files {
		rows = append(rows, []string{file.Role, size(file.Size), file.SHA256, file.Path})
	}
	fmt.Fprintln(w)
	return table(w, "ROLE\tSIZE\tSHA256\tFILE", rows)
}

func newPackagesDelete(a *app) *cobra.Command {
	var keepImages, dryRun bool
	cmd := &cobra.Command{
		Use: "delete PACKAGE...", Short: "Delete packages with the images that only they brought",
		Example: "  gangway packages delete acme/firewall:1.0 --keep-images", Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completing(math.MaxInt, a.packageNames),
		RunE: a.running(nil, func(ctx context.Context, args []string) error {
			return a.changing(ctx, func(r repository) error {
				remove, did := r.DeletePackage, "deleted"
				if dryRun {
					remove, did = r.DeletedWith, "would delete"
				}
				for _, called := range args {
					gone, err := remove(ctx, called, keepImages)
					if err != nil {
						return err
					}
					if err := a.printItem(gone, func(w io.Writer) error {
						_, err := fmt.Fprintf(w, "%s package %s and %d image(s)\n", did, printable(gone.Package.String()), len(gone.Images))
						return err
					}); err != nil {
						return err
					}
				}
				return nil
			})
		}),
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "tell what would go, and change nothing")
	cmd.Flags().BoolVar(&keepImages, "keep-images", false, "keep the images")
	return cmd
}

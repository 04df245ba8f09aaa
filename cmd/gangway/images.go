package main

import (
	"context"
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

func newImages(a *app) *cobra.Command {
	return group("images", "List, show, add, delete and save images",
		newImagesList(a), newImagesShow(a), newImagesAdd(a), newImagesDelete(a), newImagesSave(a))
}

func newImagesList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the images of the project", Example: "  gangway images list -o json", Args: cobra.NoArgs,
		RunE: a.running(nil, func(ctx context.Context, _ []string) error {
			return a.reading(ctx, func(r repository) error {
				views := []view.Image{}
				for img, err := range r.Images(ctx) {
					if err != nil {
						return err
					}
					views = append(views, img)
				}
				return a.print(views, func(w io.Writer) error {
					var rows [][]string
					for _, v := range views {
						bytes, digest := "by reference", ""
						if v.Stored() {
							bytes, digest = size(v.Size), v.Digests[imagerepo.SHA256][:12]
						}
						rows = append(rows, []string{v.ID, bytes, digest, v.DiskFormat, fmt.Sprint(v.MinDisk), fmt.Sprint(v.MinRAM),
							fmt.Sprint(v.IsPublic), fmt.Sprint(len(v.Packages)), v.Name})
					}
					return table(w, "ID\tSIZE\tSHA256\tFORMAT\tMIN DISK GB\tMIN RAM MB\tPUBLIC\tPACKAGES\tNAME", rows)
				})
			})
		}),
	}
}

func newImagesShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show IMAGE", Short: "Show an image by name or ID", Example: "  gangway images show firewall-image", Args: cobra.ExactArgs(1),
		ValidArgsFunction: a.completing(1, a.imageNames),
		RunE: a.running(nil, func(ctx context.Context, args []string) error {
			return a.reading(ctx, func(r repository) error {
				shown, err := r.Image(ctx, args[0])
				if err != nil {
					return err
				}
				return a.print(shown, func(w io.Writer) error { return printImage(w, shown) })
			})
		}),
	}
}

func printImage(w io.Writer, v view.Image) error {
	rows := [][]string{
		{"id", v.ID}, {"name", v.Name}, {"project", v.Project}, {"size", fmt.Sprintf("%s (%d bytes)", size(v.Size), v.Size)},
		{"format", v.DiskFormat + " " + v.ContainerFormat}, {"min disk", fmt.Sprintf("%d GB", v.MinDisk)},
		{"min ram", fmt.Sprintf("%d MB", v.MinRAM)}, {"min cpu", fmt.Sprint(v.MinCPU)}, {"public", fmt.Sprint(v.IsPublic)},
		{"created", local(&v.CreatedAt, "")},
	}
	for _, algorithm := range imagerepo.Algorithms() {
		if digest := v.Digests[algorithm]; digest != "" {
			rows = append(rows, []string{algorithm, digest})
		}
	}
	if v.File != "" {
		rows = append(rows, []string{"file", v.File})
	}
	if v.URL != "" {
		rows = append(rows, []string{"url", v.URL})
	}
	for _, pkg := range v.Packages {
		rows = append(rows, []string{"package", pkg.String()})
	}
	return table(w, "PROPERTY\tVALUE", rows)
}

func newImagesDelete(a *app) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use: "delete IMAGE...", Short: "Delete images by name or ID",
		Long:    "Delete images. One that packages use is refused unless --force is given.",
		Example: "  gangway images delete cirros", Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completing(math.MaxInt, a.imageNames),
		RunE: a.running(nil, func(ctx context.Context, args []string) error {
			return a.changing(ctx, func(r repository) error {
				for _, called := range args {
					gone, err := r.DeleteImage(ctx, called, force)
					if err != nil {
						return err
					}
					if err := a.printItem(gone, func(w io.Writer) error {
						_, err := fmt.Fprintf(w, "deleted image %s (%s)\n", printable(gone.Name), gone.ID)
						return err
					}); err != nil {
						return err
					}
				}
				return nil
			})
		}),
	}
	cmd.Flags().BoolVar(&force, "force", false, "delete images that packages use, too")
	return cmd
}

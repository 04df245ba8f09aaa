package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/tosca"
)

type addFlags struct {
	description tosca.ImageDescription
	onConflict  string
	images      string
	digest      string
}

func (f *addFlags) check() error {
	errs := []error{
		oneOf("on-conflict", f.onConflict, conflicts...),
		oneOf("images", f.images, urlImages...),
		atLeast("min-disk", f.description.MinDisk, 0),
		atLeast("min-ram", f.description.MinRAM, 0),
		atLeast("min-cpu", f.description.MinCPU, 0),
	}
	if f.digest != "" {
		algorithm, digest, _ := strings.Cut(f.digest, ":")
		canonical, known := imagerepo.Algorithm(algorithm)
		if _, err := hex.DecodeString(digest); err != nil || !known || digest == "" {
			errs = append(errs, fmt.Errorf("--digest is %q, not algorithm:hex with an algorithm of %s", f.digest, strings.Join(imagerepo.Algorithms(), ", ")))
		}
		f.description.Digests = map[string]string{canonical: strings.ToLower(digest)}
	}
	return errors.Join(errs...)
}

func newImagesAdd(a *app) *cobra.Command {
	f := &addFlags{}
	cmd := &cobra.Command{
		Use:   "add NAME FILE|URL|-",
		Short: "Add an image without a package",
		Long: `Add an image from a file, an http or https URL, or standard input. Without
--disk-format the format is found from the bytes. An image that a package brought
is unchanged if the bytes are the same, and stays when the package is deleted.`,
		Example: `  gangway images add cirros cirros.qcow2 --min-ram 64
  gangway images add ubuntu https://example.org/ubuntu.img --digest sha256:…`,
		Args: cobra.ExactArgs(2),
		RunE: a.running(f.check, func(ctx context.Context, args []string) error {
			f.description.Name = args[0]
			return a.filling(ctx, func(r repository) error {
				return a.addImage(ctx, r, f, args[1])
			})
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&f.description.DiskFormat, "disk-format", "", "disk format as Glance spells it")
	flags.StringVar(&f.description.ContainerFormat, "container-format", "bare", "container format as Glance spells it")
	flags.Int64Var(&f.description.MinDisk, "min-disk", 0, "smallest disk in GB")
	flags.Int64Var(&f.description.MinRAM, "min-ram", 0, "smallest memory in MB")
	flags.Int64Var(&f.description.MinCPU, "min-cpu", 0, "fewest virtual CPUs")
	flags.BoolVar(&f.description.IsPublic, "public", false, "publish the image on VIMs")
	flags.StringVar(&f.digest, "digest", "", "expected digest as algorithm:hex")
	flags.StringVar(&f.onConflict, "on-conflict", string(onboarding.Reject), "when the name belongs to other bytes: reject, or keep the image that is there")
	flags.StringVar(&f.images, "images", string(onboarding.Fetch), "fetch a URL, or store the reference only")
	complete(cmd, "on-conflict", conflicts...)
	complete(cmd, "images", urlImages...)
	return cmd
}

func (a *app) addImage(ctx context.Context, r repository, f *addFlags, source string) error {
	req := onboarding.AddRequest{Description: f.description, Size: -1, Options: onboarding.Options{
		Project: a.config.Project, OnConflict: onboarding.Conflict(f.onConflict), Images: onboarding.URLImages(f.images)}}
	switch {
	case onboarding.IsURL(source):
		req.Description.URL = source
	case source == "-":
		req.Content = a.input(ctx)
	default:
		file, err := os.Open(source)
		if err != nil {
			return err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		req.Content, req.Size = file, info.Size()
	}
	bars := a.newProgress()
	req.Progress = func(at onboarding.Progress) { bars.update(f.description.Name, "", at.Done, at.Total) }
	report, err := r.AddImage(ctx, req)
	bars.finish()
	if err := a.print(report, func(w io.Writer) error {
		fmt.Fprintf(w, "%s %s\n", report.Status, printable(f.description.Name))
		for _, img := range report.Images {
			if img.ID != "" {
				fmt.Fprintf(w, "  %s  %s  %s\n", img.ID, size(img.Size), img.Action)
			}
		}
		printFindings(w, report)
		return nil
	}); err != nil {
		return err
	}
	if err != nil || report.Status == onboarding.Rejected {
		return &failure{} // the report tells it
	}
	return nil
}

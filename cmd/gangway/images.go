package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/tosca"
)

func newImages(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "images", Short: "List, show, add, delete and save images"}
	cmd.AddCommand(newImagesList(a), newImagesShow(a), newImagesAdd(a), newImagesDelete(a), newImagesSave(a))
	return cmd
}

func newImagesList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the images of the project", Example: "  gangway images list -o json", Args: cobra.NoArgs,
		RunE: running(func(ctx context.Context, _ *cobra.Command, _ []string) error {
			return a.withPipeline(ctx, func(p *onboarding.Pipeline) error {
				views := []imageView{}
				for img, err := range p.Repository.Catalog().Images(ctx, imagerepo.ImageFilter{Project: a.config.Project}) {
					if err != nil {
						return err
					}
					views = append(views, viewImage(p.Repository, img))
				}
				return a.print(views, func(w io.Writer) error {
					var rows [][]string
					for _, v := range views {
						bytes, digest := "by reference", ""
						if v.File != "" {
							bytes, digest = size(v.Size), v.Digests[imagerepo.SHA256][:12]
						}
						rows = append(rows, []string{v.ID, v.Name, bytes, digest, v.DiskFormat, fmt.Sprint(v.MinDisk), fmt.Sprint(v.MinRAM),
							fmt.Sprint(v.IsPublic), fmt.Sprint(len(v.Packages))})
					}
					return table(w, "ID\tNAME\tSIZE\tSHA256\tFORMAT\tMIN DISK GB\tMIN RAM MB\tPUBLIC\tPACKAGES", rows)
				})
			})
		}),
	}
}

func newImagesShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show IMAGE", Short: "Show an image by name or ID", Example: "  gangway images show firewall-image", Args: cobra.ExactArgs(1),
		RunE: running(func(ctx context.Context, _ *cobra.Command, args []string) error {
			return a.withPipeline(ctx, func(p *onboarding.Pipeline) error {
				img, err := p.Repository.Find(ctx, a.config.Project, args[0])
				if err != nil {
					return err
				}
				view := viewImage(p.Repository, img)
				return a.print(view, func(w io.Writer) error { return printImage(w, view) })
			})
		}),
	}
}

func printImage(w io.Writer, v imageView) error {
	rows := [][]string{
		{"id", v.ID}, {"name", v.Name}, {"project", v.Project}, {"size", fmt.Sprintf("%s (%d bytes)", size(v.Size), v.Size)},
		{"format", v.DiskFormat + " " + v.ContainerFormat}, {"min disk", fmt.Sprintf("%d GB", v.MinDisk)},
		{"min ram", fmt.Sprintf("%d MB", v.MinRAM)}, {"min cpu", fmt.Sprint(v.MinCPU)}, {"public", fmt.Sprint(v.IsPublic)},
		{"created", v.CreatedAt.Local().Format(time.DateTime)},
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

func newImagesAdd(a *app) *cobra.Command {
	var d tosca.ImageDescription
	var onConflict, images, digest string
	cmd := &cobra.Command{
		Use:   "add NAME FILE|URL|-",
		Short: "Add an image without a package",
		Long: `Add an image from a file, an http or https URL, or standard input. Without
--disk-format the format is found from the bytes.`,
		Example: `  gangway images add cirros cirros.qcow2 --min-ram 64
  gangway images add ubuntu https://example.org/ubuntu.img --digest sha256:…`,
		Args: cobra.ExactArgs(2),
		RunE: running(func(ctx context.Context, _ *cobra.Command, args []string) error {
			if digest != "" {
				algorithm, hex, ok := strings.Cut(digest, ":")
				canonical, known := imagerepo.Algorithm(algorithm)
				if !ok || !known {
					return usagef("--digest is %q, not algorithm:hex with an algorithm of %s", digest, strings.Join(imagerepo.Algorithms(), ", "))
				}
				d.Digests = map[string]string{canonical: strings.ToLower(hex)}
			}
			d.Name = args[0]
			return a.withPipeline(ctx, func(p *onboarding.Pipeline) error {
				return a.addImage(ctx, p, d, args[1], onConflict, images)
			})
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&d.DiskFormat, "disk-format", "", "disk format as Glance spells it")
	flags.StringVar(&d.ContainerFormat, "container-format", "bare", "container format as Glance spells it")
	flags.Int64Var(&d.MinDisk, "min-disk", 0, "smallest disk in GB")
	flags.Int64Var(&d.MinRAM, "min-ram", 0, "smallest memory in MB")
	flags.Int64Var(&d.MinCPU, "min-cpu", 0, "fewest virtual CPUs")
	flags.BoolVar(&d.IsPublic, "public", false, "publish the image on VIMs")
	flags.StringVar(&digest, "digest", "", "expected digest as algorithm:hex")
	flags.StringVar(&onConflict, "on-conflict", string(onboarding.Reject), "when the name belongs to other bytes: reject, or keep the image that is there")
	flags.StringVar(&images, "images", string(onboarding.Fetch), "fetch a URL, or store the reference only")
	return cmd
}

func (a *app) addImage(ctx context.Context, p *onboarding.Pipeline, d tosca.ImageDescription, source, onConflict, images string) error {
	bars := a.newProgress()
	defer bars.finish()
	req := onboarding.AddRequest{Description: d, Size: -1, Options: onboarding.Options{
		Project: a.config.Project, OnConflict: onboarding.Conflict(onConflict), Images: onboarding.URLImages(images),
		Progress: func(at onboarding.Progress) { bars.update(d.Name, at.Done, at.Total) },
	}}
	switch {
	case onboarding.IsURL(source):
		req.Description.URL = source
	case source == "-":
		req.Content = a.stdin
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
	report, err := p.Add(ctx, req)
	bars.end(d.Name)
	if printErr := a.print(report, func(w io.Writer) error {
		fmt.Fprintf(w, "%s %s\n", report.Status, printable(d.Name))
		for _, img := range report.Images {
			if img.ID != "" {
				fmt.Fprintf(w, "  %s  %s  %s\n", img.ID, size(img.Size), img.Action)
			}
		}
		printFindings(w, report)
		return nil
	}); printErr != nil {
		return printErr
	}
	if err != nil || report.Status == onboarding.Rejected {
		return &failure{}
	}
	return nil
}

func newImagesDelete(a *app) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use: "delete IMAGE...", Short: "Delete images by name or ID",
		Long:    "Delete images. One that packages use is refused unless --force is given.",
		Example: "  gangway images delete cirros", Args: cobra.MinimumNArgs(1),
		RunE: running(func(ctx context.Context, _ *cobra.Command, args []string) error {
			return a.withPipeline(ctx, func(p *onboarding.Pipeline) error {
				for _, called := range args {
					img, err := p.Repository.Find(ctx, a.config.Project, called)
					if err != nil {
						return err
					}
					if img, err = p.Repository.DeleteImage(ctx, img.ID, force); err != nil {
						return err
					}
					if err := a.print(imagerepo.ImageRef{ID: img.ID, Name: img.Name}, func(w io.Writer) error {
						_, err := fmt.Fprintf(w, "deleted image %s (%s)\n", printable(img.Name), img.ID)
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

func newImagesSave(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "save IMAGE FILE|-", Short: "Copy an image's bytes out of the repository",
		Long:    "Copy an image's bytes to a file, which must not exist, or to standard output.",
		Example: "  gangway images save cirros cirros.qcow2", Args: cobra.ExactArgs(2),
		RunE: running(func(ctx context.Context, _ *cobra.Command, args []string) error {
			return a.withPipeline(ctx, func(p *onboarding.Pipeline) error {
				img, err := p.Repository.Find(ctx, a.config.Project, args[0])
				if err != nil {
					return err
				}
				if !img.Stored() {
					return fmt.Errorf("image %q is only referenced: its bytes are at %s", img.Name, img.Source.URL)
				}
				blob, err := p.Repository.Open(ctx, img)
				if err != nil {
					return err
				}
				defer blob.Close()
				content := io.NewSectionReader(blob, 0, blob.Size())
				if args[1] == "-" {
					_, err := io.Copy(a.stdout, content)
					return err
				}
				return save(args[1], content)
			})
		}),
	}
}

// save writes content to a new file, which appears whole or not at all.
func save(path string, content io.Reader) (err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, fmt.Errorf("%s is there already", path))
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".gangway-save-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = io.Copy(file, content)
	if err == nil {
		err = file.Chmod(0o644)
	}
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Link(file.Name(), path)
}

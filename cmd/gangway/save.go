package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/onboarding"
)

func newImagesSave(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "save IMAGE FILE|-", Short: "Copy an image's bytes out of the repository",
		Long:    "Copy an image's bytes to a file, which must not exist, or to standard output.",
		Example: "  gangway images save cirros cirros.qcow2", Args: cobra.ExactArgs(2),
		ValidArgsFunction: a.completing(1, a.imageNames),
		RunE: a.running(nil, func(ctx context.Context, args []string) error {
			return a.withRepository(ctx, func(p *onboarding.Pipeline) error {
				img, err := p.Repository.Find(ctx, a.config.Project, args[0])
				if err != nil {
					return err
				}
				if !img.Stored() {
					return fmt.Errorf("image %q is only referenced: its bytes are at %s", img.Name, fetch.Redact(img.Source.URL))
				}
				blob, err := p.Repository.Open(ctx, img)
				if err != nil {
					return err
				}
				defer blob.Close()
				content := until(ctx, io.NewSectionReader(blob, 0, blob.Size()))
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
func save(path string, content io.Reader) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s is there already", path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".gangway-save-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = io.Copy(file, content)
	if err == nil {
		err = errors.Join(file.Chmod(0o644), file.Sync())
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Link(file.Name(), path) // which, unlike a rename, replaces nothing
}

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
)

func newImagesSave(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "save IMAGE FILE|-", Short: "Copy an image's bytes out of the repository",
		Long:    "Copy an image's bytes to a file, which must not exist, or to standard output.",
		Example: "  gangway images save cirros cirros.qcow2", Args: cobra.ExactArgs(2),
		ValidArgsFunction: a.completing(1, a.imageNames),
		RunE: a.running(nil, func(ctx context.Context, args []string) error {
			return a.reading(ctx, func(r repository) error {
				image, err := r.OpenImage(ctx, args[0])
				if err != nil {
					return err
				}
				defer image.Close()
				content := until(ctx, image)
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

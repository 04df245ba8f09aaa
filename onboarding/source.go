package onboarding

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/onboarding/csar"
)

// Source is where a package comes from. Open is called once and may block; the
// closer frees what it opened.
type Source struct {
	// Name is what reports call it.
	Name string
	// URL is where the package is, with the credentials that it may take, for those
	// who have somebody else fetch it; empty for one that is not behind a URL.
	URL  string
	Open func(ctx context.Context) (csar.Source, io.Closer, error)
}

// FileSource is a package in a file.
func FileSource(path string) Source {
	return Source{Name: path, Open: func(context.Context) (csar.Source, io.Closer, error) {
		file, err := os.Open(path)
		if err != nil {
			return csar.Source{}, nil, err
		}
		info, err := file.Stat()
		if err != nil {
			return csar.Source{}, nil, errors.Join(err, file.Close())
		}
		if !info.Mode().IsRegular() {
			return csar.Source{Name: path, Reader: file}, file, nil
		}
		return csar.Source{Name: path, At: file, Size: info.Size()}, file, nil
	}}
}

// StreamSource is a package that comes as a stream, such as a request's body.
// It stays the caller's to close.
func StreamSource(name string, r io.Reader) Source {
	return Source{Name: name, Open: func(context.Context) (csar.Source, io.Closer, error) {
		return csar.Source{Name: name, Reader: r}, io.NopCloser(nil), nil
	}}
}

// URLSource is a package behind an http or https URL. The client may be nil if the
// source is not opened here.
func URLSource(url string, client *fetch.Client) Source {
	name := fetch.Redact(url)
	return Source{Name: name, URL: url, Open: func(ctx context.Context) (csar.Source, io.Closer, error) {
		// What is declared to be compressed is delivered as it is, for csar to open.
		response, err := client.Open(ctx, fetch.Request{URL: url, ContainerFormat: "compressed"})
		if err != nil {
			return csar.Source{}, nil, err
		}
		return csar.Source{Name: name, Reader: response, Size: response.Size()}, response, nil
	}}
}

// IsURL reports whether a source is named by an http or https URL.
func IsURL(source string) bool {
	return strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://")
}

// FolderSources yields the packages in a folder and below it, in the order of
// their paths: every file that begins like an archive, whatever its name.
// Hidden files and folders are passed over.
func FolderSources(folder string) iter.Seq2[Source, error] {
	return func(yield func(Source, error) bool) {
		stopped := errors.New("stopped")
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case path != folder && strings.HasPrefix(entry.Name(), "."):
				if entry.IsDir() {
					return filepath.SkipDir
				}
				return nil
			case !entry.Type().IsRegular():
				return nil
			}
			archive, err := looksLikeArchive(path)
			if err != nil || !archive {
				return err
			}
			if !yield(FileSource(path), nil) {
				return stopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, stopped) {
			yield(Source{}, fmt.Errorf("folder %s: %w", folder, err))
		}
	}
}

func looksLikeArchive(path string) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	head := make([]byte, csar.SniffLen)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	return csar.Looks(head[:n]), nil
}

package client

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/gangway-nfv/gangway/onboarding/csar"
)

// part reads a file from an offset to its end. Before it hands the last bytes out it
// makes sure that the file is what it was: a server would take the beginning of one
// and the end of another for a package.
type part struct {
	file csar.Source
	was  fs.FileInfo // when it was opened; nil for what is not a file
	at   int64
}

// infoOf returns what is known of a source that is a file, or nil.
func infoOf(source csar.Source) fs.FileInfo {
	file, ok := source.At.(*os.File)
	if !ok {
		return nil
	}
	info, err := file.Stat()
	if err != nil {
		return nil
	}
	return info
}

// Read implements [io.Reader].
func (p *part) Read(b []byte) (int, error) {
	left := p.file.Size - p.at
	if left == 0 {
		return 0, io.EOF
	}
	n, err := p.file.At.ReadAt(b[:min(int64(len(b)), left)], p.at)
	p.at += int64(n)
	switch {
	case err == io.EOF && int64(n) < left && n == 0:
		return 0, fmt.Errorf("%s: %w: it has become shorter", p.file.Name, ErrChanged)
	case err != nil && err != io.EOF:
		return n, err
	case int64(n) == left && p.changed():
		return 0, fmt.Errorf("%s: %w", p.file.Name, ErrChanged)
	}
	return n, nil
}

// changed reports whether somebody has written to the file since.
func (p *part) changed() bool {
	is := infoOf(p.file)
	return p.was != nil && (is == nil || is.Size() != p.was.Size() || !is.ModTime().Equal(p.was.ModTime()))
}

// ErrChanged says that a file was written to while it was sent.
var ErrChanged = errors.New("the file has changed while it was sent")

package csar

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/gangway-nfv/gangway/tosca"
)

// ErrKept is wrapped by errors about a member whose bytes went to the KeepFunc
// while the archive was read, and are not to be had from the Archive.
var ErrKept = errors.New("content has passed while the archive was read")

// Member is a file of the package.
type Member struct {
	// Path is clean, relative, slash-separated and unique in the package.
	Path string
	// Raw is the path before a top folder that holds all members was taken
	// off. It is what the KeepFunc was told as Path and as Raw, since that
	// folder is not known before the end of a stream.
	Raw  string
	Size int64 // bytes
	Kept bool  // the bytes went to the KeepFunc, or nowhere without one
}

// entry is a member with the way to its bytes, which is nil for a kept one.
type entry struct {
	Member
	open     func(context.Context) (io.ReadCloser, error)
	offset   int64             // in the zip file, or the order in a tar
	stored   *io.SectionReader // the bytes in place, of a stored member of a zip
	deflated *Deflated         // and of a deflated one
}

// Archive is an open package. It implements [tosca.Nest]. Its methods may be
// called concurrently, but for Close.
type Archive struct {
	entries []*entry // sorted by Path
	top     string
	outer   *Archive
	limits  Limits
	closer  io.Closer // nil, or the spooled zip's
}

var _ tosca.Nest = (*Archive)(nil)

// newArchive takes the top folder off and puts the entries into order.
func newArchive(entries []*entry, limits Limits) *Archive {
	paths := make([]string, len(entries))
	for i, e := range entries {
		paths[i] = e.Path
	}
	top := topFolder(paths)
	for _, e := range entries {
		e.Path = strings.TrimPrefix(e.Path, top)
	}
	slices.SortFunc(entries, func(a, b *entry) int { return cmp.Compare(a.Path, b.Path) })
	return &Archive{entries: entries, top: top, limits: limits}
}

// Close frees what Open spooled. It does not close the source.
func (a *Archive) Close() error {
	var errs []error
	if a.closer != nil {
		errs = append(errs, a.closer.Close())
	}
	if a.outer != nil {
		errs = append(errs, a.outer.Close())
	}
	return errors.Join(errs...)
}

// Top returns the folder that held all members and was taken off their paths,
// or "". Checksum files of some packages still name it.
func (a *Archive) Top() string { return strings.TrimSuffix(a.top, "/") }

// Outer returns the signed envelope that the package came in (SOL004, option
// 2), with the signature, its certificate and the package as members; nil for
// a package without one. It lives as long as the Archive.
func (a *Archive) Outer() *Archive { return a.outer }

// Members returns every file, sorted by path.
func (a *Archive) Members() []Member {
	out := make([]Member, len(a.entries))
	for i, e := range a.entries {
		out[i] = e.Member
	}
	return out
}

// List implements [tosca.Files].
func (a *Archive) List() []tosca.FileInfo {
	out := make([]tosca.FileInfo, len(a.entries))
	for i, e := range a.entries {
		out[i] = tosca.FileInfo{Path: e.Path, Size: e.Size}
	}
	return out
}

// ReadFile implements [tosca.Files]: it returns files of up to
// Limits.FileSize bytes. Its errors wrap [fs.ErrNotExist],
// [tosca.ErrTooLarge], [ErrKept] or a [*Error].
func (a *Archive) ReadFile(path string) ([]byte, error) {
	e, err := a.find(path)
	if err != nil {
		return nil, err
	}
	if e.Size > a.limits.FileSize {
		return nil, fmt.Errorf("member %s of %d bytes: %w", path, e.Size, tosca.ErrTooLarge)
	}
	// A read of a few megabytes needs no cancelling.
	r, err := a.OpenMember(context.Background(), path)
	if err != nil {
		return nil, err
	}
	data := make([]byte, e.Size)
	_, err = io.ReadFull(r, data)
	if err == nil {
		// What makes the reader compare the checksum.
		_, err = io.Copy(io.Discard, r)
	}
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, fmt.Errorf("member %s: %w", path, err)
	}
	return data, nil
}

// OpenPackage implements [tosca.Nest]: it opens a member that is an archive
// itself. Its errors are those of ReadFile.
func (a *Archive) OpenPackage(path string) (tosca.Files, tosca.Findings, error) {
	data, err := a.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	// Nothing is spooled, as the bytes can be read at any offset, and a signed
	// envelope is no package within a package.
	o := &opener{limits: a.limits}
	inner, err := o.open(context.Background(), Source{Name: path, At: bytes.NewReader(data), Size: int64(len(data))})
	inner, findings, err := o.outcome(path, inner, err)
	if inner == nil {
		return nil, findings, err
	}
	return inner, findings, nil
}

// OpenMember returns a reader of a member's bytes, which the caller closes.
// It delivers exactly Member.Size bytes, and io.EOF only after their checksum
// was compared; damage is a [*Error]. It works for every member of a zip and
// for those of a tar that are in memory; for others the error wraps ErrKept,
// and for a path that is not there, [fs.ErrNotExist]. The context ends the
// reading, too.
func (a *Archive) OpenMember(ctx context.Context, path string) (io.ReadCloser, error) {
	e, err := a.find(path)
	if err != nil {
		return nil, err
	}
	if e.open == nil {
		return nil, fmt.Errorf("member %s: %w", path, ErrKept)
	}
	return e.open(ctx)
}

// Walk calls visit for each member that was not kept, in the order in which
// they lie in the archive, with a reader as OpenMember gives it. A visit need
// not read. Walk ends at the first error and returns it.
func (a *Archive) Walk(ctx context.Context, visit func(ctx context.Context, m Member, r io.Reader) error) error {
	ordered := slices.Clone(a.entries)
	slices.SortFunc(ordered, func(a, b *entry) int { return cmp.Compare(a.offset, b.offset) })
	for _, e := range ordered {
		if e.open == nil {
			continue
		}
		r, err := e.open(ctx)
		if err != nil {
			return err
		}
		if err := errors.Join(visit(ctx, e.Member, r), r.Close()); err != nil {
			return err
		}
	}
	return nil
}

func (a *Archive) find(path string) (*entry, error) {
	i, ok := slices.BinarySearchFunc(a.entries, path, func(e *entry, path string) int { return cmp.Compare(e.Path, path) })
	if !ok {
		return nil, fmt.Errorf("member %s: %w", path, fs.ErrNotExist)
	}
	return a.entries[i], nil
}

// inMemory opens content that was read already.
func inMemory(data []byte) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	}
}

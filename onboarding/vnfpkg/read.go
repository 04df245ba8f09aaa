package vnfpkg

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/csar"
	"github.com/gangway-nfv/gangway/tosca"
)

// Content is bytes of a package, opened for reading; it fits http.ServeContent.
// It is for one goroutine. The caller closes it.
type Content struct {
	io.ReadSeekCloser
	// Name is the name of the file, without folders.
	Name string
	Size int64 // bytes
	// SHA256 is the digest in lower-case hex, fit for an ETag.
	SHA256 string
	// ModTime is when the package was created.
	ModTime time.Time
}

// onboarded returns a resource that is ONBOARDED.
func (s *Service) onboarded(ctx context.Context, project, id string) (Resource, error) {
	r, err := s.Get(ctx, project, id)
	if err == nil && r.State != Onboarded {
		err = stateError(r, "has no content to be read: it is %s, not %s", r.State, Onboarded)
	}
	return r, err
}

// Content opens the original archive of an onboarded package. It fails with a
// *StateError if the package is not onboarded, or with ErrNotKept.
func (s *Service) Content(ctx context.Context, project, id string) (*Content, error) {
	r, err := s.onboarded(ctx, project, id)
	if err != nil {
		return nil, err
	}
	file, err := s.archive(r)
	if err != nil {
		return nil, err
	}
	row, err := s.row(ctx, project, id)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &Content{ReadSeekCloser: file, Name: cmp.Or(base(row.Filename), r.ID), Size: r.Size, SHA256: r.SHA256, ModTime: r.CreatedAt}, nil
}

// archive opens the original archive of a package.
func (s *Service) archive(r Resource) (*os.File, error) {
	if !r.Kept {
		return nil, fmt.Errorf("package %s: %w", r.ID, ErrNotKept)
	}
	file, err := os.Open(s.path(r.ID))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("package %s: %w: its file is gone from the package folder", r.ID, ErrNotKept)
	}
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.Size() != r.Size {
		err = fmt.Errorf("package %s: its file in the package folder has %d bytes, not %d", r.ID, info.Size(), r.Size)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// Files returns the files of an onboarded package, sorted by path, with the
// content of descriptors, metadata and scripts up to 1 MiB. It fails with a
// *StateError if the package is not onboarded.
func (s *Service) Files(ctx context.Context, project, id string) ([]imagerepo.PackageFile, error) {
	if _, err := s.onboarded(ctx, project, id); err != nil {
		return nil, err
	}
	return s.Pipeline.Repository.Catalog().PackageFiles(ctx, id)
}

// Descriptors is [Artifacts.Descriptors]. It fails with a *StateError if the package
// is not onboarded.
func (s *Service) Descriptors(ctx context.Context, project, id string) (_ []imagerepo.PackageFile, err error) {
	all, err := s.Artifacts(ctx, project, id)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, all.Close()) }()
	return all.Descriptors(ctx)
}

// Artifact opens a file of an onboarded package by its path. It comes from the
// catalogue, from the image repository, or from the original archive. Reading at
// an offset of a file that lies compressed in the archive reads what comes before
// it, too. It fails with ErrNoArtifact, ErrNotKept if only the original archive
// had it, or a *StateError if the package is not onboarded.
func (s *Service) Artifact(ctx context.Context, project, id, name string) (*Content, error) {
	all, err := s.Artifacts(ctx, project, id)
	if err != nil {
		return nil, err
	}
	content, err := all.Open(ctx, name)
	if err != nil {
		return nil, errors.Join(err, all.Close())
	}
	content.ReadSeekCloser = owned{content.ReadSeekCloser, closers{content.ReadSeekCloser, all}}
	return content, nil
}

// owned is a file that is closed with what it is in.
type owned struct {
	io.ReadSeeker
	io.Closer
}

// Artifacts is the files of an onboarded package. It finds out once where they are,
// however many are opened, and is for one goroutine. The caller closes it, and before
// it what was opened.
type Artifacts struct {
	// Files are sorted by path, with the content of those that the catalogue has.
	Files []imagerepo.PackageFile

	s       *Service
	r       Resource
	images  map[string]imagerepo.Image // by SHA-256; nil before they are needed
	archive *csar.Archive              // nil before it is needed
	file    *os.File                   // of archive
}

// Artifacts returns the files of a package. It fails with a *StateError if the package
// is not onboarded.
func (s *Service) Artifacts(ctx context.Context, project, id string) (*Artifacts, error) {
	r, err := s.onboarded(ctx, project, id)
	if err != nil {
		return nil, err
	}
	files, err := s.Pipeline.Repository.Catalog().PackageFiles(ctx, id)
	return &Artifacts{Files: files, s: s, r: r}, err
}

// Close implements [io.Closer].
func (a *Artifacts) Close() error {
	if a.archive == nil {
		return nil
	}
	return errors.Join(a.archive.Close(), a.file.Close())
}

// Open is [Service.Artifact].
func (a *Artifacts) Open(ctx context.Context, name string) (*Content, error) {
	at, found := slices.BinarySearchFunc(a.Files, name, func(f imagerepo.PackageFile, name string) int { return cmp.Compare(f.Path, name) })
	if !found {
		return nil, fmt.Errorf("package %s, file %q: %w", a.r.ID, name, ErrNoArtifact)
	}
	f := a.Files[at]
	content, err := a.open(ctx, f)
	if err != nil {
		return nil, err
	}
	return &Content{ReadSeekCloser: content, Name: path.Base(f.Path), Size: f.Size, SHA256: f.SHA256, ModTime: a.r.CreatedAt}, nil
}

// Descriptors returns the files that the descriptor (VNFD) consists of, the main one
// first, with their content.
func (a *Artifacts) Descriptors(ctx context.Context) ([]imagerepo.PackageFile, error) {
	model, err := a.r.Model()
	if err != nil {
		return nil, err
	}
	files := slices.DeleteFunc(slices.Clone(a.Files), func(f imagerepo.PackageFile) bool { return f.Role != string(tosca.RoleDescriptor) })
	slices.SortStableFunc(files, func(a, b imagerepo.PackageFile) int {
		switch model.Descriptor {
		case a.Path:
			return -1
		case b.Path:
			return 1
		}
		return 0
	})
	for i, f := range files {
		if files[i].Content, err = a.Whole(ctx, f); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// Whole returns the content of a file that is small enough to be a descriptor.
func (a *Artifacts) Whole(ctx context.Context, f imagerepo.PackageFile) ([]byte, error) {
	if f.Content != nil {
		return f.Content, nil
	}
	content, err := a.open(ctx, f)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(content)
	return data, errors.Join(err, content.Close())
}

// open opens a file of a package, wherever its bytes are.
func (a *Artifacts) open(ctx context.Context, f imagerepo.PackageFile) (io.ReadSeekCloser, error) {
	if f.Content != nil || f.Size == 0 {
		return section{io.NewSectionReader(bytes.NewReader(f.Content), 0, f.Size), io.NopCloser(nil)}, nil
	}
	repository := a.s.Pipeline.Repository
	if a.images == nil {
		a.images = make(map[string]imagerepo.Image)
		for _, ref := range a.r.Package.Images {
			img, err := repository.Catalog().Image(ctx, ref.ID)
			if err != nil && !errors.Is(err, imagerepo.ErrNotFound) {
				return nil, err
			}
			if err == nil {
				a.images[img.SHA256()] = img
			}
		}
	}
	if img, ok := a.images[f.SHA256]; ok {
		blob, err := repository.Open(ctx, img)
		if err != nil {
			return nil, err
		}
		return section{io.NewSectionReader(blob, 0, blob.Size()), blob}, nil
	}
	return a.extract(ctx, f)
}

// section is a part of something that is closed with it.
type section struct {
	*io.SectionReader
	io.Closer
}

// extract opens a file in the original archive.
func (a *Artifacts) extract(ctx context.Context, f imagerepo.PackageFile) (io.ReadSeekCloser, error) {
	if a.archive == nil {
		file, err := a.s.archive(a.r)
		if err != nil {
			return nil, err
		}
		archive, err := csar.Index(ctx, csar.Source{Name: a.r.ID, At: file, Size: a.r.Size}, a.s.Pipeline.Limits)
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		a.archive, a.file = archive, file
	}
	if in, ok := a.archive.Section(f.Path); ok {
		return section{in, io.NopCloser(nil)}, nil
	}
	return &rereader{size: f.Size, open: func() (io.ReadCloser, error) { return a.archive.OpenMember(ctx, f.Path) }}, nil
}

type closers []io.Closer

func (c closers) Close() error {
	var errs []error
	for _, closer := range c {
		errs = append(errs, closer.Close())
	}
	return errors.Join(errs...)
}

// rereader seeks in what can only be read from its beginning.
type rereader struct {
	open func() (io.ReadCloser, error)
	size int64

	r        io.ReadCloser // nil before the first reading
	at, next int64         // offsets of r and of the next Read
}

func (r *rereader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.next
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning")
	}
	r.next = offset
	return offset, nil
}

func (r *rereader) Read(p []byte) (int, error) {
	if r.next >= r.size {
		return 0, io.EOF
	}
	if r.r != nil && r.next < r.at {
		err := r.r.Close()
		r.r = nil
		if err != nil {
			return 0, err
		}
	}
	if r.r == nil {
		opened, err := r.open()
		if err != nil {
			return 0, err
		}
		r.r, r.at = opened, 0
	}
	if r.at < r.next {
		n, err := io.CopyN(io.Discard, r.r, r.next-r.at)
		r.at += n
		if err != nil {
			return 0, err
		}
	}
	n, err := r.r.Read(p)
	r.at += int64(n)
	r.next = r.at
	return n, err
}

func (r *rereader) Close() error {
	if r.r == nil {
		return nil
	}
	return r.r.Close()
}

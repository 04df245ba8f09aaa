package imagerepo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/google/uuid"
)

// Repository is the image repository: a catalogue and its files. It is safe for
// concurrent use, and several processes may work on the same one.
type Repository struct {
	catalog Catalog
	blobs   Blobs
	log     *slog.Logger
}

// New returns a repository on a catalogue and files, which stay the caller's
// to close.
func New(catalog Catalog, blobs Blobs, log *slog.Logger) *Repository {
	return &Repository{catalog: catalog, blobs: blobs, log: log}
}

// NewID returns a fresh ID for an image or a package: a UUID that sorts by the
// time of its making, which keeps a large catalogue's index compact.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// ValidID reports whether id has the form that [NewID] gives an ID. No file of
// another name is ever taken for one of the repository's, so a folder may hold
// others beside them.
func ValidID(id string) bool {
	parsed, err := uuid.Parse(id)
	return err == nil && parsed.Version() == 7 && parsed.String() == id
}

// Catalog returns the catalogue, for reading.
func (r *Repository) Catalog() Catalog { return r.catalog }

// Location says where an operator finds the file of an image.
func (r *Repository) Location(id string) string { return r.blobs.Location(id) }

// Recover removes what processes that are gone left half done. It is called at
// the start of every program that changes the repository. What cannot be
// removed is logged and does not keep the program from starting: nothing of it
// is visible, and [Repository.Doctor] tells of it.
func (r *Repository) Recover(ctx context.Context) error {
	if err := r.blobs.Recover(ctx, r.catalog.IfUnclaimed); err != nil {
		r.log.WarnContext(ctx, "leftovers of a killed process cannot be removed", "err", err)
	}
	return ctx.Err()
}

// Find returns the image of that ID or, failing that, of that name in the
// project. It fails with an error that wraps ErrNotFound; images of other
// projects are not found.
func (r *Repository) Find(ctx context.Context, project, nameOrID string) (Image, error) {
	if uuid.Validate(nameOrID) == nil {
		img, err := r.catalog.Image(ctx, nameOrID)
		if err == nil && img.Project == project {
			return img, nil
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return Image{}, err
		}
	}
	return r.catalog.ImageByName(ctx, project, nameOrID)
}

// Open opens an image's bytes for reading. The caller closes the blob. It
// fails with an error that wraps ErrNotFound when the bytes are not there.
func (r *Repository) Open(ctx context.Context, img Image) (Blob, error) {
	blob, err := r.blobs.Open(ctx, img.ID)
	if err != nil {
		return nil, fmt.Errorf("file of image %q: %w", img.Name, err)
	}
	if blob.Size() != img.Size {
		return nil, errors.Join(&CorruptError{Image: img, Size: blob.Size()}, blob.Close())
	}
	return blob, nil
}

// CorruptError says that a stored file is not what was stored.
type CorruptError struct {
	Image  Image
	Size   int64  // bytes that the file has
	SHA256 string // of the file; empty when its size alone gave it away
}

func (e *CorruptError) Error() string {
	if e.SHA256 == "" {
		return fmt.Sprintf("file of image %q (%s) has %d bytes, not %d", e.Image.Name, e.Image.ID, e.Size, e.Image.Size)
	}
	return fmt.Sprintf("file of image %q (%s) has sha256 %s, not %s", e.Image.Name, e.Image.ID, e.SHA256, e.Image.SHA256())
}

// Digest returns a digest of a stored image in lower-case hex. One that is not
// known yet is computed from the file, once, and kept.
func (r *Repository) Digest(ctx context.Context, img Image, algorithm string) (string, error) {
	canonical, ok := Algorithm(algorithm)
	if !ok {
		return "", unknownAlgorithm(algorithm)
	}
	if digest := img.Digests[canonical]; digest != "" {
		return digest, nil
	}
	current, err := r.catalog.Image(ctx, img.ID)
	if err != nil {
		return "", err
	}
	if digest := current.Digests[canonical]; digest != "" {
		return digest, nil
	}
	// What is computed from bytes that went bad would be believed for ever, so
	// the digest that identifies them is computed along.
	digests, err := r.read(ctx, current, io.Discard, canonical)
	if err != nil {
		return "", err
	}
	return digests[canonical], r.catalog.Learn(ctx, current.SHA256(), canonical, digests[canonical])
}

// Learn keeps a digest that was computed elsewhere from the whole image, such
// as in the pass of an upload.
func (r *Repository) Learn(ctx context.Context, img Image, algorithm, digest string) error {
	return r.catalog.Learn(ctx, img.SHA256(), algorithm, digest)
}

// read computes digests of an image from its file, and shows the bytes to
// watch on their way. It fails with *CorruptError when the file is not what was
// stored.
func (r *Repository) read(ctx context.Context, img Image, watch io.Writer, algorithms ...string) (Digests, error) {
	blob, err := r.Open(ctx, img)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	content, err := Examine(ctx, io.TeeReader(io.NewSectionReader(blob, 0, blob.Size()), watch), algorithms...)
	if err != nil {
		return nil, fmt.Errorf("read image %q (%s): %w", img.Name, img.ID, err)
	}
	if content.SHA256() != img.SHA256() {
		return nil, &CorruptError{Image: img, Size: content.Size, SHA256: content.SHA256()}
	}
	return content.Digests, nil
}

// DeletePackage deletes a package with the images that only it used, or, with
// keepImages, without. It returns what is gone.
func (r *Repository) DeletePackage(ctx context.Context, id string, keepImages bool) (Package, []Image, error) {
	pkg, err := r.catalog.Package(ctx, id)
	if err != nil {
		return Package{}, nil, err
	}
	var gone []Image
	err = r.Retiring(ctx, pkg, func() error {
		pkg, gone, err = r.catalog.DeletePackage(ctx, id, keepImages)
		return err
	})
	return pkg, gone, err
}

// Retiring runs a change of the catalogue that may delete a package, and removes the
// files of its images that are unknown then.
func (r *Repository) Retiring(ctx context.Context, pkg Package, change func() error) error {
	ids := make([]string, len(pkg.Images))
	for i, ref := range pkg.Images {
		ids[i] = ref.ID
	}
	return r.retiring(ctx, ids, change)
}

// DeletedWith returns what DeletePackage would, as things are, and changes nothing.
func (r *Repository) DeletedWith(ctx context.Context, id string, keepImages bool) (Package, []Image, error) {
	pkg, err := r.catalog.Package(ctx, id)
	if err != nil || keepImages {
		return pkg, nil, err
	}
	var gone []Image
	for _, ref := range pkg.Images {
		img, err := r.catalog.Image(ctx, ref.ID)
		if err != nil {
			return Package{}, nil, err
		}
		if others := slices.ContainsFunc(img.Packages, func(p PackageRef) bool { return p.ID != id }); !others && !img.Manual {
			gone = append(gone, img)
		}
	}
	return pkg, gone, nil
}

// DeleteImage deletes an image and its file. One that packages use is refused
// with *InUseError unless force is set.
func (r *Repository) DeleteImage(ctx context.Context, id string, force bool) (Image, error) {
	gone, err := r.catalog.Image(ctx, id)
	if err != nil {
		return Image{}, err
	}
	err = r.retiring(ctx, []string{id}, func() (err error) {
		gone, err = r.catalog.DeleteImage(ctx, id, force)
		return err
	})
	return gone, err
}

// retiring runs a change of the catalogue after which some of the images may
// be unknown, and removes the files of those that are.
func (r *Repository) retiring(ctx context.Context, ids []string, change func() error) (err error) {
	session, err := r.blobs.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, session.Settle(context.WithoutCancel(ctx), r.catalog.IfUnclaimed))
	}()
	if err := session.Note(ctx, ids...); err != nil {
		return err
	}
	return change()
}

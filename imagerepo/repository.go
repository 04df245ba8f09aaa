package imagerepo

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"

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

// Catalog returns the catalogue, for reading.
func (r *Repository) Catalog() Catalog { return r.catalog }

// Location says where an operator finds the file of an image.
func (r *Repository) Location(id string) string { return r.blobs.Location(id) }

// Recover removes what processes that are gone left half done. It is called at
// the start of every program that changes the repository.
func (r *Repository) Recover(ctx context.Context) error {
	return r.blobs.Recover(ctx, r.known)
}

func (r *Repository) known(ctx context.Context, id string) (bool, error) {
	_, err := r.catalog.Image(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
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
	h := algorithms[canonical]()
	if err := r.hash(ctx, current, h); err != nil {
		return "", err
	}
	digest := hex.EncodeToString(h.Sum(nil))
	return digest, r.catalog.Learn(ctx, current.SHA256(), canonical, digest)
}

// Learn keeps a digest that was computed elsewhere from the whole image, such
// as in the pass of an upload.
func (r *Repository) Learn(ctx context.Context, img Image, algorithm, digest string) error {
	return r.catalog.Learn(ctx, img.SHA256(), algorithm, digest)
}

// hash feeds the stored bytes of an image to h.
func (r *Repository) hash(ctx context.Context, img Image, h hash.Hash) error {
	blob, err := r.Open(ctx, img)
	if err != nil {
		return err
	}
	defer blob.Close()
	if _, err := fanOut(ctx, io.NewSectionReader(blob, 0, blob.Size()), func(p []byte) error {
		_, err := h.Write(p)
		return err
	}); err != nil {
		return fmt.Errorf("read image %q (%s): %w", img.Name, img.ID, err)
	}
	return nil
}

// DeletePackage deletes a package with the images that only it used, or, with
// keepImages, without. It returns what is gone.
func (r *Repository) DeletePackage(ctx context.Context, id string, keepImages bool) (Package, []Image, error) {
	pkg, err := r.catalog.Package(ctx, id)
	if err != nil {
		return Package{}, nil, err
	}
	var gone []Image
	err = r.retiring(ctx, pkg.Images, func() error {
		pkg, gone, err = r.catalog.DeletePackage(ctx, id, keepImages)
		return err
	})
	return pkg, gone, err
}

// DeleteImage deletes an image and its file. One that packages use is refused
// with *InUseError unless force is set.
func (r *Repository) DeleteImage(ctx context.Context, id string, force bool) (Image, error) {
	var gone Image
	err := r.retiring(ctx, []ImageRef{{ID: id}}, func() (err error) {
		gone, err = r.catalog.DeleteImage(ctx, id, force)
		return err
	})
	return gone, err
}

// retiring runs a change of the catalogue after which some of the images may
// be unknown, and removes the files of those that are.
func (r *Repository) retiring(ctx context.Context, images []ImageRef, change func() error) (err error) {
	session, err := r.blobs.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, session.Settle(context.WithoutCancel(ctx), r.known))
	}()
	for _, ref := range images {
		if err := session.Retire(ctx, ref.ID); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return change()
}

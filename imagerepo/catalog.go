package imagerepo

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// ErrNotFound says that there is no image or package of that ID or name.
var ErrNotFound = errors.New("not found")

// NameTakenError says that a name belongs to another image of the project. Of
// two concurrent publications of one name exactly one gets it.
type NameTakenError struct {
	Existing Image
}

func (e *NameTakenError) Error() string {
	return fmt.Sprintf("image name %q is taken by image %s in project %q", e.Existing.Name, e.Existing.ID, e.Existing.Project)
}

// PackageExistsError says that a package of this vendor, name and version is
// in the project.
type PackageExistsError struct {
	Existing Package
}

func (e *PackageExistsError) Error() string {
	return fmt.Sprintf("package %s is in project %q as %s", e.Existing.Ref(), e.Existing.Project, e.Existing.ID)
}

// InUseError says that an image cannot be deleted because packages use it.
type InUseError struct {
	Image Image
}

func (e *InUseError) Error() string {
	return fmt.Sprintf("image %q (%s) is used by %d package(s), the first is %s",
		e.Image.Name, e.Image.ID, len(e.Image.Packages), e.Image.Packages[0])
}

// Catalog keeps names, digests and references. Its implementations are safe for
// concurrent use by goroutines and processes; every method is one transaction.
type Catalog interface {
	// Image returns an image by its ID, or an error that wraps ErrNotFound.
	Image(ctx context.Context, id string) (Image, error)
	// ImageByName returns the image of that name in a project, or an error that
	// wraps ErrNotFound.
	ImageByName(ctx context.Context, project, name string) (Image, error)
	// Images yields the images that match, ordered by project and name unless
	// they are selected by content, size or URL. An error ends the sequence.
	Images(ctx context.Context, filter ImageFilter) iter.Seq2[Image, error]
	// Package returns a package with its record by ID, or an error that wraps
	// ErrNotFound.
	Package(ctx context.Context, id string) (Package, error)
	// Packages yields the packages that match, ordered by project, vendor, name
	// and creation, without their records unless the filter asks otherwise. An
	// error ends the sequence.
	Packages(ctx context.Context, filter PackageFilter) iter.Seq2[Package, error]
	// PackageFiles returns the files kept with a package, ordered by path.
	PackageFiles(ctx context.Context, id string) ([]PackageFile, error)

	// Contents returns the SHA-256 of stored content in ascending order: at most
	// limit ones that come after the given one.
	Contents(ctx context.Context, after string, limit int) ([]string, error)

	// Packings returns the packings that agree with the given one in method,
	// sizes and CRC-32, with the digests that it was not asked about. There are
	// none of content that no image has.
	Packings(ctx context.Context, like Packing) ([]Packing, error)

	// Publish makes a publication visible as a whole. It calls place for every
	// new image that is stored, inside the transaction, after everything else
	// in it has succeeded; twins are the IDs of the other images that have the
	// same content, those of the publication included. It fails with
	// *NameTakenError, *PackageExistsError, or an error that wraps ErrNotFound
	// when an image in Uses is gone; errors of place are returned as they are.
	Publish(ctx context.Context, pub Publication, place func(img Image, twins []string) error) error
	// Pin gives an image that was only referenced its content and the validators
	// of its source. It calls place inside the transaction. To pin the same
	// content again is no error; an image that has other content is refused
	// with an error that wraps ErrExists.
	Pin(ctx context.Context, id string, content Content, source Source, place func() error) error
	// IfUnclaimed runs remove unless there is an image of that ID whose content
	// is known. While it runs, no Publish and no Pin can make one.
	IfUnclaimed(ctx context.Context, id string, remove func() error) error
	// Learn keeps a digest of content that is in the catalogue; of other content
	// it keeps nothing. What was learned first stays.
	Learn(ctx context.Context, sha256, algorithm, digest string) error

	// DeletePackage deletes a package and returns it with the images that were
	// deleted along: those that no other package uses and no user added. With
	// keepImages they stay, as if a user had added them.
	DeletePackage(ctx context.Context, id string, keepImages bool) (Package, []Image, error)
	// DeleteImage deletes an image. One that packages use is refused with
	// *InUseError unless force is set.
	DeleteImage(ctx context.Context, id string, force bool) (Image, error)

	// Check proves that the catalogue itself is sound. It reads all of it.
	Check(ctx context.Context) error
	Close() error
}

// ImageFilter selects images. Zero fields select everything.
type ImageFilter struct {
	Project string
	Name    string
	SHA256  string
	Size    int64 // bytes
	URL     string
	// DiskFormat is as Glance spells it.
	DiskFormat string
	// Package is the ID of a package that uses the image.
	Package string
	// Search is a part of the name; letters of ASCII match in any case.
	Search string
	// Sort is how images are ordered in a project; images that are equal in that are
	// ordered by their names. Descending turns both around.
	Sort       ImageSort
	Descending bool
	// After selects what comes in that order after an image of this name, for paging
	// within a project; AfterValue is that image's size in bytes or time of creation
	// in microseconds since 1970, where Sort asks for it.
	After      string
	AfterValue int64
	Limit      int
}

// ImageSort is an order of images.
type ImageSort string

// The orders of images.
const (
	ByName     ImageSort = "" // the fastest
	BySize     ImageSort = "size"
	ByCreation ImageSort = "createdAt"
)

// PackageFilter selects packages and says how they are told. Zero fields select
// everything.
type PackageFilter struct {
	Project     string
	Vendor      string
	Name        string
	Version     string
	Fingerprint string
	// DescriptorID is that of [Package].
	DescriptorID string
	// ByID orders packages by their IDs, which is the order of their creation, and
	// selects those that come after the ID After.
	ByID  bool
	After string
	// Records asks for the packages' records, too.
	Records bool
}

// Publication is what becomes visible in one transaction.
type Publication struct {
	// Package is nil when a user adds an image. One that is in the catalogue
	// with the same ID and fingerprint stays as it is and gets the images: that
	// is how one whose images were deleted by force is made whole.
	Package *Package
	Files   []PackageFile
	// Images are new.
	Images []Image
	// Uses are the IDs of images that are there already and that the package
	// uses or, without a package, that the user adds, too: they become Manual.
	Uses []string
	// Packings are forms in which content of these images came. Those that are
	// known and those of content that is not in the catalogue are passed over.
	Packings []Packing
}

package vim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// defaultAlgorithm is Glance's hashing_algorithm where its operator chose none.
const defaultAlgorithm = "sha512"

// An inventory is what one listing pass showed of a VIM.
type inventory struct {
	cloud     Cloud
	project   Project
	byName    map[string][]Image
	byID      map[string]Image
	bySize    map[int64][]Image  // usable ones
	underWay  map[string][]Image // queued and saving ones, by the mark's SHA-256
	algorithm string             // the VIM's
}

// takeInventory lists a VIM once.
func takeInventory(ctx context.Context, c Cloud) (*inventory, error) {
	project, err := c.Project(ctx)
	if err != nil {
		return nil, fmt.Errorf("vim %s: %w", c.Name(), err)
	}
	inv := &inventory{
		cloud: c, project: project, algorithm: defaultAlgorithm,
		byName: make(map[string][]Image), byID: make(map[string]Image),
		bySize: make(map[int64][]Image), underWay: make(map[string][]Image),
	}
	newest := ""
	for img, err := range c.Images(ctx) {
		if err != nil {
			return nil, fmt.Errorf("vim %s: list images: %w", c.Name(), err)
		}
		inv.byID[img.ID] = img
		if img.Name != "" {
			inv.byName[img.Name] = append(inv.byName[img.Name], img)
		}
		if usable(img) {
			inv.bySize[img.Size] = append(inv.bySize[img.Size], img)
		}
		if (img.Status == Queued || img.Status == Saving) && img.Mark.SHA256 != "" {
			inv.underWay[img.Mark.SHA256] = append(inv.underWay[img.Mark.SHA256], img)
		}
		// The operator may have changed the algorithm: the newest image tells.
		if img.HashAlgorithm != "" && img.CreatedAt >= newest {
			newest, inv.algorithm = img.CreatedAt, img.HashAlgorithm
		}
	}
	return inv, nil
}

// usable tells whether a VDU may boot from the image.
func usable(img Image) bool { return img.Status == Active && !img.Hidden }

// unusable says why the image is not usable.
func unusable(img Image) string {
	what := "is " + string(img.Status)
	if img.Hidden {
		what = "is hidden"
	}
	return fmt.Sprintf("image %q (%s) %s", img.Name, img.ID, what)
}

// find returns the usable images that go by ref, as ID or as name, the
// project's own and the newest first; and why others don't count. An ID that
// the list lacks, as that of a community image, is looked up.
func (inv *inventory) find(ctx context.Context, ref string) (found []Image, reasons []string, err error) {
	all := slices.Clone(inv.byName[ref])
	if _, err := uuid.Parse(ref); err == nil {
		img, ok := inv.byID[ref]
		if !ok {
			img, err = inv.cloud.Image(ctx, ref)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return nil, nil, fmt.Errorf("vim %s: image %s: %w", inv.cloud.Name(), ref, err)
			}
			ok = err == nil
			if ok {
				inv.byID[ref] = img
			}
		}
		if ok {
			all = append(all, img)
		}
	}
	for _, img := range all {
		if usable(img) {
			found = append(found, img)
		} else {
			reasons = append(reasons, unusable(img))
		}
	}
	slices.SortFunc(found, inv.preference)
	return found, reasons, nil
}

// preference orders images that are equal otherwise, always the same way.
func (inv *inventory) preference(a, b Image) int {
	foreign := func(i Image) int {
		if i.Owner == inv.project.ID {
			return 0
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(foreign(a), foreign(b)),
		cmp.Compare(b.CreatedAt, a.CreatedAt),
		cmp.Compare(a.ID, b.ID),
	)
}

// joinable returns a record of the offer that somebody uploads at this moment.
func (inv *inventory) joinable(o *Offer) (Image, bool) {
	for _, img := range inv.underWay[o.SHA256] {
		if owns(inv.project.ID, o, img) {
			return img, true
		}
	}
	return Image{}, false
}

// adoptable returns a usable image that is proven to have the offer's bytes, to
// be read in the same format, under any name.
func (inv *inventory) adoptable(ctx context.Context, o *Offer) (Image, bool, error) {
	candidates := slices.Clone(inv.bySize[o.Size])
	slices.SortFunc(candidates, inv.preference)
	for _, img := range candidates {
		if img.DiskFormat != o.DiskFormat || img.ContainerFormat != o.ContainerFormat {
			continue
		}
		v, err := compare(ctx, o, img, nil)
		if err != nil {
			return Image{}, false, err
		}
		if v.equal {
			return img, true, nil
		}
	}
	return Image{}, false, nil
}

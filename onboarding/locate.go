package onboarding

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/vim"
)

// Presence says whether a VIM has an image.
type Presence string

const (
	// There: it has the bytes, proven by its own hash, under whatever name.
	There Presence = "there"
	// Coming: somebody is uploading them at this moment.
	Coming Presence = "coming"
	// Absent: it does not.
	Absent Presence = "absent"
	// Differs: it does not, but has others under the image's name.
	Differs Presence = "differs"
	// Unknown: it could not be asked, see the error.
	Unknown Presence = "unknown"
)

// Location says whether, and as what, a VIM has an image.
type Location struct {
	VIM      string   `json:"vim" yaml:"vim"`
	Presence Presence `json:"presence" yaml:"presence"`
	// ID and Name are the image's on the VIM.
	ID    string `json:"id,omitempty" yaml:"id,omitempty"`
	Name  string `json:"name,omitempty" yaml:"name,omitempty"`
	Error string `json:"error,omitempty" yaml:"error,omitempty"`
}

// Locate asks VIMs at the same time whether they have the bytes of an image, and
// changes nothing. The locations are in the order of the VIMs. The error is about
// the image: one that is only referenced has no bytes that could be looked for.
func (p *Pipeline) Locate(ctx context.Context, img imagerepo.Image, clouds []vim.Cloud) ([]Location, error) {
	if !img.Stored() {
		return nil, fmt.Errorf("image %q is only referenced: bytes %w", img.Name, imagerepo.ErrNotFound)
	}
	wants := []vim.Want{{VDU: img.Name, Alternatives: []vim.Alternative{{Ref: byBytes, Offer: p.offer(img, "", descriptionOf(img))}}}}
	locations := make([]Location, len(clouds))
	var asked sync.WaitGroup
	for i, cloud := range clouds {
		asked.Go(func() { locations[i] = locate(ctx, cloud, wants) })
	}
	asked.Wait()
	return locations, nil
}

// byBytes is the reference of a want that no image on a VIM goes by, so that only the
// bytes count. It is no ID either, which a VIM would be asked for.
const byBytes = ""

func locate(ctx context.Context, cloud vim.Cloud, wants []vim.Want) Location {
	at := Location{VIM: cloud.Name(), Presence: Unknown}
	result, err := vim.Resolve(ctx, cloud, wants, vim.Options{})
	if err == nil {
		err = result.VDUs[0].Err
	}
	if err != nil {
		at.Error = err.Error()
		return at
	}
	found := result.VDUs[0]
	switch found.Action {
	case vim.Present:
		at.Presence = There
	case vim.Joined:
		at.Presence = Coming
	default:
		at.Presence = Absent
		return at
	}
	at.ID, at.Name = found.ImageID, found.ImageName
	return at
}

// Holding says whether, and as what, a VIM has one of many images.
type Holding struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Size     int64    `json:"size"` // bytes
	Presence Presence `json:"presence"`
	// VIMID and VIMName are of the image on the VIM: the one that has the bytes, or
	// has the name and others.
	VIMID   string `json:"vimId,omitempty"`
	VIMName string `json:"vimName,omitempty"`
	// Detail says in what they differ, or why that is not known.
	Detail string `json:"detail,omitempty"`
}

// compareBytes is how much of our own images a comparison reads for digests that are
// not known yet: some seconds' worth.
const compareBytes = 1 << 30

// Compare says which of the images that have bytes a VIM has, in their order, by one
// listing of it, and changes nothing there. The error is about the VIM.
func (p *Pipeline) Compare(ctx context.Context, cloud vim.Cloud, images []imagerepo.Image) ([]Holding, error) {
	holdings, room := []Holding{}, int64(compareBytes)
	var wants []vim.Want
	for _, img := range images {
		if !img.Stored() {
			continue
		}
		holdings = append(holdings, Holding{ID: img.ID, Name: img.Name, Size: img.Size})
		offer := p.offer(img, "", descriptionOf(img))
		counted := false
		offer.Digest = func(ctx context.Context, algorithm string) (string, error) {
			if !counted && img.Size > room {
				return "", fmt.Errorf("the %s of image %q is not known yet, and takes too long to compute here", algorithm, img.Name)
			}
			if !counted {
				counted, room = true, room-img.Size
			}
			return p.Repository.Digest(ctx, img, algorithm)
		}
		for _, ref := range []string{byBytes, img.Name} {
			wants = append(wants, vim.Want{VDU: img.Name, Alternatives: []vim.Alternative{{Ref: ref, Offer: offer}}})
		}
	}
	result, err := vim.Resolve(ctx, cloud, wants, vim.Options{RequireDigest: true})
	if err != nil {
		return nil, err
	}
	for i := range holdings {
		holdings[i].judge(result.VDUs[2*i], result.VDUs[2*i+1])
	}
	return holdings, nil
}

// judge says what was found by the bytes, and by the name.
func (h *Holding) judge(bytes, name vim.VDU) {
	found := bytes
	switch {
	case bytes.Err != nil:
		h.Presence, h.Detail = Unknown, bytes.Err.Error()
	case bytes.Action == vim.Present:
		h.Presence = There
	case bytes.Action == vim.Joined:
		h.Presence = Coming
	case name.Action != vim.Present && name.Err != nil:
		h.Presence, h.Detail = Unknown, name.Err.Error()
	case name.Action != vim.Present:
		h.Presence = Absent
		return
	case name.Verified: // but to be read as another format
		found, h.Presence, h.Detail = name, Differs, strings.Join(name.Warnings, "; ")
	default:
		found, h.Presence, h.Detail = name, Unknown, name.Err.Error()
		if _, differs := errors.AsType[*vim.MismatchError](name.Err); differs {
			h.Presence = Differs
			if name.Digest != "" {
				h.Detail += "; the vim's image is " + name.Digest
			}
		}
	}
	h.VIMID, h.VIMName = found.ImageID, found.ImageName
}

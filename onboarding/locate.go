package onboarding

import (
	"context"
	"fmt"
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
	// No image on a VIM goes by our ID, so that only the bytes count.
	wants := []vim.Want{{VDU: img.Name, Alternatives: []vim.Alternative{{Ref: img.ID, Offer: p.offer(img, "", descriptionOf(img))}}}}
	locations := make([]Location, len(clouds))
	var asked sync.WaitGroup
	for i, cloud := range clouds {
		asked.Go(func() { locations[i] = locate(ctx, cloud, wants) })
	}
	asked.Wait()
	return locations, nil
}

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

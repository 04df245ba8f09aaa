package imagerepo

import (
	"context"
	"errors"
	"io"
	"slices"
)

// Packing is a compressed form in which content came. Equal packed bytes hold
// equal content, so that content is known again by them without being unpacked.
// A packing is only worth as much as the reading from which it was learned:
// whoever publishes one has unpacked exactly these bytes, in full and without
// an error, and staged what came out.
type Packing struct {
	Method       string // such as deflate
	PackedSHA256 string // of the packed bytes, lower-case hex
	PackedSize   int64  // bytes
	SHA256       string // of the content, lower-case hex
	Size         int64  // bytes of the content
	CRC32        uint32 // of the content
}

// StagePacked takes content in by its packed bytes, without unpacking them and
// without writing, and reports whether it could. It can if they were published
// as a [Packing] and the repository still has the content.
//
// Packed says what is stated of the bytes of r, which are read, once, only if
// a packing agrees with that, so that a first time costs nothing. What is stored
// is then read in full and compared with the content's SHA-256: what is taken in
// this way is proven like what was unpacked, and a file that is missing or went
// bad is not believed but left to [Intake.Stage], which heals it.
//
// The digests, beside SHA-256, are computed where they are not known. It may be
// called concurrently.
func (in *Intake) StagePacked(ctx context.Context, r io.Reader, packed Packing, digests ...string) (Staged, bool, error) {
	known, err := in.repo.catalog.Packings(ctx, packed)
	if err != nil || len(known) == 0 {
		return Staged{}, false, err
	}
	bytes, err := Examine(ctx, r)
	if err != nil {
		return Staged{}, false, err
	}
	at := slices.IndexFunc(known, func(p Packing) bool { return p.PackedSHA256 == bytes.SHA256() })
	if at < 0 {
		return Staged{}, false, nil
	}
	var stored Image
	for img, err := range in.repo.catalog.Images(ctx, ImageFilter{SHA256: known[at].SHA256, Limit: 1}) {
		if err != nil {
			return Staged{}, false, err
		}
		stored = img
	}
	if !stored.Stored() { // it was deleted meanwhile
		return Staged{}, false, nil
	}
	return in.standIn(ctx, stored, digests)
}

// standIn takes in what is stored of an image, if that is whole.
func (in *Intake) standIn(ctx context.Context, img Image, digests []string) (Staged, bool, error) {
	computed, err := in.repo.read(ctx, img, io.Discard, digests...)
	if err != nil {
		return Staged{}, false, ctx.Err() // whatever else it is, unpacking gets over it
	}
	for algorithm, digest := range computed {
		if img.Digests[algorithm] != "" {
			continue
		}
		if err := in.repo.Learn(ctx, img, algorithm, digest); err != nil {
			return Staged{}, false, err
		}
		img.Digests[algorithm] = digest
	}
	staged, err := in.join(ctx, img)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrTooManyLinks) {
		return Staged{}, false, nil
	}
	return staged, err == nil, err
}

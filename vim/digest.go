package vim

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"strconv"
)

// newHash returns a hash by Glance's name for it (hashlib's), or nil.
func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "md5":
		return md5.New()
	case "sha1":
		return sha1.New()
	case "sha224":
		return sha256.New224()
	case "sha256":
		return sha256.New()
	case "sha384":
		return sha512.New384()
	case "sha512":
		return sha512.New()
	}
	return nil
}

// A verdict is the outcome of comparing an image on the VIM with an offer.
type verdict struct {
	equal   bool
	unknown string // why it cannot be said
	// Otherwise this attribute differs.
	attribute, want, got string
}

func (v verdict) differs() bool { return !v.equal && v.unknown == "" }

// compare compares an active image with an offer. Sizes are compared first, so
// that no digest is computed in vain. Sums are digests that are known beside
// those of the offer.
func compare(ctx context.Context, o *Offer, img Image, sums map[string]string) (verdict, error) {
	if img.Size >= 0 && img.Size != o.Size {
		return verdict{attribute: "size", want: strconv.FormatInt(o.Size, 10), got: strconv.FormatInt(img.Size, 10)}, nil
	}
	algorithm, got := img.digest()
	if algorithm == "" {
		return verdict{unknown: "the vim states no hash"}, nil
	}
	want, ok := sums[algorithm]
	if !ok {
		want, ok = o.known(algorithm)
	}
	if !ok {
		if newHash(algorithm) == nil {
			return verdict{unknown: "hash algorithm " + algorithm + " cannot be computed here"}, nil
		}
		var err error
		if want, err = o.digest(ctx, algorithm); err != nil {
			return verdict{}, err
		}
	}
	if want != got {
		return verdict{attribute: algorithm, want: want, got: got}, nil
	}
	return verdict{equal: true}, nil
}

// missingAlgorithms returns what has to be computed while the offer's bytes
// pass on their way to a VIM that uses the given algorithm: nothing if its
// digest is known. Else SHA-256 is computed, too: only bytes that still are
// what was stored may teach the repository a digest.
func missingAlgorithms(o *Offer, algorithm string) []string {
	if _, ok := o.known(algorithm); ok || newHash(algorithm) == nil {
		return nil
	}
	return []string{algorithm, "sha256"}
}

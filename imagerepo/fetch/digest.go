package fetch

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
	"strings"
)

func newHash(algorithm string) (hash.Hash, bool) {
	switch algorithm {
	case "md5":
		return md5.New(), true
	case "sha1":
		return sha1.New(), true
	case "sha224":
		return sha256.New224(), true
	case "sha256":
		return sha256.New(), true
	case "sha384":
		return sha512.New384(), true
	case "sha512":
		return sha512.New(), true
	}
	return nil, false
}

// hashes computes several digests of one stream.
type hashes map[string]hash.Hash

// newHashes returns SHA-256 and whatever is stated. The error names an algorithm
// that is not known.
func newHashes(stated map[string]string) (hashes, error) {
	hs := hashes{}
	for _, algorithm := range slices.Sorted(maps.Keys(stated)) {
		h, ok := newHash(algorithm)
		if !ok {
			return nil, fmt.Errorf("digest algorithm %q: not supported", algorithm)
		}
		hs[algorithm] = h
	}
	if hs["sha256"] == nil {
		hs["sha256"], _ = newHash("sha256")
	}
	return hs, nil
}

func (hs hashes) writer() io.Writer {
	var ws []io.Writer
	for _, h := range hs {
		ws = append(ws, h)
	}
	return io.MultiWriter(ws...)
}

func (hs hashes) sums() map[string]string {
	sums := map[string]string{}
	for algorithm, h := range hs {
		sums[algorithm] = hex.EncodeToString(h.Sum(nil))
	}
	return sums
}

// compareDigests returns a [*DigestError] unless got has every stated digest.
func compareDigests(stated, got map[string]string) error {
	for _, algorithm := range slices.Sorted(maps.Keys(stated)) {
		if !strings.EqualFold(stated[algorithm], got[algorithm]) {
			return &DigestError{Algorithm: algorithm, Want: stated[algorithm], Got: got[algorithm]}
		}
	}
	return nil
}

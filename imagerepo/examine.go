package imagerepo

import (
	"context"
	"fmt"
	"io"
)

// Examine reads r to its end and returns what its bytes are, with SHA-256 and
// the digests of the given algorithms. It stores nothing.
func Examine(ctx context.Context, r io.Reader, digests ...string) (Content, error) {
	hashes, err := newHashes(digests)
	if err != nil {
		return Content{}, err
	}
	var sinks []func([]byte) error
	for _, h := range hashes {
		sinks = append(sinks, func(p []byte) error { _, err := h.Write(p); return err })
	}
	size, err := fanOut(ctx, r, sinks...)
	if err != nil {
		return Content{}, fmt.Errorf("examine image: %w", err)
	}
	return Content{Size: size, Digests: sums(hashes)}, nil
}

package imagerepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// StageOptions tells how bytes are taken in.
type StageOptions struct {
	// SizeHint is the expected size in bytes, or zero or less when it is not
	// known. It is only a hint: the bytes may be more or fewer.
	SizeHint int64
	// Digests are the algorithms to compute beside SHA-256.
	Digests []string
	// Like names an image whose bytes these probably are. Images of the hinted
	// size are tried without being named.
	Like string
}

// Staged is content that an intake holds and nobody else sees yet.
type Staged struct {
	Content
	// ID is the ID of the new image, should it become one.
	ID string
	// Twin is the ID of a stored image that was found to have the same bytes;
	// then nothing was written.
	Twin string
}

// maxLikely bounds how many stored images are opened to find one that begins
// with the bytes that arrive.
const maxLikely = 32

// Stage takes the bytes of r in. It reads r to its end, once, and holds a
// constant amount of memory. Errors of r are returned as they are, wrapped; only
// io.EOF itself ends the bytes. It may be called concurrently.
func (in *Intake) Stage(ctx context.Context, r io.Reader, opts StageOptions) (Staged, error) {
	candidates, err := in.likely(ctx, opts)
	if err != nil {
		return Staged{}, err
	}
	if len(candidates) == 0 {
		return in.write(ctx, r, opts)
	}
	head, begin := make([]byte, chunkSize), make([]byte, chunkSize)
	n, err := fill(r, head)
	head, begin = head[:n], begin[:n]
	switch {
	case err == nil:
		r = io.MultiReader(bytes.NewReader(head), r)
	case err == io.EOF:
		r = bytes.NewReader(head)
	default:
		return Staged{}, fmt.Errorf("read image: %w", err)
	}
	for _, candidate := range candidates {
		stored, err := in.repo.Open(ctx, candidate)
		var corrupt *CorruptError
		if errors.Is(err, ErrNotFound) || errors.As(err, &corrupt) {
			continue // the bytes that arrive may heal it
		}
		if err != nil {
			return Staged{}, err
		}
		if !beginsWith(stored, head, begin) {
			stored.Close()
			continue
		}
		staged, err := in.compare(ctx, r, stored, candidate, opts)
		return staged, errors.Join(err, stored.Close())
	}
	return in.write(ctx, r, opts)
}

// probe is how many bytes of a stored image are compared before all others.
const probe = 4 << 10

// beginsWith reports whether a stored file has these bytes at its beginning. The last
// of them are looked at first: images of one format begin alike.
func beginsWith(stored io.ReaderAt, head, buf []byte) bool {
	for _, from := range []int{max(len(head)-probe, 0), 0} {
		n, _ := stored.ReadAt(buf[from:], int64(from))
		if n < len(buf)-from || !bytes.Equal(buf[from:], head[from:]) {
			return false
		}
	}
	return true
}

// likely returns the stored images that the bytes may turn out to be.
func (in *Intake) likely(ctx context.Context, opts StageOptions) ([]Image, error) {
	var found []Image
	if opts.Like != "" {
		img, err := in.repo.catalog.ImageByName(ctx, in.project, opts.Like)
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return nil, err
		case img.Stored():
			found = append(found, img)
		}
	}
	if opts.SizeHint <= 0 {
		return found, nil
	}
	for img, err := range in.repo.catalog.Images(ctx, ImageFilter{Size: opts.SizeHint, Limit: maxLikely}) {
		if err != nil {
			return nil, err
		}
		same := func(have Image) bool { return have.SHA256() == img.SHA256() }
		if img.Stored() && !slices.ContainsFunc(found, same) {
			found = append(found, img)
		}
	}
	return found, nil
}

// compare reads r beside a stored file. As long as they agree nothing is
// written; from the first difference on, what was read so far is taken from
// the stored file and the rest from r.
func (in *Intake) compare(ctx context.Context, r io.Reader, stored Blob, twin Image, opts StageOptions) (Staged, error) {
	ours, theirs := make([]byte, chunkSize), make([]byte, chunkSize)
	var same int64
	for {
		if err := ctx.Err(); err != nil {
			return Staged{}, err
		}
		n, err := fill(r, ours)
		if err != nil && err != io.EOF {
			return Staged{}, fmt.Errorf("read image: %w", err)
		}
		ended := err == io.EOF
		// A stored file that cannot be read differs: taking the bytes in anew
		// heals it.
		m, _ := stored.ReadAt(theirs[:n], same)
		if m < n || !bytes.Equal(ours[:n], theirs[:n]) || (ended && same+int64(n) != stored.Size()) {
			rest := r
			if ended {
				rest = bytes.NewReader(nil)
			}
			return in.write(ctx, io.MultiReader(&whole{stored, 0, same}, bytes.NewReader(ours[:n]), rest), opts)
		}
		same += int64(n)
		if ended {
			return in.twin(ctx, stored, twin, opts)
		}
	}
}

// whole reads the first size bytes of a stored file. One that became shorter
// is an error, where io.SectionReader would let the bytes pass for ended.
type whole struct {
	from     io.ReaderAt
	at, size int64
}

func (w *whole) Read(p []byte) (int, error) {
	if w.at == w.size {
		return 0, io.EOF
	}
	n, err := w.from.ReadAt(p[:min(int64(len(p)), w.size-w.at)], w.at)
	w.at += int64(n)
	if n > 0 {
		return n, nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return 0, err
}

// twin is what staging ends with when the bytes are those of a stored image.
func (in *Intake) twin(ctx context.Context, stored Blob, twin Image, opts StageOptions) (Staged, error) {
	staged, err := in.join(ctx, twin)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrTooManyLinks) {
		return in.write(ctx, &whole{stored, 0, twin.Size}, opts)
	}
	if err != nil {
		return Staged{}, err
	}
	for _, algorithm := range opts.Digests {
		known, _ := Algorithm(algorithm)
		if staged.Digests[known] != "" {
			continue
		}
		digest, err := in.Digest(ctx, staged, algorithm)
		if err != nil {
			return Staged{}, err
		}
		if err := in.repo.Learn(ctx, twin, known, digest); err != nil {
			return Staged{}, err
		}
	}
	return staged, nil
}

// join stages the file of a stored image whose bytes were just proven. The
// session holds them from here on, so it does not matter if that image is
// deleted before the publication. It fails with an error that wraps ErrNotFound
// or ErrTooManyLinks.
func (in *Intake) join(ctx context.Context, twin Image) (Staged, error) {
	session, err := in.begin(ctx)
	if err != nil {
		return Staged{}, err
	}
	id := NewID()
	if err := session.Hold(ctx, id, twin.ID); err != nil {
		return Staged{}, err
	}
	in.prove(id, twin.SHA256())
	return Staged{ID: id, Twin: twin.ID, Content: Content{Size: twin.Size, Digests: maps.Clone(twin.Digests)}}, nil
}

// write takes the bytes of r into a new file.
func (in *Intake) write(ctx context.Context, r io.Reader, opts StageOptions) (Staged, error) {
	hashes, err := newHashes(opts.Digests)
	if err != nil {
		return Staged{}, err
	}
	session, err := in.begin(ctx)
	if err != nil {
		return Staged{}, err
	}
	id := NewID()
	w, err := session.Create(ctx, id, opts.SizeHint)
	if err != nil {
		return Staged{}, err
	}
	defer w.Close()
	sinks := []func([]byte) error{func(p []byte) error { _, err := w.Write(p); return err }}
	for _, h := range hashes {
		sinks = append(sinks, func(p []byte) error { _, err := h.Write(p); return err })
	}
	size, err := fanOut(ctx, r, sinks...)
	if err != nil {
		return Staged{}, fmt.Errorf("take image in: %w", err)
	}
	if err := w.Commit(); err != nil {
		return Staged{}, err
	}
	staged := Staged{ID: id, Content: Content{Size: size, Digests: sums(hashes)}}
	in.prove(id, staged.SHA256())
	return staged, nil
}

package imagerepo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Intake takes the images of one package in. Nothing of it is visible before
// Publish, and nothing is left of it after Close without Publish. Stage may be
// called concurrently; the other methods are for one goroutine.
type Intake struct {
	repo    *Repository
	project string

	mu      sync.Mutex
	session Session
}

// Intake starts an intake. The caller ends it with Close.
func (r *Repository) Intake(project string) *Intake {
	return &Intake{repo: r, project: project}
}

// begin starts the session at the first file, so that an intake that writes
// nothing costs nothing.
func (in *Intake) begin(ctx context.Context) (Session, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.session == nil {
		session, err := in.repo.blobs.Begin(ctx)
		if err != nil {
			return nil, err
		}
		in.session = session
	}
	return in.session, nil
}

// Open opens staged content for reading; the caller closes it.
func (in *Intake) Open(ctx context.Context, staged Staged) (Blob, error) {
	if staged.Twin != "" {
		return in.repo.blobs.Open(ctx, staged.Twin)
	}
	session, err := in.begin(ctx)
	if err != nil {
		return nil, err
	}
	return session.Open(ctx, staged.ID)
}

// Digest returns a digest of staged content, computing it where staging did
// not.
func (in *Intake) Digest(ctx context.Context, staged Staged, algorithm string) (string, error) {
	canonical, ok := Algorithm(algorithm)
	if !ok {
		return "", unknownAlgorithm(algorithm)
	}
	if digest := staged.Digests[canonical]; digest != "" {
		return digest, nil
	}
	blob, err := in.Open(ctx, staged)
	if err != nil {
		return "", err
	}
	defer blob.Close()
	hashes, err := newHashes([]string{canonical})
	if err != nil {
		return "", err
	}
	if _, err := fanOut(ctx, io.NewSectionReader(blob, 0, blob.Size()), func(p []byte) error {
		_, err := hashes[canonical].Write(p)
		return err
	}); err != nil {
		return "", fmt.Errorf("read staged image: %w", err)
	}
	staged.Digests[canonical] = sums(hashes)[canonical]
	return staged.Digests[canonical], nil
}

// Publish makes the package and its images visible as a whole, and durable.
// The ID of every new image is that of its staged content. The errors are those
// of [Catalog.Publish]; after one the intake can be published again in another
// form.
func (in *Intake) Publish(ctx context.Context, pub Publication) error {
	return in.repo.catalog.Publish(ctx, pub, func(img Image, twin string) error {
		if !img.Stored() {
			return nil
		}
		session, err := in.begin(ctx)
		if err != nil {
			return err
		}
		if twin != "" {
			err := session.Place(ctx, img.ID, twin)
			if !errors.Is(err, ErrNotFound) {
				return err
			}
			// The twin's file is lost, but there may be a staged one.
		}
		return session.Place(ctx, img.ID, "")
	})
}

// Heal puts staged content in the place of the files of all images that have
// the same content. It does nothing where staging found a stored twin.
func (in *Intake) Heal(ctx context.Context, staged Staged) error {
	if staged.Twin != "" {
		return nil
	}
	session, err := in.begin(ctx)
	if err != nil {
		return err
	}
	var ids []string
	for img, err := range in.repo.catalog.Images(ctx, ImageFilter{SHA256: staged.SHA256()}) {
		if err != nil {
			return err
		}
		ids = append(ids, img.ID)
	}
	return session.Replace(ctx, staged.ID, ids...)
}

// Pin gives an image that was only referenced its bytes.
func (in *Intake) Pin(ctx context.Context, img Image, staged Staged, source Source) error {
	session, err := in.begin(ctx)
	if err != nil {
		return err
	}
	if staged.Twin != "" {
		err = session.Place(ctx, img.ID, staged.Twin)
	} else {
		err = session.Replace(ctx, staged.ID, img.ID)
	}
	if err != nil && !errors.Is(err, ErrExists) {
		return err
	}
	return in.repo.catalog.Pin(ctx, img.ID, staged.Content, source)
}

// Close ends the intake and removes what was not published. It may be called
// again after an error.
func (in *Intake) Close(ctx context.Context) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.session == nil {
		return nil
	}
	err := in.session.Settle(context.WithoutCancel(ctx), in.repo.known)
	if err == nil {
		in.session = nil
	}
	return err
}

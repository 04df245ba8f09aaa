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
	// proven names, by SHA-256, a file of the session whose bytes were seen.
	proven map[string]string
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

// prove keeps in mind that the session's file has that content.
func (in *Intake) prove(id, sha256 string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.proven == nil {
		in.proven = make(map[string]string)
	}
	in.proven[sha256] = id
}

// Open opens staged content for reading; the caller closes it.
func (in *Intake) Open(ctx context.Context, staged Staged) (Blob, error) {
	session, err := in.begin(ctx)
	if err != nil {
		return nil, err
	}
	blob, err := session.Open(ctx, staged.ID)
	if errors.Is(err, ErrNotFound) && staged.Twin != "" {
		return in.repo.blobs.Open(ctx, staged.Twin)
	}
	return blob, err
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
	content, err := Examine(ctx, io.NewSectionReader(blob, 0, blob.Size()), canonical)
	if err != nil {
		return "", fmt.Errorf("read staged image: %w", err)
	}
	if content.SHA256() != staged.SHA256() {
		return "", fmt.Errorf("staged image has sha256 %s, not %s any more", content.SHA256(), staged.SHA256())
	}
	staged.Digests[canonical] = content.Digests[canonical]
	return content.Digests[canonical], nil
}

// Publish makes the package and its images visible as a whole, and durable. A
// new image gets the staged content of its digest, or that of a stored image
// which has it. The errors are those of [Catalog.Publish]; after one the intake
// can be published again in another form.
func (in *Intake) Publish(ctx context.Context, pub Publication) error {
	if err := in.note(ctx, pub.Images); err != nil {
		return err
	}
	return in.repo.catalog.Publish(ctx, pub, func(img Image, twins []string) error {
		return in.place(ctx, img, twins)
	})
}

// note notes the new images whose files the session has, so that the catalogue is
// not held up by it later.
func (in *Intake) note(ctx context.Context, images []Image) error {
	var ids []string
	for _, img := range images {
		if in.proven[img.SHA256()] != "" {
			ids = append(ids, img.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	session, err := in.begin(ctx)
	if err != nil {
		return err
	}
	return session.Note(ctx, ids...)
}

// place gives a new image its file. Where the session has the bytes, they were
// read in full just now, so they are what all images of that content get: what
// is stored of it may have gone bad since.
func (in *Intake) place(ctx context.Context, img Image, twins []string) error {
	session, err := in.begin(ctx)
	if err != nil {
		return err
	}
	staged, ok := in.proven[img.SHA256()]
	if !ok {
		if staged, err = in.hold(ctx, session, img, twins); err != nil {
			return err
		}
		twins = nil
	}
	if err := session.Place(ctx, staged, img.ID); err != nil {
		return err
	}
	return replace(ctx, session, staged, twins)
}

// hold makes the file of a stored image with the same content the session's.
func (in *Intake) hold(ctx context.Context, session Session, img Image, twins []string) (string, error) {
	for _, twin := range twins {
		err := session.Hold(ctx, img.ID, twin)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return "", err
		}
		blob, err := session.Open(ctx, img.ID)
		if err != nil {
			return "", err
		}
		if size := blob.Size(); size != img.Size {
			return "", errors.Join(&CorruptError{Image: img, Size: size}, blob.Close())
		}
		return img.ID, blob.Close()
	}
	return "", fmt.Errorf("bytes of image %q: neither staged nor stored: %w", img.Name, ErrNotFound)
}

// replace gives stored images the bytes of a staged file. Where a file cannot
// have as many names, the rest keep what they have.
func replace(ctx context.Context, session Session, staged string, ids []string) error {
	err := session.Replace(ctx, staged, ids...)
	if errors.Is(err, ErrTooManyLinks) {
		return nil
	}
	return err
}

// Heal puts staged content in the place of the files of all images that have
// the same content, where they are not that file already.
func (in *Intake) Heal(ctx context.Context, staged Staged) error {
	proven, ok := in.proven[staged.SHA256()]
	if !ok {
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
	return replace(ctx, session, proven, ids)
}

// Pin gives an image that was only referenced its bytes. The errors are those
// of [Catalog.Pin].
func (in *Intake) Pin(ctx context.Context, img Image, staged Staged, source Source) error {
	return in.repo.catalog.Pin(ctx, img.ID, staged.Content, source, func() error {
		session, err := in.begin(ctx)
		if err != nil {
			return err
		}
		proven, ok := in.proven[staged.SHA256()]
		if !ok {
			img.Content = staged.Content
			if proven, err = in.hold(ctx, session, img, []string{staged.Twin}); err != nil {
				return err
			}
		}
		return session.Replace(ctx, proven, img.ID)
	})
}

// Close ends the intake and removes what was not published. It may be called
// again after an error.
func (in *Intake) Close(ctx context.Context) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.session == nil {
		return nil
	}
	if err := in.session.Settle(context.WithoutCancel(ctx), in.repo.catalog.IfUnclaimed); err != nil {
		return err
	}
	in.session, in.proven = nil, nil
	return nil
}

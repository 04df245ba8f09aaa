package imagerepo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/imagerepo/fsstore"
	"github.com/gangway-nfv/gangway/imagerepo/repotest"
)

// chunk is the size in bytes of what travels at once. Cases are laid around it.
const chunk = 512 << 10

// repository is a real one in a temporary folder, with a count of what is
// written to its files and opened of them.
type repository struct {
	*imagerepo.Repository
	folder  string
	catalog *catalog.Catalog
	store   *fsstore.Store
	counted *counted
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	return openRepository(t, newFolder(t))
}

func openRepository(t *testing.T, folder string) *repository {
	t.Helper()
	names, err := catalog.Open(t.Context(), filepath.Join(folder, "catalog.db"))
	if err != nil {
		t.Fatal(err)
	}
	store, err := fsstore.Open(filepath.Join(folder, "images"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(store.Close(), names.Close()); err != nil {
			t.Error(err)
		}
	})
	files := &counted{Blobs: store}
	return &repository{
		Repository: imagerepo.New(names, files, slog.New(slog.DiscardHandler)),
		folder:     folder, catalog: names, store: store, counted: files,
	}
}

// counted counts the bytes that are written and the visible files that are
// opened.
type counted struct {
	imagerepo.Blobs
	written, opened atomic.Int64
}

func (c *counted) Open(ctx context.Context, id string) (imagerepo.Blob, error) {
	c.opened.Add(1)
	return c.Blobs.Open(ctx, id)
}

func (c *counted) Begin(ctx context.Context) (imagerepo.Session, error) {
	session, err := c.Blobs.Begin(ctx)
	return &countedSession{session, c}, err
}

type countedSession struct {
	imagerepo.Session
	count *counted
}

func (s *countedSession) Create(ctx context.Context, id string, sizeHint int64) (imagerepo.BlobWriter, error) {
	w, err := s.Session.Create(ctx, id, sizeHint)
	if err != nil {
		return nil, err
	}
	return &countedWriter{w, s.count}, nil
}

type countedWriter struct {
	imagerepo.BlobWriter
	count *counted
}

func (w *countedWriter) Write(p []byte) (int, error) {
	n, err := w.BlobWriter.Write(p)
	w.count.written.Add(int64(n))
	return n, err
}

// data returns n bytes that are the same for the same seed.
func data(seed byte, n int) []byte {
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(p)
	return p
}

func content(p []byte) imagerepo.Content { return repotest.Content(string(p)) }

// intake starts an intake that the test closes.
func (r *repository) intake(t *testing.T) *imagerepo.Intake {
	t.Helper()
	intake := r.Intake("p")
	t.Cleanup(func() {
		if err := intake.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return intake
}

func stage(t *testing.T, intake *imagerepo.Intake, p []byte, opts imagerepo.StageOptions) imagerepo.Staged {
	t.Helper()
	staged, err := intake.Stage(t.Context(), bytes.NewReader(p), opts)
	if err != nil {
		t.Fatal(err)
	}
	return staged
}

func image(project, name string, staged imagerepo.Staged) imagerepo.Image {
	img := repotest.Image(project, name, "")
	img.ID, img.Content = staged.ID, staged.Content
	return img
}

// add makes an image visible that no package brings.
func (r *repository) add(t *testing.T, name string, p []byte) imagerepo.Image {
	t.Helper()
	intake := r.Intake("p")
	img := image("p", name, stage(t, intake, p, imagerepo.StageOptions{SizeHint: int64(len(p))}))
	img.Manual = true
	publish(t, intake, imagerepo.Publication{Images: []imagerepo.Image{img}})
	if err := intake.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return img
}

func publish(t *testing.T, intake *imagerepo.Intake, pub imagerepo.Publication) {
	t.Helper()
	if err := intake.Publish(t.Context(), pub); err != nil {
		t.Fatal(err)
	}
}

// has checks that the file of an image has the bytes.
func (r *repository) has(t *testing.T, img imagerepo.Image, want []byte) {
	t.Helper()
	blob, err := r.Open(t.Context(), img)
	if err != nil {
		t.Error(err)
		return
	}
	defer blob.Close()
	got, err := io.ReadAll(io.NewSectionReader(blob, 0, blob.Size()))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("image %q has other bytes than it was given: %d instead of %d, %v", img.Name, len(got), len(want), err)
	}
}

// linked checks that all images have one file.
func (r *repository) linked(t *testing.T, images ...imagerepo.Image) {
	t.Helper()
	for _, img := range images[1:] {
		if same, err := r.store.Same(t.Context(), images[0].ID, img.ID); err != nil || !same {
			t.Errorf("images %q and %q have files of their own: %v", images[0].Name, img.Name, err)
		}
	}
}

// tidy checks that the folder has visible files of that number, and nothing
// else once the store is closed.
func (r *repository) tidy(t *testing.T, files int) {
	t.Helper()
	if err := r.store.Close(); err != nil {
		t.Error(err)
	}
	var found []string
	root := filepath.Join(r.folder, "images")
	if err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if name := strings.TrimPrefix(path, root+"/"); path != root && name != ".staging" {
			found = append(found, name)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(found) != files {
		t.Errorf("the folder has %d files, want %d: %v", len(found), files, found)
	}
}

// healthy checks that a doctor finds nothing.
func (r *repository) healthy(t *testing.T) {
	t.Helper()
	diagnosis, err := r.Doctor(t.Context(), imagerepo.DoctorOptions{})
	if err != nil {
		t.Error(err)
	}
	for _, problem := range diagnosis.Problems {
		t.Errorf("the doctor finds: %s", fmt.Sprintf("%+v", problem))
	}
}

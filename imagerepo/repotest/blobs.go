package repotest

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gangway-nfv/gangway/imagerepo"
)

// Blobs runs the conformance suite. Each call of open with one folder gives
// another handle to the same files, and a function that lets the handle's
// process end without settling anything.
func Blobs(t *testing.T, open func(t *testing.T, folder string) (blobs imagerepo.Blobs, end func())) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, b *blobsTest)
	}{
		{"a file is visible once it is placed", testPlaceFile},
		{"a file is placed once", testPlaceOnce},
		{"a writer that is not committed leaves nothing", testGiveUp},
		{"a size hint is only a hint", testSizeHint},
		{"held bytes outlive the visible file", testHold},
		{"replacing heals and links", testReplace},
		{"what is retired goes unless it is claimed", testRetire},
		{"settling can be tried again", testSettleAgain},
		{"what dead processes left is settled", testRecover},
		{"a quarantined file is out of sight", testQuarantine},
		{"what is no ID is no path", testNoID},
		{"files are placed and removed concurrently", testConcurrent},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			another := func() (imagerepo.Blobs, func()) { return open(t, folder) }
			blobs, end := another()
			t.Cleanup(end)
			test.run(t, &blobsTest{Blobs: blobs, another: another, catalogue: make(map[string]bool)})
		})
	}
}

type blobsTest struct {
	imagerepo.Blobs
	another   func() (imagerepo.Blobs, func())
	mu        sync.Mutex
	catalogue map[string]bool // of stored images
}

// ifUnclaimed stands for the catalogue.
func (b *blobsTest) ifUnclaimed(_ context.Context, id string, remove func() error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.catalogue[id] {
		return nil
	}
	return remove()
}

func (b *blobsTest) begin(t *testing.T) imagerepo.Session {
	t.Helper()
	session, err := b.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func (b *blobsTest) settle(t *testing.T, session imagerepo.Session) {
	t.Helper()
	if err := session.Settle(t.Context(), b.ifUnclaimed); err != nil {
		t.Fatal(err)
	}
}

// stage writes a file of a session.
func stage(t *testing.T, session imagerepo.Session, data string) string {
	t.Helper()
	id := imagerepo.NewID()
	w, err := session.Create(t.Context(), id, int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := io.WriteString(w, data); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	return id
}

// store makes a file of an image.
func (b *blobsTest) store(t *testing.T, data string) string {
	t.Helper()
	session := b.begin(t)
	id := stage(t, session, data)
	if err := session.Place(t.Context(), id, id); err != nil {
		t.Fatal(err)
	}
	b.catalogue[id] = true
	b.settle(t, session)
	return id
}

// read returns what a visible file has, or ErrNotFound.
func (b *blobsTest) read(id string) (string, error) {
	blob, err := b.Open(context.Background(), id)
	if err != nil {
		return "", err
	}
	defer blob.Close()
	data, err := io.ReadAll(io.NewSectionReader(blob, 0, blob.Size()))
	return string(data), err
}

func (b *blobsTest) has(t *testing.T, id, want string) {
	t.Helper()
	if got, err := b.read(id); err != nil || got != want {
		t.Errorf("file has %q, %v; want %q", got, err, want)
	}
}

func (b *blobsTest) lacks(t *testing.T, id string) {
	t.Helper()
	if got, err := b.read(id); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("file has %q, %v; want ErrNotFound", got, err)
	}
}

func (b *blobsTest) lists(t *testing.T, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, all(t, b.List(t.Context())), cmpopts.EquateEmpty(), cmpopts.SortSlices(func(a, b string) bool { return a < b })); d != "" {
		t.Errorf("visible files (-want +got):\n%s", d)
	}
}

func (b *blobsTest) same(t *testing.T, one, other string) bool {
	t.Helper()
	same, err := b.Same(t.Context(), one, other)
	if err != nil {
		t.Fatal(err)
	}
	return same
}

func testPlaceFile(t *testing.T, b *blobsTest) {
	ctx, session := t.Context(), b.begin(t)
	id, unclaimed, second := stage(t, session, "bytes"), stage(t, session, "unclaimed"), imagerepo.NewID()
	blob, err := session.Open(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if blob.Size() != 5 {
		t.Errorf("staged file has %d bytes, want 5", blob.Size())
	}
	if err := blob.Close(); err != nil {
		t.Error(err)
	}
	b.lacks(t, id)
	b.lists(t)
	for _, place := range [][2]string{{id, id}, {id, second}, {unclaimed, unclaimed}} {
		if err := session.Place(ctx, place[0], place[1]); err != nil {
			t.Fatal(err)
		}
	}
	b.lists(t, id, second, unclaimed)
	if !b.same(t, id, second) || b.same(t, id, unclaimed) {
		t.Error("two names of one file are not the same, or those of two are")
	}
	b.catalogue[id], b.catalogue[second] = true, true
	b.settle(t, session)
	b.has(t, id, "bytes")
	b.has(t, second, "bytes")
	b.lists(t, id, second)
	if _, err := b.Same(ctx, id, unclaimed); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("Same with a file that is not there: got %v, want ErrNotFound", err)
	}
	if b.Location(id) == b.Location(second) {
		t.Error("two files are at one location")
	}
}

func testPlaceOnce(t *testing.T, b *blobsTest) {
	ctx, old := t.Context(), b.store(t, "old")
	session := b.begin(t)
	defer b.settle(t, session)
	id := stage(t, session, "new")
	if err := session.Place(ctx, id, old); !errors.Is(err, imagerepo.ErrExists) {
		t.Errorf("over another file: got %v, want ErrExists", err)
	}
	if err := session.Place(ctx, imagerepo.NewID(), imagerepo.NewID()); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("a file that was not staged: got %v, want ErrNotFound", err)
	}
	for range 2 {
		if err := session.Place(ctx, id, id); err != nil {
			t.Errorf("a file that may be there already: %v", err)
		}
	}
	b.has(t, old, "old")
}

func testGiveUp(t *testing.T, b *blobsTest) {
	ctx, session := t.Context(), b.begin(t)
	id := imagerepo.NewID()
	w, err := session.Create(ctx, id, -1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "half"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := session.Place(ctx, id, id); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("Place: got %v, want ErrNotFound", err)
	}
	b.settle(t, session)
	b.lists(t)
}

func testSizeHint(t *testing.T, b *blobsTest) {
	ctx, session := t.Context(), b.begin(t)
	defer b.settle(t, session)
	for _, hint := range []int64{-1, 0, 1, 5, 1 << 20} {
		id := imagerepo.NewID()
		w, err := session.Create(ctx, id, hint)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, "bytes"); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Commit(), w.Close(), session.Place(ctx, id, id)); err != nil {
			t.Fatal(err)
		}
		b.has(t, id, "bytes")
	}
	if _, err := session.Create(ctx, imagerepo.NewID(), 1<<62); err == nil {
		t.Error("a file larger than any medium was begun")
	}
}

func testHold(t *testing.T, b *blobsTest) {
	ctx, old := t.Context(), b.store(t, "old")
	session, id := b.begin(t), imagerepo.NewID()
	if err := session.Hold(ctx, id, old); err != nil {
		t.Fatal(err)
	}
	if err := session.Hold(ctx, imagerepo.NewID(), imagerepo.NewID()); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("a file that is not there: got %v, want ErrNotFound", err)
	}
	if err := session.Place(ctx, id, id); err != nil {
		t.Fatal(err)
	}
	if !b.same(t, id, old) {
		t.Error("the bytes were copied")
	}
	again := imagerepo.NewID()
	b.catalogue[again] = true
	b.remove(t, old)
	b.remove(t, id)
	if err := session.Place(ctx, id, again); err != nil {
		t.Fatal(err)
	}
	b.settle(t, session)
	b.has(t, again, "old")
	b.lists(t, again)
}

// remove removes the file of an image.
func (b *blobsTest) remove(t *testing.T, id string) {
	t.Helper()
	session := b.begin(t)
	if err := session.Note(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	delete(b.catalogue, id)
	b.settle(t, session)
	b.lacks(t, id)
}

func testReplace(t *testing.T, b *blobsTest) {
	ctx, one, two, lost := t.Context(), b.store(t, "bad1"), b.store(t, "bad2"), imagerepo.NewID()
	b.catalogue[lost] = true
	unclaimed := imagerepo.NewID()
	reader, err := b.Open(ctx, one)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	session := b.begin(t)
	if err := session.Replace(ctx, imagerepo.NewID(), one); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("with a file that was not staged: got %v, want ErrNotFound", err)
	}
	good := stage(t, session, "good")
	for range 2 {
		if err := session.Replace(ctx, good, one, two, lost, unclaimed); err != nil {
			t.Fatal(err)
		}
	}
	b.settle(t, session)
	for _, id := range []string{one, two, lost} {
		b.has(t, id, "good")
		if !b.same(t, one, id) {
			t.Error("the files are not linked")
		}
	}
	b.lists(t, one, two, lost)
	old := make([]byte, 4)
	if _, err := reader.ReadAt(old, 0); err != nil || string(old) != "bad1" {
		t.Errorf("who had the old file open reads %q, %v", old, err)
	}
}

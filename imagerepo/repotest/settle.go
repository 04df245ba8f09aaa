package repotest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo"
)

func testRetire(t *testing.T, b *blobsTest) {
	stays, goes := b.store(t, "stays"), b.store(t, "goes")
	session := b.begin(t)
	if err := session.Note(t.Context(), stays, goes, imagerepo.NewID(), "no ID"); err != nil {
		t.Fatal(err)
	}
	b.has(t, goes, "goes")
	delete(b.catalogue, goes)
	b.settle(t, session)
	b.has(t, stays, "stays")
	b.lists(t, stays)
}

func testSettleAgain(t *testing.T, b *blobsTest) {
	ctx, session := t.Context(), b.begin(t)
	id := stage(t, session, "bytes")
	if err := session.Place(ctx, id, id); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("failed")
	if err := session.Settle(ctx, func(context.Context, string, func() error) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("got %v, want the catalogue's error", err)
	}
	for range 2 {
		b.settle(t, session)
	}
	b.lists(t)
}

func testRecover(t *testing.T, b *blobsTest) {
	ctx := t.Context()
	retired := b.store(t, "retired")
	dead, end := b.another()
	var placed []string
	for i := range 2 {
		session, err := dead.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		id := stage(t, session, "placed")
		stage(t, session, "staged")
		if err := errors.Join(session.Place(ctx, id, id), session.Note(ctx, retired)); err != nil {
			t.Fatal(err)
		}
		b.catalogue[id] = i == 0
		placed = append(placed, id)
	}
	delete(b.catalogue, retired)
	living := b.begin(t)
	mine := stage(t, living, "mine")
	if err := living.Place(ctx, mine, mine); err != nil {
		t.Fatal(err)
	}

	litter := func(want int) {
		t.Helper()
		if got, err := b.Abandoned(ctx); err != nil || (len(got) > 0) != (want > 0) {
			t.Errorf("abandoned are %v, %v; want %d", got, err, want)
		}
	}
	litter(0)
	if err := b.Recover(ctx, b.ifUnclaimed); err != nil {
		t.Fatal(err)
	}
	b.lists(t, append(placed, retired, mine)...)

	end()
	litter(1)
	failed := errors.New("failed")
	if err := b.Recover(ctx, func(context.Context, string, func() error) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("got %v, want the catalogue's error", err)
	}
	litter(1)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if err := b.Recover(ctx, b.ifUnclaimed); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	litter(0)
	b.lists(t, placed[0], mine)
	b.has(t, placed[0], "placed")
	b.catalogue[mine] = true
	b.settle(t, living)
	b.has(t, mine, "mine")
}

func testQuarantine(t *testing.T, b *blobsTest) {
	ctx := t.Context()
	id, twin := b.store(t, "bad"), b.store(t, "bad, too")
	opened := func(id string) imagerepo.Blob {
		t.Helper()
		blob, err := b.Open(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { blob.Close() })
		return blob
	}
	bad := opened(id)
	location, err := b.Quarantine(ctx, id, bad)
	if err != nil || location == b.Location(id) {
		t.Fatalf("got %q, %v", location, err)
	}
	b.lacks(t, id)
	b.lists(t, twin)
	if _, err := b.Quarantine(ctx, id, bad); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("again: got %v, want ErrNotFound", err)
	}

	bad = opened(twin)
	session := b.begin(t)
	defer b.settle(t, session)
	if err := session.Replace(ctx, stage(t, session, "good"), id, twin); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Quarantine(ctx, twin, bad); err == nil {
		t.Error("a file that was healed meanwhile was taken away")
	}
	b.has(t, id, "good")
	b.has(t, twin, "good")
}

func testNoID(t *testing.T, b *blobsTest) {
	ctx, session := t.Context(), b.begin(t)
	defer b.settle(t, session)
	id := stage(t, session, "bytes")
	for _, name := range []string{"", ".", "..", "../../etc/passwd", "/etc/passwd", "a\x00b", "name", "{" + id + "}", "urn:uuid:" + id} {
		_, openErr := b.Open(ctx, name)
		_, stagedErr := session.Open(ctx, name)
		_, createErr := session.Create(ctx, name, 0)
		for what, err := range map[string]error{
			"Open": openErr, "session's Open": stagedErr, "Create": createErr, "Hold": session.Hold(ctx, name, id),
			"Hold of": session.Hold(ctx, imagerepo.NewID(), name), "Place": session.Place(ctx, id, name), "Place of": session.Place(ctx, name, id),
			"Replace": session.Replace(ctx, id, name), "Replace by": session.Replace(ctx, name, id),
		} {
			if !errors.Is(err, imagerepo.ErrNotFound) {
				t.Errorf("%s %q: got %v, want ErrNotFound", what, name, err)
			}
		}
		if err := session.Note(ctx, name); err != nil {
			t.Errorf("Retire %q: %v", name, err)
		}
	}
	b.lists(t)
}

func testConcurrent(t *testing.T, b *blobsTest) {
	const workers = 8
	kept := make([]string, workers)
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() {
			ctx := t.Context()
			session, err := b.Begin(ctx)
			if err != nil {
				t.Error(err)
				return
			}
			for j := range 3 {
				id, data := imagerepo.NewID(), fmt.Sprint(i, j)
				w, err := session.Create(ctx, id, int64(len(data)))
				if err != nil {
					t.Error(err)
					return
				}
				_, err = io.WriteString(w, data)
				if err := errors.Join(err, w.Commit(), session.Place(ctx, id, id)); err != nil {
					t.Error(err)
				}
				kept[i] = id
			}
			b.mu.Lock()
			b.catalogue[kept[i]] = true
			b.mu.Unlock()
			if err := errors.Join(session.Settle(ctx, b.ifUnclaimed), b.Recover(ctx, b.ifUnclaimed)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	slices.Sort(kept)
	b.lists(t, kept...)
}

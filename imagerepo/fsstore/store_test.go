package fsstore_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fsstore"
	"github.com/gangway-nfv/gangway/imagerepo/repotest"
)

func open(t *testing.T, folder string) *fsstore.Store {
	t.Helper()
	store, err := fsstore.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func TestConformance(t *testing.T) {
	repotest.Blobs(t, func(t *testing.T, folder string) (imagerepo.Blobs, func()) {
		store := open(t, folder)
		// To a session that was not settled, Close is what the end of the process
		// is: the lock goes, the notes stay.
		return store, func() { store.Close() }
	})
}

// tree returns all paths below a folder, folders with a slash behind them.
func tree(t *testing.T, folder string) []string {
	t.Helper()
	var paths []string
	if err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		path, err = filepath.Rel(folder, path)
		if entry.IsDir() {
			path += "/"
		}
		paths = append(paths, path)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return paths
}

func write(t *testing.T, path, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

// nothing is a catalogue that is empty.
func nothing(_ context.Context, _ string, remove func() error) error { return remove() }

// stage begins a session with one file in it.
func stage(t *testing.T, store *fsstore.Store, sizeHint int64) (imagerepo.Session, string) {
	t.Helper()
	session, err := store.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id := imagerepo.NewID()
	w, err := session.Create(t.Context(), id, sizeHint)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("bytes")); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	return session, id
}

func TestEveryStateOfTheStagingFolderIsRecovered(t *testing.T) {
	const process, session = "8d7ee4b4-1e29-4a3a-8f0d-7a1a3f7d3c11", "1be9a0a8-5b5b-4b0e-9a53-54b3c3a0a7a2"
	id := imagerepo.NewID()
	staging := filepath.Join(".staging", process)
	for name, files := range map[string][]string{
		"a lock and no folder yet":                    {staging + ".lock"},
		"a folder and no session":                     {staging + ".lock", staging + "/"},
		"a session with nothing in it":                {staging + ".lock", staging + "/" + session + "/"},
		"a file that is being written":                {staging + ".lock", staging + "/" + session + "/" + id},
		"a file that is placed":                       {staging + ".lock", staging + "/" + session + "/" + id, id},
		"a file that is about to replace another":     {staging + ".lock", staging + "/" + session + "/" + id, staging + "/" + session + "/" + id + ".new", id},
		"a session that is settled but for its notes": {staging + ".lock", staging + "/" + session + "/" + id},
		"a lock that a power cut took away":           {staging + "/" + session + "/" + id, id},
		"what belongs to nobody in a session":         {staging + ".lock", staging + "/" + session + "/x/y"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			store := open(t, folder)
			foreign := []string{"6a4c4d30-7a6e-4b57-9c1e-0d5d3e2b9f10", "d41d8cd98f00b204e9800998ecf8427e", "cirros.img", "sub/" + imagerepo.NewID()}
			for _, file := range append(files, foreign...) {
				path := filepath.Join(folder, file)
				if file[len(file)-1] == '/' {
					if err := os.MkdirAll(path, 0o700); err != nil {
						t.Fatal(err)
					}
					continue
				}
				write(t, path, "bytes")
			}
			for range 2 {
				if err := store.Recover(t.Context(), nothing); err != nil {
					t.Fatal(err)
				}
			}
			want := append(foreign, ".staging/", "sub/")
			if d := cmp.Diff(want, tree(t, folder), cmpopts.SortSlices(func(a, b string) bool { return a < b })); d != "" {
				t.Errorf("what is left (-want +got):\n%s", d)
			}
			if left, err := store.Abandoned(t.Context()); err != nil || len(left) > 0 {
				t.Errorf("abandoned: %v, %v", left, err)
			}
		})
	}
}

func TestClosingAStoreLeavesNoTraceOfSettledSessionsAndAllOfOthers(t *testing.T) {
	folder := t.TempDir()
	first, err := fsstore.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	session, _ := stage(t, first, 5)
	if err := errors.Join(session.Settle(t.Context(), nothing), first.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{".staging/"}, tree(t, folder)); d != "" {
		t.Errorf("after a settled session (-want +got):\n%s", d)
	}

	session, id := stage(t, first, 5)
	if err := errors.Join(session.Place(t.Context(), id, id), first.Close()); err != nil {
		t.Fatal(err)
	}
	if err := open(t, folder).Recover(t.Context(), nothing); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{".staging/"}, tree(t, folder)); d != "" {
		t.Errorf("after one that was not (-want +got):\n%s", d)
	}
}

func TestASizeHintThatWasTooLargeTakesNoRoom(t *testing.T) {
	folder := t.TempDir()
	session, id := stage(t, open(t, folder), 64<<20)
	if err := session.Place(t.Context(), id, id); err != nil {
		t.Fatal(err)
	}
	var info syscall.Stat_t
	if err := syscall.Stat(filepath.Join(folder, id), &info); err != nil {
		t.Fatal(err)
	}
	if taken := info.Blocks * 512; info.Size != 5 || taken > 1<<20 {
		t.Errorf("a file of %d bytes takes %d", info.Size, taken)
	}
	if err := session.Settle(t.Context(), nothing); err != nil {
		t.Fatal(err)
	}
}

func TestAFileWithAsManyNamesAsItMayHaveIsNotHeld(t *testing.T) {
	folder := t.TempDir()
	store := open(t, folder)
	session, id := stage(t, store, 5)
	defer session.Settle(t.Context(), nothing)
	if err := session.Place(t.Context(), id, id); err != nil {
		t.Fatal(err)
	}
	for i := range 60_000 {
		if err := os.Link(filepath.Join(folder, id), filepath.Join(folder, fmt.Sprint("name-", i))); err != nil {
			t.Skipf("this file system allows %d names: %v", i, err)
		}
	}
	held := imagerepo.NewID()
	if err := session.Hold(t.Context(), held, id); !errors.Is(err, imagerepo.ErrTooManyLinks) {
		t.Errorf("got %v, want ErrTooManyLinks", err)
	}
	if _, err := session.Open(t.Context(), held); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("what was not held: got %v, want ErrNotFound", err)
	}
}

func TestAFileIsReadOnlyAndNamedByItsID(t *testing.T) {
	folder := t.TempDir()
	store := open(t, folder)
	session, id := stage(t, store, -1)
	if err := session.Place(t.Context(), id, id); err != nil {
		t.Fatal(err)
	}
	if got := store.Location(id); got != filepath.Join(folder, id) {
		t.Errorf("file is at %s, want it in %s under its ID", got, folder)
	}
	info, err := os.Stat(store.Location(id))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm()&0o222 != 0 {
		t.Errorf("file has mode %v, want it read-only", info.Mode())
	}
	if err := session.Settle(t.Context(), nothing); err != nil {
		t.Fatal(err)
	}
}

func TestForeignFilesAreNotListed(t *testing.T) {
	folder := t.TempDir()
	store := open(t, folder)
	id := imagerepo.NewID()
	for _, name := range []string{id, "6a4c4d30-7a6e-4b57-9c1e-0d5d3e2b9f10", strings.ToUpper(id), strings.ReplaceAll(id, "-", ""), "d41d8cd98f00b204e9800998ecf8427e", "cirros.img"} {
		write(t, filepath.Join(folder, name), "bytes")
	}
	var listed []string
	for found, err := range store.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, found)
	}
	if d := cmp.Diff([]string{id}, listed); d != "" {
		t.Errorf("listed (-want +got):\n%s", d)
	}
}

func TestWhatIsNotARegularFileIsNotAnImage(t *testing.T) {
	folder := t.TempDir()
	store := open(t, folder)
	id := imagerepo.NewID()
	if err := os.Mkdir(filepath.Join(folder, id), 0o700); err != nil {
		t.Fatal(err)
	}
	if blob, err := store.Open(t.Context(), id); err == nil {
		blob.Close()
		t.Error("a folder was opened as an image")
	}
	for listed, err := range store.List(t.Context()) {
		t.Errorf("a folder is listed as image %s, %v", listed, err)
	}
}

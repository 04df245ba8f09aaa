package catalog_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/imagerepo/repotest"
)

// childFolder is set in the environment of the processes that tests start.
const childFolder = "CATALOG_TEST_FOLDER"

func TestMain(m *testing.M) {
	if folder := os.Getenv(childFolder); folder != "" {
		if err := openAndPublish(context.Background(), folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// openAndPublish is what one of many processes does that start together. One
// that loses the name ends well, too.
func openAndPublish(ctx context.Context, folder string) (err error) {
	c, err := catalog.Open(ctx, filepath.Join(folder, "catalog.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	err = c.Publish(ctx, imagerepo.Publication{Images: []imagerepo.Image{repotest.Image("p", "name", fmt.Sprint(os.Getpid()))}},
		func(imagerepo.Image, []string) error { return nil })
	var taken *imagerepo.NameTakenError
	if errors.As(err, &taken) {
		return nil
	}
	if err == nil {
		fmt.Println("won")
	}
	return err
}

func TestProcessesThatStartTogetherMakeOneCatalogueAndHaveOneWinner(t *testing.T) {
	folder := t.TempDir()
	const processes = 6
	outputs := make([]string, processes)
	var group sync.WaitGroup
	for i := range processes {
		group.Go(func() {
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), childFolder+"="+folder)
			output, err := child.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, output)
			}
			outputs[i] = string(output)
		})
	}
	group.Wait()
	if won := strings.Count(strings.Join(outputs, ""), "won"); won != 1 {
		t.Errorf("%d processes won the name, want 1", won)
	}
}

func TestACatalogueLiesWhereItsPathSays(t *testing.T) {
	for _, name := range []string{"plain.db", "a?b=c&d.db", "#hash.db", "100%.db", "%20%3F.db", "spa ce.db", "☃.db", "semi;colon:db", "'quoted\".db", ":memory:"} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), name+" folder")
			path := filepath.Join(folder, name)
			c, err := catalog.Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			entries, err := os.ReadDir(folder)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, entry := range entries {
				names = append(names, entry.Name())
			}
			if d := cmp.Diff([]string{name, name + ".lock"}, names); d != "" {
				t.Errorf("files (-want +got):\n%s", d)
			}
		})
	}
}

func edit(t *testing.T, folder string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(folder, "catalog.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

func TestACatalogueOfANewerProgramIsRefused(t *testing.T) {
	folder := t.TempDir()
	if err := open(t, folder).Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, folder, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999999, 1)")
	c, err := catalog.Open(t.Context(), filepath.Join(folder, "catalog.db"))
	if err == nil {
		c.Close()
		t.Fatal("it was opened")
	}
	if !strings.Contains(err.Error(), "newer") {
		t.Errorf("got %v, want an error that says why", err)
	}
}

func TestAFileThatIsNoDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := catalog.Open(t.Context(), path); err == nil {
		c.Close()
		t.Error("it was opened")
	}
}

func TestDamageDoneByHandIsFound(t *testing.T) {
	folder := t.TempDir()
	c := open(t, folder)
	defer c.Close()
	pkg, img := repotest.Package("p", "router"), repotest.Image("p", "lost", "bytes")
	if err := c.Publish(t.Context(), imagerepo.Publication{Package: pkg, Images: []imagerepo.Image{img}},
		func(imagerepo.Image, []string) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	edit(t, folder, "DELETE FROM images")
	if err := c.Check(t.Context()); err == nil {
		t.Error("a reference that leads nowhere was not found")
	}
	got, err := c.Package(t.Context(), pkg.ID)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"lost"}, got.Missing); d != "" {
		t.Errorf("missing images (-want +got):\n%s", d)
	}
	if _, _, err := c.DeletePackage(t.Context(), pkg.ID, false); err != nil {
		t.Errorf("the package cannot be deleted: %v", err)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Errorf("after the package is deleted: %v", err)
	}
}

func TestWhoWaitsForAnotherWriterCanBeCancelled(t *testing.T) {
	folder := t.TempDir()
	c := open(t, folder)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := c.IfUnclaimed(t.Context(), imagerepo.NewID(), func() error {
		return c.Publish(ctx, imagerepo.Publication{Images: []imagerepo.Image{repotest.Image("p", "name", "")}}, nil)
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
}

func TestACatalogueLearnsTheDescriptorsOfThePackagesThatItHas(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "catalog.db")
	c, err := catalog.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	one, two := repotest.Package("p", "one"), repotest.Package("p", "two")
	one.Record, two.Record = []byte(`{"name": "one", "descriptorId": "of-one"}`), []byte(`{"name": "two"}`)
	for _, pkg := range []*imagerepo.Package{one, two} {
		if err := c.Publish(t.Context(), imagerepo.Publication{Package: pkg}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, folder, `DROP INDEX packages_by_descriptor`, `ALTER TABLE packages DROP COLUMN descriptor_id`,
		`DELETE FROM goose_db_version WHERE version_id >= 3`)
	if c, err = catalog.Open(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got := make(map[string]string)
	for pkg, err := range c.Packages(t.Context(), imagerepo.PackageFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		got[pkg.Name] = pkg.DescriptorID
	}
	if d := cmp.Diff(map[string]string{"one": "of-one", "two": ""}, got); d != "" {
		t.Errorf("descriptors (-want +got):\n%s", d)
	}
}

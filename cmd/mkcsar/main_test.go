package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/csar"
	"github.com/gangway-nfv/gangway/tosca"
)

// build runs mkcsar and fails the test unless it succeeds.
func build(t *testing.T, args ...string) {
	t.Helper()
	var stderr bytes.Buffer
	if code := run(args, &stderr); code != 0 {
		t.Fatalf("mkcsar %v = %d\n%s", args, code, stderr.String())
	}
}

func open(t *testing.T, path string) (*csar.Archive, []string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	a, findings, err := csar.Open(context.Background(), csar.Source{Name: path, At: f, Size: info.Size()}, csar.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, finding := range findings {
		codes = append(codes, string(finding.Code))
	}
	return a, codes
}

func files(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	out := map[string][32]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = sha256.Sum256(data)
	}
	return out
}

func TestSamplesAreSound(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "samples")
	build(t, "-image-url", "http://127.0.0.1:1/i", dir)
	samples := files(t, dir)
	if len(samples) != 5 {
		t.Errorf("%d samples, want 5", len(samples))
	}
	for name := range samples {
		a, codes := open(t, filepath.Join(dir, name))
		if codes != nil {
			t.Errorf("%s: findings %v", name, codes)
			continue
		}
		if _, findings := tosca.Read(a); len(findings) > 0 {
			t.Errorf("%s: %v", name, findings)
		}
	}
}

func TestEveryKindHoldsAnImageOfTheSize(t *testing.T) {
	for _, args := range [][]string{
		{"-kind", "openbaton-tar"}, {"-kind", "openbaton-tar.gz"}, {"-kind", "openbaton-tar.xz"},
		{"-kind", "openbaton-tar.zst"}, {"-kind", "openbaton-tar.bz2"},
		{"-kind", "openbaton-csar"}, {"-kind", "openbaton-csar", "-deflate", "-content", "text"},
		{"-kind", "sol004", "-format", "raw"}, {"-kind", "sol004", "-deflate", "-seed", "7"},
	} {
		path := filepath.Join(t.TempDir(), "package")
		build(t, append(args, "-size", "400KiB", "-o", path)...)
		a, codes := open(t, path)
		if codes != nil {
			t.Errorf("%v: findings %v", args, codes)
			continue
		}
		found := false
		for _, f := range a.List() {
			found = found || f.Size == 400<<10
		}
		if !found {
			t.Errorf("%v: no image of the size in %v", args, a.List())
		}
	}
}

func TestManyPackagesAreAllDifferent(t *testing.T) {
	dir := t.TempDir()
	build(t, "-kind", "openbaton-tar", "-count", "3", "-size", "1KiB", "-format", "raw", "-o", dir)
	digests := map[[32]byte]bool{}
	for _, digest := range files(t, dir) {
		digests[digest] = true
	}
	if len(digests) != 3 {
		t.Errorf("%d different packages of 3", len(digests))
	}
}

func TestHostilePackagesAreWritten(t *testing.T) {
	dir := t.TempDir()
	build(t, "-kind", "hostile", "-o", dir)
	for _, name := range []string{"tar-sparse", "zip-overlap", "gzip-bomb"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestWrongUsageWritesNothing(t *testing.T) {
	for _, args := range [][]string{
		{}, {"a", "b"}, {"-kind", "sol004"}, {"-nonsense"}, {"-size", "12QB", "-kind", "image", "-o", "x"},
		{"-kind", "rpm", "-o", "x"}, {"-kind", "openbaton-zip", "-o", "x"}, {"-kind", "openbaton-tar.rar", "-o", "x"}, {"-kind", "image", "-format", "vmdk", "-o", "x"},
	} {
		t.Chdir(t.TempDir())
		if code := run(args, io.Discard); code != 2 {
			t.Errorf("mkcsar %v = %d, want 2", args, code)
		}
		if got := files(t, "."); len(got) > 0 {
			t.Errorf("mkcsar %v wrote %v", args, got)
		}
	}
}

func TestAnExistingFileIsNotReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code := run([]string{"-kind", "sol004", "-o", path}, io.Discard); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "mine" {
		t.Errorf("the file is now %q, %v", data, err)
	}
}

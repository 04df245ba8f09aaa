package vnfpkg

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// The kernel tells the failure of a write-back once. No file system of a test fails
// like that, so that a closed file stands for it.
func TestBytesThatCouldNotBeMadeDurableOnceAreNeverTakenForDurable(t *testing.T) {
	sp, err := openSpool(filepath.Join(t.TempDir(), "archive"))
	if err != nil {
		t.Fatal(err)
	}
	good, closed := sp.File, os.NewFile(^uintptr(0), "")
	if err := sp.write([]byte("bytes")); err != nil {
		t.Fatal(err)
	}
	sp.File = closed
	if err := sp.Sync(); !errors.Is(err, ErrDamaged) {
		t.Fatalf("error is %v", err)
	}
	sp.File = good
	if err := sp.harden(); !errors.Is(err, ErrDamaged) {
		t.Errorf("later the error is %v", err)
	}
	if err := sp.Close(); err != nil {
		t.Error(err)
	}
}

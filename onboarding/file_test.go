package onboarding_test

import (
	"os"
	"syscall"
	"testing"
)

func inode(t *testing.T, path string) uint64 {
	t.Helper()
	var stat syscall.Stat_t
	if err := syscall.Stat(path, &stat); err != nil {
		t.Fatal(err)
	}
	return stat.Ino
}

// damage changes a byte in the middle of a file, as a bad medium would.
func damage(t *testing.T, path string) {
	t.Helper()
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer closeNow(t, file)
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	at := make([]byte, 1)
	if _, err := file.ReadAt(at, info.Size()/2); err != nil {
		t.Fatal(err)
	}
	at[0]++
	if _, err := file.WriteAt(at, info.Size()/2); err != nil {
		t.Fatal(err)
	}
}

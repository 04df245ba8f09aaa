package notify_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/notify"
)

func TestWhatAKeySealsOnlyItsFileOpens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	var wg sync.WaitGroup
	keys := make([]*notify.Key, 8)
	for i := range keys { // processes that start together
		wg.Go(func() {
			var err error
			if keys[i], err = notify.OpenKey(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v", info, err)
	}
	sealed := keys[0].Seal([]byte("secret"), "name")
	if strings.Contains(string(sealed), "secret") {
		t.Error("the secret can be read")
	}
	for _, key := range keys {
		if got, err := key.Open(sealed, "name"); err != nil || string(got) != "secret" {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if _, err := keys[0].Open(sealed, "another"); err == nil {
		t.Error("it opens under another name")
	}
	sealed[len(sealed)-1]++
	if _, err := keys[0].Open(sealed, "name"); err == nil {
		t.Error("it opens although it was changed")
	}
	if _, err := keys[0].Open(nil, "name"); err == nil {
		t.Error("nothing opens")
	}
	if rest, err := filepath.Glob(path + ".*"); err != nil || rest != nil {
		t.Errorf("left over: %v, %v", rest, err)
	}
	other, err := notify.OpenKey(filepath.Join(t.TempDir(), "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Open(keys[0].Seal([]byte("secret"), "name"), "name"); err == nil {
		t.Error("another key opens it")
	}
}

func TestKeyFilesThatAreRefused(t *testing.T) {
	good := strings.Repeat("0f", 32)
	tests := []struct {
		name, content string
		mode          os.FileMode
		want          string
	}{
		{"others can read it", good, 0o640, "others can read it"},
		{"too short", good[2:], 0o600, "expected 64 hex digits"},
		{"no hex", strings.Repeat("x", 64), 0o600, "expected 64 hex digits"},
		{"empty", "", 0o600, "expected 64 hex digits"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "secret.key")
			if err := os.WriteFile(path, []byte(tt.content), tt.mode); err != nil {
				t.Fatal(err)
			}
			if _, err := notify.OpenKey(path); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := notify.OpenKey(filepath.Join(t.TempDir(), "none", "secret.key")); err == nil {
		t.Error("a file in no folder was made")
	}
}

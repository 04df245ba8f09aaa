package glance_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/vim/glance"
)

const oneCloud = `clouds:
  one: {auth: {auth_url: "http://127.0.0.1:1/v3", username: u, password: p, project_name: p}}
`

func TestAPoolKeepsVIMsOpenUntilTheirConfigurationChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clouds.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(oneCloud)
	t.Setenv("OS_CLIENT_CONFIG_FILE", path)
	t.Setenv("OS_AUTH_URL", "")
	synctest.Test(t, func(t *testing.T) {
		pool, err := glance.NewPool(glance.Options{}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		open := func() *glance.Cloud {
			t.Helper()
			cloud, err := pool.Open("one")
			if err != nil {
				t.Fatal(err)
			}
			return cloud
		}
		first := open()
		if _, err := pool.Open("two"); !errors.Is(err, glance.ErrUnknownVIM) {
			t.Errorf("a VIM that is not there: %v", err)
		}
		for name, text := range map[string]string{"nothing": oneCloud, "a broken file": "clouds: [", "the same again": oneCloud} {
			write(text)
			time.Sleep(2 * time.Second)
			if open() != first {
				t.Errorf("%s made another of the VIM", name)
			}
		}
		write(oneCloud + `  two: {auth: {auth_url: "http://127.0.0.1:1/v3", username: u, password: p, project_name: p}}` + "\n")
		time.Sleep(2 * time.Second)
		if diff := cmp.Diff([]string{"one", "two"}, pool.Names()); diff != "" {
			t.Errorf("names (-want +got):\n%s", diff)
		}
		if open() == first {
			t.Error("the VIM is that of the old file")
		}
	})
}

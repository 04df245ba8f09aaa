package access_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

// adminToken reads the file of the first token, and checks its mode and that
// there is nothing beside it.
func adminToken(t *testing.T, folder string) string {
	t.Helper()
	path := filepath.Join(folder, "admin-token")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("the file has mode %s, want 0600", info.Mode())
	}
	if files, err := filepath.Glob(path + "*"); err != nil || len(files) != 1 {
		t.Errorf("there are %q, %v", files, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(text), "\n")
}

func isAdmin(t *testing.T, tokens *access.Tokens, secret string) {
	t.Helper()
	id, err := tokens.Authenticate(t.Context(), secret)
	if err != nil || id.Subject != "token admin" || id.Role("any") != access.Admin {
		t.Errorf("the token is that of %+v, %v", id, err)
	}
}

func TestAnEmptyStoreGetsAnAdmin(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "admin-token")
	tokens := access.NewTokens(open(t, folder).Tokens(), access.Config{})
	// Of a store that is gone, or of a token that was revoked since.
	if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	if made, err := tokens.EnsureAdmin(t.Context(), path); !made || err != nil {
		t.Fatal(made, err)
	}
	secret := adminToken(t, folder)
	isAdmin(t, tokens, secret)
	if made, err := tokens.EnsureAdmin(t.Context(), path); made || err != nil {
		t.Errorf("a second one: %t, %v", made, err)
	}
	if adminToken(t, folder) != secret {
		t.Error("the file has changed")
	}
	if _, err := tokens.Revoke(t.Context(), "admin"); err != nil {
		t.Fatal(err)
	}
	if made, err := tokens.EnsureAdmin(t.Context(), path); !made || err != nil {
		t.Errorf("when all are revoked: %t, %v", made, err)
	}
	isAdmin(t, tokens, adminToken(t, folder))
	if _, err := tokens.Authenticate(t.Context(), secret); !errors.Is(err, access.ErrInvalid) {
		t.Errorf("the revoked one is back: %v", err)
	}
}

func TestAStoreWithATokenGetsNoAdmin(t *testing.T) {
	folder := t.TempDir()
	tokens := access.NewTokens(open(t, folder).Tokens(), access.Config{})
	create(t, tokens, access.NewToken{Project: "p", Role: access.Reader})
	path := filepath.Join(folder, "admin-token")
	if made, err := tokens.EnsureAdmin(t.Context(), path); made || err != nil {
		t.Error(made, err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a file: %v", err)
	}
}

func TestAFileThatCannotBeWrittenLeavesTheStoreEmpty(t *testing.T) {
	folder := t.TempDir()
	tokens := access.NewTokens(open(t, folder).Tokens(), access.Config{})
	_, err := tokens.EnsureAdmin(t.Context(), filepath.Join(folder, "missing", "admin-token"))
	wants(t, err, fs.ErrNotExist)
	if made, err := tokens.EnsureAdmin(t.Context(), filepath.Join(folder, "admin-token")); !made || err != nil {
		t.Errorf("afterwards: %t, %v", made, err)
	}
}

func TestServersThatStartTogetherMakeOneAdmin(t *testing.T) {
	folder := t.TempDir()
	outputs := make([]string, 6)
	var group sync.WaitGroup
	for i := range outputs {
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
	if made := strings.Count(strings.Join(outputs, ""), "made"); made != 1 {
		t.Errorf("%d made one, want 1", made)
	}
	tokens := access.NewTokens(open(t, folder).Tokens(), access.Config{})
	isAdmin(t, tokens, adminToken(t, folder))
	if listed, err := tokens.List(t.Context(), access.AllProjects); err != nil || len(listed) != 1 {
		t.Errorf("there are %v, %v", listed, err)
	}
}

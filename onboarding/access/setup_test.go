package access_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
)

// childFolder is set in the environment of the processes that tests start.
const childFolder = "ACCESS_TEST_FOLDER"

func TestMain(m *testing.M) {
	if folder := os.Getenv(childFolder); folder != "" {
		if err := startUp(context.Background(), folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// startUp is what each of many servers does that start together on a store.
func startUp(ctx context.Context, folder string) (err error) {
	c, err := catalog.Open(ctx, filepath.Join(folder, "gangway.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	l, err := ledger.Open(ctx, c)
	if err != nil {
		return err
	}
	made, err := access.NewTokens(l.Tokens(), access.Config{}).EnsureAdmin(ctx, filepath.Join(folder, "admin-token"))
	if made {
		fmt.Println("made")
	}
	return err
}

// open opens the ledger in a folder, as another process on it does.
func open(t *testing.T, folder string) *ledger.Ledger {
	t.Helper()
	c, err := catalog.Open(context.Background(), filepath.Join(folder, "gangway.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	l, err := ledger.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newTokens(t *testing.T) *access.Tokens {
	t.Helper()
	return access.NewTokens(open(t, t.TempDir()).Tokens(), access.Config{})
}

func create(t *testing.T, tokens *access.Tokens, n access.NewToken) (access.Token, string) {
	t.Helper()
	token, secret, err := tokens.Create(context.Background(), n)
	if err != nil {
		t.Fatal(err)
	}
	return token, secret
}

// here is where the requests of tests come from.
var here = netip.MustParseAddr("192.0.2.1")

// wants checks the kind of an error.
func wants(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("the error is %v, want one that is %v", err, want)
	}
}

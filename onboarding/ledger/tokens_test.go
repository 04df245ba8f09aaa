package ledger_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
)

func TestTheOldestGrantedTokensGoWhenThereAreTooMany(t *testing.T) {
	c, err := catalog.Open(t.Context(), filepath.Join(t.TempDir(), "gangway.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l, err := ledger.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	store := l.Tokens()
	now := time.Now()
	for _, name := range []string{"a", "b"} {
		if err := store.AddToken(t.Context(), access.Token{ID: name, Name: name, Project: "p", Role: access.Reader, CreatedAt: now}, name); err != nil {
			t.Fatal(err)
		}
	}
	grant := func(parent string, i int) error {
		id := fmt.Sprint(parent, i)
		return store.AddGrant(t.Context(), access.Token{ID: id, Name: parent, Project: "p", Role: access.Reader, Parent: parent,
			CreatedAt: now.Add(time.Duration(i) * time.Second), ExpiresAt: now.Add(time.Hour)}, id, 3)
	}
	for i := range 6 {
		for _, parent := range []string{"a", "b"} {
			if err := grant(parent, i); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range 6 {
		_, err := store.TokenByHash(t.Context(), fmt.Sprint("a", i))
		if gone := errors.Is(err, access.ErrNotFound); gone != (i < 3) {
			t.Errorf("of six granted tokens, number %d is gone: %t (%v)", i+1, gone, err)
		}
	}
	if err := store.RemoveToken(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.TokenByHash(t.Context(), "a5"); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("a granted token outlives its parent: %v", err)
	}
	if _, err := store.TokenByHash(t.Context(), "b5"); err != nil {
		t.Errorf("another's granted token has gone: %v", err)
	}
	if err := grant("a", 7); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("a token is granted for one that is gone: %v", err)
	}
}

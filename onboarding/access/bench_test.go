package access_test

import (
	"path/filepath"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
)

// BenchmarkAuthenticate judges a token that is known to be good, and one that has
// to be looked up.
func BenchmarkAuthenticate(b *testing.B) {
	c, err := catalog.Open(b.Context(), filepath.Join(b.TempDir(), "gangway.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	l, err := ledger.Open(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	tokens := access.NewTokens(l.Tokens(), access.Config{})
	_, secret, err := tokens.Create(b.Context(), access.NewToken{Project: "p", Role: access.Reader})
	if err != nil {
		b.Fatal(err)
	}
	gate := access.NewGate(tokens, access.Config{})
	b.Run("known", func(b *testing.B) {
		for b.Loop() {
			if _, err := gate.Authenticate(b.Context(), secret, here); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("looked up", func(b *testing.B) {
		for b.Loop() {
			if _, err := tokens.Authenticate(b.Context(), secret); err != nil {
				b.Fatal(err)
			}
		}
	})
}

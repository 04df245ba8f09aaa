package access

import (
	"encoding/base64"
	"strings"
	"testing"
)

func FuzzToken(f *testing.F) {
	token := newSecret()
	for _, seed := range []string{token, "", "gw_", token[:45], token + "A", token[3:], strings.ToUpper(token), "gw_" + strings.Repeat("=", 43),
		token[:44] + "\n" + token[45:], "gw_" + strings.Repeat("A", 42) + "B", "gw_" + strings.Repeat("\u00fc", 21) + "A"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		digest, ok := hash(token)
		bytes, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, prefix))
		spelt := prefix + base64.RawURLEncoding.EncodeToString(bytes)
		if want := err == nil && len(bytes) == secretSize && spelt == token; ok != want {
			t.Errorf("%q: a token: %t, want %t", token, ok, want)
		}
		if ok != (len(digest) == 64) {
			t.Errorf("%q: the digest is %q", token, digest)
		}
	})
}

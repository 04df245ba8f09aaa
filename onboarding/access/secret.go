package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// prefix begins every token of gangway, so that it can be told from those of
// others, and found where it was leaked.
const prefix = "gw_"

// secretSize is how many random bytes are in a token.
const secretSize = 32

// tokenEncoding refuses a second spelling of the same bytes.
var tokenEncoding = base64.RawURLEncoding.Strict()

// newSecret returns a new token.
func newSecret() string {
	var secret [secretSize]byte
	_, _ = rand.Read(secret[:]) // never fails
	return prefix + tokenEncoding.EncodeToString(secret[:])
}

// hash is what is stored of a token, its SHA-256 in lower-case hex, or false if
// it has not the form of one. The secret is as random as its hash, so that there
// is nothing to be salted or stretched.
func hash(token string) (string, bool) {
	encoded, found := strings.CutPrefix(token, prefix)
	if !found || len(encoded) != tokenEncoding.EncodedLen(secretSize) {
		return "", false
	}
	secret, err := tokenEncoding.DecodeString(encoded)
	if err != nil || len(secret) != secretSize {
		return "", false
	}
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:]), true
}

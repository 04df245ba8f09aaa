package rest

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/gangway-nfv/gangway/imagerepo"
)

// reprDigests are the algorithms of Repr-Digest that count (RFC 9530, section 5),
// with their names in the repository. It is never written to.
var reprDigests = [][2]string{{"sha-256", "sha256"}, {"sha-512", "sha512"}}

// StatedDigests reads a Repr-Digest header, and returns nothing for an empty one.
// Algorithms that are not known are passed over, but if none is known the digest that
// a caller wants to have checked would not be, and the error is a [Problem].
func StatedDigests(header string) (imagerepo.Digests, error) {
	if header == "" {
		return nil, nil
	}
	stated := make(imagerepo.Digests)
	for member := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(member), "=")
		for _, known := range reprDigests {
			if name != known[0] {
				continue
			}
			encoded, found := strings.CutPrefix(value, ":")
			encoded, ended := strings.CutSuffix(encoded, ":")
			digest, err := base64.StdEncoding.DecodeString(encoded)
			size := map[string]int{"sha256": 32, "sha512": 64}[known[1]]
			if !found || !ended || err != nil || len(digest) != size {
				return nil, Errorf(http.StatusBadRequest, "Repr-Digest: %s is not %d bytes in Base64 between colons", name, size)
			}
			stated[known[1]] = hex.EncodeToString(digest)
		}
	}
	if len(stated) == 0 {
		return nil, Errorf(http.StatusBadRequest, "Repr-Digest: has neither sha-256 nor sha-512")
	}
	return stated, nil
}

// ReprDigest writes the digests that are known as a Repr-Digest header. It is empty
// if none is.
func ReprDigest(digests imagerepo.Digests) string {
	var members []string
	for _, known := range reprDigests {
		if digest, err := hex.DecodeString(digests[known[1]]); err == nil && len(digest) > 0 {
			members = append(members, known[0]+"=:"+base64.StdEncoding.EncodeToString(digest)+":")
		}
	}
	return strings.Join(members, ", ")
}

package imagerepo

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strings"
)

// SHA256 is the algorithm that identifies content.
const SHA256 = "sha256"

// Digests are digests of the same bytes in lower-case hex, by algorithm.
type Digests map[string]string

// algorithms are the digests that descriptors state and VIMs ask for. The weak
// ones are there because SOL001 packages and old Glances use them; they are
// compared, never trusted alone.
var algorithms = map[string]func() hash.Hash{
	"md5":    md5.New,
	"sha1":   sha1.New,
	"sha224": sha256.New224,
	SHA256:   sha256.New,
	"sha384": sha512.New384,
	"sha512": sha512.New,
}

// Algorithm returns the name under which the repository knows an algorithm,
// whatever its spelling (SHA-256, sha_256, sha256), and false for one that it
// cannot compute.
func Algorithm(name string) (string, bool) {
	canonical := strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
	_, ok := algorithms[canonical]
	return canonical, ok
}

// Algorithms returns the names of all known algorithms, sorted.
func Algorithms() []string {
	names := make([]string, 0, len(algorithms))
	for name := range algorithms {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// NewHash returns a hash of an algorithm in any spelling; see [Algorithm].
func NewHash(algorithm string) (hash.Hash, error) {
	canonical, ok := Algorithm(algorithm)
	if !ok {
		return nil, unknownAlgorithm(algorithm)
	}
	return algorithms[canonical](), nil
}

// newHashes returns a hash for SHA-256 and for each of the named algorithms.
func newHashes(names []string) (map[string]hash.Hash, error) {
	hashes := map[string]hash.Hash{SHA256: sha256.New()}
	for _, name := range names {
		canonical, ok := Algorithm(name)
		if !ok {
			return nil, unknownAlgorithm(name)
		}
		if hashes[canonical] == nil {
			hashes[canonical] = algorithms[canonical]()
		}
	}
	return hashes, nil
}

func unknownAlgorithm(name string) error {
	return fmt.Errorf("digest algorithm %q is not one of %s", name, strings.Join(Algorithms(), ", "))
}

func sums(hashes map[string]hash.Hash) Digests {
	digests := make(Digests, len(hashes))
	for name, h := range hashes {
		digests[name] = hex.EncodeToString(h.Sum(nil))
	}
	return digests
}

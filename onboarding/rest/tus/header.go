package tus

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// count reads a header that is a number of bytes.
func count(r *http.Request, header string) (int64, error) {
	text := r.Header.Get(header)
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, rest.Errorf(http.StatusBadRequest, "%s is %q, not a number of bytes", header, text)
	}
	return int64(n), nil
}

// chunk is a part of an upload that comes as the body of a request.
type chunk struct {
	body io.Reader
	opts vnfpkg.AppendOptions
}

// algorithms are those that a chunk's digest may have, with the size of each in
// bytes. SHA-1 is the one that every server must know.
const algorithms = "sha1,sha256,sha512,md5"

var digestSizes = map[string]int{"sha1": 20, "sha256": 32, "sha512": 64, "md5": 16} // never written to

// chunkOf returns the chunk of a request, or nil if its body is none.
func chunkOf(r *http.Request) (*chunk, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != chunkType {
		return nil, nil
	}
	c := &chunk{body: r.Body, opts: vnfpkg.AppendOptions{Size: max(r.ContentLength, 0)}}
	checksum := r.Header.Get("Upload-Checksum")
	if checksum == "" {
		return c, nil
	}
	algorithm, encoded, _ := strings.Cut(checksum, " ")
	size, known := digestSizes[algorithm]
	if !known {
		return nil, rest.Errorf(http.StatusBadRequest, "Upload-Checksum: %q is not one of %s", algorithm, algorithms)
	}
	digest, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil || len(digest) != size {
		return nil, rest.Errorf(http.StatusBadRequest, "Upload-Checksum: is not %s, a space and %d bytes in Base64", algorithm, size)
	}
	c.opts.Algorithm, c.opts.Digest = algorithm, hex.EncodeToString(digest)
	return c, nil
}

// append adds the chunk to an upload and returns the offset after it.
func (c *chunk) append(ctx context.Context, packages *vnfpkg.Service, up vnfpkg.Resource, offset int64) (int64, error) {
	at, err := packages.Append(ctx, up.Project, up.ID, offset, c.body, c.opts)
	if errors.Is(err, vnfpkg.ErrChecksum) {
		wrong := rest.Errorf(statusChecksum, "%v", err)
		wrong.Title = "Checksum Mismatch"
		return at, wrong
	}
	return at, err
}

// metadata is the pairs of Upload-Metadata. Values that are not text are none of
// them.
type metadata map[string]any

// parseMetadata reads the header: keys with their values in Base64, with commas
// between them.
func parseMetadata(header string) (metadata, error) {
	meta := make(metadata)
	for pair := range strings.SplitSeq(header, ",") {
		fields := strings.Fields(pair)
		if len(fields) == 0 && strings.TrimSpace(header) == "" {
			return meta, nil
		}
		if len(fields) == 0 || len(fields) > 2 || meta[fields[0]] != nil {
			return nil, rest.Errorf(http.StatusBadRequest, "Upload-Metadata: %q is no key and a value, or the key is there twice", pair)
		}
		var value []byte
		if len(fields) == 2 {
			var err error
			if value, err = base64.StdEncoding.DecodeString(fields[1]); err != nil || !utf8.Valid(value) {
				return nil, rest.Errorf(http.StatusBadRequest, "Upload-Metadata: the value of %q is not text in Base64", fields[0])
			}
		}
		meta[fields[0]] = string(value)
	}
	return meta, nil
}

// String is the header.
func (m metadata) String() string {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if value, is := m[key].(string); is {
			pairs = append(pairs, strings.TrimSpace(key+" "+base64.StdEncoding.EncodeToString([]byte(value))))
		}
	}
	return strings.Join(pairs, ",")
}

// wishes are what the pairs say of how the package is onboarded.
func (m metadata) wishes() (vnfpkg.NewResource, vnfpkg.BeginOptions, error) {
	text := func(key string) string { value, _ := m[key].(string); return value }
	wanted := vnfpkg.NewResource{UserData: m, Options: vnfpkg.Options{
		OnConflict: onboarding.Conflict(text("on-conflict")), Images: onboarding.URLImages(text("images")),
	}}
	begin := vnfpkg.BeginOptions{Filename: text("filename"), SHA256: strings.ToLower(text(imagerepo.SHA256))}
	digest, err := hex.DecodeString(begin.SHA256)
	switch {
	case !slices.Contains([]onboarding.Conflict{"", onboarding.Reject, onboarding.Keep}, wanted.Options.OnConflict):
		err = rest.Errorf(http.StatusBadRequest, "Upload-Metadata: on-conflict is neither %s nor %s", onboarding.Reject, onboarding.Keep)
	case !slices.Contains([]onboarding.URLImages{"", onboarding.Fetch, onboarding.Reference}, wanted.Options.Images):
		err = rest.Errorf(http.StatusBadRequest, "Upload-Metadata: images is neither %s nor %s", onboarding.Fetch, onboarding.Reference)
	case err != nil || len(digest) != 0 && len(digest) != digestSizes[imagerepo.SHA256]:
		err = rest.Errorf(http.StatusBadRequest, "Upload-Metadata: %s is not a digest in hex", imagerepo.SHA256)
	}
	return wanted, begin, err
}

package fetch

import (
	"compress/bzip2"
	"io"
	"path"
	"strings"

	"github.com/gangway-nfv/gangway/imagerepo/diskfmt"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"
)

// Memory that a compressed stream may demand for its window, in bytes. 64 MiB is
// what xz -9 needs; zstd needs more than 8 MiB only with --long.
const (
	maxXZWindow   = 64 << 20
	maxZstdWindow = 64 << 20
)

// compression decides whether to decompress a source that begins with head, and
// returns what it is compressed with, empty to deliver it as it is.
//
// What the description states is done, and must be so. Without a statement a
// compressed source is decompressed where the declared formats do not fit it,
// where nothing is declared, and where the server says that it compressed on its
// own account: a Content-Encoding that the URL's suffix does not explain. One
// layer is taken off, never two.
func compression(req Request, urlPath, encoding string, head []byte) (diskfmt.Format, error) {
	found := diskfmt.Compression(head)
	switch strings.ToLower(encoding) {
	case "", "identity", "gzip", "x-gzip", "zstd", "xz", "bzip2", "x-bzip2":
	default:
		return "", &ContentError{Found: "Content-Encoding " + encoding}
	}
	switch {
	case req.Compression != "" && string(found) != strings.ToLower(req.Compression):
		return "", &CompressionError{Stated: req.Compression, Found: found}
	case found == "", req.Compression != "":
		return found, nil
	case encoding != "" && !strings.EqualFold(encoding, "identity") && !suffixed(urlPath, found):
		return found, nil
	case req.AsIs:
		return "", nil
	case req.DiskFormat == "" && req.ContainerFormat == "":
		return found, nil
	case diskfmt.Match(req.DiskFormat, req.ContainerFormat, diskfmt.Result{Format: found}) == nil:
		return "", nil
	}
	return found, nil
}

func suffixed(urlPath string, f diskfmt.Format) bool {
	suffix := strings.ToLower(path.Ext(urlPath))
	return suffix == "."+string(f) || suffix == ".tgz" && f == diskfmt.Gzip
}

// decompress returns a reader of what is inside, which checks the sums that the
// format has, reads concatenated streams to the end and uses no other goroutine.
func decompress(f diskfmt.Format, r io.Reader) (io.ReadCloser, error) {
	switch f {
	case diskfmt.Gzip:
		return gzip.NewReader(r)
	case diskfmt.Zstd:
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	case diskfmt.XZ:
		d, err := xz.NewReader(r, maxXZWindow)
		if err != nil {
			return nil, err
		}
		return io.NopCloser(d), nil
	}
	return io.NopCloser(bzip2.NewReader(r)), nil
}

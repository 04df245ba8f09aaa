// Package repotest has the conformance suites of the image repository's two
// seams. Whatever implements [imagerepo.Catalog] or [imagerepo.Blobs] calls one
// of them from a test of its own:
//
//	func TestConformance(t *testing.T) {
//		repotest.Catalog(t, func(t *testing.T, folder string) imagerepo.Catalog { … })
//	}
//
// The suites say what the interfaces promise, and nothing about how.
package repotest

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
)

// Content returns what imagerepo makes of some bytes.
func Content(data string) imagerepo.Content {
	sum := sha256.Sum256([]byte(data))
	return imagerepo.Content{Size: int64(len(data)), Digests: imagerepo.Digests{imagerepo.SHA256: hex.EncodeToString(sum[:])}}
}

// Image returns an image of that content. With empty data it is only
// referenced.
func Image(project, name, data string) imagerepo.Image {
	img := imagerepo.Image{
		ID: imagerepo.NewID(), Project: project, Name: name, DiskFormat: "raw", ContainerFormat: "bare",
		CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC),
	}
	if data != "" {
		img.Content = Content(data)
	}
	return img
}

// Package returns a package of that name. Its fingerprint is that of the name.
func Package(project, name string) *imagerepo.Package {
	return &imagerepo.Package{
		ID: imagerepo.NewID(), Project: project, Vendor: "acme", Name: name, Version: "1.0",
		Fingerprint: Content(name).SHA256(), DescriptorID: "vnfd-" + name, CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC),
	}
}

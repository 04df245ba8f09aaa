package etsi

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
	"github.com/gangway-nfv/gangway/tosca"
)

const (
	typeText  = "text/plain"
	typeZip   = "application/zip"
	typeBytes = "application/octet-stream"
)

// receive takes the package of a resource. What is no part of SOL005 is that a
// Repr-Digest is compared with it.
func (d *door) receive(w http.ResponseWriter, r *http.Request) error {
	digests, err := rest.StatedDigests(r.Header.Get("Repr-Digest"))
	if err != nil {
		return err
	}
	_, err = d.Packages.Receive(r.Context(), project(r), r.PathValue("id"), r.Body, vnfpkg.ReceiveOptions{
		Size: max(r.ContentLength, 0), Digests: digests, By: rest.CallerOf(r.Context()).Subject, Again: knowsNoError(r),
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// content answers with the package as it was received.
func (d *door) content(lookup lookup) rest.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		found, err := lookup(r)
		if err != nil {
			return err
		}
		content, err := d.Packages.Content(r.Context(), found.Project, found.ID)
		if err != nil {
			return err
		}
		return send(w, r, content)
	}
}

// artifact answers with one file of a package.
func (d *door) artifact(lookup lookup) rest.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		found, err := lookup(r)
		if err != nil {
			return err
		}
		content, err := d.Packages.Artifact(r.Context(), found.Project, found.ID, r.PathValue("path"))
		if err != nil {
			return err
		}
		return send(w, r, content)
	}
}

// send answers with bytes, or a range of them, and closes them. The type is told by
// their beginning.
func send(w http.ResponseWriter, r *http.Request, content *vnfpkg.Content) (err error) {
	defer func() { err = errors.Join(err, content.Close()) }()
	begin := make([]byte, 512)
	n, err := io.ReadFull(content, begin)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return err
	}
	w.Header().Set("Content-Type", sniff(begin[:n]))
	if name := mime.FormatMediaType("attachment", map[string]string{"filename": content.Name}); name != "" {
		w.Header().Set("Content-Disposition", name)
	}
	if content.SHA256 != "" {
		digested(w.Header(), content.SHA256)
	}
	rest.ServeContent(w, r, content.ModTime, content)
	return nil
}

// digested tells the SHA-256 of a file that is sent.
func digested(h http.Header, sha256 string) {
	h.Set("Etag", `"`+sha256+`"`)
	h.Set("Repr-Digest", rest.ReprDigest(imagerepo.Digests{imagerepo.SHA256: sha256}))
}

// sniff tells a type by the first bytes.
func sniff(begin []byte) string {
	if len(begin) == 0 {
		return typeBytes
	}
	if len(begin) > 262 && string(begin[257:262]) == "ustar" {
		return "application/x-tar"
	}
	found := http.DetectContentType(begin)
	if strings.HasPrefix(found, "text/html") || strings.HasPrefix(found, "text/xml") {
		return "text/plain; charset=utf-8" // nothing that a browser would run
	}
	return found
}

// vnfd answers with the VNFD: as text if it is one file and text is wanted, else as
// a zip.
func (d *door) vnfd(lookup lookup) rest.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) (err error) {
		found, err := lookup(r)
		if err != nil {
			return err
		}
		all, err := d.Packages.Artifacts(r.Context(), found.Project, found.ID)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, all.Close()) }()
		files, err := all.Descriptors(r.Context())
		if err != nil {
			return err
		}
		offers := []string{typeZip}
		if len(files) == 1 {
			offers = []string{typeText, typeZip}
		}
		switch negotiate(r.Header.Values("Accept"), offers) {
		case typeText:
			return sendBytes(w, r, typeText, files[0].Content, found.CreatedAt)
		case typeZip:
			return sendVNFD(w, r, found.CreatedAt, all, files)
		}
		return rest.Errorf(http.StatusNotAcceptable, "the VNFD has %d file(s) and is to be had as %s", len(files), strings.Join(offers, " or "))
	}
}

// sendVNFD answers with a zip of the files of a VNFD and, if there is one, the
// TOSCA.meta that names its entry (SOL005, clause 9.4.4.3.2).
func sendVNFD(w http.ResponseWriter, r *http.Request, modified time.Time, all *vnfpkg.Artifacts, files []imagerepo.PackageFile) (err error) {
	for _, file := range all.Files {
		if strings.EqualFold(path.Base(file.Path), "TOSCA.meta") && file.Role == string(tosca.RoleMetadata) {
			if file.Content, err = all.Whole(r.Context(), file); err != nil {
				return err
			}
			files = append(slices.Clone(files), file)
		}
	}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for _, file := range files {
		member, err := z.CreateHeader(&zip.FileHeader{Name: file.Path, Method: zip.Deflate, Modified: modified.UTC()})
		if err != nil {
			return err
		}
		if _, err := member.Write(file.Content); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return sendBytes(w, r, typeZip, archive.Bytes(), modified)
}

// manifest answers with the manifest of a package.
func (d *door) manifest(lookup lookup) rest.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) (err error) {
		found, err := lookup(r)
		if err != nil {
			return err
		}
		all, err := d.Packages.Artifacts(r.Context(), found.Project, found.ID)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, all.Close()) }()
		i := slices.IndexFunc(all.Files, func(f imagerepo.PackageFile) bool {
			return f.Role == string(tosca.RoleMetadata) && strings.EqualFold(path.Ext(f.Path), ".mf")
		})
		switch {
		case i < 0:
			return rest.Errorf(http.StatusNotFound, "the package has no manifest")
		case negotiate(r.Header.Values("Accept"), []string{typeText}) == "":
			return rest.Errorf(http.StatusNotAcceptable, "the manifest is to be had as %s", typeText)
		}
		content, err := all.Open(r.Context(), all.Files[i].Path)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, content.Close()) }()
		w.Header().Set("Content-Type", typeText)
		digested(w.Header(), content.SHA256)
		rest.ServeContent(w, r, found.CreatedAt, content)
		return nil
	}
}

func sendBytes(w http.ResponseWriter, r *http.Request, contentType string, text []byte, modified time.Time) error {
	w.Header().Set("Content-Type", contentType)
	digested(w.Header(), fmt.Sprintf("%x", sha256.Sum256(text)))
	rest.ServeContent(w, r, modified, bytes.NewReader(text))
	return nil
}

// artifacts answers with all files of a package that are neither images nor its
// descriptor, as one zip that is made on the way.
func (d *door) artifacts(lookup lookup) rest.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) (err error) {
		found, err := lookup(r)
		if err != nil {
			return err
		}
		all, err := d.Packages.Artifacts(r.Context(), found.Project, found.ID)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, all.Close()) }()
		listed := slices.DeleteFunc(slices.Clone(all.Files), func(f imagerepo.PackageFile) bool { return !isArtifact(f) })
		// The first is opened before the answer begins, so that one that is not
		// there can still be told.
		var first *vnfpkg.Content
		if len(listed) > 0 {
			if first, err = all.Open(r.Context(), listed[0].Path); err != nil {
				return err
			}
		}
		w.Header().Set("Content-Type", typeZip)
		if r.Method == http.MethodHead {
			if first != nil {
				err = first.Close()
			}
			return err
		}
		z := zip.NewWriter(w)
		for i, file := range listed {
			content := first
			if i > 0 {
				content, err = all.Open(r.Context(), file.Path)
			}
			if err == nil {
				err = add(r.Context(), z, file.Path, content)
			}
			if err != nil {
				rest.Note(r.Context(), err)
				panic(http.ErrAbortHandler) // half an archive must not look whole
			}
		}
		if err := z.Close(); err != nil {
			rest.Note(r.Context(), err)
			panic(http.ErrAbortHandler)
		}
		return nil
	}
}

// add writes a file into a zip and closes it.
func add(ctx context.Context, z *zip.Writer, name string, content *vnfpkg.Content) (err error) {
	defer func() { err = errors.Join(err, content.Close()) }()
	member, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: content.ModTime.UTC()})
	if err != nil {
		return err
	}
	_, err = io.Copy(member, content)
	return errors.Join(err, ctx.Err())
}

package fetch_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
)

// inside is what testdata/inside.* hold, see testdata/README.md.
func inside() []byte {
	b := make([]byte, 40_000)
	for i := range b {
		b[i] = byte(i>>3 ^ i>>7)
	}
	copy(b, "QFI\xfb")
	return b
}

func packed(t *testing.T, format string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "inside."+format))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCompressedSources(t *testing.T) {
	gz, plain := packed(t, "gz"), inside()
	tests := []struct {
		name     string
		path     string
		content  []byte
		encoding string
		req      fetch.Request
		want     []byte // nil: refused with a CompressionError
	}{
		{"gz as stated", "/x", gz, "", fetch.Request{Compression: "gz"}, plain},
		{"xz as stated", "/x", packed(t, "xz"), "", fetch.Request{Compression: "xz"}, plain},
		{"zst as stated", "/x", packed(t, "zst"), "", fetch.Request{Compression: "zst"}, plain},
		{"bz2 as stated", "/x", packed(t, "bz2"), "", fetch.Request{Compression: "bz2"}, plain},
		{"stated in capitals", "/x", gz, "", fetch.Request{Compression: "GZ"}, plain},
		{"stated, but not compressed", "/x", plain, "", fetch.Request{Compression: "gz"}, nil},
		{"stated, but otherwise compressed", "/x", gz, "", fetch.Request{Compression: "xz"}, nil},
		{"declared qcow2", "/x", packed(t, "xz"), "", fetch.Request{DiskFormat: "qcow2", ContainerFormat: "bare"}, plain},
		{"declared raw", "/x.raw.gz", gz, "", fetch.Request{DiskFormat: "raw"}, plain},
		{"nothing declared", "/x", gz, "", fetch.Request{}, plain},
		{"declared compressed", "/x.gz", gz, "", fetch.Request{DiskFormat: "qcow2", ContainerFormat: "compressed"}, gz},
		{"declared compressed, but stated", "/x.gz", gz, "", fetch.Request{ContainerFormat: "compressed", Compression: "gz"}, plain},
		{"a RAM disk", "/initrd", gz, "", fetch.Request{DiskFormat: "ari", ContainerFormat: "ari"}, gz},
		{"compressed by the server", "/x.qcow2", gz, "gzip", fetch.Request{DiskFormat: "ari", ContainerFormat: "ari"}, plain},
		{"a .gz that the server calls encoded", "/x.gz", gz, "x-gzip", fetch.Request{ContainerFormat: "compressed"}, gz},
		{"called encoded, but not compressed", "/x", plain, "gzip", fetch.Request{DiskFormat: "qcow2"}, plain},
		{"not compressed", "/x", plain, "", fetch.Request{DiskFormat: "qcow2"}, plain},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := newOrigin(t)
			f := origintest.Plain(tt.content, origintest.CutAfter(len(tt.content)/2))
			f.Encoding = tt.encoding
			tt.req.URL = o.Serve(tt.path, f)
			got, r, err := get(t, newClient(t), tt.req)
			if tt.want == nil {
				var refused *fetch.CompressionError
				if !errors.As(err, &refused) {
					t.Errorf("got %d bytes and %v, want a CompressionError", len(got), err)
				}
				return
			}
			if err != nil || !bytes.Equal(got, tt.want) {
				t.Fatalf("got %d bytes and %v, want %d bytes", len(got), err, len(tt.want))
			}
			p := r.Provenance()
			unpacked := !bytes.Equal(tt.want, tt.content)
			if (p.Compression != "") != unpacked || (p.SourceDigests["sha256"] == sha(tt.content)) != unpacked {
				t.Errorf("got %+v, want compression and source digests if and only if it was unpacked", p)
			}
			if p.SourceSize != int64(len(tt.content)) || r.Size() != int64(len(tt.want)) {
				t.Errorf("got sizes %d and %d, want %d and %d", p.SourceSize, r.Size(), len(tt.content), len(tt.want))
			}
		})
	}
}

func TestStatedSizeAndDigestMayBeOfEitherPart(t *testing.T) {
	gz, plain := packed(t, "gz"), inside()
	var digest *fetch.DigestError
	tests := []struct {
		name    string
		content []byte
		req     fetch.Request
		part    fetch.Part
	}{
		{"nothing", gz, fetch.Request{}, fetch.Content},
		{"of the source", gz, fetch.Request{Size: int64(len(gz)), Digests: map[string]string{"sha256": sha(gz)}}, fetch.Source},
		{"of the content", gz, fetch.Request{Size: int64(len(plain)), Digests: map[string]string{"sha256": sha(plain)}}, fetch.Content},
		{"in capitals", gz, fetch.Request{Digests: map[string]string{"sha256": string(bytes.ToUpper([]byte(sha(gz))))}}, fetch.Source},
		{"of neither", gz, fetch.Request{Digests: map[string]string{"sha256": sha(nil)}}, ""},
		{"of both, mixed", gz, fetch.Request{Digests: map[string]string{"sha256": sha(plain), "md5": "00"}}, ""},
		{"of a plain source", plain, fetch.Request{Digests: map[string]string{"sha256": sha(plain)}}, fetch.Content},
		{"of another plain source", plain, fetch.Request{Digests: map[string]string{"sha256": sha(gz)}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := newOrigin(t)
			tt.req.URL = o.Serve("/x", origintest.Plain(tt.content))
			got, r, err := get(t, newClient(t), tt.req)
			if err != nil {
				t.Fatal(err)
			}
			part, err := r.Verify(map[string]string{"sha256": sha(got)})
			if part != tt.part || (err == nil) != (tt.part != "") {
				t.Errorf("got %q and %v, want %q", part, err, tt.part)
			}
			if err != nil && !errors.As(err, &digest) {
				t.Errorf("got %v, want a DigestError", err)
			}
		})
	}
}

func TestVerifyBeforeTheEndFails(t *testing.T) {
	o := newOrigin(t)
	r, err := newClient(t).Open(t.Context(), fetch.Request{URL: o.Serve("/x", origintest.Plain(inside()))})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if part, err := r.Verify(nil); err == nil {
		t.Errorf("got %q, want an error", part)
	}
}

func TestUnknownDigestAlgorithmIsRefused(t *testing.T) {
	o := newOrigin(t)
	u := o.Serve("/x", origintest.Plain(inside()))
	if _, _, err := get(t, newClient(t), fetch.Request{URL: u, Digests: map[string]string{"crc32": "0"}}); err == nil || len(o.Requests()) > 0 {
		t.Errorf("got %v after %d requests, want an error without one", err, len(o.Requests()))
	}
}

func gzipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestDamagedCompression(t *testing.T) {
	for _, format := range []string{"gz", "xz", "zst", "bz2"} {
		whole := packed(t, format)
		flipped := bytes.Clone(whole)
		flipped[len(flipped)/3] ^= 0x10
		for name, content := range map[string][]byte{
			"cut":      whole[:len(whole)-5],
			"flipped":  flipped,
			"trailing": append(bytes.Clone(whole), "<p>not found</p>"...),
		} {
			t.Run(format+" "+name, func(t *testing.T) {
				o := newOrigin(t)
				u := o.Serve("/x", origintest.Plain(content))
				got, _, err := get(t, newClient(t), fetch.Request{URL: u, Compression: format})
				if !errors.Is(err, fetch.ErrBrokenCompression) {
					t.Errorf("got %d bytes and %v, want ErrBrokenCompression", len(got), err)
				}
				if n := len(o.Requests()); n != 1 {
					t.Errorf("got %d requests, want 1: fetching again does not mend it", n)
				}
			})
		}
	}
}

func TestBombsAreBounded(t *testing.T) {
	bomb := gzipped(t, make([]byte, 10<<20))
	var size *fetch.SizeError
	tests := []struct {
		name string
		body []byte
		req  fetch.Request
		want func(error) bool
	}{
		{"by the limit", bomb, fetch.Request{}, func(err error) bool { return errors.Is(err, fetch.ErrTooLarge) }},
		{"by the stated size", bomb, fetch.Request{Size: 40_000}, func(err error) bool { return errors.As(err, &size) }},
		{"in a source that never yields anything", bytes.Repeat(gzipped(t, nil), 50_000), fetch.Request{},
			func(err error) bool { return errors.Is(err, fetch.ErrTooLarge) }},
		{"in an empty one", gzipped(t, nil), fetch.Request{}, func(err error) bool {
			var content *fetch.ContentError
			return errors.As(err, &content)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := newOrigin(t)
			tt.req.URL = o.Serve("/x", origintest.File{Content: tt.body, Chunked: tt.req.Size == 0})
			got, _, err := get(t, newClient(t, func(o *fetch.Options) { o.MaxSize = 1 << 20 }), tt.req)
			if err == nil || !tt.want(err) {
				t.Errorf("got %d bytes and %v", len(got), err)
			}
			if len(got) > 1<<20 {
				t.Errorf("got %d bytes, more than the limit", len(got))
			}
		})
	}
}

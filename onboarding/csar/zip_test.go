package csar_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/csar"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
)

// zipOf returns a zip whose members have the content "x".
func zipOf(t *testing.T, headers ...zip.FileHeader) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := zip.NewWriter(&b)
	for _, h := range headers {
		w, err := zw.CreateHeader(&h)
		if err != nil {
			t.Fatal(err)
		}
		if h.Name[len(h.Name)-1] == '/' {
			continue
		}
		if _, err := io.WriteString(w, "x"); err != nil {
			t.Fatal(err)
		}
	}
	if err := zw.SetComment("a comment"); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestZipVariantsAreRead(t *testing.T) {
	link := zip.FileHeader{Name: "scripts/link"}
	link.SetMode(fs.ModeSymlink | 0o777) // to x
	for name, test := range map[string]struct {
		data     []byte
		findings []string
		want     []string
	}{
		"with folders, a comment and data descriptors": {
			zipOf(t, zip.FileHeader{Name: "scripts/"}, zip.FileHeader{Name: "scripts/a", Method: zip.Deflate}, zip.FileHeader{Name: "b"}),
			nil, []string{"b", "scripts/a"}},
		"with backslashes": {
			zipOf(t, zip.FileHeader{Name: `scripts\a`}, zip.FileHeader{Name: `scripts\sub\b`}, zip.FileHeader{Name: "c"}),
			[]string{"warning entry-name-backslash"}, []string{"c", "scripts/a", "scripts/sub/b"}},
		"with a link within": {
			zipOf(t, zip.FileHeader{Name: "scripts/x"}, link, zip.FileHeader{Name: "c"}),
			[]string{"warning entry-link-ignored"}, []string{"c", "scripts/x"}},
		"with macOS litter": {
			zipOf(t, zip.FileHeader{Name: "a"}, zip.FileHeader{Name: "__MACOSX/._a"}, zip.FileHeader{Name: "b/.DS_Store"}),
			nil, []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			a, findings, err := csar.Open(context.Background(), fromFile(test.data), csar.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.findings, codes(findings)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			var got []string
			for _, m := range a.Members() {
				got = append(got, m.Path)
				if data, err := a.ReadFile(m.Path); err != nil || string(data) != "x" {
					t.Errorf("ReadFile(%s) = %q, %v", m.Path, data, err)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("paths (-want +got):\n%s", diff)
			}
		})
	}
}

// sparse is a file in memory in which long zeros take no room.
type sparse struct {
	chunks []chunk
	size   int64
}

type chunk struct {
	at   int64
	data []byte
}

func (s *sparse) Write(p []byte) (int, error) {
	if len(p) < len(zeros) {
		s.chunks = append(s.chunks, chunk{s.size, bytes.Clone(p)})
	}
	s.size += int64(len(p))
	return len(p), nil
}

func (s *sparse) ReadAt(p []byte, off int64) (int, error) {
	n := int(max(0, min(int64(len(p)), s.size-off)))
	clear(p[:n])
	for _, c := range s.chunks {
		if from, to := max(off, c.at), min(off+int64(n), c.at+int64(len(c.data))); from < to {
			copy(p[from-off:to-off], c.data[from-c.at:])
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

var zeros [1 << 20]byte

func writeZeros(t *testing.T, w io.Writer, size int64) {
	t.Helper()
	for n := int64(0); n < size; n += int64(len(zeros)) {
		if _, err := w.Write(zeros[:min(size-n, int64(len(zeros)))]); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSizesAroundTheLimitsOf32Bits(t *testing.T) {
	for _, size := range []int64{1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<32 + 1, 1 << 34} {
		t.Run(fmt.Sprintf("a zip member of %d bytes", size), func(t *testing.T) {
			file := &sparse{}
			zw := zip.NewWriter(file)
			w, err := zw.CreateRaw(&zip.FileHeader{Name: "images/large", CRC32: 1, CompressedSize64: uint64(size), UncompressedSize64: uint64(size)})
			if err != nil {
				t.Fatal(err)
			}
			// CreateRaw's members go straight to the file.
			writeZeros(t, w, size)
			if w, err = zw.Create("after"); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(w, "x"); err != nil {
				t.Fatal(err)
			}
			if err := zw.Close(); err != nil {
				t.Fatal(err)
			}
			a, findings, err := csar.Open(context.Background(), csar.Source{At: file, Size: file.size}, csar.Options{})
			if err != nil || len(findings) > 0 {
				t.Fatal(err, findings)
			}
			if got := a.Members()[1].Size; got != size {
				t.Errorf("size = %d, want %d", got, size)
			}
			if data, err := a.ReadFile("after"); err != nil || string(data) != "x" {
				t.Errorf("the member after it: %q, %v", data, err)
			}
		})
	}
	// Octal sizes end at 8 GiB, and base 256 begins.
	for _, size := range []int64{1<<31 + 1, 1<<33 - 1, 1 << 33} {
		t.Run(fmt.Sprintf("a tar member of %d bytes", size), func(t *testing.T) {
			file := &sparse{}
			tw := tar.NewWriter(file)
			for _, h := range []tar.Header{
				{Format: tar.FormatGNU, Typeflag: tar.TypeReg, Name: "images/large", Size: size},
				{Format: tar.FormatGNU, Typeflag: tar.TypeReg, Name: "after", Size: 1},
			} {
				if err := tw.WriteHeader(&h); err != nil {
					t.Fatal(err)
				}
				writeZeros(t, tw, h.Size)
			}
			if err := tw.Close(); err != nil {
				t.Fatal(err)
			}
			a, findings, err := csar.Open(context.Background(), csar.Source{At: file, Size: file.size}, csar.Options{})
			if err != nil || len(findings) > 0 {
				t.Fatal(err, findings)
			}
			if got := a.Members()[1].Size; got != size {
				t.Errorf("size = %d, want %d", got, size)
			}
		})
	}
}

func TestASignedEnvelopeIsOpened(t *testing.T) {
	members := onboardingtest.SOL004(onboardingtest.Spec{Name: "probe"})
	want := digests(t, members)
	inner := onboardingtest.Text("probe.csar", string(onboardingtest.Bytes(onboardingtest.ZipDeflated, members)))
	for name, container := range map[string]onboardingtest.Container{"stored": onboardingtest.Zip, "deflated": onboardingtest.ZipDeflated} {
		for from, source := range sources {
			t.Run(name+" from a "+from, func(t *testing.T) {
				data := onboardingtest.Bytes(container, []onboardingtest.Member{
					inner, onboardingtest.Text("probe.cms", "signature"), onboardingtest.Text("probe.cert", "certificate"), onboardingtest.Text("README", "read me"),
				})
				open := 0
				spool := func(_ context.Context, r io.Reader) (csar.Spooled, error) {
					data, err := io.ReadAll(r)
					open++
					return csar.Spooled{ReaderAt: bytes.NewReader(data), Closer: closerFunc(func() error { open--; return nil }), Size: int64(len(data))}, err
				}
				a, findings, err := csar.Open(context.Background(), source(data), csar.Options{Spool: spool})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([]string{"warning signature-not-verified"}, codes(findings)); diff != "" {
					t.Errorf("findings (-want +got):\n%s", diff)
				}
				got, err := contents(context.Background(), a, nil)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("digests by path (-want +got):\n%s", diff)
				}
				if signature, err := a.Outer().ReadFile("probe.cms"); err != nil || string(signature) != "signature" {
					t.Errorf("signature = %q, %v", signature, err)
				}
				if err := a.Close(); err != nil || open != 0 {
					t.Errorf("Close: %v, %d spooled zips are open", err, open)
				}
			})
		}
	}
}

type closerFunc func() error

func (f closerFunc) Close() error { return f() }

func TestAnEnvelopeIsOpenedOnce(t *testing.T) {
	wrap := func(content string) string {
		return string(onboardingtest.Bytes(onboardingtest.Zip, []onboardingtest.Member{
			onboardingtest.Text("a.csar", content), onboardingtest.Text("a.cms", "signature"),
		}))
	}
	a, findings, err := csar.Open(context.Background(), fromFile([]byte(wrap(wrap(wrap("x"))))), csar.Options{})
	if err != nil || findings.Refused() {
		t.Fatal(err, findings)
	}
	if len(a.List()) != 2 || a.Outer() == nil || a.Outer().Outer() != nil {
		t.Errorf("files of the package: %v", a.List())
	}
}

func TestAZipOfPackagesIsNoEnvelope(t *testing.T) {
	for name, paths := range map[string][]string{
		"two packages":               {"a.csar", "b.csar", "a.cms"},
		"with a template beside it":  {"a.csar", "a.cms", "main.yaml"},
		"in a folder":                {"packages/a.csar", "packages/a.cms"},
		"with a folder beside it":    {"a.csar", "a.cms", "Definitions/main.yaml"},
		"without a package":          {"a.cms", "a.cert"},
		"with a tar and a signature": {"a.tar", "a.cms"},
	} {
		var members []onboardingtest.Member
		for _, path := range paths {
			members = append(members, onboardingtest.Text(path, "x"))
		}
		a, findings, err := csar.Open(context.Background(), fromFile(onboardingtest.Bytes(onboardingtest.Zip, members)), csar.Options{})
		if err != nil || len(findings) > 0 || a.Outer() != nil || len(a.List()) != len(paths) {
			t.Errorf("%s: %v, %v", name, findings, err)
		}
	}
}

func TestABrokenPackageInAnEnvelopeLeavesNothingOpen(t *testing.T) {
	data := onboardingtest.Bytes(onboardingtest.Zip, []onboardingtest.Member{
		onboardingtest.Text("a.csar", "PK\x03\x04 and no more"), onboardingtest.Text("a.cms", "signature"),
	})
	open := 0
	a, findings, err := csar.Open(context.Background(), fromStream(data), csar.Options{
		Spool: func(_ context.Context, r io.Reader) (csar.Spooled, error) {
			data, err := io.ReadAll(r)
			open++
			return csar.Spooled{ReaderAt: bytes.NewReader(data), Closer: closerFunc(func() error { open--; return nil }), Size: int64(len(data))}, err
		},
	})
	if err != nil || a != nil || open != 0 {
		t.Errorf("archive %v, error %v, %d spooled zips are open", a, err, open)
	}
	if diff := cmp.Diff([]string{"error archive-truncated", "warning signature-not-verified"}, codes(findings)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestASpoolThatFailsIsAnError(t *testing.T) {
	full := errors.New("disk full")
	_, findings, err := csar.Open(context.Background(), fromStream(onboardingtest.Bytes(onboardingtest.Zip, firewall(1000))), csar.Options{
		Spool: func(context.Context, io.Reader) (csar.Spooled, error) { return csar.Spooled{}, full },
	})
	if !errors.Is(err, full) || len(findings) > 0 {
		t.Errorf("findings %v, error %v", findings, err)
	}
}

package csar_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/csar"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
)

// FuzzOpen holds what every caller relies on, whatever the bytes: paths are
// clean and unique, sizes are right, faults are findings, and a package is the
// same from a file and from a stream.
func FuzzOpen(f *testing.F) {
	for _, hostile := range hostilePackages() {
		if len(hostile.Data) < 10_000 {
			f.Add(hostile.Data)
		}
	}
	f.Add(onboardingtest.Bytes(onboardingtest.Tar, []onboardingtest.Member{
		onboardingtest.Text("a.zip", string(onboardingtest.Bytes(onboardingtest.Zip, []onboardingtest.Member{onboardingtest.Text("a", "x")})))}))
	limits := csar.Limits{MemberSize: 1 << 20, TotalSize: 2 << 20, FileSize: 1000, Memory: 3000}
	spool := func(_ context.Context, r io.Reader) (csar.Spooled, error) {
		data, err := io.ReadAll(r)
		return csar.Spooled{ReaderAt: bytes.NewReader(data), Closer: io.NopCloser(nil), Size: int64(len(data))}, err
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fromFile, findings, err := read(fromFile(data), csar.Options{Limits: limits, Spool: spool})
		if err != nil {
			t.Fatal(err)
		}
		fromStream, again, err := read(fromStream(data), csar.Options{Limits: limits, Spool: spool})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fromFile, fromStream); diff != "" {
			t.Errorf("members from a file and from a stream differ:\n%s", diff)
		}
		if !slices.Equal(codes(findings), codes(again)) {
			t.Errorf("findings from a file %v, from a stream %v", findings, again)
		}
		for p := range fromFile {
			if p != path.Clean(p) || p[0] == '/' || p == "." || p == ".." || strings.HasPrefix(p, "../") || strings.ContainsAny(p, "\\\x00") {
				t.Errorf("path %q", p)
			}
		}
		a, findings, err := csar.Open(context.Background(), csar.Source{At: bytes.NewReader(data), Size: int64(len(data))}, csar.Options{Limits: limits, Spool: spool})
		if err != nil || a == nil {
			if err != nil || !findings.Refused() {
				t.Fatalf("no archive, and no reason: %v, %v", findings, err)
			}
			return
		}
		for i, info := range a.List() {
			if i > 0 && a.List()[i-1].Path >= info.Path {
				t.Errorf("%s is not in order or there twice", info.Path)
			}
			content, err := a.ReadFile(info.Path)
			var fault *csar.Error
			if err == nil && int64(len(content)) != info.Size {
				t.Errorf("%s: %d bytes of %d", info.Path, len(content), info.Size)
			}
			if err != nil && info.Size <= limits.FileSize && !errors.As(err, &fault) && !errors.Is(err, csar.ErrKept) {
				t.Errorf("%s: %v", info.Path, err)
			}
			inner, findings, again := a.OpenPackage(info.Path)
			if (err == nil) != (again == nil) || again == nil && inner == nil && !findings.Refused() {
				t.Errorf("%s: as a package %v, %v; as a file %v", info.Path, findings, again, err)
			}
		}
	})
}

package csar_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/csar"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/tosca"
)

// fromFile and fromStream are the two ways in which a package comes.
func fromFile(data []byte) csar.Source {
	return csar.Source{Name: "package", At: bytes.NewReader(data), Size: int64(len(data))}
}

func fromStream(data []byte) csar.Source {
	// Half reads show what depends on a reader's mood.
	return csar.Source{Name: "package", Reader: iotest.HalfReader(bytes.NewReader(data))}
}

var sources = map[string]func([]byte) csar.Source{"file": fromFile, "stream": fromStream}

// keeper is a KeepFunc that keeps digests.
type keeper map[string]string // by raw path

func (k keeper) keep(_ context.Context, m csar.Member, r io.Reader) error {
	digest, n, err := digestOf(r)
	if err != nil {
		return fmt.Errorf("keeping %s: %w", m.Path, err)
	}
	if n != m.Size {
		return fmt.Errorf("keeping %s: %d bytes of %d", m.Path, n, m.Size)
	}
	k[m.Raw] = digest
	return nil
}

func digestOf(r io.Reader) (string, int64, error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	return fmt.Sprintf("%x", h.Sum(nil)), n, err
}

// contents returns the digest of every member by its path, whether it was kept
// or can be read from the archive.
func contents(ctx context.Context, a *csar.Archive, kept keeper) (map[string]string, error) {
	out := map[string]string{}
	for _, m := range a.Members() {
		if m.Kept {
			out[m.Path] = kept[m.Raw]
		}
	}
	return out, a.Walk(ctx, func(ctx context.Context, m csar.Member, r io.Reader) error {
		digest, n, err := digestOf(r)
		if err == nil && n != m.Size {
			err = fmt.Errorf("member %s: %d bytes of %d", m.Path, n, m.Size)
		}
		out[m.Path] = digest
		if d := a.Deflated(m.Path); d != nil {
			err = sameInflated(ctx, d, digest, err)
		}
		return err
	})
}

// sameInflated holds that a deflated member is the same whichever way it is
// read, and that all of its compressed bytes are shown.
func sameInflated(ctx context.Context, d *csar.Deflated, want string, wantErr error) error {
	seen := sha256.New()
	got, _, err := digestOf(d.Inflate(ctx, seen))
	if fmt.Sprint(err) != fmt.Sprint(wantErr) {
		return fmt.Errorf("inflating ends with %v, and OpenMember's reader with %v", err, wantErr)
	}
	packed, n, openErr := digestOf(d.Open(ctx))
	if err != nil {
		return wantErr
	}
	if got != want || openErr != nil || n != d.Size || packed != fmt.Sprintf("%x", seen.Sum(nil)) {
		return fmt.Errorf("inflating gives other bytes, or shows others than the %d that are there: %v", d.Size, openErr)
	}
	return nil
}

// read opens a package and reads all of it.
func read(src csar.Source, opts csar.Options) (map[string]string, tosca.Findings, error) {
	kept := keeper{}
	opts.Keep = kept.keep
	a, findings, err := csar.Open(context.Background(), src, opts)
	if err != nil || a == nil {
		return nil, findings, err
	}
	got, err := contents(context.Background(), a, kept)
	var fault *csar.Error
	if errors.As(err, &fault) {
		findings, err = append(findings, fault.Finding), nil
	}
	return got, findings, errors.Join(err, a.Close())
}

func digests(t *testing.T, members []onboardingtest.Member) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, m := range members {
		digest, _, err := digestOf(io.NewSectionReader(m.Content, 0, m.Content.Size()))
		if err != nil {
			t.Fatal(err)
		}
		out[m.Path] = digest
	}
	return out
}

func firewall(size int64) []onboardingtest.Member {
	return onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: "firewall", Images: []onboardingtest.SoftwareImage{
		onboardingtest.Embed("firewall.qcow2", onboardingtest.QCOW2(size, 1<<30, 1)),
	}})
}

func codes(findings tosca.Findings) []string {
	var out []string
	for _, f := range findings {
		out = append(out, string(f.Severity)+" "+string(f.Code))
	}
	return out
}

func TestEveryContainerGivesTheSameMembers(t *testing.T) {
	members := firewall(330_003)
	want := digests(t, members)
	for _, container := range onboardingtest.Containers() {
		for _, folder := range []string{"", "./", "firewall/", "./firewall-1.0/", "downloads/firewall/"} {
			data := onboardingtest.Bytes(container, onboardingtest.Under(folder, members))
			for from, source := range sources {
				t.Run(fmt.Sprintf("%s from a %s under %q", container, from, folder), func(t *testing.T) {
					got, findings, err := read(source(data), csar.Options{})
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff([]string(nil), codes(findings)); diff != "" {
						t.Errorf("findings (-want +got):\n%s", diff)
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("digests by path (-want +got):\n%s", diff)
					}
				})
			}
		}
	}
}

func TestImagesOfATarPassThroughKeep(t *testing.T) {
	for name, test := range map[string]struct {
		folder string
		paths  []string
		limits csar.Limits
		want   []string
	}{
		"in the root":                       {"", []string{"Metadata.yaml", "images/a"}, csar.Limits{}, []string{"images/a"}},
		"behind a dot":                      {"./", []string{"Metadata.yaml", "images/a"}, csar.Limits{}, []string{"images/a"}},
		"under a top folder":                {"vnf/", []string{"Metadata.yaml", "images/a"}, csar.Limits{}, []string{"vnf/images/a"}},
		"before everything else":            {"vnf/", []string{"images/a", "Metadata.yaml"}, csar.Limits{}, []string{"vnf/images/a"}},
		"but not those of scripts":          {"", []string{"scripts/images/a", "Metadata.yaml"}, csar.Limits{}, nil},
		"but not those of a folder of many": {"", []string{"Metadata.yaml", "docs/images/a"}, csar.Limits{}, nil},
		"with what is large":                {"", []string{"Metadata.yaml", "b"}, csar.Limits{FileSize: 3}, []string{"Metadata.yaml", "b"}},
		"with what memory has no room for":  {"", []string{"a.yaml", "b.yaml"}, csar.Limits{Memory: 7}, []string{"b.yaml"}},
		"but descriptors have room left":    {"", []string{"a", "b", "c.yaml"}, csar.Limits{Memory: 8}, []string{"b"}},
	} {
		t.Run(name, func(t *testing.T) {
			var members []onboardingtest.Member
			for _, path := range test.paths {
				members = append(members, onboardingtest.Text(test.folder+path, "text"))
			}
			kept := keeper{}
			a, findings, err := csar.Open(context.Background(), fromStream(onboardingtest.Bytes(onboardingtest.Tar, members)),
				csar.Options{Limits: test.limits, Keep: kept.keep})
			if err != nil || len(findings) > 0 {
				t.Fatal(err, findings)
			}
			var got []string
			for _, m := range a.Members() {
				if m.Kept {
					got = append(got, m.Raw)
					if kept[m.Raw] == "" {
						t.Errorf("%s is marked as kept and was not", m.Path)
					}
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("raw paths of kept members (-want +got):\n%s", diff)
			}
			if len(kept) != len(test.want) {
				t.Errorf("kept %v", kept)
			}
		})
	}
}

func TestATopFolderIsTakenOff(t *testing.T) {
	for name, test := range map[string]struct {
		paths []string
		top   string
		want  []string
	}{
		"that holds everything":             {[]string{"vnf/Metadata.yaml", "vnf/scripts/a"}, "vnf", []string{"Metadata.yaml", "scripts/a"}},
		"with those that it lies in":        {[]string{"a/b/Metadata.yaml", "a/b/c"}, "a/b", []string{"Metadata.yaml", "c"}},
		"and none below it":                 {[]string{"a/scripts/b/c", "a/scripts/b/d"}, "a", []string{"scripts/b/c", "scripts/b/d"}},
		"despite litter beside it":          {[]string{"vnf/Metadata.yaml", "._vnf", ".DS_Store", "__MACOSX/vnf/x"}, "vnf", []string{"Metadata.yaml"}},
		"but not with a file beside it":     {[]string{"vnf/Metadata.yaml", "README"}, "", []string{"README", "vnf/Metadata.yaml"}},
		"but not one that has a meaning":    {[]string{"TOSCA-Metadata/TOSCA.meta"}, "", []string{"TOSCA-Metadata/TOSCA.meta"}},
		"but not one of two alike":          {[]string{"vnf/a", "vnf2/b"}, "", []string{"vnf/a", "vnf2/b"}},
		"but not one that is a file's name": {[]string{"vnf"}, "", []string{"vnf"}},
	} {
		t.Run(name, func(t *testing.T) {
			var members []onboardingtest.Member
			for _, path := range test.paths {
				members = append(members, onboardingtest.Text(path, "text"))
			}
			for _, container := range []onboardingtest.Container{onboardingtest.Tar, onboardingtest.Zip} {
				a, findings, err := csar.Open(context.Background(), fromFile(onboardingtest.Bytes(container, members)), csar.Options{})
				if err != nil || len(findings) > 0 {
					t.Fatal(err, findings)
				}
				var got []string
				for _, f := range a.List() {
					got = append(got, f.Path)
					if _, err := a.ReadFile(f.Path); err != nil {
						t.Error(err)
					}
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("%s: paths (-want +got):\n%s", container, diff)
				}
				if a.Top() != test.top {
					t.Errorf("%s: Top() = %q, want %q", container, a.Top(), test.top)
				}
			}
		})
	}
}

func TestReadFileSaysWhyItCannot(t *testing.T) {
	members := append(firewall(1000), onboardingtest.Text("large.yaml", strings.Repeat("x", 2000)))
	limits := csar.Limits{FileSize: 1000}
	for container, kept := range map[onboardingtest.Container]error{onboardingtest.Tar: csar.ErrKept, onboardingtest.Zip: nil} {
		a, _, err := csar.Open(context.Background(), fromFile(onboardingtest.Bytes(container, members)), csar.Options{Limits: limits})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.ReadFile("nothing"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: a missing file: %v", container, err)
		}
		if _, err := a.ReadFile("large.yaml"); !errors.Is(err, tosca.ErrTooLarge) {
			t.Errorf("%s: a large file: %v", container, err)
		}
		r, err := a.OpenMember(context.Background(), "images/firewall.qcow2")
		if !errors.Is(err, kept) {
			t.Errorf("%s: an image: %v, want %v", container, err, kept)
		}
		if err == nil {
			r.Close()
		}
	}
}

func TestOnlyADeflatedMemberHasACompressedForm(t *testing.T) {
	for container, want := range map[onboardingtest.Container]bool{onboardingtest.Tar: false, onboardingtest.Zip: false, onboardingtest.ZipDeflated: true} {
		a, _, err := csar.Open(context.Background(), fromFile(onboardingtest.Bytes(container, firewall(1000))), csar.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Deflated("images/firewall.qcow2"); (got != nil) != want {
			t.Errorf("%s: %+v", container, got)
		}
		if got := a.Deflated("nothing"); got != nil {
			t.Errorf("%s: a missing file: %+v", container, got)
		}
	}
}

func TestTarVariantsAreRead(t *testing.T) {
	long := "scripts/" + strings.Repeat("long", 60) + ".sh"
	headers := func(format tar.Format) []tar.Header {
		return []tar.Header{
			{Format: format, Typeflag: tar.TypeDir, Name: "./"},
			{Format: format, Typeflag: tar.TypeDir, Name: "scripts/"},
			{Format: format, Typeflag: tar.TypeDir, Name: "scripts/"},
			{Format: format, Typeflag: tar.TypeReg, Name: "Metadata.yaml", Size: 1},
			{Format: format, Typeflag: tar.TypeReg, Name: "._Metadata.yaml", Size: 1},
			{Format: format, Typeflag: tar.TypeReg, Name: long, Size: 1},
		}
	}
	for name, data := range map[string][]byte{
		"pax":                 tarOf(t, headers(tar.FormatPAX)...),
		"GNU":                 tarOf(t, headers(tar.FormatGNU)...),
		"with a root folder":  tarOf(t, append([]tar.Header{{Typeflag: tar.TypeDir, Name: "/"}}, headers(tar.FormatGNU)...)...),
		"by git":              tarOf(t, append([]tar.Header{{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: map[string]string{"comment": "0123"}}}, headers(tar.FormatPAX)...)...),
		"of a single record":  bytes.TrimSuffix(tarOf(t, headers(tar.FormatGNU)...), make([]byte, 512)),
		"filled up to 10 KiB": append(tarOf(t, headers(tar.FormatGNU)...), make([]byte, 10240)...),
	} {
		t.Run(name, func(t *testing.T) {
			a, findings, err := csar.Open(context.Background(), fromStream(data), csar.Options{})
			if err != nil || len(findings) > 0 {
				t.Fatal(err, findings)
			}
			if diff := cmp.Diff([]tosca.FileInfo{{Path: "Metadata.yaml", Size: 1}, {Path: long, Size: 1}}, a.List()); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOldTarsAreKnownByTheirChecksum(t *testing.T) {
	// A letter beyond ASCII makes the two ways to sum differ.
	data := tarOf(t, tar.Header{Format: tar.FormatUSTAR, Typeflag: tar.TypeReg, Name: "M"})
	for name, sum := range map[string]func(byte) int{
		"unsigned": func(b byte) int { return int(b) },
		"signed":   func(b byte) int { return int(int8(b)) },
	} {
		old := bytes.Clone(data)
		copy(old, "\u00c9tat.yaml")
		clear(old[257:345]) // all that ustar has more
		copy(old[148:], "        ")
		total := 0
		for _, b := range old[:512] {
			total += sum(b)
		}
		copy(old[148:], fmt.Sprintf("%06o\x00 ", total))
		a, findings, err := csar.Open(context.Background(), fromFile(old), csar.Options{})
		if err != nil || len(findings) > 0 {
			t.Errorf("%s: %v, %v", name, findings, err)
			continue
		}
		if diff := cmp.Diff([]tosca.FileInfo{{Path: "\u00c9tat.yaml"}}, a.List()); diff != "" {
			t.Errorf("%s: files (-want +got):\n%s", name, diff)
		}
	}
}

// tarOf returns a tar of these members, whose content is dots.
func tarOf(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for _, h := range headers {
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(bytes.Repeat([]byte("."), int(h.Size))); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestALinkWithinThePackageIsLeftOut(t *testing.T) {
	data := tarOf(t,
		tar.Header{Typeflag: tar.TypeReg, Name: "charm/hooks/real", Size: 1},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "charm/hooks/install", Linkname: "../hooks/real"},
		tar.Header{Typeflag: tar.TypeReg, Name: "charm/metadata.yaml", Size: 1},
	)
	a, findings, err := csar.Open(context.Background(), fromFile(data), csar.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"warning entry-link-ignored"}, codes(findings)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]tosca.FileInfo{{Path: "hooks/real", Size: 1}, {Path: "metadata.yaml", Size: 1}}, a.List()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

package csar_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/csar"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/tosca"
)

// hostilePackages are built once: some are bombs, which takes a while.
var hostilePackages = sync.OnceValue(onboardingtest.HostilePackages)

func TestHostilePackagesAreRefused(t *testing.T) {
	documented := map[tosca.Code]tosca.CodeInfo{}
	for _, info := range csar.Codes() {
		documented[info.Code] = info
	}
	for _, hostile := range hostilePackages() {
		for from, source := range sources {
			t.Run(hostile.Name+" from a "+from, func(t *testing.T) {
				_, findings, err := read(source(hostile.Data), csar.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([]string{"error " + hostile.Code}, codes(findings)); diff != "" {
					t.Errorf("findings (-want +got):\n%s", diff)
				}
				for _, f := range findings {
					if info := documented[f.Code]; f.Cure == "" || f.Cure != info.Cure {
						t.Errorf("code %s is not documented, or with another cure", f.Code)
					}
				}
			})
		}
	}
}

func TestLimitsAreKept(t *testing.T) {
	members := firewall(330_000)
	var names int
	for _, m := range members {
		names = max(names, len(m.Path))
	}
	for name, test := range map[string]struct {
		exceeded, kept csar.Limits
		want           string
	}{
		"members":     {csar.Limits{Members: len(members) - 1}, csar.Limits{Members: len(members)}, "limit-members"},
		"member size": {csar.Limits{MemberSize: 329_999}, csar.Limits{MemberSize: 330_000}, "limit-member-size"},
		"total size":  {csar.Limits{TotalSize: 330_000}, csar.Limits{TotalSize: 340_000}, "limit-total-size"},
		"path length": {csar.Limits{PathLength: names - 1}, csar.Limits{PathLength: names}, "limit-path"},
		"path depth":  {csar.Limits{PathDepth: 1}, csar.Limits{PathDepth: 2}, "limit-path"},
	} {
		for _, container := range []onboardingtest.Container{onboardingtest.Tar, onboardingtest.TarGzip, onboardingtest.Zip} {
			data := onboardingtest.Bytes(container, members)
			for from, source := range sources {
				_, findings, err := read(source(data), csar.Options{Limits: test.exceeded})
				if err != nil || !slices.Contains(codes(findings), "error "+test.want) {
					t.Errorf("%s of a %s from a %s exceeded: %v, %v", name, container, from, findings, err)
				}
				if _, findings, err := read(source(data), csar.Options{Limits: test.kept}); err != nil || len(findings) > 0 {
					t.Errorf("%s of a %s from a %s kept: %v, %v", name, container, from, findings, err)
				}
			}
		}
	}
}

func TestAHugeDirectoryIsNotRead(t *testing.T) {
	var b bytes.Buffer
	zw := zip.NewWriter(&b)
	for i := range 300 {
		if _, err := zw.CreateHeader(&zip.FileHeader{Name: fmt.Sprint(i), Comment: strings.Repeat("c", 60_000)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	_, findings, err := csar.Open(context.Background(), fromFile(b.Bytes()), csar.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"error limit-directory"}, codes(findings)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestCodesAreDocumentedOnceAndInFull(t *testing.T) {
	seen := map[tosca.Code]bool{}
	for _, info := range csar.Codes() {
		if seen[info.Code] || info.Meaning == "" || info.Cure == "" {
			t.Errorf("code %s is documented twice or not in full", info.Code)
		}
		seen[info.Code] = true
	}
}

// TestNoDamageGoesUnnoticed cuts and changes packages at every place. A
// finding may be missing only where the members are as they were.
func TestNoDamageGoesUnnoticed(t *testing.T) {
	members := append(firewall(0)[:3], onboardingtest.Text("images/a", strings.Repeat("image", 200)))
	want := digests(t, members)
	check := func(t *testing.T, data []byte, what string, at int) {
		got, findings, err := read(fromFile(data), csar.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !findings.Refused() && !cmp.Equal(want, got) {
			t.Errorf("%s at %d: no finding, and other members:\n%s", what, at, cmp.Diff(want, got))
		}
	}
	for _, container := range []onboardingtest.Container{onboardingtest.Tar, onboardingtest.TarGzip, onboardingtest.TarZstd, onboardingtest.TarXz, onboardingtest.TarBzip2, onboardingtest.Zip, onboardingtest.ZipDeflated} {
		t.Run(string(container), func(t *testing.T) {
			t.Parallel()
			data := onboardingtest.Bytes(container, members)
			step := 1
			switch container {
			case onboardingtest.Tar:
				step = 64 // divides the blocks
			case onboardingtest.TarXz, onboardingtest.TarBzip2:
				step = 19 // is what their speed allows
			}
			for n := 0; n < len(data); n += step {
				check(t, data[:n], "cut", n)
			}
			if container == onboardingtest.Tar {
				return // which has no checksum of its content
			}
			for n := 0; n < len(data); n += step {
				changed := bytes.Clone(data)
				changed[n] ^= 0x41
				check(t, changed, "change", n)
			}
		})
	}
}

func TestALateChecksumErrorIsAFinding(t *testing.T) {
	data := onboardingtest.Bytes(onboardingtest.Zip, firewall(400_000))
	data[300_000] ^= 1
	a, findings, err := csar.Open(context.Background(), fromFile(data), csar.Options{})
	if err != nil || len(findings) > 0 {
		t.Fatal(err, findings)
	}
	r, err := a.OpenMember(context.Background(), "images/firewall.qcow2")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	var fault *csar.Error
	if !errors.As(err, &fault) || fault.Finding.Code != csar.CodeCorrupt || fault.Finding.File != "images/firewall.qcow2" {
		t.Errorf("reading a damaged image: %v", err)
	}
}

func TestABrokenSourceIsNoBrokenArchive(t *testing.T) {
	broken := errors.New("connection reset")
	for _, container := range onboardingtest.Containers() {
		data := onboardingtest.Bytes(container, firewall(330_000))
		for _, at := range []int{0, 100, len(data) / 2, len(data) - 1} {
			r := io.MultiReader(bytes.NewReader(data[:at]), iotest.ErrReader(broken))
			a, findings, err := csar.Open(context.Background(), csar.Source{Name: "vnf", Reader: r}, csar.Options{})
			if !errors.Is(err, broken) || a != nil || len(findings) > 0 {
				t.Errorf("%s that breaks at %d: archive %v, findings %v, error %v", container, at, a, findings, err)
			}
		}
	}
}

func TestTheContextEndsARunningRead(t *testing.T) {
	for _, container := range onboardingtest.Containers() {
		data := onboardingtest.Bytes(container, firewall(330_000))
		ctx, cancel := context.WithCancel(context.Background())
		reads := 0
		src := csar.Source{Name: "vnf", Reader: readerFunc(func(p []byte) (int, error) {
			reads++
			if reads == 3 {
				cancel()
			}
			n := copy(p[:min(len(p), 1000)], data)
			data = data[n:]
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil
		})}
		if _, _, err := csar.Open(ctx, src, csar.Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", container, err)
		}
		if reads > 4 {
			t.Errorf("%s: %d more reads", container, reads-3)
		}
		cancel()
	}
}

func TestTheContextEndsTheReadingOfAMember(t *testing.T) {
	const image = "images/firewall.qcow2"
	a, _, err := csar.Open(context.Background(), fromFile(onboardingtest.Bytes(onboardingtest.ZipDeflated, firewall(1_000_000))), csar.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func(context.Context) (io.Reader, error){
		"a member":            func(ctx context.Context) (io.Reader, error) { return a.OpenMember(ctx, image) },
		"its compressed form": func(ctx context.Context) (io.Reader, error) { return a.Deflated(image).Open(ctx), nil },
		"what is inflated":    func(ctx context.Context) (io.Reader, error) { return a.Deflated(image).Inflate(ctx, io.Discard), nil },
	} {
		ctx, cancel := context.WithCancel(context.Background())
		r, err := open(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := r.Read(make([]byte, 1000)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, read after cancel: %v", name, err)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestKeepsOwnErrorsAreNotTheArchives(t *testing.T) {
	data := onboardingtest.Bytes(onboardingtest.Tar, firewall(1_000_000))
	full := errors.New("disk full")
	for name, test := range map[string]struct {
		data []byte
		keep csar.KeepFunc
		want error  // or
		code string // of the finding
	}{
		"an error of its own": {data, func(context.Context, csar.Member, io.Reader) error { return full }, full, ""},
		"an archive that ends in the middle": {data[:100_000], func(_ context.Context, _ csar.Member, r io.Reader) error {
			if _, err := io.Copy(io.Discard, r); err != nil {
				return errors.New("something else") // although it should wrap
			}
			return nil
		}, nil, "error archive-truncated"},
	} {
		t.Run(name, func(t *testing.T) {
			_, findings, err := csar.Open(context.Background(), fromStream(test.data), csar.Options{Keep: test.keep})
			if !errors.Is(err, test.want) {
				t.Errorf("error = %v, want %v", err, test.want)
			}
			if test.code != "" && !slices.Equal(codes(findings), []string{test.code}) {
				t.Errorf("findings = %v, want %s", findings, test.code)
			}
		})
	}
	_, _, err := csar.Open(context.Background(), fromStream(data), csar.Options{
		Keep: func(context.Context, csar.Member, io.Reader) error { return nil },
	})
	if err == nil {
		t.Error("a KeepFunc that reads nothing is no error")
	}
}

func TestAZipThatStatesTwoChecksumsIsNotBelieved(t *testing.T) {
	data := onboardingtest.Bytes(onboardingtest.ZipDeflated, firewall(100_000))
	data[bytes.LastIndex(data, []byte("PK\x07\x08"))+4] ^= 1 // behind the last member, an image
	a, findings, err := csar.Open(context.Background(), fromFile(data), csar.Options{})
	if err != nil || len(findings) > 0 {
		t.Fatal(err, findings)
	}
	image := a.Deflated("images/firewall.qcow2")
	for name, r := range map[string]io.Reader{"inflated": image.Inflate(context.Background(), io.Discard), "as it lies there": image.Open(context.Background())} {
		_, err := io.Copy(io.Discard, r)
		var fault *csar.Error
		if !errors.As(err, &fault) || fault.Finding.Code != csar.CodeCorrupt || fault.Finding.File != "images/firewall.qcow2" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

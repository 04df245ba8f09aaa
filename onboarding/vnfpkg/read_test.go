package vnfpkg_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// withArtifacts are the members of a package with files of all kinds: the large
// ones are in the archive only.
func withArtifacts() []onboardingtest.Member {
	image := onboardingtest.Embed("firewall-image", onboardingtest.QCOW2(192<<10, 1<<30, 1))
	members := onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: "firewall", Images: []onboardingtest.SoftwareImage{image}})
	return append(members,
		onboardingtest.Text("scripts/large.sh", strings.Repeat("#!/bin/sh\nexit 0\n", 62_000)),
		onboardingtest.File("docs/manual.pdf", onboardingtest.Raw(64<<10, 7)),
		onboardingtest.Text("docs/empty", ""),
		onboardingtest.Text("docs/note.txt", "a note"),
	)
}

func content(t *testing.T, r io.Reader) string {
	t.Helper()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestEveryFileOfAPackageCanBeReadAtAnyOffset(t *testing.T) {
	for _, container := range onboardingtest.Containers() {
		// Every reading decompresses it from its beginning.
		slow := slices.Contains([]onboardingtest.Container{onboardingtest.TarXz, onboardingtest.TarBzip2}, container)
		for _, folder := range []string{"", "firewall-1.0/"} {
			if slow && folder != "" {
				continue
			}
			t.Run(string(container)+" "+folder, func(t *testing.T) {
				t.Parallel()
				s := newServer(t, options{Config: vnfpkg.Config{Keep: true, Followers: 1}})
				members := withArtifacts()
				data := onboardingtest.Bytes(container, onboardingtest.Under(folder, members))
				r := s.onboard(t, vnfpkg.NewResource{}, data)
				files, err := s.Files(t.Context(), project, r.ID)
				if err != nil || len(files) != len(members) {
					t.Fatalf("%d files, want %d: %v", len(files), len(members), err)
				}
				for i, m := range members {
					if slow && i%3 > 0 {
						continue
					}
					want := content(t, io.NewSectionReader(m.Content, 0, m.Content.Size()))
					c, err := s.Artifact(t.Context(), project, r.ID, m.Path)
					if err != nil {
						t.Fatal(err)
					}
					if c.Size != int64(len(want)) || c.SHA256 != digest([]byte(want)) || !strings.HasSuffix("/"+m.Path, "/"+c.Name) {
						t.Errorf("%s has %d bytes, digest %s and the name %s", m.Path, c.Size, c.SHA256, c.Name)
					}
					if got := content(t, c); got != want {
						t.Errorf("%s has other bytes", m.Path)
					}
					at := rand.Int64N(c.Size + 1)
					if _, err := c.Seek(at, io.SeekStart); err != nil {
						t.Fatal(err)
					}
					if got := content(t, io.LimitReader(c, 100)); got != want[at:min(at+100, c.Size)] {
						t.Errorf("%s has other bytes at %d", m.Path, at)
					}
					if end, err := c.Seek(0, io.SeekEnd); end != c.Size || err != nil {
						t.Errorf("%s ends at %d, %v", m.Path, end, err)
					}
					if err := c.Close(); err != nil {
						t.Error(err)
					}
				}
				if _, err := s.Artifact(t.Context(), project, r.ID, "docs"); !errors.Is(err, vnfpkg.ErrNoArtifact) {
					t.Errorf("a folder: got %v, want ErrNoArtifact", err)
				}
				c, err := s.Content(t.Context(), project, r.ID)
				if err != nil {
					t.Fatal(err)
				}
				if c.SHA256 != digest(data) || c.Size != int64(len(data)) || content(t, c) != string(data) {
					t.Error("the content is not what was sent")
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestWithoutTheArchiveImagesAndSmallFilesAreThere(t *testing.T) {
	s := newServer(t, options{})
	id := s.onboard(t, vnfpkg.NewResource{}, onboardingtest.Bytes(onboardingtest.Tar, withArtifacts())).ID
	got := map[string]bool{}
	for _, m := range withArtifacts() {
		c, err := s.Artifact(t.Context(), project, id, m.Path)
		if err != nil && !errors.Is(err, vnfpkg.ErrNotKept) {
			t.Fatal(err)
		}
		if got[m.Path] = err == nil; err == nil {
			c.Close()
		}
	}
	want := map[string]bool{"Metadata.yaml": true, "vnfd.json": true, "scripts/install.sh": true, "images/firewall-image": true,
		"scripts/large.sh": false, "docs/manual.pdf": false, "docs/empty": true, "docs/note.txt": false}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("files that are there (-want +got):\n%s", d)
	}
	if _, err := s.Content(t.Context(), project, id); !errors.Is(err, vnfpkg.ErrNotKept) {
		t.Errorf("content: got %v, want ErrNotKept", err)
	}
}

func TestTheMainDescriptorComesFirst(t *testing.T) {
	s := newServer(t, options{})
	for name, id := range map[string]string{
		"a resource":                      s.onboard(t, vnfpkg.NewResource{}, archive(onboardingtest.Zip, "firewall", 1)).ID,
		"what the command line onboarded": s.byCommand(t, project, "router"),
	} {
		files, err := s.Descriptors(t.Context(), project, id)
		if err != nil {
			t.Fatal(err)
		}
		model, err := s.get(t, id).Model()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range files {
			got = append(got, f.Path)
			if int64(len(f.Content)) != f.Size || digest(f.Content) != f.SHA256 {
				t.Errorf("%s: %s has other content", name, f.Path)
			}
		}
		if d := cmp.Diff([]string{model.Descriptor, "Definitions/types.yaml"}, got); d != "" {
			t.Errorf("descriptors of %s (-want +got):\n%s", name, d)
		}
	}
}

func TestOnlyAnOnboardedPackageCanBeRead(t *testing.T) {
	s := newServer(t, options{})
	id := s.create(t, vnfpkg.NewResource{}).ID
	var state *vnfpkg.StateError
	if _, err := s.Content(t.Context(), project, id); !errors.As(err, &state) {
		t.Errorf("content: got %v, want a *StateError", err)
	}
	if _, err := s.Descriptors(t.Context(), project, id); !errors.As(err, &state) {
		t.Errorf("descriptors: got %v, want a *StateError", err)
	}
	if _, err := s.Files(t.Context(), project, id); !errors.As(err, &state) {
		t.Errorf("files: got %v, want a *StateError", err)
	}
	if _, err := s.Artifact(t.Context(), project, id, "x"); !errors.As(err, &state) {
		t.Errorf("artifact: got %v, want a *StateError", err)
	}
}

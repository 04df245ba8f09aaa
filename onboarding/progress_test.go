package onboarding_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/tosca"
)

// told keeps what progress ends with, and proves that it never falls.
type told struct {
	t    *testing.T
	last []onboarding.Progress // of the package and of each image, in their order
}

func (p *told) tell(at onboarding.Progress) {
	n := len(p.last)
	switch {
	case n == 0 || p.last[n-1].Image != at.Image:
		p.last = append(p.last, at)
		return
	case at.Done < p.last[n-1].Done || at.Total != p.last[n-1].Total:
		p.t.Errorf("%+v comes after %+v", at, p.last[n-1])
	}
	p.last[n-1] = at
}

func (p *told) want(want ...onboarding.Progress) {
	p.t.Helper()
	if diff := cmp.Diff(want, p.last); diff != "" {
		p.t.Errorf("progress ends with (-want +got):\n%s", diff)
	}
}

func TestProgressTellsHowMuchOfAPackageWasRead(t *testing.T) {
	origin := newOrigin(t)
	members := firewall(diskImage(1).Compressible())
	for _, container := range onboardingtest.Containers() {
		data := onboardingtest.Bytes(container, members)
		size := int64(len(data))
		path := filepath.Join(t.TempDir(), "package")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		h := newHarness(t)
		url := origin.Serve("/"+string(container), origintest.Plain(data))
		for from, test := range map[string]struct {
			src   onboarding.Source
			total int64
		}{
			"file": {onboarding.FileSource(path), size}, "stream": {stream(data), -1}, "URL": {onboarding.URLSource(url, h.Fetch), size},
		} {
			t.Run(string(container)+" from a "+from, func(t *testing.T) {
				for range 2 { // the second time nothing is taken in
					progress := &told{t: t}
					if _, err := h.Onboard(t.Context(), test.src, onboarding.Options{Progress: progress.tell}); err != nil {
						t.Fatal(err)
					}
					progress.want(onboarding.Progress{Source: test.src.Name, Done: size, Total: test.total})
					if from == "stream" {
						break // which comes but once
					}
				}
			})
		}
	}
}

func TestProgressTellsHowMuchOfAnImageWasFetched(t *testing.T) {
	h, origin, progress := newHarness(t), newOrigin(t), &told{t: t}
	image := content(diskImage(1))
	url := origin.Serve("/image", origintest.Plain(image))
	data := onboardingtest.Bytes(onboardingtest.Tar, packageOf("firewall", onboardingtest.Link("firewall-image", url)))
	wantStatus(t, h.onboardBytes(t, data, onboarding.Options{Progress: progress.tell}), onboarding.Onboarded)
	progress.want(onboarding.Progress{Source: "package", Done: int64(len(data)), Total: -1},
		onboarding.Progress{Source: "package", Image: "firewall-image", Done: int64(len(image)), Total: int64(len(image))})
}

func TestProgressTellsHowMuchOfAnAddedImageWasRead(t *testing.T) {
	h, progress := newHarness(t), &told{t: t}
	size := diskImage(1).Size()
	if _, err := h.Add(t.Context(), onboarding.AddRequest{Description: tosca.ImageDescription{Name: "image"}, Size: size,
		Content: bytes.NewReader(content(diskImage(1))), Options: onboarding.Options{Progress: progress.tell}}); err != nil {
		t.Fatal(err)
	}
	progress.want(onboarding.Progress{Source: "image", Done: size, Total: size})
}

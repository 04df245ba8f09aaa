package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// launchedSize in bytes is more than the buffers of a connection hold.
const launchedSize = 16 << 20

func launchedImage() onboardingtest.Image {
	return onboardingtest.QCOW2(launchedSize, launchedSize, 1)
}

// stage is a repository with a package of one image, and a cloud that lacks it.
type stage struct {
	*home
	cloud *glancetest.Server
}

func newStage(t *testing.T, binary string, regions ...glancetest.Region) *stage {
	cloud := glancetest.New(glancetest.Options{Regions: regions})
	t.Cleanup(cloud.Close)
	folder := t.TempDir()
	clouds := filepath.Join(folder, "clouds.yaml")
	if err := os.WriteFile(clouds, cloud.CloudsYAML(), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "firewall.tar")
	spec := onboardingtest.Spec{Name: "firewall", Images: []onboardingtest.SoftwareImage{
		onboardingtest.Embed("disk", launchedImage())}}
	if err := onboardingtest.WriteFile(file, onboardingtest.Tar, onboardingtest.OpenBatonTar(spec)); err != nil {
		t.Fatal(err)
	}
	s := &stage{home: newHome(t, binary, "OS_CLIENT_CONFIG_FILE="+clouds), cloud: cloud}
	s.run("onboard", file)
	return s
}

var launching = []string{"launch", "firewall", "--vim", "region-one", "-o", "json"}

// delivered checks that a region has the image once and whole, and nothing of ours
// beside it. No region is the first.
func (s *stage) delivered(region, report string) onboarding.VDUImage {
	s.t.Helper()
	got := decode[onboarding.LaunchReport](s.t, report).VIMs[0].VDUs[0].Image
	images := s.cloud.Glance(region).Images()
	if len(images) != 1 || images[0].Name != "disk" || images[0].Status != "active" || images[0].Size != launchedSize || images[0].ID != got.ID {
		s.t.Errorf("the cloud has %+v, and the launch says %+v", images, got)
	}
	if !got.Verified {
		s.t.Error("the image is not verified")
	}
	return got
}

// launchMoments are in the middle of every request that a launch makes. Once the
// cloud does not notice that it is cut.
func launchMoments() []glancetest.Fault {
	return []glancetest.Fault{
		{Route: glancetest.Authenticate},
		{Route: glancetest.List},
		{Route: glancetest.Create, Cut: true},
		{Route: glancetest.Create, AfterEffect: true},
		{Route: glancetest.Upload},
		{Route: glancetest.Upload, AfterBytes: 1},
		{Route: glancetest.Upload, AfterBytes: launchedSize / 4},
		{Route: glancetest.Upload, AfterBytes: launchedSize / 2},
		{Route: glancetest.Upload, AfterBytes: launchedSize / 2, Die: true},
		{Route: glancetest.Upload, AfterBytes: launchedSize - 1},
		{Route: glancetest.Upload, AfterBytes: glancetest.WholeBody},
		{Route: glancetest.Upload, AfterEffect: true},
		{Route: glancetest.Show},
	}
}

// The process is killed in the middle of every request that it makes. Once the
// cloud does not notice, so that the image stays in saving: it is taken over when
// it has stood still for long enough.
func launchKilled(t *testing.T, binary string) {
	// Second launches that wait for signs of life of the first do so together.
	checks := make(map[string]func(*testing.T))
	for _, moment := range launchMoments() {
		name := fmt.Sprintf("%s after %d bytes, effect %t, stuck %t", moment.Route, moment.AfterBytes, moment.AfterEffect, moment.Die)
		s := newStage(t, binary)
		victim := make(chan *process, 1)
		moment.Do = func(*http.Request) { (<-victim).kill() }
		s.cloud.Inject(moment)
		first := s.start(nil, launching...)
		victim <- first
		if code := first.exited(); code != -1 {
			t.Errorf("%s: exit code %d: the process made no such request", name, code)
			continue
		}
		// Bytes that were on their way when the process died may still arrive.
		want := vim.Uploaded
		await(t, "the cloud is done with what it was sent", func() bool {
			images := s.cloud.Glance("").Images()
			if len(images) == 1 && images[0].Status == "active" {
				want = vim.Present
			}
			return len(images) == 0 || (images[0].Status == "saving") == moment.Die
		})
		second := s.start(nil, append(launching, "--takeover-after", leastTakeover.String())...)
		checks[name] = func(t *testing.T) {
			s.t = t
			if code := second.exited(); code != exitOK {
				t.Fatalf("exit code %d of the second launch:\n%s", code, &second.stderr)
			}
			if image := s.delivered("", second.stdout.String()); image.Action != want {
				t.Errorf("the second launch says %s, not %s", image.Action, want)
			}
		}
	}
	for name, check := range checks {
		t.Run(name, check)
	}
}

// Of two processes that launch at once, either is killed, and the other one
// finishes.
func launchKilledBesideAnother(t *testing.T, binary string) {
	for _, killed := range []string{"the first", "the second"} {
		t.Run(killed, func(t *testing.T) {
			s := newStage(t, binary)
			midway, release := make(chan struct{}), make(chan struct{})
			goOn := sync.OnceFunc(func() { close(release) })
			defer goOn()
			s.cloud.Inject(glancetest.Fault{Route: glancetest.Upload, AfterBytes: launchedSize / 2,
				Do: func(*http.Request) { close(midway); <-release }})
			first := s.start(nil, launching...)
			select {
			case <-midway:
			case <-first.ended:
				t.Fatalf("the first one uploads nothing:\n%s", &first.stderr)
			}
			shown := s.cloud.Stats().Requests[glancetest.Show]
			second := s.start(nil, launching...)
			await(t, "the second one looks at the upload", func() bool { return s.cloud.Stats().Requests[glancetest.Show] > shown })
			victim, other := first, second
			if killed == "the second" {
				victim, other = second, first
			}
			victim.kill()
			goOn()
			if code := other.exited(); code != exitOK {
				t.Fatalf("exit code %d of the other one:\n%s", code, &other.stderr)
			}
			s.delivered("", other.stdout.String())
			if finished := s.cloud.Stats().UploadsFinished; finished != 1 {
				t.Errorf("%d uploads came to their end", finished)
			}
		})
	}
}

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// interruptedProperly checks how an interrupted process ended.
func interruptedProperly(t *testing.T, p *process) {
	t.Helper()
	if code := p.exited(); code != exitInterrupted {
		t.Errorf("exit code %d, not %d\n%s", code, exitInterrupted, &p.stderr)
	}
	if want := "gangway: interrupted; the same command goes on where it was\n"; !strings.HasSuffix(p.stderr.String(), want) {
		t.Errorf("standard error is %q", &p.stderr)
	}
}

func onboardInterrupted(t *testing.T, binary string) {
	v := newVictim(t)
	v.serve(origintest.StallAfter(len(v.distant) / 2))
	other := filepath.Join(t.TempDir(), "other.tar")
	spec := onboardingtest.Spec{Name: "other", Images: []onboardingtest.SoftwareImage{
		onboardingtest.Embed("other-disk", onboardingtest.QCOW2(1<<20, 1<<20, 99))}}
	if err := onboardingtest.WriteFile(other, onboardingtest.Tar, onboardingtest.OpenBatonTar(spec)); err != nil {
		t.Fatal(err)
	}
	h := newHome(t, binary)
	onboard := []string{"onboard", "--jobs", "1", "-o", "json", other, v.file}

	p := h.start(nil, onboard...)
	await(t, "half of the image is fetched", func() bool { return v.origin.Sent() >= int64(len(v.distant)/2) })
	p.interrupt()
	interruptedProperly(t, p)
	if names := h.files(); len(names) != 1 {
		t.Errorf("the interrupted process leaves %q", names)
	}

	var got []onboarding.Status
	for line := range strings.Lines(h.run(onboard...)) {
		got = append(got, decode[onboarding.Report](t, line).Status)
	}
	if diff := cmp.Diff([]onboarding.Status{onboarding.Unchanged, onboarding.Onboarded}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	h.run("doctor")
}

func onboardInterruptedIdle(t *testing.T, binary string) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	h := newHome(t, binary)
	p := h.start(read, "onboard", "-")
	await(t, "the repository is made", func() bool {
		_, err := os.Stat(filepath.Join(h.folder, "images", ".staging"))
		return err == nil
	})
	p.interrupt()
	interruptedProperly(t, p)
}

func launchInterrupted(t *testing.T, binary string) {
	s := newStage(t, binary)
	victim := make(chan *process, 1)
	s.cloud.Inject(glancetest.Fault{Route: glancetest.Upload, AfterBytes: launchedSize / 2, Do: func(*http.Request) {
		p := <-victim
		p.interrupt()
		<-p.ended
	}})
	p := s.start(nil, launching...)
	victim <- p
	interruptedProperly(t, p)
	if images := s.cloud.Glance("").Images(); len(images) != 0 {
		t.Errorf("the interrupted launch leaves %+v", images)
	}
	if image := s.delivered("", s.run(launching...)); image.Action != vim.Uploaded {
		t.Errorf("the second launch says %s", image.Action)
	}
	if image := s.delivered("", s.run(launching...)); image.Action != vim.Present {
		t.Errorf("the third launch says %s", image.Action)
	}
}

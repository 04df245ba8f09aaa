package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
)

var cmpSets = cmp.Transformer("set", func(names []string) map[string]bool {
	set := make(map[string]bool)
	for _, name := range names {
		set[name] = true
	}
	return set
})

// victim is a package with three images and one behind a URL, which is taken in
// again and again.
type victim struct {
	file    string
	content []byte
	digests map[string]string // of the images, by name
	origin  *origintest.Origin
	distant []byte // the image behind the URL
}

const distantPath = "/distant.img"

func newVictim(t *testing.T) *victim {
	v := &victim{file: filepath.Join(t.TempDir(), "victim.tar"), digests: make(map[string]string), origin: origintest.New()}
	t.Cleanup(v.origin.Close)
	spec := onboardingtest.Spec{Name: "victim"}
	for i := range 4 {
		name, content := fmt.Sprintf("disk-%d", i), onboardingtest.QCOW2(1<<20, 1<<20, uint64(i))
		v.digests[name] = content.SHA256()
		if i < 3 {
			spec.Images = append(spec.Images, onboardingtest.Embed(name, content))
			continue
		}
		v.distant, _ = io.ReadAll(content.Reader())
		spec.Images = append(spec.Images, onboardingtest.Link(name, v.origin.URL+distantPath))
	}
	v.content = onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.OpenBatonTar(spec))
	if err := os.WriteFile(v.file, v.content, 0o666); err != nil {
		t.Fatal(err)
	}
	v.serve()
	return v
}

// serve makes the origin serve the image well after the faults.
func (v *victim) serve(faults ...origintest.Fault) {
	v.origin.Serve(distantPath, origintest.Plain(v.distant, faults...))
}

// The package comes through a pipe, and the process is killed when it has read
// so much of it.
func onboardKilledByInput(t *testing.T, binary string) {
	v := newVictim(t)
	const steps = 10
	for step := range steps {
		h := newHome(t, binary)
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		p := h.start(read, "onboard", "-")
		if _, err := io.Copy(write, bytes.NewReader(v.content[:step*len(v.content)/steps])); err != nil {
			t.Fatal(err)
		}
		await(t, "the input is read", func() bool {
			left, err := unix.IoctlGetInt(int(read.Fd()), unix.TIOCINQ)
			return err == nil && left == 0
		})
		p.kill()
		read.Close()
		write.Close()
		h.recovers(v.file, v.digests)
	}
}

// The process is killed when it has so much of an image from a URL, after those
// that the package has itself.
func onboardKilledByURL(t *testing.T, binary string) {
	v := newVictim(t)
	for _, n := range []int{0, len(v.distant) / 3, len(v.distant) - 1} {
		v.serve(origintest.StallAfter(n))
		h := newHome(t, binary)
		before := len(v.origin.Requests())
		sent := v.origin.Sent()
		p := h.start(nil, "onboard", v.file)
		await(t, "the origin has sent", func() bool {
			return len(v.origin.Requests()) > before && v.origin.Sent() >= sent+int64(n)
		})
		p.kill()
		h.recovers(v.file, v.digests)
	}
}

// The process is killed when so many files are in the folder of images: in
// staging, then under their names while the catalogue does not know them yet.
func onboardKilledByFiles(t *testing.T, binary string) {
	v := newVictim(t)
	for n := 1; n <= 6; n++ {
		h := newHome(t, binary)
		p := h.start(nil, "onboard", v.file)
		for ended := false; !ended && len(h.files()) < n; {
			select {
			case <-p.ended:
				ended = true
			default:
			}
		}
		p.kill()
		h.recovers(v.file, v.digests)
	}
}

// The process is killed at points of time that lie ever later, until it is done
// before.
func onboardKilledByTime(t *testing.T, binary string) {
	v := newVictim(t)
	begun := time.Now()
	newHome(t, binary).run("onboard", v.file)
	const points = 16
	step := time.Since(begun) / points
	for at := step; ; at += step {
		h := newHome(t, binary)
		p := h.start(nil, "onboard", v.file)
		executioner := time.AfterFunc(at, func() { _ = p.cmd.Process.Kill() })
		code := p.exited()
		executioner.Stop()
		h.recovers(v.file, v.digests)
		if code == exitOK {
			return
		}
	}
}

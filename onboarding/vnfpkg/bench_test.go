package vnfpkg_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// BenchmarkReceive takes a package of 2 GiB from a file until it is accepted, in
// turns with a copy of that file that is made durable, and tells how many times as
// long it takes.
func BenchmarkReceive(b *testing.B) {
	const size = 2 << 30
	image := onboardingtest.Embed("disk", onboardingtest.QCOW2(size, 8<<30, 1))
	members := onboardingtest.SOL004(onboardingtest.Spec{Name: "firewall", Images: []onboardingtest.SoftwareImage{image}})
	for _, test := range []struct {
		name      string
		container onboardingtest.Container
		followers int
	}{{"zip", onboardingtest.Zip, 0}, {"tar", onboardingtest.Tar, 0}, {"tar that is onboarded while it arrives", onboardingtest.Tar, 1}} {
		b.Run(test.name, func(b *testing.B) {
			home := b.TempDir()
			if err := os.CopyFS(home, os.DirFS(template)); err != nil {
				b.Fatal(err)
			}
			path := filepath.Join(home, "package")
			if err := onboardingtest.WriteFile(path, test.container, members); err != nil {
				b.Fatal(err)
			}
			s, err := openServer(b.Context(), home, options{Config: vnfpkg.Config{Followers: test.followers}})
			if err != nil {
				b.Fatal(err)
			}
			defer s.close()
			var copying, receiving time.Duration
			for b.Loop() {
				copying += copyFile(b, path)
				receiving += s.receiveFile(b, path)
			}
			seconds := receiving.Seconds() / float64(b.N)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(size/1e6/seconds, "MB/s")
			b.ReportMetric(seconds/(copying.Seconds()/float64(b.N)), "times-a-copy")
		})
	}
}

// receiveFile returns how long it takes until an archive is accepted. The package
// is deleted again.
func (s *server) receiveFile(b *testing.B, path string) time.Duration {
	b.Helper()
	r, err := s.Create(b.Context(), vnfpkg.NewResource{Project: project})
	if err != nil {
		b.Fatal(err)
	}
	body, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer body.Close()
	begun := time.Now()
	receipt, err := s.Receive(b.Context(), project, r.ID, struct{ io.Reader }{body}, vnfpkg.ReceiveOptions{})
	took := time.Since(begun)
	if err == nil {
		_, err = s.queue.Wait(b.Context(), receipt.Job.ID)
	}
	if err == nil {
		_, _, err = s.Delete(b.Context(), project, r.ID, vnfpkg.DeleteOptions{})
	}
	if err != nil {
		b.Fatal(err)
	}
	return took
}

// copyFile returns how long it takes to copy a file and to make the copy durable.
func copyFile(b *testing.B, path string) time.Duration {
	b.Helper()
	from, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer from.Close()
	to, err := os.Create(path + ".copy")
	if err != nil {
		b.Fatal(err)
	}
	begun := time.Now()
	_, err = io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, 128<<10))
	if err == nil {
		err = to.Sync()
	}
	took := time.Since(begun)
	if err := errors.Join(err, to.Close(), os.Remove(to.Name())); err != nil {
		b.Fatal(err)
	}
	return took
}

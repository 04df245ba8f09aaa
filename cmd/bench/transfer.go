package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
)

// transferRuns is less than others take, which write less.
const transferRuns = 2

// transfer compares curl that sends one large package with curl that sends it to a
// plain file server.
func (b *bench) transfer(ctx context.Context) (err error) {
	plain, err := servePlain(b.path("plain"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plain.close()) }()
	home := b.path("transfer-home")
	defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	server, err := b.serve(ctx, home, nil)
	if err != nil {
		return err
	}
	defer server.stop()
	image := onboardingtest.Raw(b.size, 4)
	for _, made := range []struct {
		what      string
		container onboardingtest.Container
		members   []onboardingtest.Member
		bound     string
	}{
		{"a stored zip", onboardingtest.Zip, onboardingtest.SOL004(spec("zip", image)), "writing to the medium"},
		{"a tar", onboardingtest.Tar, onboardingtest.OpenBatonTar(spec("tar", image)), "writing to the medium, the archive and the image"},
	} {
		path := b.path("transfer.pkg")
		if err := onboardingtest.WriteFile(path, made.container, made.members); err != nil {
			return err
		}
		got, err := b.inTurn(min(b.runs, transferRuns), one(func() (sample, error) { return plain.curl(ctx, path) }),
			func() ([]sample, error) { return server.curl(ctx, path) })
		if err := errors.Join(err, os.Remove(path)); err != nil {
			return err
		}
		const yardstick = "curl -T to a file server, with fsync"
		b.add(fmt.Sprintf("server: upload %s of %s until it is accepted", made.what, size(b.size)), yardstick, got[1], got[0], "≤ 1.25", made.bound)
		b.add("  until it is onboarded", yardstick, got[2], got[0], "", made.bound)
	}
	return nil
}

// curl sends a package, waits until it is onboarded, and deletes it. The samples are
// those until it was accepted and until it was onboarded.
func (r *running) curl(ctx context.Context, path string) ([]sample, error) {
	before, begun := r.sample(0), time.Now()
	sent, err := command(ctx, nil, "curl", "--silent", "--show-error", "--fail-with-body", "--noproxy", "*", "-X", "POST", "-T", path,
		"-H", "Authorization: Bearer "+r.token, "-H", "Content-Type: application/octet-stream", r.url+"/api/v1/packages")
	if err != nil {
		return nil, err
	}
	var j job.Job
	if err := json.Unmarshal([]byte(sent.stdout), &j); err != nil {
		return nil, fmt.Errorf("answer %q: %w", sent.stdout, err)
	}
	if err := r.settle(ctx); err != nil {
		return nil, err
	}
	if err := r.get(ctx, "/api/v1/jobs/"+j.ID, &j); err != nil {
		return nil, err
	}
	if j.State != job.Succeeded {
		return nil, fmt.Errorf("job %s is %s: %s", j.ID, j.State, j.Error)
	}
	whole := r.sample(j.EndedAt.Sub(begun))
	whole.written -= before.written
	return []sample{{wall: sent.wall}, whole}, r.do(ctx, http.MethodDelete, "/api/v1/packages/"+j.Subject, "", nil, 0, nil)
}

// plainServer writes a body to a file, and answers when that is on the medium.
type plainServer struct {
	folder string
	server http.Server
	ended  chan error
	url    string
}

func servePlain(folder string) (*plainServer, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &plainServer{folder: folder, ended: make(chan error, 1), url: "http://" + listener.Addr().String() + "/"}
	p.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := p.take(r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusCreated)
	})
	go func() { p.ended <- p.server.Serve(listener) }()
	return p, nil
}

func (p *plainServer) file() string { return filepath.Join(p.folder, "file") }

func (p *plainServer) take(body io.Reader) error {
	file, err := os.Create(p.file())
	if err != nil {
		return err
	}
	defer file.Close()
	// Only a Writer, else it would choose a smaller buffer.
	if _, err := io.CopyBuffer(struct{ io.Writer }{file}, body, make([]byte, 1<<20)); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	folder, err := os.Open(p.folder)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func (p *plainServer) curl(ctx context.Context, path string) (sample, error) {
	defer os.Remove(p.file())
	return command(ctx, nil, "curl", "--silent", "--show-error", "--fail-with-body", "--noproxy", "*", "-T", path, strings.TrimSuffix(p.url, "/")+"/file")
}

func (p *plainServer) close() error {
	err := p.server.Close()
	if ended := <-p.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return errors.Join(err, os.RemoveAll(p.folder))
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

const (
	hookRate  = 50 // requests a second
	hookTime  = 30 * time.Second
	hookDelay = 5 * time.Millisecond // of every answer of the VIM
	hookGoal  = 50 * time.Millisecond
)

// hook measures the launch hook of a server, with nothing missing on a VIM that
// answers in 5 ms and has fifty images of others. Requests come at their
// times, whether those before are answered or not, and their latency counts from
// there.
func (b *bench) hook(ctx context.Context) error {
	cloud := glancetest.New(glancetest.Options{})
	defer cloud.Close()
	for i := range 50 {
		cloud.Glance("").Put(glancetest.Image{Name: fmt.Sprintf("other-%d", i), Status: "active", Visibility: "public", DiskFormat: "qcow2",
			ContainerFormat: "bare", Size: int64(i) << 20, HashAlgo: "sha512", HashValue: strings.Repeat("ab", 64)})
	}
	cloud.Inject(glancetest.Fault{Times: -1, Delay: hookDelay})
	clouds := filepath.Join(b.dir, "hook-clouds.yaml")
	if err := os.WriteFile(clouds, cloud.CloudsYAML(), 0o600); err != nil {
		return err
	}
	pkg := filepath.Join(b.dir, "hook.tar")
	if err := onboardingtest.WriteFile(pkg, onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: "hook", Images: []onboardingtest.SoftwareImage{
		onboardingtest.Embed("hook-image", onboardingtest.QCOW2(4<<20, 8<<20, 1))}})); err != nil {
		return err
	}
	home := filepath.Join(b.dir, "hook-home")
	if _, err := command(ctx, nil, b.gangway, "onboard", pkg, "--home", home, "--quiet"); err != nil {
		return err
	}
	server, err := b.serve(ctx, home, "OS_CLIENT_CONFIG_FILE="+clouds)
	if err != nil {
		return err
	}
	defer server.stop()
	launch := func() error {
		_, err := server.post(ctx, "/api/v1/launches", `{"package": "hook", "vims": ["region-one"]}`)
		return err
	}
	if err := launch(); err != nil { // which uploads
		return err
	}
	var mu sync.Mutex
	var latencies []time.Duration
	var errs []error
	var calls sync.WaitGroup
	begun := time.Now()
	for i := range int(hookTime.Seconds()) * hookRate {
		at := begun.Add(time.Duration(i) * time.Second / hookRate)
		time.Sleep(time.Until(at))
		calls.Go(func() {
			err := launch()
			mu.Lock()
			defer mu.Unlock()
			latencies, errs = append(latencies, time.Since(at)), append(errs, err)
		})
	}
	calls.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	slices.Sort(latencies)
	p99 := latencies[len(latencies)*99/100]
	b.rows = append(b.rows, row{
		what: fmt.Sprintf("launch hook, nothing missing, %d requests at %d/s: p99 (p50 %s)", len(latencies), hookRate, duration(latencies[len(latencies)/2])),
		ours: duration(p99), yardstick: "limit", theirs: duration(hookGoal), ratio: fmt.Sprintf("%.2f", p99.Seconds()/hookGoal.Seconds()), goal: "≤ 1",
		rss: size(server.memory()), bound: "the VIM's list (5 ms and its images), two durable writes of the job"})
	return nil
}

// running is a server that is measured.
type running struct {
	url, token string
	cmd        *exec.Cmd
	memory     func() int64 // ends the watch and returns the peak in bytes
}

// serve starts gangway serve on a home. The caller stops it.
func (b *bench) serve(ctx context.Context, home string, env ...string) (*running, error) {
	cmd := exec.CommandContext(ctx, b.gangway, "serve", "--home", home, "--listen", "127.0.0.1:0", "-o", "json", "--log-level", "error")
	cmd.Env = append(cmd.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &running{cmd: cmd}
	ended, peak := make(chan struct{}), make(chan int64, 1)
	go func() { peak <- watchMemory(cmd.Process.Pid, ended) }()
	r.memory = sync.OnceValue(func() int64 { close(ended); return <-peak })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	var told struct{ URL, AdminToken string }
	if err == nil {
		err = json.Unmarshal(line, &told)
	}
	if err != nil {
		r.stop()
		return nil, fmt.Errorf("gangway serve: %w", err)
	}
	token, err := os.ReadFile(told.AdminToken)
	if err != nil {
		r.stop()
		return nil, err
	}
	r.url, r.token = told.URL, strings.TrimSpace(string(token))
	return r, nil
}

// stop interrupts the server and waits for its end.
func (r *running) stop() {
	r.memory()
	_ = r.cmd.Process.Signal(os.Interrupt)
	_ = r.cmd.Wait()
}

func (r *running) post(ctx context.Context, path, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("POST %s: %s: %s", path, resp.Status, text)
	}
	return text, err
}

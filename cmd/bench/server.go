package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/job"
)

// serverTime is how long a group of the server may take.
const serverTime = 6 * time.Minute

// bounded ends a group when its time is over.
func bounded(group func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, serverTime)
		defer cancel()
		return group(ctx)
	}
}

// running is a server that is measured, as a process of its own.
type running struct {
	url, token string
	cmd        *exec.Cmd
	client     http.Client
}

// serve starts gangway serve on a home. The caller stops it.
func (b *bench) serve(ctx context.Context, home string, env []string, flags ...string) (*running, error) {
	cmd := exec.CommandContext(ctx, b.gangway, append([]string{"serve", "--home", home, "--listen", "127.0.0.1:0",
		"-o", "json", "--log-level", "error"}, flags...)...)
	cmd.Env = append(cmd.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &running{cmd: cmd, client: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}}
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
	r.client.CloseIdleConnections()
	_ = r.cmd.Process.Signal(os.Interrupt)
	_ = r.cmd.Wait()
}

// sample is what the server has taken so far, in a time.
func (r *running) sample(wall time.Duration) sample {
	return sample{wall: wall, rss: procFigure(r.cmd.Process.Pid, "status", "VmHWM: %d kB") << 10,
		written: procFigure(r.cmd.Process.Pid, "io", "write_bytes: %d")}
}

// do sends a request with a body of a size in bytes, -1 if that is not known, and
// decodes the answer unless that is nil.
func (r *running) do(ctx context.Context, method, path, kind string, body io.Reader, size int64, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, r.url+path, body)
	if err != nil {
		return err
	}
	req.ContentLength = size
	req.Header.Set("Authorization", "Bearer "+r.token)
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
	case resp.StatusCode >= http.StatusBadRequest:
		err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, text)
	case answer != nil:
		err = json.Unmarshal(text, answer)
	}
	return err
}

func (r *running) get(ctx context.Context, path string, answer any) error {
	return r.do(ctx, http.MethodGet, path, "", nil, 0, answer)
}

// upload sends a package and returns the job that onboards it.
func (r *running) upload(ctx context.Context, body io.Reader, size int64) (job.Job, error) {
	var j job.Job
	err := r.do(ctx, http.MethodPost, "/api/v1/packages", "application/octet-stream", body, size, &j)
	return j, err
}

// settle waits until no job is left to be done.
func (r *running) settle(ctx context.Context) error {
	for {
		var left []job.Job
		if err := r.get(ctx, "/api/v1/jobs?state=queued,running&limit=1", &left); err != nil || len(left) == 0 {
			return err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// atRate makes so many calls a second as long as more says so, each at its time,
// whether those before have ended or not. It returns how long after its time each
// has ended.
func atRate(ctx context.Context, rate int, more func(i int) bool, call func(i int) error) ([]time.Duration, error) {
	var mu sync.Mutex
	var took []time.Duration
	var errs []error
	var calls sync.WaitGroup
	begun := time.Now()
	for i := 0; more(i); i++ {
		at := begun.Add(time.Duration(i) * time.Second / time.Duration(rate))
		if err := pause(ctx, time.Until(at)); err != nil {
			errs = append(errs, err)
			break
		}
		mu.Lock()
		took = append(took, 0)
		mu.Unlock()
		calls.Go(func() {
			err := call(i)
			mu.Lock()
			defer mu.Unlock()
			took[i], errs = time.Since(at), append(errs, err)
		})
	}
	calls.Wait()
	return took, errors.Join(errs...)
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// sample is one run of a command.
type sample struct {
	wall time.Duration
	rss  int64 // bytes at the peak
}

// command runs a program to its end. What it prints shows only if it fails.
func command(ctx context.Context, env []string, name string, args ...string) (sample, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(cmd.Environ(), env...)
	var output bytes.Buffer
	cmd.Stderr = &output
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return sample{}, err
	}
	ended, peak := make(chan struct{}), make(chan int64)
	go func() { peak <- watchMemory(cmd.Process.Pid, ended) }()
	err := cmd.Wait()
	s := sample{wall: time.Since(start)}
	close(ended)
	s.rss = <-peak
	if err != nil {
		err = fmt.Errorf("%s %q: %w: %s", name, args, err, output.String())
	}
	return s, err
}

// watchMemory returns the peak of a process's resident memory in bytes. The
// kernel's account of a finished process cannot be used: it begins with the
// memory of the process that started it.
func watchMemory(pid int, ended <-chan struct{}) int64 {
	var peak int64
	for {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		for line := range strings.Lines(string(status)) {
			var kib int64
			if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
				peak = max(peak, kib<<10)
			}
		}
		select {
		case <-ended:
			return peak
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// inTurn runs the functions one after the other, as often as asked for, and
// returns the medians. One run before is not counted.
func (b *bench) inTurn(fns ...func() (sample, error)) ([]sample, error) {
	all := make([][]sample, len(fns))
	for run := range b.runs + 1 {
		for i, fn := range fns {
			s, err := fn()
			if err != nil {
				return nil, err
			}
			if run > 0 {
				all[i] = append(all[i], s)
			}
		}
	}
	medians := make([]sample, len(fns))
	for i, samples := range all {
		slices.SortFunc(samples, func(a, b sample) int { return int(a.wall - b.wall) })
		medians[i].wall = samples[len(samples)/2].wall
		for _, s := range samples {
			medians[i].rss = max(medians[i].rss, s.rss)
		}
	}
	return medians, nil
}

func (b *bench) add(what, yardstick string, ours, theirs sample, goal, bound string) {
	b.rows = append(b.rows, row{what: what, yardstick: yardstick, ours: seconds(ours.wall), theirs: seconds(theirs.wall),
		ratio: fmt.Sprintf("%.2f", ours.wall.Seconds()/theirs.wall.Seconds()), goal: goal, rss: mebibytes(ours.rss), bound: bound})
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }

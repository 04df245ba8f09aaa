package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// sample is one run of a command.
type sample struct {
	wall           time.Duration
	rss            int64 // bytes at the peak
	written        int64 // bytes given to the medium
	stdout, stderr string
}

// command runs a program to its end. What it prints shows only if it fails.
func command(ctx context.Context, env []string, name string, args ...string) (sample, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(cmd.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return sample{}, err
	}
	ended, peak := make(chan struct{}), make(chan int64)
	go func() { peak <- watchMemory(cmd.Process.Pid, ended) }()
	err := cmd.Wait()
	s := sample{wall: time.Since(start), stdout: stdout.String(), stderr: stderr.String()}
	close(ended)
	s.rss = <-peak
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.written = usage.Oublock * 512
	}
	if err != nil {
		err = fmt.Errorf("%s %q: %w: %s%s", name, args, err, s.stdout, s.stderr)
	}
	return s, err
}

// watchMemory returns the peak of a process's resident memory in bytes. The
// kernel's account of a finished process cannot be used: it begins with the
// memory of the process that started it.
func watchMemory(pid int, ended <-chan struct{}) int64 {
	var peak int64
	for {
		peak = max(peak, procFigure(pid, "status", "VmHWM: %d kB")<<10)
		select {
		case <-ended:
			return peak
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// procFigure is a figure that the kernel tells of a process, or 0.
func procFigure(pid int, file, format string) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	for line := range strings.Lines(string(text)) {
		var figure int64
		if n, _ := fmt.Sscanf(line, format, &figure); n == 1 {
			return figure
		}
	}
	return 0
}

// A step is what is done without a pause, and gives a sample for each of its
// parts that is measured.
type step func() ([]sample, error)

// one is a step of one part.
func one(fn func() (sample, error)) step {
	return func() ([]sample, error) {
		s, err := fn()
		return []sample{s}, err
	}
}

// series is the samples of one part, in the order of the runs.
type series []sample

// inTurn runs the steps one after the other, that many times, and back and forth, so that none always comes after the same other. One run before is
// not counted. The series are those of the first step's parts, then those of
// the second's, and so on.
func (b *bench) inTurn(runs int, steps ...step) ([]series, error) {
	parts := make([][]series, len(steps))
	for run := range runs + 1 {
		for i := range steps {
			if run%2 == 1 {
				i = len(steps) - 1 - i
			}
			samples, err := steps[i]()
			if err != nil {
				return nil, err
			}
			if parts[i] == nil {
				parts[i] = make([]series, len(samples))
			}
			for part, s := range samples {
				if run > 0 {
					parts[i][part] = append(parts[i][part], s)
				}
			}
		}
	}
	return slices.Concat(parts...), nil
}

// median is that of the time.
func (s series) median() time.Duration {
	times := make([]time.Duration, len(s))
	for i := range s {
		times[i] = s[i].wall
	}
	return middle(times)
}

// peaks are the most memory and the most bytes to the medium of any run.
func (s series) peaks() (rss, written int64) {
	for _, sample := range s {
		rss, written = max(rss, sample.rss), max(written, sample.written)
	}
	return rss, written
}

// ratio is the median of the runs' ratios. A machine that is slow for a while
// is so for both sides of a run.
func ratio(ours, theirs series) float64 {
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = ours[i].wall.Seconds() / theirs[i].wall.Seconds()
	}
	return middle(ratios)
}

// minus is a series of what ours takes longer than theirs in the same run.
func (s series) minus(other series) series {
	rest := slices.Clone(s)
	for i := range rest {
		rest[i].wall -= other[i].wall
	}
	return rest
}

// middle is the median of an odd number of values, else the upper one of the
// two in the middle.
func middle[T cmp.Ordered](values []T) T {
	values = slices.Sorted(slices.Values(values))
	return values[len(values)/2]
}

// quantiles are the median and what 99 of 100 values do not exceed.
func quantiles(values []time.Duration) (p50, p99 time.Duration) {
	values = slices.Sorted(slices.Values(values))
	return values[len(values)/2], values[len(values)*99/100]
}

// duration is a time in the unit that suits it.
func duration(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.2f ms", d.Seconds()*1000)
}

// size is a number of bytes in the unit that suits it.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

package job_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
)

// TestMain is also the process that the tests below kill: with a folder in
// JOB_TEST_FOLDER it runs jobs from the ledger in there until it is interrupted.
func TestMain(m *testing.M) {
	folder := os.Getenv("JOB_TEST_FOLDER")
	if folder == "" {
		os.Exit(m.Run())
	}
	if err := runJobs(folder); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// short has leases that let a test end soon, on a slow machine, too.
var short = job.Options{Lease: 5 * time.Second, Beat: 500 * time.Millisecond, Poll: 200 * time.Millisecond}

func runJobs(folder string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c, err := catalog.Open(ctx, filepath.Join(folder, "gangway.db"))
	if err != nil {
		return err
	}
	defer c.Close()
	l, err := ledger.Open(ctx, c)
	if err != nil {
		return err
	}
	marks, err := os.OpenFile(filepath.Join(folder, "marks"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer marks.Close()
	handler := func(ctx context.Context, t *job.Task) (any, error) {
		mark := func(what string) { fmt.Fprintln(marks, what, t.Job.ID, os.Getpid()) }
		mark("start")
		defer mark("stop")
		var work time.Duration
		if err := t.Decode(&work); err != nil {
			return nil, err
		}
		select {
		case <-time.After(work):
			return os.Getpid(), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	q := job.NewQueue(l.Jobs(), short)
	if os.Getenv("JOB_TEST_START") != "" {
		go q.Start(ctx, job.New{Kind: "onboard", Payload: 5 * time.Second}, handler)
	}
	return q.Run(ctx, kinds{"onboard": {Handler: handler, Workers: 4}})
}

// site is a folder with a ledger on which processes work.
type site struct {
	t      *testing.T
	folder string
	queue  *job.Queue
	// dead has the processes that were killed, and the mark behind which each
	// was.
	dead map[string]int
}

func newSite(t *testing.T) *site {
	folder := t.TempDir()
	return &site{t, folder, job.NewQueue(openStore(t, filepath.Join(folder, "gangway.db")), short), make(map[string]int)}
}

// start starts a process that the test's end kills if nobody does.
func (s *site) start(env ...string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), "JOB_TEST_FOLDER="+s.folder), env...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill() // it may have ended by itself
			_ = cmd.Wait()
		}
	})
	return cmd
}

// end sends a process a signal and waits for its end.
func (s *site) end(cmd *exec.Cmd, sig os.Signal) {
	s.t.Helper()
	if err := cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil && sig != os.Kill {
		s.t.Error(err)
	}
	s.dead[fmt.Sprint(cmd.Process.Pid)] = len(s.marks())
}

// marks returns what handlers wrote, of which each is what, job and process.
func (s *site) marks() (marks [][]string) {
	text, err := os.ReadFile(filepath.Join(s.folder, "marks"))
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		marks = append(marks, strings.Fields(line))
	}
	return marks
}

// begun waits until a process has begun so many jobs.
func (s *site) begun(cmd *exec.Cmd, n int) {
	s.t.Helper()
	for overdue := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		count := 0
		for _, m := range s.marks() {
			if m[0] == "start" && m[2] == fmt.Sprint(cmd.Process.Pid) {
				count++
			}
		}
		if count >= n {
			return
		}
		if time.Now().After(overdue) {
			s.t.Fatalf("the process began %d jobs, not %d", count, n)
		}
	}
}

// check checks that no job ran twice at once, in two processes or in one.
func (s *site) check() {
	s.t.Helper()
	runs := make(map[string]string) // the process that runs a job
	for i, m := range s.marks() {
		what, id, process := m[0], m[1], m[2]
		switch other := runs[id]; {
		case what == "stop":
			delete(runs, id)
		case other == "":
			runs[id] = process
		default:
			if died, dead := s.dead[other]; !dead || i < died {
				s.t.Errorf("job %s began in process %s while process %s ran it", id, process, other)
			}
			runs[id] = process
		}
	}
}

func TestTheJobOfAKilledProcessIsTakenOver(t *testing.T) {
	for _, test := range []struct {
		name    string
		started bool // by Start
	}{
		{"which it claimed", false},
		{"which it started", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			var id string
			var victim *exec.Cmd
			if test.started {
				victim = s.start("JOB_TEST_START=1")
				s.begun(victim, 1)
				id = s.marks()[0][1]
			} else {
				victim = s.start()
				id = add(t, s.queue, job.New{Kind: "onboard", Payload: 5 * time.Second}).ID
				s.begun(victim, 1)
			}
			heir := s.start()
			s.end(victim, os.Kill)
			killed := time.Now()
			j := wait(t, s.queue, id)
			if j.State != job.Succeeded || string(j.Result) != fmt.Sprint(heir.Process.Pid) || j.Attempt != 2 {
				t.Errorf("the job is %s by process %s in attempt %d", j.State, j.Result, j.Attempt)
			}
			if took := j.StartedAt.Sub(killed); took < 0 || took > short.Lease+4*time.Second {
				t.Errorf("it was taken over %v after the kill", took)
			}
			s.end(heir, os.Interrupt)
			s.check()
		})
	}
}

func TestTheJobOfAnInterruptedProcessGoesOnElsewhereAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first := s.start()
	id := add(t, s.queue, job.New{Kind: "onboard", Payload: 3 * time.Second}).ID
	s.begun(first, 1)
	second := s.start()
	s.end(first, os.Interrupt)
	ended := time.Now()
	j := wait(t, s.queue, id)
	if j.State != job.Succeeded || string(j.Result) != fmt.Sprint(second.Process.Pid) || j.Attempt != 1 {
		t.Errorf("the job is %s by process %s in attempt %d", j.State, j.Result, j.Attempt)
	}
	if took := j.StartedAt.Sub(ended); took > 3*time.Second {
		t.Errorf("it was begun again after %v", took)
	}
	s.end(second, os.Interrupt)
	s.check()
}

// Many jobs, whose processes are killed one after the other.
func TestKillsLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const jobs = 60
	var ids []string
	for i := range jobs {
		ids = append(ids, add(t, s.queue, job.New{Kind: "onboard", Payload: time.Duration(i%7) * 100 * time.Millisecond}).ID)
	}
	steady := s.start()
	for n := range 4 {
		victim := s.start()
		s.begun(victim, n+1)
		s.end(victim, os.Kill)
	}
	for _, id := range ids {
		if j := wait(t, s.queue, id); j.State != job.Succeeded {
			t.Errorf("job %s is %s: %s", id, j.State, j.Error)
		}
	}
	s.end(steady, os.Interrupt)
	s.check()
}

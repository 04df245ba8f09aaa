package notify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
	"github.com/gangway-nfv/gangway/onboarding/notify"
)

// homeOfChild names, to a child process, the folder of the database whose
// notifications it delivers.
const homeOfChild = "GANGWAY_TEST_NOTIFY_HOME"

func TestDeliverUntilKilled(t *testing.T) {
	home := os.Getenv(homeOfChild)
	if home == "" {
		t.Skip("a child of TestNotificationsSurviveTheirProcess")
	}
	c, err := catalog.Open(t.Context(), filepath.Join(home, "gangway.db"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	key, err := notify.OpenKey(filepath.Join(home, "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	service := notify.New(notify.Config{Store: l.Subscriptions(), Client: guarded(t, "127.0.0.1"), Key: key})
	q := job.NewQueue(l.Jobs(), job.Options{Lease: 400 * time.Millisecond, Beat: 100 * time.Millisecond, Poll: 20 * time.Millisecond})
	fmt.Println("ready")
	t.Fatal(q.Run(context.Background(), map[job.Kind]job.KindOptions{notify.Kind: service.Jobs(2)}))
}

func TestNotificationsSurviveTheirProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts many processes")
	}
	var mu sync.Mutex
	var got []string // packages, in the order in which they were told
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			var n notify.Notification
			if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
				return // it was killed in the middle
			}
			mu.Lock()
			got = append(got, n.PackageID)
			mu.Unlock()
			time.Sleep(rand.N(30 * time.Millisecond)) // kills come before and after the answer
		}
		w.WriteHeader(http.StatusNoContent)
	})
	b := newBench(t, notify.Config{Client: guarded(t, "127.0.0.1")})
	b.subscribe(t, notify.Request{CallbackURI: url})
	var want []string
	for i := range 40 {
		id := fmt.Sprint("package-", i)
		want = append(want, id)
		b.tell(t, onboarded(id))
	}
	left := func() int {
		jobs, err := b.jobs.Jobs(t.Context(), job.Filter{Kind: notify.Kind, States: []job.State{job.Queued, job.Running}})
		if err != nil {
			t.Fatal(err)
		}
		return len(jobs)
	}
	kills := 0
	for ; left() > 0; kills++ {
		if kills == 200 {
			t.Fatalf("%d are left after %d processes", left(), kills)
		}
		deliverFor(t, filepath.Dir(b.path), time.Duration(kills)*20*time.Millisecond+rand.N(300*time.Millisecond))
	}
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff(want, slices.Compact(slices.Clone(got))); diff != "" {
		t.Errorf("after %d processes, notifications (-want +got):\n%s", kills, diff)
	}
	if again := len(got) - len(want); again > kills {
		t.Errorf("%d came again, though only %d processes were killed", again, kills)
	}
	t.Logf("%d processes, %d notifications came again", kills, len(got)-len(want))
}

// deliverFor runs a child that delivers and kills it after a while.
func deliverFor(t *testing.T, home string, d time.Duration) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDeliverUntilKilled$")
	cmd.Env = append(os.Environ(), homeOfChild+"="+home)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("ready"))); err != nil {
		t.Errorf("child: %v", err)
	}
	time.Sleep(d)
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // it was killed
}

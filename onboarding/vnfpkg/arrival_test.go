package vnfpkg

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAPartThatIsTooLargeDoesNotKeepThePipelineWaiting(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		const id = "an-upload"
		s := &Service{arrivals: make(map[string]*arrival)}
		a := &arrival{cancel: func(error) {}, done: make(chan struct{})}
		close(a.done)
		a.change.L = &a.mu
		a.idle = time.AfterFunc(idleArrival, func() { s.drop(id, errIdle) })
		s.arrivals[id] = a
		sp, err := openSpool(filepath.Join(folder, id))
		if err != nil {
			t.Fatal(err)
		}
		defer sp.Close()
		row := Row{Resource: Resource{ID: id, Size: 10}}
		if _, err := s.append(context.Background(), row, sp, 0, strings.NewReader(""), AppendOptions{Size: 11}, nil, nil); !errors.Is(err, ErrIncomplete) {
			t.Fatalf("error is %v", err)
		}
		time.Sleep(idleArrival)
		synctest.Wait()
		if !errors.Is(a.ended, errIdle) {
			t.Errorf("the arrival has ended with %v", a.ended)
		}
	})
}

package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func patientClient(t *testing.T) *Client {
	t.Helper()
	c, err := New(Options{Server: "https://example.org"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPausesGrowToALimitAndAreAsLongAsAServerAsks(t *testing.T) {
	c := patientClient(t)
	broken := &unreachable{c.server, io.ErrUnexpectedEOF}
	busy := func(after string) error {
		return &Error{Status: http.StatusServiceUnavailable, header: http.Header{"Retry-After": {after}}}
	}
	for _, test := range []struct {
		name     string
		failures int
		err      error
		min, max time.Duration
	}{
		{"the first", 1, broken, 250 * time.Millisecond, 500 * time.Millisecond},
		{"the second", 2, broken, 500 * time.Millisecond, time.Second},
		{"one of many", 100, broken, 7500 * time.Millisecond, 15 * time.Second},
		{"as the server asks", 1, busy("7"), 7 * time.Second, 7500 * time.Millisecond},
		{"as the server asks for much", 1, busy("86400"), retryAfterMax, retryAfterMax + 500*time.Millisecond},
		{"the server asks for nothing that can be read", 1, busy("soon"), 250 * time.Millisecond, 500 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := c.patient(time.Hour)
				p.failures, p.since = test.failures-1, time.Now()
				begun := time.Now()
				if err := p.wait(t.Context(), test.err); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(begun); took < test.min || took > test.max {
					t.Errorf("the pause was %s, want %s to %s", took, test.min, test.max)
				}
			})
		})
	}
}

func TestPatienceEndsWhenNothingMoves(t *testing.T) {
	c := patientClient(t)
	broken := &unreachable{c.server, io.ErrUnexpectedEOF}
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		p := c.patient(10 * time.Minute)
		for range 200 { // for hours, if something moves
			for range 20 {
				if err := p.wait(t.Context(), broken); err != nil {
					t.Fatal(err)
				}
			}
			p.moved()
		}
		moved := time.Now()
		var err error
		for err == nil {
			err = p.wait(t.Context(), broken)
		}
		if took := time.Since(moved); !errors.Is(err, broken) || took < 10*time.Minute || took > 11*time.Minute {
			t.Errorf("given up after %s: %v", took, err)
		}
		if moved.Sub(begun) < time.Hour {
			t.Errorf("all of it took %s", moved.Sub(begun))
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		begun = time.Now()
		if err := c.patient(time.Hour).wait(ctx, broken); !errors.Is(err, context.Canceled) || time.Since(begun) > time.Millisecond {
			t.Errorf("the context has ended: %v", err)
		}
	})
}

func TestAServerThatSaysWhenToComeBackIsTriedForLonger(t *testing.T) {
	c := patientClient(t)
	busy := &Error{Status: http.StatusServiceUnavailable, header: http.Header{"Retry-After": {"30"}}}
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		p := c.patient(shortly)
		var err error
		for err == nil {
			err = p.wait(t.Context(), busy)
		}
		if took := time.Since(begun); !errors.Is(err, busy) || took < 10*time.Minute || took > 11*time.Minute {
			t.Errorf("given up after %s: %v", took, err)
		}
	})
}

package access_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

// judge recognises credentials that begin with its kind, lets in those that go
// on with ":good", and counts what it is asked.
type judge struct {
	kind  string
	until time.Duration
	delay time.Duration
	mu    sync.Mutex
	asked int
}

func (j *judge) Recognises(credential string) bool { return strings.HasPrefix(credential, j.kind) }

func (j *judge) Authenticate(_ context.Context, credential string) (access.Identity, error) {
	j.mu.Lock()
	j.asked++
	j.mu.Unlock()
	time.Sleep(j.delay)
	switch verdict, _ := strings.CutPrefix(credential, j.kind+":"); {
	case strings.HasPrefix(verdict, "good"):
		return access.Identity{Subject: credential, Until: time.Now().Add(j.until)}, nil
	case strings.HasPrefix(verdict, "down"):
		return access.Identity{}, fmt.Errorf("%s: %w", j.kind, access.ErrUnavailable)
	}
	return access.Identity{}, fmt.Errorf("%s: %w", j.kind, access.ErrInvalid)
}

// newGate returns a gate with judges in a bubble, whose store is empty.
func newGate(t *testing.T, config access.Config, judges ...access.Authenticator) *access.Gate {
	t.Helper()
	return access.NewGate(access.NewTokens(open(t, t.TempDir()).Tokens(), config), config, judges...)
}

func TestACredentialIsJudgedByTheFirstWhoRecognisesIt(t *testing.T) {
	long, short := &judge{kind: "ab"}, &judge{kind: "a"}
	gate := newGate(t, access.Config{}, long, short)
	for credential, want := range map[string]error{
		"ab:good":                              nil,
		"a:good":                               nil,
		"ab:bad":                               access.ErrInvalid,
		"a:down":                               access.ErrUnavailable,
		"x":                                    access.ErrInvalid,
		"":                                     access.ErrInvalid,
		"gw_x":                                 access.ErrInvalid,
		"a:good" + strings.Repeat(" ", 16<<10): access.ErrInvalid,
	} {
		id, err := gate.Authenticate(t.Context(), credential, here)
		if !errors.Is(err, want) || err == nil && id.Subject != credential {
			t.Errorf("%.10q: %v, %v, want %v", credential, id, err, want)
		}
	}
	if long.asked != 2 || short.asked != 2 {
		t.Errorf("asked were %d and %d times, want 2 and 2", long.asked, short.asked)
	}
}

func TestAGoodCredentialIsKeptUntilItMustBeJudgedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &judge{kind: "a", until: time.Minute}
		gate := newGate(t, access.Config{}, j)
		for second := range 121 {
			if _, err := gate.Authenticate(t.Context(), "a:good", here); err != nil {
				t.Fatal(err)
			}
			if want := second/60 + 1; j.asked != want {
				t.Fatalf("after %d s it was judged %d times, want %d", second, j.asked, want)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestWhoCannotBeAskedIsAskedAgain(t *testing.T) {
	j := &judge{kind: "a"}
	gate := newGate(t, access.Config{FailedLogins: 1}, j)
	for range 20 {
		_, err := gate.Authenticate(t.Context(), "a:down", here)
		wants(t, err, access.ErrUnavailable)
	}
	if j.asked != 20 {
		t.Errorf("it was asked %d times, want 20", j.asked)
	}
}

// retryAfter returns how long an error says to wait, or zero.
func retryAfter(err error) time.Duration {
	var many *access.TooManyError
	if errors.As(err, &many) {
		return many.RetryAfter
	}
	return 0
}

func TestAnAddressThatFailsTooOftenHasToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &judge{kind: "a", until: time.Minute}
		gate := newGate(t, access.Config{FailedLogins: 6}, j)
		try := func(credential string, from netip.Addr) error {
			_, err := gate.Authenticate(t.Context(), credential, from)
			return err
		}
		if err := try("a:good before", here); err != nil {
			t.Fatal(err)
		}
		for i := range 6 {
			wants(t, try(fmt.Sprintf("a:bad %d", i), here), access.ErrInvalid)
		}
		asked := j.asked
		err := try("a:bad 7", here)
		if got := retryAfter(err); got != 11*time.Second {
			t.Errorf("it has to wait %s (%v), want 11s", got, err)
		}
		if err := try("a:good new", here); retryAfter(err) == 0 {
			t.Errorf("a good credential tells the waiting that it is good: %v", err)
		}
		if _, _, err := gate.Grant(t.Context(), "ci", "guess", here); retryAfter(err) == 0 {
			t.Errorf("the password grant is another way to guess: %v", err)
		}
		if j.asked != asked {
			t.Error("somebody was asked for one who has to wait")
		}
		if err := try("a:good before", here); err != nil {
			t.Errorf("who was let in just before is locked out: %v", err)
		}
		if err := try("a:good new", netip.MustParseAddr("192.0.2.2")); err != nil {
			t.Errorf("another address has to wait: %v", err)
		}
		if err := try("a:good new 2", netip.MustParseAddr("::ffff:192.0.2.1")); retryAfter(err) == 0 {
			t.Errorf("the same address in the form of IPv6 need not wait: %v", err)
		}
		time.Sleep(retryAfter(err))
		if err := try("a:good later", here); err != nil {
			t.Errorf("after the wait: %v", err)
		}
	})
}

func TestARepeatedBadCredentialIsNoFurtherGuess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &judge{kind: "a", until: time.Minute}
		gate := newGate(t, access.Config{FailedLogins: 6}, j)
		// A program that asks on and on with a token that has expired.
		for range 600 {
			_, err := gate.Authenticate(t.Context(), "a:bad", here)
			wants(t, err, access.ErrInvalid)
			time.Sleep(100 * time.Millisecond)
		}
		if j.asked != 6 {
			t.Errorf("it was judged %d times in a minute, want 6", j.asked)
		}
		if _, err := gate.Authenticate(t.Context(), "a:good", here); err != nil {
			t.Errorf("it locks its neighbours out: %v", err)
		}
	})
}

func TestABadCredentialOfManyAtOnceIsOneGuess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &judge{kind: "a", until: time.Minute, delay: time.Second}
		gate := newGate(t, access.Config{FailedLogins: 6}, j)
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				_, err := gate.Authenticate(t.Context(), "a:bad", here)
				wants(t, err, access.ErrInvalid)
			})
		}
		group.Wait()
		if _, err := gate.Authenticate(t.Context(), "a:good", here); err != nil {
			t.Errorf("it locks its neighbours out: %v", err)
		}
	})
}

func TestGuessesMadeAtOnceArePaidForAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &judge{kind: "a", delay: time.Second}
		gate := newGate(t, access.Config{FailedLogins: 60}, j)
		var group sync.WaitGroup
		for i := range 300 {
			group.Go(func() {
				_, err := gate.Authenticate(t.Context(), fmt.Sprintf("a:bad %d", i), here)
				wants(t, err, access.ErrInvalid)
			})
		}
		group.Wait()
		_, err := gate.Authenticate(t.Context(), "a:bad", here)
		if got := retryAfter(err); got < 4*time.Minute {
			t.Errorf("300 guesses at once, where 60 a minute are allowed, cost %s", got)
		}
	})
}

func TestANetworkOfIPv6IsOneAddress(t *testing.T) {
	gate := newGate(t, access.Config{FailedLogins: 6})
	network := netip.MustParseAddr("2001:db8:1:2::")
	for i := range 6 {
		address := network.As16()
		address[15] = byte(i)
		_, err := gate.Authenticate(t.Context(), fmt.Sprint(i), netip.AddrFrom16(address))
		wants(t, err, access.ErrInvalid)
	}
	if _, err := gate.Authenticate(t.Context(), "x", netip.MustParseAddr("2001:db8:1:2:ffff::")); retryAfter(err) == 0 {
		t.Errorf("an address of the same network need not wait: %v", err)
	}
	_, err := gate.Authenticate(t.Context(), "x", netip.MustParseAddr("2001:db8:1:3::"))
	wants(t, err, access.ErrInvalid)
}

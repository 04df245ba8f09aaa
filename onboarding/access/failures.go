package access

import (
	"fmt"
	"net/netip"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// TooManyError says that too many logins from an address have failed.
type TooManyError struct {
	// RetryAfter is how long it has to wait; at least a second.
	RetryAfter time.Duration
}

func (e *TooManyError) Error() string {
	return fmt.Sprintf("too many failed logins from this address; try again in %s", e.RetryAfter)
}

// mostAddresses is how many addresses are watched; the one that was quiet for
// longest is forgotten first.
const mostAddresses = 1 << 16

// failures counts failed logins by source address.
type failures struct {
	perMinute int
	addresses *lru.Cache[netip.Prefix, *rate.Limiter]
}

func newFailures(perMinute int) *failures {
	return &failures{perMinute, newLRU[netip.Prefix, *rate.Limiter](mostAddresses)}
}

// source is what one of those who try may have: an IPv4 address, or the 64 bits
// of an IPv6 network.
func source(from netip.Addr) netip.Prefix {
	from = from.Unmap().WithZone("")
	bits := from.BitLen()
	if from.Is6() {
		bits = 64
	}
	network, _ := from.Prefix(bits) // of no address: the zero value
	return network
}

// check returns a *TooManyError while an address has to wait.
func (f *failures) check(from netip.Addr) error {
	limiter, found := f.addresses.Get(source(from))
	if !found {
		return nil
	}
	missing := 1 - limiter.TokensAt(time.Now())
	if missing <= 0 {
		return nil
	}
	wait := time.Duration(missing / float64(limiter.Limit()) * float64(time.Second))
	return &TooManyError{RetryAfter: wait.Truncate(time.Second) + time.Second}
}

// count counts a failure. It may go into debt: attempts that were made at the
// same time, before any had failed, are paid for by waiting longer.
func (f *failures) count(from netip.Addr) {
	fresh := rate.NewLimiter(rate.Limit(float64(f.perMinute)/60), f.perMinute)
	limiter, found, _ := f.addresses.PeekOrAdd(source(from), fresh)
	if !found {
		limiter = fresh
	}
	limiter.ReserveN(time.Now(), 1)
}

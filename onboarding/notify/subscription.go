package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/job"
)

// ErrNotFound says that there is no such subscription.
var ErrNotFound = errors.New("subscription not found")

// Subscription is who wants to be told what. It is plain data.
type Subscription struct {
	ID      string
	Project string
	// API is the interface at which it was made, where alone it is seen.
	API string
	// Root is where that interface is, with its version, as the subscriber reaches
	// it: what the links of notifications begin with.
	Root        string
	CallbackURI string
	// Filter is the filter as the subscriber wrote it; nil lets everything pass.
	Filter json.RawMessage
	// FilterKey is the same for filters that mean the same.
	FilterKey string
	// Sealed is the sealed [Authentication], or nil.
	Sealed    []byte
	CreatedAt time.Time
}

// Store keeps subscriptions, and the order of their deliveries: that of the IDs of
// their jobs. Every method is
// one transaction. Its implementations are safe for concurrent use.
type Store interface {
	// Subscribe adds a subscription. If there is one of the same project, API,
	// callback and filter key, it returns that one, and true. It fails with a
	// *vnfpkg.QuotaError if the project has as many as it may, unless most is zero.
	Subscribe(ctx context.Context, s Subscription, most int) (_ Subscription, existed bool, _ error)
	// Same finds what Subscribe would: that subscription, ErrNotFound, or that there
	// are too many.
	Same(ctx context.Context, s Subscription, most int) (Subscription, error)
	// Subscription returns one by its ID, or fails with ErrNotFound.
	Subscription(ctx context.Context, id string) (Subscription, error)
	// Subscriptions yields those of a project and an API that come after the one
	// of an ID, in the order of their IDs, which is that of their creation. An
	// error ends the sequence.
	Subscriptions(ctx context.Context, project, api, after string) iter.Seq2[Subscription, error]
	// Unsubscribe deletes a subscription. It fails with ErrNotFound.
	Unsubscribe(ctx context.Context, id string) error
	// First reports whether all earlier deliveries of the subscription of one have
	// ended. When one ends, however it does, the store makes the next due.
	First(ctx context.Context, delivery job.Job) (bool, error)
}

// InvalidError says that a subscription cannot be made as it was asked for.
type InvalidError struct {
	// Attribute names what is wrong, such as callbackUri.
	Attribute string
	Reason    string
	// Unsupported is set for what the interface has and this server has not.
	Unsupported bool
}

func (e *InvalidError) Error() string { return e.Attribute + ": " + e.Reason }

// EndpointError says that the test of a callback failed.
type EndpointError struct{ Err error }

func (e *EndpointError) Error() string {
	return fmt.Sprintf("callbackUri: the test of it failed (GET, expected 204): %v", e.Err)
}

func (e *EndpointError) Unwrap() error { return e.Err }

// checkURI refuses what cannot be sent to. Whether it may be is the guard's
// question.
func checkURI(attribute, uri string) error {
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return &InvalidError{Attribute: attribute, Reason: "expected an absolute http or https URI"}
	case u.User != nil:
		return &InvalidError{Attribute: attribute, Reason: "credentials belong into authentication"}
	}
	return nil
}

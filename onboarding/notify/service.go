package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"
)

// Config is what a service works with.
type Config struct {
	Store Store
	// Client sends to URLs of subscribers. It must be one that refuses addresses
	// that they must not reach; see fetch.Client.HTTP.
	Client *http.Client
	// Key seals the credentials of subscribers.
	Key *Key
	// ProjectSubscriptions is how many subscriptions a project may have, at all APIs;
	// zero means any number. Every event of a project is matched with all of them.
	ProjectSubscriptions int
	// Timeout is how long one request to a subscriber may take; zero means 30
	// seconds.
	Timeout time.Duration
	// Patience is how long a notification is tried; zero means a day.
	Patience time.Duration
}

// Service is the subscriptions and their deliveries. It is safe for concurrent
// use.
type Service struct {
	config Config
	client *http.Client

	mu     sync.Mutex
	tokens map[string]*oauth2.Token // by the ID of the subscription
}

// New returns a service.
func New(config Config) *Service {
	config.Timeout = cmp.Or(config.Timeout, 30*time.Second)
	config.Patience = cmp.Or(config.Patience, 24*time.Hour)
	client := *config.Client
	client.Timeout = config.Timeout
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Service{config: config, client: &client, tokens: make(map[string]*oauth2.Token)}
}

// Request is a subscription to be made.
type Request struct {
	Project string
	API     string // see [Subscription]
	Root    string
	// CallbackURI, Filter and Authentication are what the subscriber asks for. The
	// last two may be nil.
	CallbackURI    string
	Filter         json.RawMessage
	Authentication *Authentication
}

// Subscribe makes a subscription, after its callback has answered the one test
// request that is sent to it. If there is one like it, it returns that one, and
// true, and sends nothing. It fails with an [*InvalidError], an [*EndpointError] or
// a *vnfpkg.QuotaError.
func (s *Service) Subscribe(ctx context.Context, r Request) (_ Subscription, existed bool, err error) {
	filter, err := ParseFilter(r.Filter)
	if err != nil {
		return Subscription{}, false, err
	}
	if err := checkURI("callbackUri", r.CallbackURI); err != nil {
		return Subscription{}, false, err
	}
	made := Subscription{
		ID: uuid.Must(uuid.NewV7()).String(), Project: r.Project, API: r.API, Root: r.Root,
		CallbackURI: r.CallbackURI, Filter: r.Filter, FilterKey: filter.key(), CreatedAt: time.Now().UTC(),
	}
	if r.Authentication != nil {
		if err := r.Authentication.check(); err != nil {
			return Subscription{}, false, err
		}
		if made.Sealed, err = r.Authentication.seal(s.config.Key, made.ID); err != nil {
			return Subscription{}, false, err
		}
	}
	there, err := s.config.Store.Same(ctx, made, s.config.ProjectSubscriptions)
	if err == nil || !errors.Is(err, ErrNotFound) {
		return there, err == nil, err
	}
	err = s.test(ctx, made)
	if err == nil {
		there, existed, err = s.config.Store.Subscribe(ctx, made, s.config.ProjectSubscriptions)
	}
	if err != nil || existed {
		s.forgetToken(made.ID)
	}
	if err != nil {
		return Subscription{}, false, err
	}
	return there, existed, nil
}

// Get returns a subscription that was made at an API. It fails with ErrNotFound,
// also for one of another project.
func (s *Service) Get(ctx context.Context, project, api, id string) (Subscription, error) {
	there, err := s.config.Store.Subscription(ctx, id)
	if err == nil && (there.Project != project || there.API != api) {
		err = ErrNotFound
	}
	if err != nil {
		return Subscription{}, err
	}
	return there, nil
}

// List yields the subscriptions of a project that were made at an API and come
// after the one of an ID, in the order of their creation. An error ends the
// sequence.
func (s *Service) List(ctx context.Context, project, api, after string) iter.Seq2[Subscription, error] {
	return s.config.Store.Subscriptions(ctx, project, api, after)
}

// Unsubscribe ends a subscription. What was not delivered is not tried again. It
// fails with ErrNotFound.
func (s *Service) Unsubscribe(ctx context.Context, project, api, id string) error {
	if _, err := s.Get(ctx, project, api, id); err != nil {
		return err
	}
	s.forgetToken(id)
	return s.config.Store.Unsubscribe(ctx, id)
}

package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/gangway-nfv/gangway/onboarding/job"
)

// maxAnswer is how much of a subscriber's answer is read, in bytes.
const maxAnswer = 64 << 10

// longestToken is how long a subscriber's token may be, in bytes: it is kept in memory
// and goes into a header.
const longestToken = 16 << 10

// errEarlier is why a delivery waits.
var errEarlier = errors.New("an earlier notification has not been delivered yet")

// Jobs says how deliveries are run: as many subscriptions at once as there are
// workers, each delivery until Config.Patience is over.
func (s *Service) Jobs(workers int) job.KindOptions {
	return job.KindOptions{
		Handler: s.deliver, Workers: workers, Attempts: math.MaxInt,
		Backoff: job.Exponential(time.Second, 5*time.Minute),
	}
}

// deliver is the handler of jobs of [Kind].
func (s *Service) deliver(ctx context.Context, t *job.Task) (any, error) {
	var d delivery
	if err := t.Decode(&d); err != nil {
		return nil, err
	}
	to, err := s.config.Store.Subscription(ctx, t.Job.Subject)
	if errors.Is(err, ErrNotFound) {
		return nil, nil // nobody wants to know any more
	}
	if err != nil {
		return nil, err
	}
	first, err := s.config.Store.First(ctx, t.Job)
	if err == nil && !first {
		err = errEarlier
	}
	if err != nil {
		return nil, err
	}
	if _, err := ParseFilter(to.Filter); err != nil {
		return nil, job.Permanent(err)
	}
	err = s.post(ctx, to, d.Notification)
	if err != nil && ctx.Err() == nil && time.Since(t.Job.CreatedAt) > s.config.Patience {
		err = job.Permanent(fmt.Errorf("given up after %s: %w", s.config.Patience, err))
	}
	return nil, err
}

func (s *Service) post(ctx context.Context, to Subscription, notification []byte) error {
	status, err := s.send(ctx, to, http.MethodPost, notification)
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("the callback answered %d %s", status, http.StatusText(status))
	}
	if status == http.StatusUnauthorized {
		s.forgetToken(to.ID)
	}
	return err
}

// test sends the one request by which a callback shows that it is one.
func (s *Service) test(ctx context.Context, to Subscription) error {
	status, err := s.send(ctx, to, http.MethodGet, nil)
	if err == nil && status != http.StatusNoContent {
		err = fmt.Errorf("it answered %d %s", status, http.StatusText(status))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return &EndpointError{err}
	}
	return nil
}

// send makes one request to a callback and returns the status of its answer.
// Errors do not show the URL, whose query may be a secret.
func (s *Service) send(ctx context.Context, to Subscription, method string, body []byte) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, to.CallbackURI, bytes.NewReader(body))
	if err != nil {
		return 0, bare(err)
	}
	req.Header.Set("User-Agent", "gangway")
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if err := s.authenticate(ctx, to, req); err != nil {
		return 0, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, bare(err)
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode/100 == 2 {
		err = nil // it was taken, whatever becomes of the rest
	}
	return resp.StatusCode, bare(err)
}

func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

func (s *Service) authenticate(ctx context.Context, to Subscription, req *http.Request) error {
	a, err := to.authentication(s.config.Key)
	switch {
	case err != nil || a == nil:
		return err
	case a.Basic != nil:
		req.SetBasicAuth(a.Basic.User, a.Basic.Password)
		return nil
	}
	token, err := s.token(ctx, to.ID, a.OAuth2)
	if err != nil {
		return err
	}
	token.SetAuthHeader(req)
	return nil
}

// token returns a token for a subscription, the last one while it is good.
func (s *Service) token(ctx context.Context, subscription string, with *OAuth2) (*oauth2.Token, error) {
	s.mu.Lock()
	token := s.tokens[subscription]
	s.mu.Unlock()
	if token.Valid() {
		return token, nil
	}
	config := clientcredentials.Config{ClientID: with.ClientID, ClientSecret: with.Password, TokenURL: with.TokenEndpoint}
	token, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, s.client))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return nil, fmt.Errorf("the token endpoint answered %d %s", refused.Response.StatusCode, refused.ErrorCode)
	}
	if err != nil {
		return nil, fmt.Errorf("token endpoint: %w", bare(err))
	}
	if len(token.AccessToken) > longestToken {
		return nil, fmt.Errorf("the token endpoint answered with a token of more than %d bytes", longestToken)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[subscription] = token
	return token, nil
}

func (s *Service) forgetToken(subscription string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tokens, subscription)
}

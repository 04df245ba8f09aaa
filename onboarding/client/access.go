package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

// Tokens returns the tokens of the project by their names and, for an admin of all
// projects, those that hold in all of them. With access.AllProjects as the client's
// project it returns the tokens of all projects, to such an admin alone.
func (c *Client) Tokens(ctx context.Context) ([]view.Token, error) {
	r := get("/api/v1/tokens", nil)
	r.query = url.Values{}
	c.all(r.query)
	return collect(list[view.Token](ctx, c, r), 0)
}

// CreateToken makes a token, which allows no more than the client's own. Without a
// Project it is for the one that the client is about. Its secret is in the view, and
// nowhere else. The error wraps access.ErrNameTaken.
func (c *Client) CreateToken(ctx context.Context, n access.NewToken) (view.Token, error) {
	var made view.Token
	_, err := c.in(n.Project).call(ctx, request{method: http.MethodPost, path: "/api/v1/tokens", taken: access.ErrNameTaken,
		json: n}, &made)
	return made, err
}

// RevokeToken removes a token, called by its ID or name. The error wraps
// access.ErrNotFound.
func (c *Client) RevokeToken(ctx context.Context, called string) (view.Token, error) {
	var gone view.Token
	_, err := c.call(ctx, request{method: http.MethodDelete, path: at("tokens", called), absent: access.ErrNotFound}, &gone)
	return gone, err
}

// Events returns the selected events of the audit log, newest first. Without a
// Project in the filter they are those of the client's, and with access.AllProjects
// as that one those of all projects, which takes an admin of all of them. A Limit of
// zero means all events.
func (c *Client) Events(ctx context.Context, filter access.EventFilter) ([]view.Event, error) {
	query := url.Values{"limit": {strconv.Itoa(pageFor(filter.Limit))}}
	c = c.in(filter.Project)
	c.all(query)
	set(query, "subject", filter.Subject)
	set(query, "marker", filter.Before)
	if !filter.Since.IsZero() {
		query.Set("since", filter.Since.UTC().Format(time.RFC3339Nano))
	}
	r := get("/api/v1/audit", nil)
	r.query = query
	return collect(list[view.Event](ctx, c, r), filter.Limit)
}

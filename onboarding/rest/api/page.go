package api

import (
	"context"
	"fmt"
	"strconv"

	"github.com/gangway-nfv/gangway/onboarding/rest"
)

// Page is the part of a list that a request asks for.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"how many items there may be in the answer"`
	Marker string `query:"marker" doc:"the last item of the page before, as its Link says"`
}

// next links to the page that comes after the item of that marker, as a Link header
// (RFC 8288).
func next(ctx context.Context, limit int, marker string) string {
	r := requestOf(ctx)
	query := r.URL.Query()
	query.Set("limit", strconv.Itoa(limit))
	query.Set("marker", marker)
	return fmt.Sprintf("<%s%s?%s>; rel=\"next\"", rest.CallerOf(ctx).BaseURL, r.URL.EscapedPath(), query.Encode())
}

package glance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/gangway-nfv/gangway/vim"
)

// retryAfterMax caps what a VIM may ask for between repeats of a small request.
const retryAfterMax = 30 * time.Second

// call sends a small request, again if it failed for a reason that may pass.
func (c *Cloud) call(ctx context.Context, do func(context.Context, *gophercloud.ServiceClient) (*http.Response, error)) error {
	s, err := c.connect(ctx)
	if err != nil {
		return err
	}
	return c.retry(ctx, func(ctx context.Context) error {
		resp, err := do(ctx, s.images)
		_, _, err = gophercloud.ParseResponse(resp, err)
		return c.explain(ctx, err)
	})
}

func (c *Cloud) retry(ctx context.Context, do func(context.Context) error) error {
	for try := 1; ; try++ {
		err := c.timed(ctx, do)
		var transient *vim.TransientError
		if err == nil || !errors.As(err, &transient) || try >= c.options.Tries || ctx.Err() != nil {
			return err
		}
		pause := time.NewTimer(max(min(transient.After, retryAfterMax), c.options.RetryPause<<(try-1)))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

func (c *Cloud) timed(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.options.CallTimeout,
		fmt.Errorf("no answer within %s", c.options.CallTimeout))
	defer cancel()
	return do(ctx)
}

// explain turns an error of gophercloud into one of package vim.
func (c *Cloud) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var reauth *gophercloud.ErrUnableToReauthenticate
	if errors.As(err, &reauth) {
		return c.explain(ctx, fmt.Errorf("authenticate anew: %w", reauth.ErrReauth))
	}
	var answer gophercloud.ErrUnexpectedResponseCode
	if errors.As(err, &answer) {
		return c.explainAnswer(answer)
	}
	if cause := context.Cause(ctx); cause != nil {
		if errors.Is(cause, context.Canceled) {
			return cause
		}
		return &vim.TransientError{Err: cause}
	}
	var broken *url.Error
	var network net.Error
	if errors.As(err, &broken) || errors.As(err, &network) {
		return &vim.TransientError{Err: err}
	}
	return err
}

// explainAnswer does so for an answer that is an error.
func (c *Cloud) explainAnswer(a gophercloud.ErrUnexpectedResponseCode) error {
	said := message(a.Body)
	err := fmt.Errorf("%s %s: %d %s", a.Method, path(a.URL), a.Actual, said)
	refused := func(by vim.Refusal, rule string) error {
		return &vim.RefusedError{VIM: c.name, By: by, Rule: rule, Message: said, Err: err}
	}
	switch a.Actual {
	case http.StatusNotFound:
		return fmt.Errorf("%w: %w", vim.ErrNotFound, err)
	case http.StatusConflict, http.StatusGone:
		// To an upload, both say that somebody else was faster.
		return fmt.Errorf("%w: %w", vim.ErrConflict, err)
	case http.StatusForbidden:
		return refused(vim.ByPolicy, policy(said))
	case http.StatusRequestEntityTooLarge:
		return refused(vim.ByQuota, quota(said))
	case http.StatusUnsupportedMediaType:
		return refused(vim.ByInspection, "")
	case http.StatusBadRequest:
		return refused(vim.ByRequest, "")
	case http.StatusRequestTimeout, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return &vim.TransientError{After: retryAfter(a.ResponseHeader), Err: err}
	}
	return err
}

// message takes what the service says from an error's body: Keystone's JSON,
// Glance's JSON, or HTML from either or from a proxy.
func message(body []byte) string {
	var said struct {
		Message string
		Error   struct{ Message string }
	}
	text := string(body)
	if json.Unmarshal(body, &said) == nil {
		text = said.Message + said.Error.Message
	}
	text = tags.ReplaceAllString(text, " ")
	return truncate(strings.Join(strings.Fields(text), " "), 500)
}

var tags = regexp.MustCompile(`<[^>]*>`)

func truncate(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// policy names the policy that a 403 is about, as in "You are not authorized to
// complete publicize_image action."
func policy(said string) string {
	if m := policyName.FindStringSubmatch(said); m != nil {
		return m[1]
	}
	return ""
}

var policyName = regexp.MustCompile(`\b([a-z]+(?:_[a-z]+)+) action\b`)

// quota names the limit that a 413 is about, by its name in Glance's
// configuration or in Keystone's registered limits.
func quota(said string) string {
	if m := limitName.FindString(said); m != "" {
		return m
	}
	switch {
	case strings.Contains(said, "storage quota"):
		return "user_storage_quota"
	case strings.Contains(said, "too large"):
		return "image_size_cap"
	}
	return ""
}

var limitName = regexp.MustCompile(`\bimage_(?:size_total|stage_total|count_total|count_uploading)\b`)

// retryAfter reads Retry-After (RFC 9110, section 10.2.3).
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if seconds, err := strconv.ParseInt(v, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// path is an address without host, query and user.
func path(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Path
}

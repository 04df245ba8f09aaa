package rest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// sessionCookie has the credential of somebody who logged in with a browser, so that
// no script holds it and links have it.
const sessionCookie = "gangway-session"

// longestCookie is what browsers keep of a cookie's name and value, in bytes (RFC
// 6265bis, section 5.7).
const longestCookie = 4096

// Session returns the credential that a browser keeps for who sent a request, or an
// empty text. Whether it is good is another question.
func Session(r *http.Request) string {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// BeginSession returns the Set-Cookie header that has a browser keep a credential
// until it ends, or until the browser is closed if that is zero. The error is a
// [Problem]: browsers keep no such credential.
func BeginSession(ctx context.Context, credential string, ends time.Time) (string, error) {
	cookie := session(ctx, credential)
	if size := len(cookie.Name) + len(cookie.Value); size > longestCookie {
		return "", Errorf(http.StatusUnprocessableEntity,
			"the token has %d bytes, which is more than a browser keeps: log in with a token of gangway", len(credential))
	}
	if err := cookie.Valid(); err != nil {
		return "", Errorf(http.StatusUnprocessableEntity, "the token has characters that a browser does not keep: log in with a token of gangway")
	}
	if !ends.IsZero() {
		cookie.MaxAge = max(1, int(time.Until(ends)/time.Second))
	}
	return cookie.String(), nil
}

// EndSession returns the Set-Cookie header that has a browser forget its credential.
func EndSession(ctx context.Context) string {
	cookie := session(ctx, "")
	cookie.MaxAge = -1
	return cookie.String()
}

// session is the cookie for who reaches the server as the caller does.
func session(ctx context.Context, value string) *http.Cookie {
	return &http.Cookie{Name: sessionCookie, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: strings.HasPrefix(CallerOf(ctx).BaseURL, "https://")}
}

// SameOrigin returns a [Problem] for a request that could change something and that
// a browser sends for a page of somebody else. Other programs may send anything.
func SameOrigin(r *http.Request) error {
	at := exchangeOf(r.Context())
	if at == nil || at.server.origins.Check(r) == nil {
		return nil
	}
	return Errorf(http.StatusForbidden, "a browser sends this for the page of another site, which may not act for who is logged in here")
}

// origins says which pages may act for who is logged in: the server's own, also
// where a proxy changes the name that it goes by.
func origins(baseURL string) (*http.CrossOriginProtection, error) {
	protection := http.NewCrossOriginProtection()
	if baseURL == "" {
		return protection, nil
	}
	u, err := url.Parse(baseURL)
	if err == nil {
		err = protection.AddTrustedOrigin(u.Scheme + "://" + u.Host)
	}
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	return protection, nil
}

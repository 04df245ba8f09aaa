package rest

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

// DefaultProject is the project of a request that names none, from a caller with
// a role in all of them or in several.
const DefaultProject = "default"

// credential takes what proves who the caller is from the header of a request: a
// bearer's token, a token in X-Auth-Token, where OpenStack's clients put it, or at
// doors that take it the password of Basic authentication. It is empty if there is
// none.
func credential(r *http.Request, basic bool) (string, error) {
	authorization := r.Header.Get("Authorization")
	if authorization == "" {
		return r.Header.Get("X-Auth-Token"), nil
	}
	scheme, token, _ := strings.Cut(authorization, " ")
	token = strings.TrimSpace(token)
	if strings.EqualFold(scheme, "Bearer") && token != "" && !strings.ContainsAny(token, " \t,") {
		return token, nil
	}
	if _, password, ok := r.BasicAuth(); ok && basic && password != "" {
		return password, nil
	}
	malformed := Challenge("the Authorization header is not \"Bearer\" and a token", "invalid_request")
	malformed.Status = http.StatusBadRequest
	return "", malformed
}

// Challenge is the 401 of a request without a valid credential. The reason is an error
// code of RFC 6750, section 3.1, or empty for a request that has none.
func Challenge(detail, reason string) Problem {
	value := `Bearer realm="gangway"`
	if reason != "" {
		value += `, error="` + reason + `"`
	}
	return Problem{Status: http.StatusUnauthorized, Detail: detail, Header: http.Header{"Www-Authenticate": {value}}}
}

// project says which project a request is about.
func project(r *http.Request, identity access.Identity, byLink bool) string {
	for _, name := range []string{"Gangway-Project", "Project-Id"} {
		if named := r.Header.Get(name); named != "" {
			return named
		}
	}
	if named := r.URL.Query().Get("project"); byLink && named != "" {
		return named
	}
	if len(identity.Grants) == 1 {
		for only := range identity.Grants {
			if only != access.AllProjects {
				return only
			}
		}
	}
	return DefaultProject
}

// origin says where a request came from. Proxies of ours tell it in
// X-Forwarded-For, of which the last entry that is none of ours counts: whatever
// stands before it the client may have written.
func (s *Server) origin(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{} // no network at all
	}
	address := at.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.ours(address); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		address = hop.Unmap()
	}
	return address
}

func (s *Server) ours(address netip.Addr) bool {
	for _, proxies := range s.options.Proxies {
		if proxies.Contains(address) {
			return true
		}
	}
	return false
}

// base says how the client reaches the server.
func (s *Server) base(r *http.Request) string {
	if s.options.BaseURL != "" {
		return strings.TrimSuffix(s.options.BaseURL, "/")
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

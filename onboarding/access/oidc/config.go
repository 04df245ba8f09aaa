package oidc

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

// Config says whose tokens are taken, and what their claims mean. A claim is
// called by its name, one inside another by both with a dot between, such as
// realm_access.roles.
type Config struct {
	// Issuer is the URL of the issuer, exactly as its tokens have it. It must be
	// https, but on the machine itself.
	Issuer string `yaml:"issuer"`
	// Audience must be among those that a token is for.
	Audience string `yaml:"audience"`
	// CAFile is a PEM file of certificates to trust beside the system's.
	CAFile string `yaml:"ca-file"`
	// Subject is the claim that somebody is called by in the audit log. The
	// default is sub.
	Subject string `yaml:"subject"`
	// Grants has, for claims and their values, what they let somebody do, each
	// as PROJECT:ROLE. PROJECT may be * for all of them.
	Grants map[string]map[string][]string `yaml:"grants"`
}

// Check returns everything that is wrong.
func (c Config) Check() error {
	var errs []error
	if issuer, err := url.Parse(c.Issuer); err != nil || issuer.Host == "" || issuer.RawQuery != "" || issuer.Fragment != "" ||
		issuer.Scheme != "https" && !(issuer.Scheme == "http" && loopback(issuer.Hostname())) {
		errs = append(errs, errors.New("issuer: is no https URL"))
	}
	if c.Audience == "" {
		errs = append(errs, errors.New("audience: is missing"))
	}
	if len(c.Grants) == 0 {
		errs = append(errs, errors.New("grants: are missing: nobody could do anything"))
	}
	for _, claim := range slices.Sorted(maps.Keys(c.Grants)) {
		for _, value := range slices.Sorted(maps.Keys(c.Grants[claim])) {
			for _, text := range c.Grants[claim][value] {
				if _, _, err := parseGrant(text); err != nil {
					errs = append(errs, fmt.Errorf("grants: %s: %s: %w", claim, value, err))
				}
			}
		}
	}
	return errors.Join(errs...)
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// parseGrant reads PROJECT:ROLE. The names of projects may have colons.
func parseGrant(text string) (project string, role access.Role, err error) {
	i := strings.LastIndex(text, ":")
	if i < 0 {
		return "", "", fmt.Errorf("%q is not PROJECT:ROLE", text)
	}
	project, role = text[:i], access.Role(text[i+1:])
	if project != access.AllProjects && !access.ValidProject(project) {
		return "", "", fmt.Errorf("%q: %q is no name of a project", text, project)
	}
	if !role.Valid() {
		return "", "", fmt.Errorf("%q: %q is none of admin, writer and reader", text, role)
	}
	return project, role, nil
}

// subject returns what somebody is called, or nothing if the claim is missing.
func (c Config) subject(claims map[string]any) string {
	name, _ := find(claims, cmp.Or(c.Subject, "sub")).(string)
	return name
}

// grants returns what claims let somebody do.
func (c Config) grants(claims map[string]any) map[string]access.Role {
	granted := make(map[string]access.Role)
	for claim, meanings := range c.Grants {
		for _, value := range values(claim, find(claims, claim)) {
			for _, text := range meanings[value] {
				project, role, err := parseGrant(text)
				if err == nil && !granted[project].Includes(role) {
					granted[project] = role
				}
			}
		}
	}
	return granted
}

// find returns a claim, or one inside another. Names may have dots themselves,
// as those that are URLs have.
func find(claims map[string]any, name string) any {
	if value, found := claims[name]; found {
		return value
	}
	for i := range len(name) {
		if name[i] != '.' {
			continue
		}
		if inner, ok := claims[name[:i]].(map[string]any); ok {
			if value := find(inner, name[i+1:]); value != nil {
				return value
			}
		}
	}
	return nil
}

// values returns a claim as the texts that it may be known by: a text, a truth,
// or a list of them. The claim "scope" is a list in one text (RFC 8693, clause
// 4.2).
func values(name string, claim any) []string {
	switch claim := claim.(type) {
	case string:
		if name == "scope" {
			return strings.Fields(claim)
		}
		return []string{claim}
	case bool:
		return []string{fmt.Sprint(claim)}
	case []any:
		var all []string
		for _, item := range claim {
			if text, ok := item.(string); ok {
				all = append(all, text)
			}
		}
		return all
	}
	return nil
}

package glancetest

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
)

// CloudsYAML is a clouds.yaml with a cloud for each user in each region, under
// the names of [CloudName].
func (s *Server) CloudsYAML() []byte {
	var b bytes.Buffer
	b.WriteString("clouds:\n")
	for i, u := range s.keystone.users {
		for _, g := range s.glances {
			name := CloudName(u.Name, g.Region)
			if i == 0 {
				name = CloudName("", g.Region)
			}
			fmt.Fprintf(&b, `  %s:
    auth:
      auth_url: %q
      username: %q
      password: %q
      project_name: %q
      user_domain_name: Default
      project_domain_name: Default
    region_name: %q
    identity_api_version: 3
`, name, s.AuthURL, u.Name, u.Password, u.Project, g.Region)
		}
	}
	return b.Bytes()
}

// CloudName is the name of a cloud in CloudsYAML. The first user, who is meant
// by an empty name, has clouds called after the region alone: region-one for
// RegionOne. Others have theirs before it: admin-one.
func CloudName(user, region string) string {
	name := kebab(region)
	if user == "" {
		return name
	}
	return kebab(user) + "-" + strings.TrimPrefix(name, "region-")
}

func kebab(s string) string {
	var b strings.Builder
	for i, r := range s {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

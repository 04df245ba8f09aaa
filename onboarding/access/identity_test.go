package access_test

import (
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

func TestTheRoleInAProject(t *testing.T) {
	id := access.Identity{Grants: map[string]access.Role{"a": access.Admin, "b": access.Reader, access.AllProjects: access.Writer, "x\ny": access.Admin}}
	for project, want := range map[string]access.Role{"a": access.Admin, "b": access.Writer, "c": access.Writer, "*": "", "": "", "x\ny": "", " c": ""} {
		if got := id.Role(project); got != want {
			t.Errorf("the role in %q is %q, want %q", project, got, want)
		}
	}
	if got := (access.Identity{Grants: map[string]access.Role{"a": access.Admin}}).Role("b"); got != "" {
		t.Errorf("the role in another's project is %q", got)
	}
	for _, has := range []access.Role{"", access.Reader, access.Writer, access.Admin} {
		for _, need := range []access.Role{access.Reader, access.Writer, access.Admin} {
			want := has == need || has == access.Admin || has == access.Writer && need == access.Reader
			if got := has.Includes(need); got != want {
				t.Errorf("%q includes %q: %t, want %t", has, need, got, want)
			}
		}
	}
}

package access_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

// who is an identity with grants, PROJECT:ROLE each.
func who(grants ...string) access.Identity {
	id := access.Identity{Subject: "token somebody", Grants: make(map[string]access.Role)}
	for _, grant := range grants {
		project, role, _ := strings.Cut(grant, ":")
		id.Grants[project] = access.Role(role)
	}
	return id
}

func TestNobodyMakesATokenThatAllowsMoreThanHeMayHimself(t *testing.T) {
	until := func(id access.Identity, ends time.Time) access.Identity { id.Ends = ends; return id }
	now := time.Now()
	for name, test := range map[string]struct {
		by     access.Identity
		wanted access.NewToken
		denied string
	}{
		"an admin, in the project":              {who("red:admin"), access.NewToken{Project: "red", Role: access.Admin}, ""},
		"an admin of all projects, in one":      {who("*:admin"), access.NewToken{Project: "red", Role: access.Admin}, ""},
		"an admin of all projects, in all":      {who("*:admin"), access.NewToken{Project: "*", Role: access.Admin}, ""},
		"an admin of two projects":              {who("red:admin", "blue:admin"), access.NewToken{Project: "blue", Role: access.Writer}, ""},
		"an admin, in another project":          {who("red:admin"), access.NewToken{Project: "blue", Role: access.Reader}, "take an admin there"},
		"an admin, in all projects":             {who("red:admin"), access.NewToken{Project: "*", Role: access.Reader}, "an admin of all projects"},
		"an admin, who may read everywhere":     {who("red:admin", "*:reader"), access.NewToken{Project: "blue", Role: access.Reader}, "take an admin there"},
		"a writer":                              {who("red:writer"), access.NewToken{Project: "red", Role: access.Reader}, "take an admin there"},
		"a reader of all projects":              {who("*:reader"), access.NewToken{Project: "*", Role: access.Reader}, "an admin of all projects"},
		"nobody":                                {who(), access.NewToken{Project: "red", Role: access.Reader}, "take an admin there"},
		"until the end of one's own token":      {until(who("red:admin"), now.Add(time.Hour)), access.NewToken{Project: "red", Role: access.Reader, ExpiresAt: now.Add(time.Hour)}, ""},
		"for longer than one's own token":       {until(who("red:admin"), now.Add(time.Hour)), access.NewToken{Project: "red", Role: access.Reader, ExpiresAt: now.Add(time.Hour + time.Second)}, "none that lasts longer"},
		"for ever, with a token that is not so": {until(who("red:admin"), now.Add(time.Hour)), access.NewToken{Project: "red", Role: access.Reader}, "none that lasts longer"},
	} {
		t.Run(name, func(t *testing.T) {
			tokens := newTokens(t)
			made, secret, err := tokens.As(test.by).Create(t.Context(), test.wanted)
			denied, is := errors.AsType[*access.DeniedError](err)
			switch {
			case test.denied == "" && (err != nil || made.Project != test.wanted.Project || made.Role != test.wanted.Role || secret == ""):
				t.Errorf("made %+v, %v", made, err)
			case test.denied != "" && (!is || !strings.Contains(denied.Reason, test.denied) || secret != ""):
				t.Errorf("it is %v", err)
			}
			if all, err := tokens.List(t.Context(), access.AllProjects); err != nil || test.denied != "" && len(all) > 0 {
				t.Errorf("there are %+v, %v", all, err)
			}
		})
	}
	_, _, err := newTokens(t).As(who("red:admin")).Create(t.Context(), access.NewToken{Project: "red", Role: "root"})
	if _, is := errors.AsType[*access.InputError](err); !is {
		t.Errorf("a role that there is not: %v", err)
	}
}

func TestATokenThatExpiresSaysSo(t *testing.T) {
	tokens := newTokens(t)
	ends := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	_, secret := create(t, tokens, access.NewToken{Name: "short", Project: "red", Role: access.Admin, ExpiresAt: ends})
	id, err := tokens.Authenticate(t.Context(), secret)
	if err != nil || !id.Ends.Equal(ends) {
		t.Fatalf("it ends at %s, %v", id.Ends, err)
	}
	granted, expires, err := access.NewGate(tokens, access.Config{GrantLifetime: time.Minute}).Grant(t.Context(), "short", secret, here)
	if err != nil {
		t.Fatal(err)
	}
	if id, err = tokens.Authenticate(t.Context(), granted); err != nil || id.Ends.IsZero() || id.Ends.After(expires.ExpiresAt) {
		t.Errorf("what is granted for it ends at %s, %v", id.Ends, err)
	}
}

func TestWhoSeesAndRevokesWhichTokens(t *testing.T) {
	tokens := newTokens(t)
	made := make(map[string]access.Token)
	for name, project := range map[string]string{"r1": "red", "r2": "red", "b1": "blue", "everywhere": "*"} {
		made[name], _ = create(t, tokens, access.NewToken{Name: name, Project: project, Role: access.Reader})
	}
	for name, test := range map[string]struct {
		by      access.Identity
		project string
		want    string // or the reason of a denial
	}{
		"an admin":                           {who("red:admin"), "red", "r1 r2"},
		"an admin of two projects":           {who("red:admin", "blue:admin"), "blue", "b1"},
		"an admin of all projects, one":      {who("*:admin"), "red", "everywhere r1 r2"},
		"an admin of all projects, all":      {who("*:admin"), "*", "b1 everywhere r1 r2"},
		"an admin of another":                {who("red:admin"), "blue", `the tokens of project "blue" take an admin there`},
		"an admin, all":                      {who("red:admin"), "*", "the tokens of all projects take an admin of all projects"},
		"a writer":                           {who("red:writer"), "red", `the tokens of project "red" take an admin there`},
		"an admin, who may write everywhere": {who("red:admin", "*:writer"), "red", "r1 r2"},
	} {
		t.Run(name, func(t *testing.T) {
			listed, err := tokens.As(test.by).List(t.Context(), test.project)
			var names []string
			for _, token := range listed {
				names = append(names, token.Name)
			}
			got := strings.Join(names, " ")
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("listed are %q, want %q", got, test.want)
			}
		})
	}
	for _, called := range []string{"b1", made["b1"].ID, "everywhere", "nobody"} {
		_, err := tokens.As(who("red:admin", "*:writer")).Revoke(t.Context(), called)
		wants(t, err, access.ErrNotFound)
	}
	// One whose name is the ID of another.
	create(t, tokens, access.NewToken{Name: made["r1"].ID, Project: "blue", Role: access.Reader})
	for _, revoked := range []struct {
		by           access.Identity
		called, name string
	}{
		{who("red:admin"), made["r1"].ID, "r1"}, {who("red:admin"), "r2", "r2"},
		{who("*:admin"), "b1", "b1"}, {who("*:admin"), made["everywhere"].ID, "everywhere"},
	} {
		if gone, err := tokens.As(revoked.by).Revoke(t.Context(), revoked.called); err != nil || gone.ID != made[revoked.name].ID {
			t.Errorf("%s: %+v, %v", revoked.name, gone, err)
		}
	}
	if left, err := tokens.List(t.Context(), access.AllProjects); err != nil || len(left) != 1 || left[0].Project != "blue" {
		t.Errorf("left are %+v, %v", left, err)
	}
}

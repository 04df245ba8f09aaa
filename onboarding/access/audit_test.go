package access_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

func record(t *testing.T, audit *access.Audit, e access.Event) {
	t.Helper()
	if err := audit.Record(context.Background(), e); err != nil {
		t.Fatal(err)
	}
}

func TestTheAuditLogTellsWhoDidWhat(t *testing.T) {
	audit := access.NewAudit(open(t, t.TempDir()).Events(), access.Config{})
	events := []access.Event{
		{Subject: "token ci", Project: "acme", Action: "package.create", Target: "4711", From: here, Outcome: access.Done},
		{Subject: "keystone nfvo", Project: "acme", Action: "package.delete", Target: "4711", From: netip.MustParseAddr("2001:db8::1"), Outcome: access.Refused},
		{Subject: "local root", Action: "token.create", Target: "ci", Outcome: access.Failed},
	}
	before := time.Now().Add(-time.Millisecond)
	for _, e := range events {
		record(t, audit, e)
	}
	got, err := audit.List(t.Context(), access.EventFilter{})
	if err != nil {
		t.Fatal(err)
	}
	want := []access.Event{events[2], events[1], events[0]}
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(access.Event{}, "ID", "At"), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
		t.Error(d)
	}
	for _, e := range got {
		if e.At.Before(before) || e.At.After(time.Now()) {
			t.Errorf("%s was recorded at %s", e.Action, e.At)
		}
	}
}

func TestTheAuditLogIsReadInPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		audit := access.NewAudit(open(t, t.TempDir()).Events(), access.Config{})
		start := time.Now()
		for i := range 25 {
			subject, project := "token a", "p"
			if i%5 == 0 {
				subject = "token b"
			}
			if i%2 == 0 {
				project = "q"
			}
			record(t, audit, access.Event{Subject: subject, Project: project, Action: fmt.Sprint(i)})
			if i%3 == 0 { // else at the same time
				time.Sleep(time.Minute)
			}
		}
		for name, test := range map[string]struct {
			filter access.EventFilter
			want   string
		}{
			"all":                    {access.EventFilter{}, "24 23 22 21 20 19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0"},
			"of a subject":           {access.EventFilter{Subject: "token b"}, "20 15 10 5 0"},
			"of a project":           {access.EventFilter{Project: "q", Since: start.Add(6 * time.Minute)}, "24 22 20 18 16"},
			"of both":                {access.EventFilter{Subject: "token b", Project: "q"}, "20 10 0"},
			"since the time of some": {access.EventFilter{Since: start.Add(7 * time.Minute)}, "24 23 22 21 20 19"},
			"since a time between":   {access.EventFilter{Since: start.Add(7*time.Minute + time.Second)}, "24 23 22"},
		} {
			if d := cmp.Diff(test.want, actions(t, audit, test.filter, 4)); d != "" {
				t.Errorf("%s: %s", name, d)
			}
		}
	})
}

// actions reads what a filter selects in pages.
func actions(t *testing.T, audit *access.Audit, filter access.EventFilter, size int) string {
	t.Helper()
	var found []string
	filter.Limit = size
	for {
		page, err := audit.List(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page {
			found = append(found, e.Action)
		}
		if len(page) < size {
			return strings.Join(found, " ")
		}
		filter.Before = page[size-1].ID
	}
}

func TestTheAuditLogTakesNoSecretsAndNoFloods(t *testing.T) {
	tokens := newTokens(t)
	_, secret := create(t, tokens, access.NewToken{Project: "p", Role: access.Reader})
	audit := access.NewAudit(open(t, t.TempDir()).Events(), access.Config{})
	record(t, audit, access.Event{Subject: "token " + secret, Action: "x", Target: "/packages/" + secret + "/y", Project: "x" + strings.Repeat("ü", 300)})
	got, err := audit.List(t.Context(), access.EventFilter{})
	if err != nil {
		t.Fatal(err)
	}
	e := got[0]
	if e.Subject != "token gw_…" || e.Target != "/packages/gw_…/y" {
		t.Errorf("recorded is %q, %q", e.Subject, e.Target)
	}
	if len(e.Project) != 255 || strings.Trim(e.Project, "ü") != "x" {
		t.Errorf("a long field is %d bytes: %q", len(e.Project), e.Project)
	}
}

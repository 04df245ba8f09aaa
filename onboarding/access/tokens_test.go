package access_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

func TestATokenLetsInWhoHasIt(t *testing.T) {
	tokens := newTokens(t)
	_, secret := create(t, tokens, access.NewToken{Name: "ci", Project: "acme", Role: access.Writer})
	if !regexp.MustCompile(`^gw_[A-Za-z0-9_-]{43}$`).MatchString(secret) {
		t.Errorf("a token is %q", secret)
	}
	id, err := tokens.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	want := access.Identity{Subject: "token ci", Grants: map[string]access.Role{"acme": access.Writer}}
	if d := cmp.Diff(want, id, cmpopts.IgnoreFields(access.Identity{}, "Until")); d != "" {
		t.Error(d)
	}
	if left := time.Until(id.Until); left <= 0 || left > 10*time.Second {
		t.Errorf("the token is looked up again in %s, want within 10 s", left)
	}
	for name, credential := range map[string]string{
		"nothing":               "",
		"the prefix alone":      "gw_",
		"one character less":    secret[:len(secret)-1],
		"one character more":    secret + "A",
		"another first one":     "gw_" + flip(secret[3:]),
		"a space behind it":     secret + " ",
		"a line end inside":     secret[:20] + "\n" + secret[21:],
		"its name":              "ci",
		"capitals":              strings.ToUpper(secret),
		"two of them":           secret + secret,
		"another token's form":  "gw_" + strings.Repeat("A", 43),
		"a second spelling":     secret[:45] + next(secret[45]),
		"the standard alphabet": "gw_" + strings.Repeat("+", 43),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tokens.Authenticate(t.Context(), credential)
			wants(t, err, access.ErrInvalid)
		})
	}
}

func flip(s string) string {
	if s[0] == 'A' {
		return "B" + s[1:]
	}
	return "A" + s[1:]
}

// next returns the character after one in the alphabet of tokens: as the last
// one of 43, it differs in bits only that belong to no byte.
func next(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)+1:][:1]
}

func TestASecretIsNotStored(t *testing.T) {
	folder := t.TempDir()
	tokens := access.NewTokens(open(t, folder).Tokens(), access.Config{})
	_, secret := create(t, tokens, access.NewToken{Name: "ci", Project: "acme", Role: access.Writer})
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	found := false
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte(secret[3:])) {
			t.Errorf("%s has the secret", file)
		}
		found = found || bytes.Contains(content, []byte("acme"))
	}
	if !found {
		t.Error("no file has the token's project")
	}
}

func TestWhatIsWrongWithATokenIsToldAtOnce(t *testing.T) {
	tokens := newTokens(t)
	_, _, err := tokens.Create(t.Context(), access.NewToken{
		Name: "-x y", Project: "a\nb", Role: "root", ExpiresAt: time.Now().Add(-time.Second),
	})
	var fields []string
	for _, err := range err.(interface{ Unwrap() []error }).Unwrap() {
		var input *access.InputError
		if !errors.As(err, &input) {
			t.Fatal(err)
		}
		fields = append(fields, input.Field)
	}
	if d := cmp.Diff([]string{"name", "project", "role", "expires"}, fields); d != "" {
		t.Error(d)
	}
	for _, project := range []string{"", " p", "p ", strings.Repeat("p", 256), "a\x00b", "\xff", "**\u202e"} {
		if _, _, err := tokens.Create(t.Context(), access.NewToken{Project: project, Role: access.Reader}); err == nil {
			t.Errorf("project %q is taken", project)
		}
	}
	for _, project := range []string{"*", "p", strings.Repeat("p", 255), "Zürich 2", "a/b"} {
		if _, _, err := tokens.Create(t.Context(), access.NewToken{Project: project, Role: access.Reader}); err != nil {
			t.Errorf("project %q: %v", project, err)
		}
	}
}

func TestTheNameOfATokenIsUnique(t *testing.T) {
	tokens := newTokens(t)
	token, _ := create(t, tokens, access.NewToken{Name: "ci", Project: "a", Role: access.Reader})
	_, _, err := tokens.Create(t.Context(), access.NewToken{Name: "ci", Project: "b", Role: access.Reader})
	wants(t, err, access.ErrNameTaken)
	if _, err := tokens.Revoke(t.Context(), token.ID); err != nil {
		t.Fatal(err)
	}
	create(t, tokens, access.NewToken{Name: "ci", Project: "b", Role: access.Reader})
	unnamed, _ := create(t, tokens, access.NewToken{Project: "b", Role: access.Reader})
	if !regexp.MustCompile(`^reader-[0-9a-f]{8}$`).MatchString(unnamed.Name) {
		t.Errorf("a token without a name is called %q", unnamed.Name)
	}
}

func TestTokensAreListedByProject(t *testing.T) {
	tokens := newTokens(t)
	for name, project := range map[string]string{"b": "acme", "a": "other", "c": access.AllProjects} {
		_, secret := create(t, tokens, access.NewToken{Name: name, Project: project, Role: access.Reader})
		if _, _, err := access.NewGate(tokens, access.Config{}).Grant(t.Context(), name, secret, here); err != nil {
			t.Fatal(err) // what is granted is not listed
		}
	}
	for project, want := range map[string]string{"acme": "b c", "other": "a c", access.AllProjects: "a b c", "none": "c"} {
		listed, err := tokens.List(t.Context(), project)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, token := range listed {
			names = append(names, token.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s has %q, want %q", project, got, want)
		}
	}
	_, err := tokens.Revoke(t.Context(), "nobody")
	wants(t, err, access.ErrNotFound)
}

func TestAnExpiredTokenIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := newTokens(t)
		gate := access.NewGate(tokens, access.Config{})
		_, secret := create(t, tokens, access.NewToken{Name: "ci", Project: "p", Role: access.Reader, ExpiresAt: time.Now().Add(time.Hour)})
		time.Sleep(time.Hour - time.Second)
		if _, err := gate.Authenticate(t.Context(), secret, here); err != nil {
			t.Errorf("a second before: %v", err)
		}
		time.Sleep(time.Second) // less than a good token is known to be good
		_, err := gate.Authenticate(t.Context(), secret, here)
		wants(t, err, access.ErrInvalid)
	})
}

func TestARevokedTokenIsRefusedWithinTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		tokens := access.NewTokens(open(t, folder).Tokens(), access.Config{})
		gate := access.NewGate(tokens, access.Config{})
		token, secret := create(t, tokens, access.NewToken{Name: "ci", Project: "p", Role: access.Reader})
		granted, _, err := gate.Grant(t.Context(), "ci", secret, here)
		if err != nil {
			t.Fatal(err)
		}
		for _, credential := range []string{secret, granted} {
			if _, err := gate.Authenticate(t.Context(), credential, here); err != nil {
				t.Fatal(err)
			}
		}
		// As the command line does it, which is another process.
		other := access.NewTokens(open(t, folder).Tokens(), access.Config{})
		if gone, err := other.Revoke(t.Context(), "ci"); err != nil || gone.ID != token.ID {
			t.Fatal(gone, err)
		}
		time.Sleep(10 * time.Second)
		for name, credential := range map[string]string{"the token": secret, "what was granted for it": granted} {
			t.Log(name)
			_, err := gate.Authenticate(t.Context(), credential, here)
			wants(t, err, access.ErrInvalid)
		}
		_, _, err = gate.Grant(t.Context(), "ci", secret, here)
		wants(t, err, access.ErrInvalid)
	})
}

func TestThePasswordGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := newTokens(t)
		gate := access.NewGate(tokens, access.Config{})
		_, secret := create(t, tokens, access.NewToken{Name: "ci", Project: "p", Role: access.Writer, ExpiresAt: time.Now().Add(20 * time.Hour)})
		create(t, tokens, access.NewToken{Name: "other", Project: "p", Role: access.Writer})

		value, expires, err := gate.Grant(t.Context(), "ci", secret, here)
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Until(expires.ExpiresAt); got != 12*time.Hour {
			t.Errorf("it is good for %s, want 12h", got)
		}
		id, err := gate.Authenticate(t.Context(), value, here)
		if err != nil || id.Subject != "token ci" || id.Role("p") != access.Writer {
			t.Errorf("it stands for %+v, %v", id, err)
		}
		for name, login := range map[string][2]string{
			"another's name":           {"other", secret},
			"an unknown name":          {"nobody", secret},
			"no name":                  {"", secret},
			"a wrong password":         {"ci", "gw_" + strings.Repeat("A", 43)},
			"no token as password":     {"ci", "secret"},
			"a granted one to be used": {"ci", value},
		} {
			t.Log(name)
			_, _, err := gate.Grant(t.Context(), login[0], login[1], here)
			wants(t, err, access.ErrInvalid)
		}
		time.Sleep(10 * time.Hour)
		if _, expires, err := gate.Grant(t.Context(), "ci", secret, here); err != nil || time.Until(expires.ExpiresAt) != 10*time.Hour {
			t.Errorf("it outlives its parent: %s, %v", time.Until(expires.ExpiresAt), err)
		}
		time.Sleep(2 * time.Hour)
		_, err = gate.Authenticate(t.Context(), value, here)
		wants(t, err, access.ErrInvalid)
	})
}

func TestUsesAreNotedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := open(t, t.TempDir())
		store := &noting{TokenStore: l.Tokens()}
		tokens := access.NewTokens(store, access.Config{})
		gate := access.NewGate(tokens, access.Config{})
		_, secret := create(t, tokens, access.NewToken{Name: "ci", Project: "p", Role: access.Writer})
		create(t, tokens, access.NewToken{Name: "idle", Project: "p", Role: access.Writer})
		value, _, err := gate.Grant(t.Context(), "ci", secret, here)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan struct{})
		go func() {
			defer close(done)
			access.Keep(ctx, tokens, access.NewAudit(l.Events(), access.Config{}), slog.New(slog.DiscardHandler))
		}()
		var last time.Time
		for range 200 {
			time.Sleep(time.Second)
			if _, err := gate.Authenticate(t.Context(), value, here); err != nil {
				t.Fatal(err)
			}
			last = time.Now()
		}
		if store.notes > 4 {
			t.Errorf("uses were stored %d times in 200 s", store.notes)
		}
		cancel()
		<-done
		listed, err := tokens.List(t.Context(), "p")
		if err != nil {
			t.Fatal(err)
		}
		if used := listed[0].UsedAt; last.Sub(used) > time.Minute || used.After(last) {
			t.Errorf("ci was used at %s, noted is %s", last, used)
		}
		if !listed[1].UsedAt.IsZero() {
			t.Errorf("idle was never used, noted is %s", listed[1].UsedAt)
		}
	})
}

// noting counts the transactions that note uses.
type noting struct {
	access.TokenStore
	notes int
}

func (n *noting) NoteUse(ctx context.Context, used map[string]time.Time) error {
	n.notes++
	return n.TokenStore.NoteUse(ctx, used)
}

func TestWhatIsOldIsPurged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := open(t, t.TempDir())
		config := access.Config{AuditRetention: 20 * 24 * time.Hour}
		tokens, audit := access.NewTokens(l.Tokens(), config), access.NewAudit(l.Events(), config)
		create(t, tokens, access.NewToken{Name: "short", Project: "p", Role: access.Reader, ExpiresAt: time.Now().Add(time.Hour)})
		create(t, tokens, access.NewToken{Name: "long", Project: "p", Role: access.Reader, ExpiresAt: time.Now().Add(1000 * time.Hour)})
		create(t, tokens, access.NewToken{Name: "ever", Project: "p", Role: access.Reader})
		record(t, audit, access.Event{Subject: "token ever", Action: "early"})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			access.Keep(ctx, tokens, audit, slog.New(slog.DiscardHandler))
		}()
		defer func() { cancel(); <-done }()
		count := func() (int, int) {
			listed, err := tokens.List(t.Context(), "p")
			if err != nil {
				t.Fatal(err)
			}
			events, err := audit.List(t.Context(), access.EventFilter{})
			if err != nil {
				t.Fatal(err)
			}
			return len(listed), len(events)
		}
		time.Sleep(19 * 24 * time.Hour)
		record(t, audit, access.Event{Subject: "token ever", Action: "late"})
		if n, events := count(); n != 3 || events != 2 {
			t.Errorf("after 19 days there are %d tokens and %d events, want all", n, events)
		}
		time.Sleep(12 * 24 * time.Hour)
		if n, events := count(); n != 2 || events != 1 {
			t.Errorf("after 31 days there are %d tokens and %d events, want 2 and 1", n, events)
		}
	})
}

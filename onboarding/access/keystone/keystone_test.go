package keystone_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"

	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/access/keystone"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// newCloud starts a Keystone whose clouds.yaml every New finds.
func newCloud(t *testing.T, o glancetest.Options) *glancetest.Server {
	t.Helper()
	cloud := glancetest.New(o)
	t.Cleanup(cloud.Close)
	file := filepath.Join(t.TempDir(), "clouds.yaml")
	if err := os.WriteFile(file, cloud.CloudsYAML(), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OS_CLIENT_CONFIG_FILE", file)
	return cloud
}

func newKeystone(t *testing.T, config keystone.Config) *keystone.Keystone {
	t.Helper()
	if err := config.Check(); err != nil {
		t.Fatal(err)
	}
	k, err := keystone.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// login logs in as a user of clouds.yaml.
func login(t *testing.T, cloud string, change ...func(*gophercloud.AuthOptions)) *gophercloud.ServiceClient {
	t.Helper()
	auth, _, _, err := clouds.Parse(clouds.WithCloudName(cloud))
	if err != nil {
		t.Fatal(err)
	}
	for _, fn := range change {
		fn(&auth)
	}
	provider, err := openstack.NewClient(auth.IdentityEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	if err := openstack.AuthenticateV3(t.Context(), provider, &auth, gophercloud.EndpointOpts{}); err != nil {
		t.Fatal(err)
	}
	identity, err := openstack.NewIdentityV3(provider, gophercloud.EndpointOpts{})
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

// check compares what a token may do.
func check(t *testing.T, k *keystone.Keystone, token string, want access.Identity) {
	t.Helper()
	id, err := k.Authenticate(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, id, cmpopts.IgnoreFields(access.Identity{}, "Until", "Ends"), cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
	if left := time.Until(id.Until); left <= 0 || left > time.Minute {
		t.Errorf("the token is asked about again in %s, want within a minute", left)
	}
	if left := time.Until(id.Ends); left < time.Minute {
		t.Errorf("the token ends in %s, want when the Keystone says", left)
	}
}

// exercise is what every Keystone must do, asked in each way.
func exercise(t *testing.T, url string) {
	for name, config := range map[string]keystone.Config{
		"in the token's name":        {URL: url},
		"in the token's name, no v3": {URL: strings.TrimSuffix(url, "/v3")},
		"in the name of a service":   {Cloud: "admin-one"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKeystone(t, config)
			identity := login(t, "region-one")
			token := identity.Token()
			if !k.Recognises(token) {
				t.Error("its token is not recognised")
			}
			check(t, k, token, access.Identity{Subject: "keystone nfvo", Grants: map[string]access.Role{"nfvo": access.Writer}})
			check(t, k, login(t, "admin-one").Token(), access.Identity{Subject: "keystone admin", Grants: map[string]access.Role{"admin": access.Admin}})
			for name, credential := range map[string]string{
				"nonsense":          "nonsense",
				"a changed token":   token[:len(token)-4] + "AAAA",
				"a cut token":       token[:len(token)/2],
				"what is no base64": "gAAAAA%%%%",
			} {
				_, err := k.Authenticate(t.Context(), credential)
				if !errors.Is(err, access.ErrInvalid) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if err := tokens.Revoke(t.Context(), identity, token).Err; err != nil {
				t.Fatal(err)
			}
			if _, err := k.Authenticate(t.Context(), token); !errors.Is(err, access.ErrInvalid) {
				t.Errorf("a revoked token: %v", err)
			}
		})
	}
}

func TestAKeystoneInTheProcess(t *testing.T) {
	exercise(t, newCloud(t, glancetest.Options{}).AuthURL)
}

func TestARealKeystone(t *testing.T) {
	path := os.Getenv("GANGWAY_TEST_CLOUDS")
	if path == "" {
		const why = "NOT TESTED AGAINST A REAL KEYSTONE: set GANGWAY_TEST_CLOUDS to its clouds.yaml"
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	t.Setenv("OS_CLIENT_CONFIG_FILE", path)
	auth, _, _, err := clouds.Parse(clouds.WithCloudName("region-one"))
	if err != nil {
		t.Fatal(err)
	}
	exercise(t, auth.IdentityEndpoint)
}

func TestATokenWithoutAProjectMayDoNothing(t *testing.T) {
	cloud := newCloud(t, glancetest.Options{})
	identity := login(t, "admin-one", func(auth *gophercloud.AuthOptions) { auth.Scope, auth.TenantID, auth.TenantName = nil, "", "" })
	check(t, newKeystone(t, keystone.Config{URL: cloud.AuthURL}), identity.Token(), access.Identity{Subject: "keystone admin"})
}

func TestAnExpiredTokenOfAKeystoneIsRefused(t *testing.T) {
	now := time.Now()
	clock := make(chan time.Time, 1)
	clock <- now
	cloud := newCloud(t, glancetest.Options{TokenLifetime: 30 * time.Second, Now: func() time.Time {
		at := <-clock
		clock <- at
		return at
	}})
	k := newKeystone(t, keystone.Config{URL: cloud.AuthURL})
	token := login(t, "region-one").Token()
	id, err := k.Authenticate(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if id.Until.After(now.Add(30 * time.Second)) {
		t.Errorf("it is kept until %s, and expires at %s", id.Until, now.Add(30*time.Second))
	}
	<-clock
	clock <- now.Add(31 * time.Second)
	if _, err := k.Authenticate(t.Context(), token); !errors.Is(err, access.ErrInvalid) {
		t.Errorf("after its time: %v", err)
	}
}

func TestAServiceLogsInAgainWhenItsOwnTokenExpires(t *testing.T) {
	cloud := newCloud(t, glancetest.Options{})
	k := newKeystone(t, keystone.Config{Cloud: "admin-one"})
	for range 3 {
		if _, err := k.Authenticate(t.Context(), login(t, "region-one").Token()); err != nil {
			t.Error(err)
		}
		cloud.ExpireTokens()
		if _, err := k.Authenticate(t.Context(), "stale"); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("a bad token beside an own one that has expired: %v", err)
		}
	}
}

func TestAKeystoneThatCannotJudgeIsNotBlamedOnTheToken(t *testing.T) {
	cloud := newCloud(t, glancetest.Options{})
	token := login(t, "region-one").Token()
	for name, status := range map[string]int{"overloaded": 429, "broken": 500, "behind a proxy that fails": 502, "down": 503, "forbidding": 403} {
		t.Run(name, func(t *testing.T) {
			k := newKeystone(t, keystone.Config{URL: cloud.AuthURL})
			cloud.Inject(glancetest.Fault{Route: "GET /v3/auth/tokens", Status: status, Text: "secret page"})
			_, err := k.Authenticate(t.Context(), token)
			if !errors.Is(err, access.ErrUnavailable) || strings.Contains(err.Error(), "secret page") || strings.Contains(err.Error(), token) {
				t.Errorf("status %d is told as %v", status, err)
			}
			if _, err := k.Authenticate(t.Context(), token); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
	t.Run("cutting the connection", func(t *testing.T) {
		k := newKeystone(t, keystone.Config{URL: cloud.AuthURL})
		cloud.Inject(glancetest.Fault{Route: "GET /v3/auth/tokens", Cut: true})
		if _, err := k.Authenticate(t.Context(), token); !errors.Is(err, access.ErrUnavailable) {
			t.Error(err)
		}
	})
	t.Run("refusing gangway's own password", func(t *testing.T) {
		k := newKeystone(t, keystone.Config{Cloud: "admin-one"})
		cloud.Inject(glancetest.Fault{Route: glancetest.Authenticate, Status: 401})
		before := cloud.Stats().Requests[glancetest.Authenticate]
		for range 10 {
			if _, err := k.Authenticate(t.Context(), token); !errors.Is(err, access.ErrUnavailable) {
				t.Error(err)
			}
		}
		if tried := cloud.Stats().Requests[glancetest.Authenticate] - before; tried != 1 {
			t.Errorf("it was tried %d times in a row, want 1: the account could be locked", tried)
		}
	})
	t.Run("refusing a token of gangway that is new", func(t *testing.T) {
		k := newKeystone(t, keystone.Config{Cloud: "admin-one"})
		cloud.Inject(glancetest.Fault{Route: "GET /v3/auth/tokens", Status: 401, Times: 2})
		if _, err := k.Authenticate(t.Context(), token); !errors.Is(err, access.ErrUnavailable) {
			t.Error(err)
		}
	})
	t.Run("gone", func(t *testing.T) {
		k := newKeystone(t, keystone.Config{URL: cloud.AuthURL})
		cloud.Close()
		if _, err := k.Authenticate(t.Context(), token); !errors.Is(err, access.ErrUnavailable) {
			t.Error(err)
		}
	})
}

func TestATokenFollowsNoRedirect(t *testing.T) {
	sent := false
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { sent = true }))
	defer thief.Close()
	server := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	_, err := newKeystone(t, keystone.Config{URL: server.URL}).Authenticate(t.Context(), "token")
	if !errors.Is(err, access.ErrUnavailable) || sent {
		t.Errorf("%v, sent on: %t", err, sent)
	}
}

func TestAnAnswerThatIsNoneIsNobody(t *testing.T) {
	for name, body := range map[string]string{
		"a page":      "<html>hello</html>",
		"empty":       "",
		"no token":    "{}",
		"no user":     `{"token": {"expires_at": "2099-01-01T00:00:00.000000Z"}}`,
		"odd project": `{"token": {"user": {"name": "u"}, "project": 7}}`,
		"odd roles":   `{"token": {"user": {"name": "u"}, "project": {"name": "p", "domain": {"name": "Default"}}, "roles": "admin"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
			defer server.Close()
			id, err := newKeystone(t, keystone.Config{URL: server.URL}).Authenticate(context.Background(), "token")
			if !errors.Is(err, access.ErrUnavailable) || id.Grants != nil {
				t.Errorf("it makes %+v, %v", id, err)
			}
		})
	}
}

func TestWhatCannotBeSentIsNotRecognised(t *testing.T) {
	k := newKeystone(t, keystone.Config{URL: "http://127.0.0.1:1"})
	for _, credential := range []string{"", "a b", "a\nb", "ü", "a\x7f", strings.Repeat("a", 8<<10+1)} {
		if k.Recognises(credential) {
			t.Errorf("%.10q is recognised", credential)
		}
	}
}

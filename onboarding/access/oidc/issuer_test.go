package oidc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/access/oidc"
)

// issuer is one in the process: discovery and keys.
type issuer struct {
	*httptest.Server
	keys    atomic.Pointer[jose.JSONWebKeySet]
	status  atomic.Int64 // of every answer, unless zero
	fetched atomic.Int64 // how often the keys were asked for
}

func newIssuer(t *testing.T, start func(http.Handler) *httptest.Server, keys ...key) *issuer {
	t.Helper()
	i := &issuer{}
	i.publish(keys...)
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		i.answer(w, map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256", "none", "HS256"}})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		i.fetched.Add(1)
		i.answer(w, i.keys.Load())
	})
	i.Server = start(mux)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) answer(w http.ResponseWriter, value any) {
	if status := i.status.Load(); status != 0 {
		w.WriteHeader(int(status))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

// publish makes these the issuer's keys.
func (i *issuer) publish(keys ...key) {
	set := &jose.JSONWebKeySet{}
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.private.Public(), KeyID: k.id, Algorithm: string(k.algorithm), Use: "sig"})
	}
	i.keys.Store(set)
}

// key signs tokens.
type key struct {
	id        string
	algorithm jose.SignatureAlgorithm
	private   crypto.Signer
}

func newKey(t *testing.T, id string, algorithm jose.SignatureAlgorithm) key {
	t.Helper()
	var private crypto.Signer
	var err error
	switch algorithm {
	case jose.ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.EdDSA:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key{id, algorithm, private}
}

type claims map[string]any

// claims are good ones with some changes; a nil takes a claim out.
func (i *issuer) claims(changes claims) claims {
	now := time.Now()
	all := claims{"iss": i.URL, "aud": "gangway", "sub": "4711", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"groups": []string{"nfv-operators"}}
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	return all
}

func (k key) sign(t *testing.T, c claims) string {
	t.Helper()
	return sign(t, jose.SigningKey{Algorithm: k.algorithm, Key: jose.JSONWebKey{Key: k.private, KeyID: k.id}}, c)
}

func sign(t *testing.T, with jose.SigningKey, c claims) string {
	t.Helper()
	signer, err := jose.NewSigner(with, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// parts makes a token of a header and claims that nobody has signed so.
func parts(t *testing.T, header string, c claims, signature string) string {
	t.Helper()
	payload, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode(payload) + "." + signature
}

func newAuthenticator(t *testing.T, config oidc.Config) *oidc.Issuer {
	t.Helper()
	if config.Audience == "" {
		config.Audience = "gangway"
	}
	if config.Grants == nil {
		config.Grants = map[string]map[string][]string{"groups": {"nfv-operators": {"acme:writer"}}}
	}
	if err := config.Check(); err != nil {
		t.Fatal(err)
	}
	a, err := oidc.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func TestATokenOfTheIssuerLetsIn(t *testing.T) {
	for _, algorithm := range []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA} {
		t.Run(string(algorithm), func(t *testing.T) {
			k := newKey(t, "k1", algorithm)
			i := newIssuer(t, httptest.NewServer, k)
			a := newAuthenticator(t, oidc.Config{Issuer: i.URL})
			for name, c := range map[string]claims{
				"for one":                 nil,
				"for several":             {"aud": []string{"other", "gangway"}},
				"with a start just ahead": {"nbf": time.Now().Add(time.Minute).Unix()},
			} {
				token := k.sign(t, i.claims(c))
				if !a.Recognises(token) {
					t.Errorf("%s: it is not recognised", name)
				}
				id, err := a.Authenticate(t.Context(), token)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				want := access.Identity{Subject: "oidc 4711", Grants: map[string]access.Role{"acme": access.Writer}}
				if d := cmp.Diff(want, id, cmpopts.IgnoreFields(access.Identity{}, "Until", "Ends")); d != "" {
					t.Errorf("%s: %s", name, d)
				}
				if id.Ends.Before(id.Until) {
					t.Errorf("it ends at %s, and is kept until %s", id.Ends, id.Until)
				}
				if left := time.Until(id.Until); left <= 0 || left > time.Minute {
					t.Errorf("%s: it is kept for %s, want a minute at most", name, left)
				}
			}
			id, err := a.Authenticate(t.Context(), k.sign(t, i.claims(claims{"exp": time.Now().Add(20 * time.Second).Unix()})))
			if err != nil || time.Until(id.Until) > 20*time.Second {
				t.Errorf("one that expires in 20 s is kept for %s, %v", time.Until(id.Until), err)
			}
			// Twice, if the second token came before the keys were put away.
			if n := i.fetched.Load(); n > 2 {
				t.Errorf("the keys were asked for %d times for 4 tokens", n)
			}
		})
	}
}

func TestAnythingElseIsRefused(t *testing.T) {
	k, other := newKey(t, "k1", jose.RS256), newKey(t, "k1", jose.RS256)
	i := newIssuer(t, httptest.NewServer, k)
	a := newAuthenticator(t, oidc.Config{Issuer: i.URL})
	good := k.sign(t, i.claims(nil))
	public, err := json.Marshal(i.keys.Load())
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(good, ".")
	_, signature, _ := strings.Cut(strings.TrimPrefix(good, head+"."), ".")
	now := time.Now()
	for name, token := range map[string]string{
		"for another audience":        k.sign(t, i.claims(claims{"aud": "other"})),
		"for an audience that begins": k.sign(t, i.claims(claims{"aud": "gangway2"})),
		"for nobody":                  k.sign(t, i.claims(claims{"aud": nil})),
		"by another issuer":           k.sign(t, i.claims(claims{"iss": "https://other.example.org"})),
		"by an issuer with a slash":   k.sign(t, i.claims(claims{"iss": i.URL + "/"})),
		"expired":                     k.sign(t, i.claims(claims{"exp": now.Add(-time.Second).Unix()})),
		"without an expiry":           k.sign(t, i.claims(claims{"exp": nil})),
		"not valid yet":               k.sign(t, i.claims(claims{"nbf": now.Add(time.Hour).Unix()})),
		"of nobody":                   k.sign(t, i.claims(claims{"sub": nil})),
		"of an odd name":              k.sign(t, i.claims(claims{"sub": 7})),
		"signed with another key":     other.sign(t, i.claims(nil)),
		"with another's signature":    parts(t, `{"alg":"RS256","kid":"k1"}`, i.claims(claims{"sub": "root"}), signature),
		"not signed (none)":           parts(t, `{"alg":"none"}`, i.claims(nil), ""),
		"not signed (None)":           parts(t, `{"alg":"None"}`, i.claims(nil), ""),
		"not signed (RS256)":          parts(t, `{"alg":"RS256","kid":"k1"}`, i.claims(nil), ""),
		"signed with the public key":  sign(t, jose.SigningKey{Algorithm: jose.HS256, Key: public}, i.claims(nil)),
		"bringing its own key": sign(t, jose.SigningKey{Algorithm: jose.RS256,
			Key: jose.JSONWebKey{Key: other.private, KeyID: "k2"}}, i.claims(nil)),
		"cut":           good[:len(good)-8],
		"no header":     good[len(head):],
		"nonsense":      "a.b.c",
		"nothing":       "",
		"claims a list": "e30.W10.x",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := a.Authenticate(t.Context(), token)
			if !errors.Is(err, access.ErrInvalid) || errors.Is(err, access.ErrUnavailable) {
				t.Errorf("the error is %v", err)
			}
			if token != "" && strings.Contains(err.Error(), token) {
				t.Errorf("the error has the token: %v", err)
			}
		})
	}
}

func TestTokensOfOthersAreNotRecognised(t *testing.T) {
	k := newKey(t, "k1", jose.RS256)
	i := newIssuer(t, httptest.NewServer, k)
	a := newAuthenticator(t, oidc.Config{Issuer: i.URL})
	for _, token := range []string{"", "gw_x", "gAAAAABk", "a.b.c", "..", "a.W10.c", k.sign(t, i.claims(claims{"iss": "https://other.example.org"}))} {
		if a.Recognises(token) {
			t.Errorf("%.20q is recognised", token)
		}
	}
	if i.fetched.Load() != 0 {
		t.Error("somebody was asked")
	}
}

// soon judges a token until what it is found to be is as wanted, nil for a good
// one: a question that has just been answered is handed on once more to who comes
// at that moment.
func soon(t *testing.T, a *oidc.Issuer, token string, want error) {
	t.Helper()
	var err error
	for range 100 {
		if _, err = a.Authenticate(t.Context(), token); errors.Is(err, want) {
			return
		}
	}
	t.Errorf("the error is %v, want %v", err, want)
}

func TestAnIssuerMayChangeItsKeys(t *testing.T) {
	old, fresh := newKey(t, "k1", jose.RS256), newKey(t, "k2", jose.ES256)
	i := newIssuer(t, httptest.NewServer, old)
	a := newAuthenticator(t, oidc.Config{Issuer: i.URL})
	if _, err := a.Authenticate(t.Context(), old.sign(t, i.claims(nil))); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Authenticate(t.Context(), fresh.sign(t, i.claims(nil))); !errors.Is(err, access.ErrInvalid) {
		t.Errorf("with a key that is not published yet: %v", err)
	}
	i.publish(old, fresh)
	soon(t, a, fresh.sign(t, i.claims(nil)), nil)
	if _, err := a.Authenticate(t.Context(), old.sign(t, i.claims(nil))); err != nil {
		t.Errorf("the old one, while both are published: %v", err)
	}
	i.publish(fresh)
	if _, err := a.Authenticate(t.Context(), fresh.sign(t, i.claims(nil))); err != nil {
		t.Errorf("the new one alone: %v", err)
	}
}

func TestAnIssuerThatDoesNotAnswerIsNotBlamedOnTheToken(t *testing.T) {
	k := newKey(t, "k1", jose.RS256)
	t.Run("at first", func(t *testing.T) {
		i := newIssuer(t, httptest.NewServer, k)
		i.status.Store(http.StatusServiceUnavailable)
		a := newAuthenticator(t, oidc.Config{Issuer: i.URL})
		if _, err := a.Authenticate(t.Context(), k.sign(t, i.claims(nil))); !errors.Is(err, access.ErrUnavailable) {
			t.Error(err)
		}
	})
	t.Run("when its keys are needed", func(t *testing.T) {
		i := newIssuer(t, httptest.NewServer, k)
		a := newAuthenticator(t, oidc.Config{Issuer: i.URL})
		if _, err := a.Authenticate(t.Context(), k.sign(t, i.claims(nil))); err != nil {
			t.Fatal(err)
		}
		fresh := newKey(t, "k2", jose.RS256)
		i.publish(k, fresh)
		i.status.Store(http.StatusBadGateway)
		soon(t, a, fresh.sign(t, i.claims(nil)), access.ErrUnavailable)
		if _, err := a.Authenticate(t.Context(), k.sign(t, i.claims(nil))); err != nil {
			t.Errorf("a key that is known: %v", err)
		}
		i.status.Store(0)
		soon(t, a, fresh.sign(t, i.claims(nil)), nil)
	})
	t.Run("but as another", func(t *testing.T) {
		i := newIssuer(t, httptest.NewServer, k)
		c := i.claims(claims{"iss": i.URL + "/realm"})
		a := newAuthenticator(t, oidc.Config{Issuer: i.URL + "/realm"})
		if _, err := a.Authenticate(t.Context(), k.sign(t, c)); !errors.Is(err, access.ErrUnavailable) {
			t.Error(err)
		}
	})
}

func TestAnIssuerBehindACertificateOfItsOwn(t *testing.T) {
	k := newKey(t, "k1", jose.ES256)
	i := newIssuer(t, httptest.NewTLSServer, k)
	token := k.sign(t, i.claims(nil))
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newAuthenticator(t, oidc.Config{Issuer: i.URL, CAFile: file}).Authenticate(t.Context(), token); err != nil {
		t.Errorf("with its certificate: %v", err)
	}
	if _, err := newAuthenticator(t, oidc.Config{Issuer: i.URL}).Authenticate(t.Context(), token); !errors.Is(err, access.ErrUnavailable) {
		t.Errorf("without: %v", err)
	}
	if err := os.WriteFile(file, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := oidc.New(oidc.Config{Issuer: i.URL, CAFile: file}); err == nil {
		t.Error("a file without a certificate is taken")
	}
}

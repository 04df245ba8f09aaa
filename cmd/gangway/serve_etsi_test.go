package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
)

func TestServeTheETSIInterfaces(t *testing.T) {
	told := make(chan string, 10)
	callback := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if text, err := io.ReadAll(r.Body); err == nil && r.Method == http.MethodPost {
			told <- string(text)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer callback.Close()
	home := filepath.Join(t.TempDir(), "home")
	s := startServe(t, home, "--allow-source", "127.0.0.1", "--page-size", "2")
	admin := s.admin(t)
	const api = "/sol005/vnfpkgm/v1"
	ask := func(method, path, body string, want int) string {
		t.Helper()
		status, text := s.send(t, method, path, admin, strings.NewReader(body))
		if status != want {
			t.Fatalf("%s %s: %d %s, want %d", method, path, status, text, want)
		}
		return text
	}
	ask(http.MethodPost, "/sol003/vnfpkgm/v1/subscriptions", `{"callbackUri": "`+callback.URL+`"}`, http.StatusCreated)
	var made struct{ ID string }
	for range 3 {
		if err := json.Unmarshal([]byte(ask(http.MethodPost, api+"/vnf_packages", "{}", http.StatusCreated)), &made); err != nil {
			t.Fatal(err)
		}
	}
	var page []any
	if err := json.Unmarshal([]byte(ask(http.MethodGet, api+"/vnf_packages", "", http.StatusOK)), &page); err != nil || len(page) != 2 {
		t.Errorf("a page has %d packages, %v", len(page), err)
	}
	archive := onboardingtest.Bytes(onboardingtest.Zip, onboardingtest.SOL004(onboardingtest.Spec{Name: "firewall"}))
	if status, text := s.send(t, http.MethodPut, api+"/vnf_packages/"+made.ID+"/package_content", admin, bytes.NewReader(archive)); status != http.StatusAccepted {
		t.Fatalf("upload: %d %s", status, text)
	}
	if text := <-told; !strings.Contains(text, "VnfPackageOnboardingNotification") || !strings.Contains(text, made.ID) {
		t.Errorf("notified of %s", text)
	}
	if status, text := s.send(t, http.MethodGet, api+"/vnf_packages/"+made.ID+"/package_content", admin, nil); status != http.StatusOK || text != string(archive) {
		t.Errorf("download: %d with %d bytes", status, len(text))
	}
	if info, err := os.Stat(filepath.Join(home, "notify-key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key of secrets: %v, %v", info, err)
	}
}

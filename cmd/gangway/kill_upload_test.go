package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

// uploadKilled kills the server again and again in the middle of a resumable
// upload, which goes on each time from where the server says that it is.
func uploadKilled(t *testing.T, binary string) {
	content := onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{
		Name: "firewall", Images: []onboardingtest.SoftwareImage{onboardingtest.Embed("image", onboardingtest.QCOW2(12<<20, 16<<20, 1))}}))
	h := newHome(t, binary)
	var server *process
	var url, token string
	start := func() {
		// A pipe of the test's own: what the process prints is read while it runs.
		out, in, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		server = h.startTo(in, "serve", "--listen", "127.0.0.1:0", "-o", "json")
		in.Close()
		var told struct {
			URL string `json:"url"`
		}
		if err := json.NewDecoder(out).Decode(&told); err != nil {
			t.Fatalf("%v: %s", err, &server.stderr)
		}
		url = told.URL
		secret, err := os.ReadFile(filepath.Join(h.folder, "admin-token"))
		if err != nil {
			t.Fatal(err)
		}
		token = strings.TrimSpace(string(secret))
	}
	send := func(method, path string, body io.Reader, header ...string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(t.Context(), method, url+path, body)
		if err != nil {
			return nil, err
		}
		for _, line := range append(header, "Authorization: Bearer "+token, "Tus-Resumable: 1.0.0", "Content-Type: application/offset+octet-stream") {
			name, value, _ := strings.Cut(line, ": ")
			req.Header.Set(name, value)
		}
		return http.DefaultClient.Do(req)
	}
	start()
	resp, err := send("POST", "/api/v1/uploads", nil, fmt.Sprintf("Upload-Length: %d", len(content)), "Content-Type: ")
	if err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("creation: %v %v", resp, err)
	}
	resp.Body.Close()
	at := strings.TrimPrefix(resp.Header.Get("Location"), url)
	offset := func() int {
		resp, err := send("HEAD", at, nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("how far it is: %v %v", resp, err)
		}
		resp.Body.Close()
		n, err := strconv.Atoi(resp.Header.Get("Upload-Offset"))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	have := 0
	const kills = 5
	for i := range kills {
		upTo := len(content) * (i + 1) / (kills + 1)
		r, w := io.Pipe()
		go func() {
			if resp, err := send("PATCH", at, r, fmt.Sprintf("Upload-Offset: %d", have)); err == nil {
				resp.Body.Close()
			}
			r.CloseWithError(io.ErrClosedPipe)
		}()
		if _, err := w.Write(content[have:upTo]); err != nil {
			t.Fatal(err)
		}
		server.kill()
		w.Close()
		start()
		now := offset()
		if now < have || now > upTo {
			t.Fatalf("after %d bytes, of which %d were told to be there: %d", upTo, have, now)
		}
		have = now
	}
	if have == 0 {
		t.Error("nothing of the upload outlived a kill")
	}
	resp, err = send("PATCH", at, bytes.NewReader(content[have:]), fmt.Sprintf("Upload-Offset: %d", have))
	if err != nil || resp.StatusCode != http.StatusNoContent {
		t.Fatalf("the rest: %v %v", resp, err)
	}
	resp.Body.Close()
	var shown view.Resource
	await(t, "onboarding", func() bool {
		resp, err := send("GET", strings.TrimPrefix(resp.Header.Get("Gangway-Package"), url), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&shown); err != nil {
			t.Fatal(err)
		}
		return shown.State == "ONBOARDED"
	})
	if want := fmt.Sprintf("%x", sha256.Sum256(content)); shown.Archive == nil || shown.Archive.SHA256 != want {
		t.Errorf("the archive is %+v, want %s", shown.Archive, want)
	}
}

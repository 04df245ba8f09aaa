package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

// uploadKilledInServe kills the server again and again in the middle of a resumable
// upload, which goes on each time from where the server says that it is.
func uploadKilledInServe(t *testing.T, binary string) {
	content := onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{
		Name: "firewall", Images: []onboardingtest.SoftwareImage{onboardingtest.Embed("image", onboardingtest.QCOW2(12<<20, 16<<20, 1))}}))
	h := newHome(t, binary)
	server, at, token := h.serve()
	send := func(method, path string, body io.Reader, header ...string) (*http.Response, error) {
		return at.do(t.Context(), method, path, token, body, append(header, "Tus-Resumable: 1.0.0")...)
	}
	const part = "Content-Type: application/offset+octet-stream"
	resp, err := send("POST", "/api/v1/uploads", nil, fmt.Sprintf("Upload-Length: %d", len(content)))
	if err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("creation: %v %v", resp, err)
	}
	resp.Body.Close()
	upload := strings.TrimPrefix(resp.Header.Get("Location"), at.URL)
	offset := func() int {
		resp, err := send("HEAD", upload, nil)
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
			if resp, err := send("PATCH", upload, r, part, fmt.Sprintf("Upload-Offset: %d", have)); err == nil {
				resp.Body.Close()
			}
			r.CloseWithError(io.ErrClosedPipe)
		}()
		if _, err := w.Write(content[have:upTo]); err != nil {
			t.Fatal(err)
		}
		server.kill()
		w.Close()
		server, at, token = h.serve()
		now := offset()
		if now < have || now > upTo {
			t.Fatalf("after %d bytes, of which %d were told to be there: %d", upTo, have, now)
		}
		have = now
	}
	if have == 0 {
		t.Error("nothing of the upload outlived a kill")
	}
	resp, err = send("PATCH", upload, bytes.NewReader(content[have:]), part, fmt.Sprintf("Upload-Offset: %d", have))
	if err != nil || resp.StatusCode != http.StatusNoContent {
		t.Fatalf("the rest: %v %v", resp, err)
	}
	resp.Body.Close()
	pkg := strings.TrimPrefix(resp.Header.Get("Gangway-Package"), at.URL)
	var shown view.Resource
	await(t, "onboarding", func() bool {
		_, text := at.get(t, pkg, token)
		shown = decode[view.Resource](t, text)
		return shown.State == "ONBOARDED"
	})
	if want := fmt.Sprintf("%x", sha256.Sum256(content)); shown.Archive == nil || shown.Archive.SHA256 != want {
		t.Errorf("the archive is %+v, want %s", shown.Archive, want)
	}
}

package glance_test

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glance"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

const (
	id     = "5d1a3f0c-90f6-4f0e-9f43-0f9d2b1c7e11"
	mebi   = 1 << 20
	length = 8 * mebi
)

// checkWhole fails unless the image is active with exactly the content.
func checkWhole(t *testing.T, s *glancetest.Server, id string, content []byte) {
	t.Helper()
	img, ok := s.Glance("").Image(id)
	sum := sha512.Sum512(content)
	if !ok || img.Status != "active" || img.Size != int64(len(content)) || img.HashValue != hex.EncodeToString(sum[:]) {
		t.Errorf("image %s: %d bytes, %s, sha512 %.12s…; want %d bytes, active, %x…",
			id, img.Size, img.Status, img.HashValue, len(content), sum[:6])
	}
}

func TestUploadStatesLengthAndSize(t *testing.T) {
	s, c := start(t, glance.Options{})
	create(t, c, id)
	content := bytes.Repeat([]byte("gangway\n"), mebi/8)
	var got *http.Request
	s.Inject(glancetest.Fault{Route: glancetest.Upload, Do: func(r *http.Request) { got = r.Clone(context.Background()) }})
	if err := c.Upload(t.Context(), id, reader(content), mebi); err != nil {
		t.Fatal(err)
	}
	if got.ContentLength != mebi || len(got.TransferEncoding) > 0 {
		t.Errorf("Content-Length %d, Transfer-Encoding %q, want %d and none", got.ContentLength, got.TransferEncoding, mebi)
	}
	for header, want := range map[string]string{
		"X-Openstack-Image-Size": "1048576", "Expect": "100-continue", "Content-Type": "application/octet-stream",
	} {
		if v := got.Header.Get(header); v != want {
			t.Errorf("%s: %q, want %q", header, v, want)
		}
	}
	checkWhole(t, s, id, content)
}

func TestUploadOfNothing(t *testing.T) {
	s, c := start(t, glance.Options{})
	create(t, c, id)
	if err := c.Upload(t.Context(), id, reader(nil), 0); err != nil {
		t.Fatal(err)
	}
	checkWhole(t, s, id, nil)
}

// One Upload is one PUT: whatever the VIM answers, the library must not send
// what is left of a body as if it were the whole.
func TestUploadIsNeverReplayedByTheLibrary(t *testing.T) {
	tests := []struct {
		name  string
		fault glancetest.Fault
	}{
		{"token refused before the body", glancetest.Fault{Status: 401}},
		{"token refused in mid-body", glancetest.Fault{Status: 401, AfterBytes: mebi}},
		{"token refused after the body", glancetest.Fault{Status: 401, AfterBytes: glancetest.WholeBody}},
		{"too many requests", glancetest.Fault{Status: 429, AfterBytes: glancetest.WholeBody, RetryAfter: time.Second}},
		{"service unavailable", glancetest.Fault{Status: 503, AfterBytes: glancetest.WholeBody, RetryAfter: time.Second}},
		{"internal error", glancetest.Fault{Status: 500, AfterBytes: mebi}},
		{"connection cut", glancetest.Fault{Cut: true, AfterBytes: mebi}},
		{"connection cut after the body", glancetest.Fault{Cut: true, AfterBytes: glancetest.WholeBody}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, c := start(t, glance.Options{})
			create(t, c, id)
			tt.fault.Route = glancetest.Upload
			s.Inject(tt.fault)
			err := c.Upload(t.Context(), id, reader(make([]byte, length)), length)
			var transient *vim.TransientError
			if !errors.As(err, &transient) {
				t.Fatalf("error %v, want a TransientError", err)
			}
			if tt.fault.RetryAfter > 0 && transient.After != tt.fault.RetryAfter {
				t.Errorf("to be tried again after %s, want %s", transient.After, tt.fault.RetryAfter)
			}
			if n := s.Stats().Requests[glancetest.Upload]; n != 1 {
				t.Errorf("%d uploads sent, want 1", n)
			}
			if img, _ := s.Glance("").Image(id); img.Status == "active" {
				t.Errorf("image is active with %d bytes", img.Size)
			}
		})
	}
}

// The same through a launch, which tries again with a body from byte zero.
func TestLaunchSurvives(t *testing.T) {
	tests := []struct {
		name   string
		faults []glancetest.Fault
		starts int // uploads that got as far as saving
	}{
		{"a token that is refused before the body", []glancetest.Fault{{Status: 401}}, 1},
		{"a token that expires in mid-body", []glancetest.Fault{{Status: 401, AfterBytes: 3 * mebi}}, 2},
		{"a token that expires before the answer", []glancetest.Fault{{Status: 401, AfterBytes: glancetest.WholeBody}}, 2},
		{"a connection that is cut", []glancetest.Fault{{Cut: true, AfterBytes: 5*mebi + 1}}, 2},
		{"several connections that are cut", []glancetest.Fault{{Cut: true, AfterBytes: 5 * mebi, Times: 3}}, 4},
		{"a connection that is cut before the answer", []glancetest.Fault{{Cut: true, AfterBytes: glancetest.WholeBody}}, 2},
		{"an answer that is lost", []glancetest.Fault{{Cut: true, AfterEffect: true}}, 1},
		{"an overload", []glancetest.Fault{{Status: 503}, {Status: 429}}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, c := start(t, glance.Options{})
			for _, f := range tt.faults {
				f.Route = glancetest.Upload
				s.Inject(f)
			}
			f := store(t, "vfw", length)
			got, err := launch(t, f, vim.Options{}, c)
			if err != nil {
				t.Fatal(err)
			}
			img, _ := s.Glance("").Image(got[0].ImageID)
			if !got[0].Verified || img.Status != "active" || img.Size != length {
				t.Errorf("%+v\nis %d bytes, %s", got[0], img.Size, img.Status)
			}
			st := s.Stats()
			if st.UploadsStarted != tt.starts || st.UploadsFinished != 1 || len(s.Glance("").Images()) != 1 {
				t.Errorf("%d uploads begun, %d finished, %d images; want %d, 1, 1",
					st.UploadsStarted, st.UploadsFinished, len(s.Glance("").Images()), tt.starts)
			}
			for _, opened := range f.open {
				if err := opened.Close(); err == nil {
					t.Error("a file was left open")
				}
			}
		})
	}
}

func TestUploadOfABodyThatEndsEarlyFails(t *testing.T) {
	s, c := start(t, glance.Options{})
	create(t, c, id)
	if err := c.Upload(t.Context(), id, reader(make([]byte, mebi-1)), mebi); err == nil {
		t.Error("no error")
	}
	if img, _ := s.Glance("").Image(id); img.Status == "active" {
		t.Errorf("image is active with %d bytes", img.Size)
	}
}

func TestUploadDoesNotCloseItsSource(t *testing.T) {
	_, c := start(t, glance.Options{})
	create(t, c, id)
	closed := &closeCounter{Reader: reader(make([]byte, mebi))}
	if err := c.Upload(t.Context(), id, closed, mebi); err != nil {
		t.Fatal(err)
	}
	if closed.n != 0 {
		t.Errorf("closed %d times", closed.n)
	}
}

type closeCounter struct {
	io.Reader
	n int
}

func (c *closeCounter) Close() error {
	c.n++
	return nil
}

func TestUploadToARecordThatSomebodyElseHas(t *testing.T) {
	s, c := start(t, glance.Options{})
	owner := glancetest.ProjectID("nfvo")
	upload := func(id string) error { return c.Upload(t.Context(), id, reader(make([]byte, mebi)), mebi) }
	for _, status := range []string{"saving", "active"} {
		img := s.Glance("").Put(glancetest.Image{Name: "x", Owner: owner, Status: status, DiskFormat: "raw", ContainerFormat: "bare"})
		if err := upload(img.ID); !errors.Is(err, vim.ErrConflict) {
			t.Errorf("%s: error %v", status, err)
		}
	}
	create(t, c, id)
	s.Inject(glancetest.Fault{Route: glancetest.Upload, AfterBytes: glancetest.WholeBody, Do: func(*http.Request) { s.Glance("").Delete(id) }})
	if err := upload(id); !errors.Is(err, vim.ErrConflict) { // 410
		t.Errorf("deleted meanwhile: error %v", err)
	}
	if err := upload(id); !errors.Is(err, vim.ErrNotFound) {
		t.Errorf("deleted before: error %v", err)
	}
	if n := s.Stats().BytesReceived; n != mebi {
		t.Errorf("%d bytes sent to those who refuse them at once", n-mebi)
	}
}

func TestRefusalsNameTheirRule(t *testing.T) {
	tests := []struct {
		name  string
		fault glancetest.Fault
		by    vim.Refusal
		rule  string
	}{
		{"quota of the user", glancetest.Fault{Route: glancetest.Upload, AfterBytes: mebi, Status: 413,
			Text: "Image exceeds the storage quota: The size of the data would exceed the quota"}, vim.ByQuota, "user_storage_quota"},
		{"size cap", glancetest.Fault{Route: glancetest.Upload, AfterBytes: glancetest.WholeBody, Status: 413,
			Text: "The incoming image is too large: The size cap"}, vim.ByQuota, "image_size_cap"},
		{"limit in Keystone", glancetest.Fault{Route: glancetest.Create, Status: 413,
			Text: "Request exceeds quota: Project x is over a limit for [Resource image_count_total is over limit of 1]"}, vim.ByQuota, "image_count_total"},
		{"inspection", glancetest.Fault{Route: glancetest.Upload, AfterBytes: glancetest.WholeBody, Status: 415,
			Text: "Image content does not match disk_format"}, vim.ByInspection, ""},
		{"policy", glancetest.Fault{Route: glancetest.Create, Status: 403,
			Text: "You are not authorized to complete publicize_image action."}, vim.ByPolicy, "publicize_image"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, c := start(t, glance.Options{})
			s.Inject(tt.fault)
			_, err := launch(t, store(t, "vfw", length), vim.Options{}, c)
			var refused *vim.RefusedError
			if !errors.As(err, &refused) || refused.By != tt.by || refused.Rule != tt.rule || refused.VIM != "region-one" {
				t.Fatalf("error %v, want a refusal by %s %s", err, tt.by, tt.rule)
			}
			if !strings.Contains(err.Error(), tt.fault.Text) || !strings.Contains(err.Error(), tt.rule) || !strings.Contains(err.Error(), "vfw") {
				t.Errorf("error %q lacks what the vim said, the rule or the image", err)
			}
			if left := s.Glance("").Images(); len(left) > 0 {
				t.Errorf("left behind: %+v", left)
			}
			if n := s.Stats().Requests[glancetest.Upload]; n > 1 {
				t.Errorf("%d uploads of what is refused", n)
			}
		})
	}
}

func TestAnUploadThatStandsStillIsCut(t *testing.T) {
	s, c := start(t, glance.Options{StallTimeout: 100 * time.Millisecond})
	create(t, c, id)
	s.Inject(glancetest.Fault{Route: glancetest.Upload, AfterBytes: mebi, Hang: true})
	err := c.Upload(t.Context(), id, reader(make([]byte, 64*mebi)), 64*mebi)
	var transient *vim.TransientError
	if !errors.As(err, &transient) || !strings.Contains(err.Error(), "no byte accepted for 100ms") {
		t.Errorf("error %v", err)
	}
}

func TestAnUploadThatIsSlowIsNotCut(t *testing.T) {
	// 40 MiB at 32 MiB a second take five times the stall time-out, and what the
	// socket's buffer takes at once far less than it.
	s, c := start(t, glance.Options{StallTimeout: 250 * time.Millisecond})
	create(t, c, id)
	s.Inject(glancetest.Fault{Route: glancetest.Upload, Rate: 32 * mebi})
	if err := c.Upload(t.Context(), id, reader(make([]byte, 40*mebi)), 40*mebi); err != nil {
		t.Error(err)
	}
}

package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/client"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
	"github.com/gangway-nfv/gangway/tosca"
)

const mib = 1 << 20

func TestAPackageIsOnboardedHoweverItComes(t *testing.T) {
	f := start(t, nil)
	c := f.client(nil)
	for _, test := range []struct {
		name   string
		source func(content []byte) onboarding.Source
	}{
		{"as a file", func(content []byte) onboarding.Source { return onboarding.FileSource(file(t, content)) }},
		{"as a stream", func(content []byte) onboarding.Source {
			return onboarding.StreamSource("-", bytes.NewReader(content))
		}},
		{"by its URL", func(content []byte) onboarding.Source {
			origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
			}))
			t.Cleanup(origin.Close)
			return onboarding.URLSource(origin.URL+"/p.tar", nil)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			content := archive(strings.ReplaceAll(test.name, " ", "-"), mib)
			var last onboarding.Progress
			report, err := c.Onboard(t.Context(), test.source(content), onboarding.Options{Progress: func(p onboarding.Progress) {
				if p.Done < last.Done {
					t.Errorf("progress fell from %d to %d", last.Done, p.Done)
				}
				last = p
			}})
			is(t, report, err, onboarding.Onboarded)
			if test.name == "by its URL" {
				// Few bytes are fetched before the server tells how many.
			} else if last.Done != int64(len(content)) || last.Source != report.Source {
				t.Errorf("the last progress is %+v of %q with %d bytes", last, report.Source, len(content))
			}
			f.kept(report, content)
			again, err := c.Onboard(t.Context(), test.source(content), onboarding.Options{})
			is(t, again, err, onboarding.Unchanged)
		})
	}
}

func TestARejectedPackageIsAReportAndNoError(t *testing.T) {
	f := start(t, nil)
	c := f.client(nil)
	path := file(t, []byte(strings.Repeat("no archive", 100)))
	for name, onboard := range map[string]func() (onboarding.Report, error){
		"a file": func() (onboarding.Report, error) {
			return c.Onboard(t.Context(), onboarding.FileSource(path), onboarding.Options{})
		},
		"an empty file": func() (onboarding.Report, error) {
			return c.Onboard(t.Context(), onboarding.FileSource(file(t, nil)), onboarding.Options{})
		},
		"a stream": func() (onboarding.Report, error) {
			return c.Onboard(t.Context(), onboarding.StreamSource("-", strings.NewReader("nothing")), onboarding.Options{})
		},
		"a dry run": func() (onboarding.Report, error) {
			return c.Onboard(t.Context(), onboarding.FileSource(path), onboarding.Options{DryRun: true})
		},
		"a check": func() (onboarding.Report, error) {
			return c.Validate(t.Context(), onboarding.FileSource(path), onboarding.Options{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := onboard()
			is(t, report, err, onboarding.Rejected)
			if len(report.Findings) == 0 || report.Images == nil {
				t.Errorf("the report is %+v", report)
			}
		})
	}
}

func TestADryRunStoresNothingAndKnowsWhatIsThere(t *testing.T) {
	f := start(t, nil)
	c := f.client(nil)
	src := onboarding.FileSource(file(t, archive("fw", mib)))
	report, err := c.Onboard(t.Context(), src, onboarding.Options{DryRun: true})
	is(t, report, err, onboarding.Valid)
	report, err = c.Validate(t.Context(), src, onboarding.Options{})
	is(t, report, err, onboarding.Valid)
	for pkg, err := range c.Packages(t.Context()) {
		t.Errorf("there is %v, %v", pkg, err)
	}
	report, err = c.Onboard(t.Context(), src, onboarding.Options{})
	is(t, report, err, onboarding.Onboarded)
	report, err = c.Onboard(t.Context(), src, onboarding.Options{DryRun: true})
	is(t, report, err, onboarding.Unchanged)
}

func TestWhatNoServerCanBeToldIsAnErrorBeforeAnythingIsSent(t *testing.T) {
	f := start(t, nil)
	c := f.client(nil)
	src := onboarding.FileSource(file(t, archive("fw", mib)))
	for name, opts := range map[string]onboarding.Options{"digests": {Digests: []string{"sha512"}}, "the ID": {PackageID: "x"}} {
		report, err := c.Onboard(t.Context(), src, opts)
		if !errors.Is(err, errors.ErrUnsupported) || report.Status != onboarding.Failed || report.Error == "" {
			t.Errorf("%s: %v %+v", name, err, report)
		}
	}
	if n := f.count(""); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestWhatIsRefusedIsNotSent(t *testing.T) {
	f := start(t, nil)
	reader := f.client(func(o *client.Options) { o.Token = "red-reader" })
	content := bytes.NewReader(archive("fw", mib))
	all := content.Len()
	if _, err := reader.Onboard(t.Context(), onboarding.StreamSource("-", content), onboarding.Options{}); !errors.Is(err, client.ErrForbidden) || content.Len() != all {
		t.Errorf("%d of %d bytes were read: %v", all-content.Len(), all, err)
	}
}

// The bytes of a package are told as they are sent, and not once more as the server
// reads them; what it fetches is.
func TestTheProgressOfTheJobIsTold(t *testing.T) {
	var once sync.Once
	f := start(t, func(s *setting) {
		s.before = func(w http.ResponseWriter, r *http.Request) (answered bool) {
			if strings.HasSuffix(r.URL.Path, "/events") {
				once.Do(func() {
					w.Header().Set("Content-Type", "text/event-stream")
					_, _ = w.Write([]byte("id: 1\nevent: progress\ndata: {\"done\":5,\"total\":10}\n\n" +
						"id: 2\nevent: progress\ndata: {\"step\":\"disk\",\"done\":6,\"total\":10}\n\nid: 3\nevent: state\n"))
					answered = true
				})
			}
			return answered
		}
	})
	content := archive("fw", mib)
	var told []onboarding.Progress
	report, err := f.client(nil).Onboard(t.Context(), onboarding.FileSource(file(t, content)), onboarding.Options{Progress: func(p onboarding.Progress) {
		if p.Image != "" || len(told) == 0 || p.Done <= told[len(told)-1].Done {
			told = append(told, p)
		} else {
			told[len(told)-1] = p
		}
	}})
	is(t, report, err, onboarding.Onboarded)
	size := int64(len(content))
	want := []onboarding.Progress{{Source: report.Source, Done: size, Total: size}, {Source: report.Source, Image: "disk", Done: 6, Total: 10}}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAFileThatIsWrittenToWhileItIsSentIsNotOnboarded(t *testing.T) {
	for name, write := range map[string]func(path string) error{
		"bytes of it":          func(path string) error { return os.WriteFile(path, archive("other", 4*mib), 0o600) },
		"it is cut":            func(path string) error { return os.Truncate(path, mib+5) },
		"it has become longer": func(path string) error { return os.Truncate(path, 6*mib) },
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, nil)
			path := file(t, archive("fw", 4*mib))
			var once sync.Once
			report, err := f.client(func(o *client.Options) { o.StateDir = t.TempDir() }).Onboard(t.Context(), onboarding.FileSource(path),
				onboarding.Options{Progress: func(p onboarding.Progress) {
					if p.Done > mib {
						once.Do(func() { resttest.NoError(t, write(path)) })
					}
				}})
			if !errors.Is(err, client.ErrChanged) || report.Status != onboarding.Failed {
				t.Errorf("%v: %+v", err, report)
			}
			for r, err := range f.Packages.List(t.Context(), vnfpkg.Filter{Project: "red"}) {
				t.Errorf("the server has %+v, %v", r, err)
			}
		})
	}
}

// stopWaiting has a server whose jobs are not run take a package, and returns what a
// client is told that waits for it no more, with the file.
func stopWaiting(t *testing.T) (f *fixture, c *client.Client, path string, report onboarding.Report, pending *client.PendingError) {
	t.Helper()
	f = start(t, func(s *setting) { s.idle = true })
	state := t.TempDir()
	c = f.client(func(o *client.Options) { o.StateDir = state })
	path = file(t, archive("fw", mib))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f.before = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/api/v1/jobs/") {
			cancel()
		}
		return false
	}
	report, err := c.Onboard(ctx, onboarding.FileSource(path), onboarding.Options{})
	pending, ok := errors.AsType[*client.PendingError](err)
	if !ok || !errors.Is(err, context.Canceled) {
		t.Fatalf("%v: %+v", err, report)
	}
	return f, c, path, report, pending
}

func TestWhoStopsWaitingIsToldThatTheJobGoesOn(t *testing.T) {
	f, c, path, report, pending := stopWaiting(t)
	if !strings.Contains(report.Error, pending.Job) {
		t.Errorf("told is %q", report.Error)
	}
	j, err := c.Job(t.Context(), pending.Job)
	resttest.NoError(t, err)
	if j.State != job.Queued || j.Cancelling {
		t.Errorf("the job is %+v", j)
	}

	// Who asks again gets the outcome, and sends nothing.
	f.stop()
	f.idle = false
	f.open()
	report, err = c.Onboard(t.Context(), onboarding.FileSource(path), onboarding.Options{})
	is(t, report, err, onboarding.Onboarded)
	if n := f.count("POST /api/v1/uploads"); n != 1 {
		t.Errorf("the upload was begun %d times", n)
	}
}

// What came of the upload of a process that was killed counts only as long as it is
// there.
func TestAPackageThatWasDeletedSinceIsSentAgain(t *testing.T) {
	f, c, path, _, pending := stopWaiting(t)
	f.stop()
	f.idle = false
	f.open()
	j, err := f.Queue.Wait(t.Context(), pending.Job)
	resttest.NoError(t, err)
	_, err = c.DeletePackage(t.Context(), j.Subject, false)
	resttest.NoError(t, err)
	report, err := c.Onboard(t.Context(), onboarding.FileSource(path), onboarding.Options{})
	is(t, report, err, onboarding.Onboarded)
	if n := f.count("POST /api/v1/uploads"); n != 2 {
		t.Errorf("the upload was begun %d times", n)
	}
}

func TestAStreamThatBreaksIsAnError(t *testing.T) {
	f := start(t, nil)
	f.way.plan(fault{up: mib})
	report, err := f.client(nil).Onboard(t.Context(), onboarding.StreamSource("-", bytes.NewReader(archive("fw", 8*mib))), onboarding.Options{})
	if err == nil || report.Status != onboarding.Failed || !strings.Contains(err.Error(), "stream") {
		t.Errorf("%v: %+v", err, report)
	}
	broken := errors.New("the pipe broke")
	_, err = f.client(nil).Onboard(t.Context(), onboarding.StreamSource("-", &failing{bytes.NewReader(make([]byte, mib)), broken}), onboarding.Options{})
	if !errors.Is(err, broken) {
		t.Error(err)
	}
	resttest.Until(t, func() bool {
		for range f.Packages.List(t.Context(), vnfpkg.Filter{Project: "red"}) {
			return false
		}
		return true
	})
}

// A server that has had enough in the middle of a stream says why.
func TestAStreamThatIsRefusedOnTheWayTellsTheReason(t *testing.T) {
	f := start(t, nil)
	report, err := f.client(nil).Onboard(t.Context(), onboarding.StreamSource("-", bytes.NewReader(archive("fw", 20*mib))), onboarding.Options{})
	if told, ok := errors.AsType[*client.Error](err); !ok || told.Status != http.StatusRequestEntityTooLarge || report.Status != onboarding.Failed {
		t.Errorf("%v: %+v", err, report)
	}
	report, err = f.client(nil).Onboard(t.Context(), onboarding.FileSource(file(t, archive("fw", 20*mib))), onboarding.Options{})
	if told, ok := errors.AsType[*client.Error](err); !ok || told.Status != http.StatusRequestEntityTooLarge || f.count("PATCH") > 0 {
		t.Errorf("%v: %+v", err, report)
	}
}

func TestAFileThatIsWrittenToBetweenTwoBreaksIsNotOnboarded(t *testing.T) {
	path := file(t, archive("fw", 4*mib))
	f := start(t, func(s *setting) {
		s.before = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				resttest.NoError(t, os.WriteFile(path, archive("wf", 4*mib), 0o600))
			}
			return false
		}
	})
	f.way.plan(fault{up: mib})
	report, err := f.client(nil).Onboard(t.Context(), onboarding.FileSource(path), onboarding.Options{})
	if !errors.Is(err, client.ErrChanged) || report.Status != onboarding.Failed {
		t.Errorf("%v: %+v", err, report)
	}
}

// failing is a reader that ends with an error.
type failing struct {
	*bytes.Reader
	err error
}

func (r *failing) Read(p []byte) (int, error) {
	if r.Len() == 0 {
		return 0, r.err
	}
	return r.Reader.Read(p)
}

func TestImagesByURLAreReferencedIfThatIsWanted(t *testing.T) {
	f := start(t, nil)
	content := onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: "linked",
		Images: []onboardingtest.SoftwareImage{onboardingtest.Link("disk", "http://127.0.0.1:1/none")}}))
	report, err := f.client(nil).Onboard(t.Context(), onboarding.FileSource(file(t, content)), onboarding.Options{Images: onboarding.Reference})
	is(t, report, err, onboarding.Onboarded)
	if report.Images[0].Action != onboarding.Referenced {
		t.Errorf("the report is %+v", report)
	}
}

// What was read of a stream is gone, whoever answers that he cannot take it now.
func TestAStreamIsSentOnceAndOnlyFromItsBeginning(t *testing.T) {
	content := archive("fw", 4*mib)
	for _, test := range []struct {
		name string
		call func(c *client.Client, stream io.Reader) error
	}{
		{"onboarding", func(c *client.Client, stream io.Reader) error {
			_, err := c.Onboard(t.Context(), onboarding.StreamSource("-", stream), onboarding.Options{})
			return err
		}},
		{"a check", func(c *client.Client, stream io.Reader) error {
			_, err := c.Validate(t.Context(), onboarding.StreamSource("-", stream), onboarding.Options{})
			return err
		}},
		{"an image", func(c *client.Client, stream io.Reader) error {
			_, err := c.AddImage(t.Context(), onboarding.AddRequest{Description: tosca.ImageDescription{Name: "disk"}, Content: stream, Size: -1})
			return err
		}},
	} {
		for status, spoken := range map[int]bool{http.StatusServiceUnavailable: true, http.StatusTooManyRequests: true, http.StatusBadGateway: false} {
			for after, sent := range map[int64]int64{0: 2, mib: 1} {
				t.Run(fmt.Sprintf("%s, answered %d after %d bytes", test.name, status, after), func(t *testing.T) {
					var asked, got atomic.Int64
					web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if asked.Add(1) == 1 {
							_, _ = io.CopyN(io.Discard, r.Body, after)
							if spoken {
								w.Header().Set("Content-Type", "application/problem+json")
								w.Header().Set("Retry-After", "0")
							}
							answer := http.NewResponseController(w)
							_ = answer.EnableFullDuplex()
							w.WriteHeader(status)
							if _ = answer.Flush(); after > 0 {
								_, _ = io.Copy(io.Discard, r.Body) // else the answer could get lost in a broken pipe
							}
							return
						}
						text, _ := io.ReadAll(r.Body)
						got.Store(int64(len(text)))
						w.WriteHeader(http.StatusTeapot)
					}))
					defer web.Close()
					c, err := client.New(client.Options{Server: web.URL, BackoffMin: 1, BackoffMax: 1})
					resttest.NoError(t, err)
					defer c.Close()
					err = test.call(c, io.MultiReader(bytes.NewReader(content)))
					if told, ok := errors.AsType[*client.Error](err); !ok || asked.Load() != sent || (sent == 2) != (told.Status == http.StatusTeapot) {
						t.Errorf("sent %d times, want %d: %v", asked.Load(), sent, err)
					}
					if sent == 1 && !strings.Contains(err.Error(), "a stream cannot be sent again") || sent == 2 && got.Load() != int64(len(content)) {
						t.Errorf("%d bytes of %d have come the second time: %v", got.Load(), len(content), err)
					}
				})
			}
		}
	}
}

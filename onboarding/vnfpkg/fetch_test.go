package vnfpkg_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

func newOrigin(t *testing.T) *origintest.Origin {
	t.Helper()
	origin := origintest.New()
	t.Cleanup(origin.Close)
	return origin
}

// uploadFrom asks for an upload from a URL to a new resource.
func (s *server) uploadFrom(t *testing.T, from vnfpkg.From) vnfpkg.Receipt {
	t.Helper()
	receipt, err := s.UploadFrom(t.Context(), project, s.create(t, vnfpkg.NewResource{}).ID, from)
	if err != nil {
		t.Fatal(err)
	}
	wantState(t, receipt.Resource, vnfpkg.Uploading)
	return receipt
}

func TestAPackageComesFromAURLAsItIs(t *testing.T) {
	for _, container := range onboardingtest.Containers() {
		t.Run(string(container), func(t *testing.T) {
			s, origin := newServer(t, options{Config: vnfpkg.Config{Keep: true}}), newOrigin(t)
			data := archive(container, "firewall", 1)
			url := origin.Serve("/firewall.csar", origintest.Plain(data, origintest.CutAfter(len(data)/2)))
			_, r := s.finish(t, s.uploadFrom(t, vnfpkg.From{URL: url}))
			wantState(t, r, vnfpkg.Onboarded)
			if r.SHA256 != digest(data) {
				t.Errorf("the archive has digest %s", r.SHA256)
			}
			s.wantArchives(t, r.ID)
		})
	}
}

func TestACredentialIsUsedAndNeverStored(t *testing.T) {
	for name, from := range map[string]func(url string) vnfpkg.From{
		"apart from the URL": func(url string) vnfpkg.From { return vnfpkg.From{URL: url, User: "ci", Password: "hush"} },
		"in the URL": func(url string) vnfpkg.From {
			return vnfpkg.From{URL: strings.Replace(url, "://", "://ci:hush@", 1)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, origin := newServer(t, options{}), newOrigin(t)
			url := origin.Serve("/firewall.csar", origintest.File{Always: func(w http.ResponseWriter, r *http.Request, f origintest.File) {
				if user, password, _ := r.BasicAuth(); user != "ci" || password != "hush" {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				origintest.Good(w, r, f)
			}, Content: archive(onboardingtest.Zip, "firewall", 1)})
			receipt := s.uploadFrom(t, from(url))
			j, r := s.finish(t, receipt)
			wantState(t, r, vnfpkg.Onboarded)
			if strings.Contains(string(j.Payload)+string(j.Result)+j.Error, "hush") {
				t.Errorf("the job tells the password: %s", j.Payload)
			}
		})
	}
}

func TestFetchesWithCredentialsWaitForAPlaceLikeOthers(t *testing.T) {
	s, origin := newServer(t, options{Config: vnfpkg.Config{Fetches: 1}}), newOrigin(t)
	var mu sync.Mutex
	asking, most := 0, 0
	var receipts []vnfpkg.Receipt
	for i := range 4 {
		name := fmt.Sprintf("web%d", i)
		url := origin.Serve("/"+name, origintest.File{Always: func(w http.ResponseWriter, r *http.Request, f origintest.File) {
			mu.Lock()
			asking++
			most = max(most, asking)
			mu.Unlock()
			time.Sleep(20 * time.Millisecond) // for the others to come, if they do
			mu.Lock()
			asking--
			mu.Unlock()
			origintest.Good(w, r, f)
		}, Content: archive(onboardingtest.Zip, name, uint64(i))})
		receipts = append(receipts, s.uploadFrom(t, vnfpkg.From{URL: url, User: "ci", Password: "hush"}))
	}
	for _, receipt := range receipts {
		_, r := s.finish(t, receipt)
		wantState(t, r, vnfpkg.Onboarded)
	}
	if most != 1 {
		t.Errorf("%d fetches were under way at once", most)
	}
}

func TestACredentialThatWasLostInARestartIsAskedForAgain(t *testing.T) {
	s, origin := newServer(t, options{}), newOrigin(t)
	begun := make(chan struct{})
	url := origin.Serve("/firewall.csar", origintest.File{Always: func(_ http.ResponseWriter, r *http.Request, _ origintest.File) {
		close(begun)
		<-r.Context().Done()
	}})
	receipt := s.uploadFrom(t, vnfpkg.From{URL: url, User: "ci", Password: "hush"})
	<-begun
	s.stop(t)
	again := startServer(t, s.home, options{})
	_, r := again.finish(t, receipt)
	wantState(t, r, vnfpkg.Error)
	if !strings.Contains(r.Failure.Detail, "credentials") {
		t.Errorf("detail %q", r.Failure.Detail)
	}
	again.wantArchives(t)
}

func TestAFetchThatWasCutOffByARestartIsDoneAgain(t *testing.T) {
	s, origin := newServer(t, options{}), newOrigin(t)
	begun := make(chan struct{})
	url := origin.Serve("/firewall.csar", origintest.File{Content: archive(onboardingtest.Zip, "firewall", 1),
		Faults: []origintest.Fault{func(w http.ResponseWriter, r *http.Request, f origintest.File) {
			close(begun)
			origintest.StallAfter(1000)(w, r, f)
		}}})
	receipt := s.uploadFrom(t, vnfpkg.From{URL: url})
	<-begun
	s.stop(t)
	again := startServer(t, s.home, options{})
	_, r := again.finish(t, receipt)
	wantState(t, r, vnfpkg.Onboarded)
}

func TestAURLThatDeliversNoPackageMakesTheResourceAnError(t *testing.T) {
	data := archive(onboardingtest.Zip, "firewall", 1)
	for name, test := range map[string]struct {
		file   origintest.File
		limits vnfpkg.Limits
		want   string
	}{
		"not there":      {origintest.File{Always: origintest.Status(404)}, vnfpkg.Limits{}, "404"},
		"a page":         {origintest.File{Always: origintest.Body("text/html", "<html>no</html>")}, vnfpkg.Limits{}, "HTML"},
		"too large":      {origintest.Plain(data), vnfpkg.Limits{PackageSize: int64(len(data)) - 1}, "larger than"},
		"over the quota": {origintest.Plain(data), vnfpkg.Limits{ProjectBytes: int64(len(data)) - 1}, "would take more"},
		"refused":        {origintest.Plain(data[:1000]), vnfpkg.Limits{}, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			s, origin := newServer(t, options{Config: vnfpkg.Config{Keep: true, Limits: test.limits}}), newOrigin(t)
			j, r := s.finish(t, s.uploadFrom(t, vnfpkg.From{URL: origin.Serve("/x", test.file)}))
			wantState(t, r, vnfpkg.Error)
			if !strings.Contains(r.Failure.Detail, test.want) {
				t.Errorf("detail %q, want %q in it", r.Failure.Detail, test.want)
			}
			if j.State != job.Failed || j.Attempt != 1 {
				t.Errorf("the job is %s after %d attempts", j.State, j.Attempt)
			}
			s.wantArchives(t)
		})
	}
}

func TestAnAddressThatIsNotAllowedIsNotAsked(t *testing.T) {
	s := newServer(t, options{})
	_, r := s.finish(t, s.uploadFrom(t, vnfpkg.From{URL: "http://169.254.169.254/latest"}))
	wantState(t, r, vnfpkg.Error)
	for _, url := range []string{"", "ftp://a/b", "file:///etc/passwd", "//host/x", "http://"} {
		created := s.create(t, vnfpkg.NewResource{})
		if _, err := s.UploadFrom(t.Context(), project, created.ID, vnfpkg.From{URL: url}); !errors.Is(err, fetch.ErrURL) {
			t.Errorf("%q: got %v, want ErrURL", url, err)
		}
		wantState(t, s.get(t, created.ID), vnfpkg.Created)
	}
}

func TestAFetchThatIsCancelledMakesTheResourceAnErrorAndCanBeDeleted(t *testing.T) {
	s, origin := newServer(t, options{}), newOrigin(t)
	begun := make(chan struct{}, 1)
	url := origin.Serve("/x", origintest.File{Always: func(w http.ResponseWriter, r *http.Request, f origintest.File) {
		begun <- struct{}{}
		origintest.StallAfter(10)(w, r, f)
	}, Content: make([]byte, 1000)})
	receipt := s.uploadFrom(t, vnfpkg.From{URL: url})
	<-begun
	if _, err := s.Receive(t.Context(), project, receipt.Resource.ID, strings.NewReader(""), vnfpkg.ReceiveOptions{}); err == nil {
		t.Error("a body was taken beside it")
	}
	if _, err := s.queue.Cancel(t.Context(), receipt.Job.ID); err != nil {
		t.Fatal(err)
	}
	j, r := s.finish(t, receipt)
	wantState(t, r, vnfpkg.Error)
	if j.State != job.Cancelled || !strings.Contains(r.Failure.Detail, "cancelled") {
		t.Errorf("job is %s, detail %q", j.State, r.Failure.Detail)
	}
	receipt = s.uploadFrom(t, vnfpkg.From{URL: url})
	<-begun
	for _, r := range []vnfpkg.Resource{r, receipt.Resource} {
		if _, _, err := s.Delete(t.Context(), project, r.ID, vnfpkg.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
	s.wantArchives(t)
}

package openbaton_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/imagerepo/fsstore"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/rest/api"
	"github.com/gangway-nfv/gangway/onboarding/rest/openbaton"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// fixture is a server with Open Baton's door beside gangway's own, on a repository
// in a temporary folder, with tokens for the project red.
type fixture struct {
	*httptest.Server
	home           string
	packages       *vnfpkg.Service
	tokens         *access.Tokens
	writer, reader string                       // tokens of red
	admin          string                       // token of all projects
	logins         atomic.Pointer[access.Event] // the last one in the audit log
	later          atomic.Int64                 // how much later the door's clock is, in nanoseconds
}

func start(t *testing.T) *fixture { return startWith(t, access.Config{}) }

func startWith(t *testing.T, logins access.Config) *fixture {
	t.Helper()
	f := &fixture{home: t.TempDir()}
	log := slog.New(slog.DiscardHandler)
	names, err := catalog.Open(t.Context(), filepath.Join(f.home, "gangway.db"))
	noError(t, err)
	t.Cleanup(func() { noError(t, names.Close()) })
	files, err := fsstore.Open(filepath.Join(f.home, "images"))
	noError(t, err)
	t.Cleanup(func() { noError(t, files.Close()) })
	records, err := ledger.Open(t.Context(), names)
	noError(t, err)
	client, err := fetch.New(fetch.Options{Allow: []string{"127.0.0.1"}, Attempts: 1})
	noError(t, err)
	t.Cleanup(client.Close)

	pipeline := &onboarding.Pipeline{Repository: imagerepo.New(names, files, log), Fetch: client}
	queue := job.NewQueue(records.Jobs(), job.Options{Poll: 20 * time.Millisecond})
	packages, err := vnfpkg.New(vnfpkg.Config{Pipeline: pipeline, Store: records.Resources(), Queue: queue,
		Folder: filepath.Join(f.home, "packages"), Followers: 1, Keep: true})
	noError(t, err)
	t.Cleanup(func() { noError(t, packages.Close()) })
	f.packages = packages
	operations := operation.New(operation.Config{Pipeline: pipeline, Queue: queue, Log: log})
	f.tokens = access.NewTokens(records.Tokens(), logins)
	gate := access.NewGate(f.tokens, logins)
	f.writer, f.reader, f.admin = f.token(t, "ci", "red", access.Writer), f.token(t, "viewer", "red", access.Reader), f.token(t, "root", "*", access.Admin)

	door := openbaton.New(openbaton.Config{Packages: packages, Operations: operations, Logins: gate, Projects: records, MaxImage: 4 << 20,
		Now: func() time.Time { return time.Now().Add(time.Duration(f.later.Load())) }})
	own, err := api.New(api.Config{Pipeline: pipeline, Operations: operations, Queue: queue, Packages: packages})
	noError(t, err)
	server, err := rest.New([]rest.Door{own, door}, rest.Options{Gate: gate, Audit: f})
	noError(t, err)

	kinds := operations.Kinds()
	for kind, options := range packages.Kinds() {
		kinds[kind] = options
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := queue.Run(ctx, kinds); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(running.Wait)
	t.Cleanup(stop)
	f.Server = httptest.NewServer(server)
	t.Cleanup(f.Close)
	return f
}

// Record implements [rest.Audit].
func (f *fixture) Record(_ context.Context, e access.Event) error {
	if e.Action == "token.grant" {
		f.logins.Store(&e)
	}
	return nil
}

func (f *fixture) token(t *testing.T, name, project string, role access.Role) string {
	t.Helper()
	_, secret, err := f.tokens.Create(t.Context(), access.NewToken{Name: name, Project: project, Role: role})
	noError(t, err)
	return secret
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// answer is what came back.
type answer struct {
	*http.Response
	text string
}

// do sends a request for red's writer, unless a header line says who else calls.
func (f *fixture) do(t *testing.T, method, path string, body io.Reader, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, f.URL+path, body)
	noError(t, err)
	req.Header.Set("Authorization", "Bearer "+f.writer)
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
		if value == "" {
			req.Header.Del(name)
		}
	}
	resp, err := f.Client().Do(req)
	noError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	noError(t, err)
	return answer{resp, string(text)}
}

// want checks the status, and that an error has a message.
func (a answer) want(t *testing.T, status int) answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: %d %s, want %d", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.text, status)
	}
	if status >= 400 && (a.Header.Get("Content-Type") != "application/json" || a.message(t) == "") {
		t.Errorf("an error of type %s: %s", a.Header.Get("Content-Type"), a.text)
	}
	return a
}

func (a answer) message(t *testing.T) string { return into[struct{ Message string }](t, a).Message }

// into decodes the body.
func into[T any](t *testing.T, a answer) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(a.text), &value); err != nil {
		t.Fatalf("%q: %v", a.text, err)
	}
	return value
}

// form writes a form as the Open Baton CLI does: its file part is named file, has
// the file name file, and the type multipart/form-data. Fields come first.
func form(content []byte, fields ...string) (io.Reader, string) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for i := 0; i < len(fields); i += 2 {
		_ = w.WriteField(fields[i], fields[i+1])
	}
	if content != nil {
		part, _ := w.CreatePart(filePart)
		_, _ = part.Write(content)
	}
	_ = w.Close()
	return &body, "Content-Type: " + w.FormDataContentType()
}

var filePart = map[string][]string{
	"Content-Disposition": {`form-data; name="file"; filename="file"`}, "Content-Type": {"multipart/form-data"},
}

// upload sends a file in a form.
func (f *fixture) upload(t *testing.T, path string, content []byte, header ...string) answer {
	t.Helper()
	body, kind := form(content)
	return f.do(t, "POST", path, body, append(header, kind)...)
}

func spec(name string, seed uint64) onboardingtest.Spec {
	return onboardingtest.Spec{Name: name, Images: []onboardingtest.SoftwareImage{
		onboardingtest.Embed(name+"-image", onboardingtest.QCOW2(384<<10, 1<<30, seed))}}
}

func tarOf(s onboardingtest.Spec) []byte {
	return onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.OpenBatonTar(s))
}

// onboard uploads a package that is good and returns its ID.
func (f *fixture) onboard(t *testing.T, s onboardingtest.Spec) string {
	t.Helper()
	return into[struct{ ID string }](t, f.upload(t, "/api/v1/vnf-packages", tarOf(s)).want(t, 200)).ID
}

// named are the names and IDs in a list.
func (f *fixture) named(t *testing.T, path string) map[string]string {
	t.Helper()
	names := map[string]string{}
	for _, one := range into[[]struct{ ID, Name string }](t, f.do(t, "GET", path, nil).want(t, 200)) {
		names[one.Name] = one.ID
	}
	return names
}

// wantNothing fails if anything is left of what was refused.
func (f *fixture) wantNothing(t *testing.T) {
	t.Helper()
	for r, err := range f.packages.List(t.Context(), vnfpkg.Filter{}) {
		t.Errorf("package %+v is left, error %v", r, err)
	}
	if images := f.named(t, "/api/v1/nfvimage"); len(images) > 0 {
		t.Errorf("images %v are left", images)
	}
	entries, err := os.ReadDir(filepath.Join(f.home, "packages"))
	noError(t, err)
	if len(entries) > 0 {
		t.Errorf("files %v are left", entries)
	}
}

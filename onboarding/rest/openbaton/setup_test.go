package openbaton_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/rest/api"
	"github.com/gangway-nfv/gangway/onboarding/rest/openbaton"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// fixture is a server with Open Baton's door beside gangway's own, with tokens for
// the project red.
type fixture struct {
	*resttest.Server
	tokens         *access.Tokens
	writer, reader string // tokens of red
	admin          string // token of all projects
}

func start(t *testing.T) *fixture { return startWith(t, access.Config{}) }

// startWith starts a server whose requests are those of red's writer unless they
// name another token.
func startWith(t *testing.T, logins access.Config) *fixture {
	t.Helper()
	f := &fixture{Server: resttest.New(t, resttest.Config{Packages: vnfpkg.Config{Followers: 1, Keep: true}})}
	f.tokens = access.NewTokens(f.Records.Tokens(), logins)
	gate := access.NewGate(f.tokens, logins)
	f.writer, f.reader, f.admin = f.token(t, "ci", "red", access.Writer), f.token(t, "viewer", "red", access.Reader), f.token(t, "root", "*", access.Admin)
	f.Header = []string{"Authorization: Bearer " + f.writer}
	f.Check = func(t testing.TB, a resttest.Answer) {
		t.Helper()
		if a.StatusCode >= 400 && a.Request.Method != http.MethodHead && (a.Header.Get("Content-Type") != "application/json" || message(t, a) == "") {
			t.Errorf("an error of type %s: %s", a.Header.Get("Content-Type"), a.Text)
		}
	}
	own, err := api.New(api.Config{Pipeline: f.Pipeline, Operations: f.Operations, Queue: f.Queue, Packages: f.Packages})
	resttest.NoError(t, err)
	resttest.NoError(t, f.Serve(rest.Options{Gate: gate}, own,
		openbaton.New(openbaton.Config{Packages: f.Packages, Operations: f.Operations, Logins: gate, Projects: f.Records, MaxImage: 4 << 20, Now: f.Now})))
	return f
}

func (f *fixture) token(t *testing.T, name, project string, role access.Role) string {
	t.Helper()
	_, secret, err := f.tokens.Create(t.Context(), access.NewToken{Name: name, Project: project, Role: role})
	resttest.NoError(t, err)
	return secret
}

// message is that of an error.
func message(t testing.TB, a resttest.Answer) string {
	t.Helper()
	return resttest.Into[struct{ Message string }](t, a).Message
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
func (f *fixture) upload(t *testing.T, path string, content []byte, header ...string) resttest.Answer {
	t.Helper()
	body, kind := form(content)
	return f.Do(t, "POST", path, body, append(header, kind)...)
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
	return resttest.Into[struct{ ID string }](t, f.upload(t, "/api/v1/vnf-packages", tarOf(s)).Want(t, 200)).ID
}

// named are the names and IDs in a list.
func (f *fixture) named(t *testing.T, path string) map[string]string {
	t.Helper()
	names := map[string]string{}
	for _, one := range resttest.Into[[]struct{ ID, Name string }](t, f.Do(t, "GET", path, nil).Want(t, 200)) {
		names[one.Name] = one.ID
	}
	return names
}

// wantNothing fails if anything is left of what was refused.
func (f *fixture) wantNothing(t *testing.T) {
	t.Helper()
	for r, err := range f.Packages.List(t.Context(), vnfpkg.Filter{}) {
		t.Errorf("package %+v is left, error %v", r, err)
	}
	if images := f.named(t, "/api/v1/nfvimage"); len(images) > 0 {
		t.Errorf("images %v are left", images)
	}
	entries, err := os.ReadDir(filepath.Join(f.Home, "packages"))
	resttest.NoError(t, err)
	if len(entries) > 0 {
		t.Errorf("files %v are left", entries)
	}
}

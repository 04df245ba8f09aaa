package openbaton

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// Logins grants tokens for names and passwords, see [access.Gate].
type Logins interface {
	Grant(ctx context.Context, user, password string, from netip.Addr) (value string, granted access.Token, err error)
}

// Config is what the door works with. All but MaxImage and Now must be set.
type Config struct {
	Packages   *vnfpkg.Service
	Operations *operation.Service
	Logins     Logins
	Projects   rest.Projects
	// MaxImage is the size of the largest image that is taken, in bytes; zero
	// means that there is no limit.
	MaxImage int64
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// New returns the door. One-image tokens of one door are good at no other.
func New(config Config) rest.Door {
	if config.Now == nil {
		config.Now = time.Now
	}
	d := &door{Config: config, key: []byte(rand.Text())}
	return rest.Door{Name: "openbaton", Fail: fail, Routes: []rest.Route{
		{Method: http.MethodPost, Pattern: "/oauth/token", Need: rest.Public, Action: "token.grant", Handler: rest.HandlerFunc(d.login)},
		{Method: http.MethodGet, Pattern: "/api/v1/projects", Need: rest.Known, Handler: rest.HandlerFunc(d.listProjects)},

		change(http.MethodPost, "/api/v1/vnf-packages", "package.upload", d.uploadPackage),
		read("/api/v1/vnf-packages", d.listPackages),
		read("/api/v1/vnf-packages/{id}", d.showPackage),
		change(http.MethodPut, "/api/v1/vnf-packages/{id}", "package.update", d.updatePackage),
		change(http.MethodDelete, "/api/v1/vnf-packages/{id}", "package.delete", d.deletePackage),
		change(http.MethodPost, "/api/v1/vnf-packages/multipledelete", "package.delete", d.deletePackages),
		change(http.MethodPost, "/api/v1/vnf-packages/marketdownload", "package.upload", d.fetchPackage),
		change(http.MethodPost, "/api/v1/vnf-packages/package-repository-download", "package.upload", d.fetchPackage),
		read("/api/v1/vnf-packages/{id}/scripts/{script}", d.showScript),
		change(http.MethodPut, "/api/v1/vnf-packages/{id}/scripts/{script}", "package.update", d.updateScript),
		change(http.MethodPost, "/api/v1/csar-vnfd", "package.upload", d.uploadCSAR),
		change(http.MethodPost, "/api/v1/csar-nsd", "package.upload", d.uploadCSAR),

		change(http.MethodPost, "/api/v1/nfvimage", "image.add", d.addImage),
		read("/api/v1/nfvimage", d.listImages),
		read("/api/v1/nfvimage/{id}", d.showImage),
		change(http.MethodDelete, "/api/v1/nfvimage/{id}", "image.delete", d.deleteImage),
		{Method: http.MethodGet, Pattern: "/api/v1/nfvimage/file/{id}", Need: rest.Public, Handler: rest.HandlerFunc(d.sendImage)},
		{Method: http.MethodPost, Pattern: "/api/v1/nfvimage/file/{id}/token", Need: access.Reader, Action: "image.token", Handler: rest.HandlerFunc(d.issueTicket)},
	}}
}

func read(pattern string, handler rest.HandlerFunc) rest.Route {
	return rest.Route{Method: http.MethodGet, Pattern: pattern, Need: access.Reader, Handler: handler}
}

func change(method, pattern, action string, handler rest.HandlerFunc) rest.Route {
	return rest.Route{Method: method, Pattern: pattern, Need: access.Writer, Action: action, Handler: handler}
}

type door struct {
	Config
	key []byte // of one-image tokens
}

// wait returns a job when it has ended.
func (d *door) wait(ctx context.Context, j job.Job) (job.Job, error) {
	ctx, cancel := rest.UntilStopping(ctx)
	defer cancel()
	last, err := d.Packages.Queue.Wait(ctx, j.ID)
	if err != nil && errors.Is(context.Cause(ctx), rest.ErrStopping) {
		err = rest.ErrStopping
	}
	if errors.Is(err, rest.ErrStopping) || errors.Is(err, job.ErrStopping) {
		problem := rest.ProblemOf(err)
		problem.Detail = "the server stops; what was sent is taken in when it runs again"
		err = problem
	}
	return last, err
}

// fail answers with an error as Open Baton tells it. Its clients show the message,
// and log in again when the error is invalid_token.
func fail(w http.ResponseWriter, _ *http.Request, problem rest.Problem) {
	body := map[string]any{"code": http.StatusText(problem.Status), "message": problem.Error()}
	if problem.Status == http.StatusUnauthorized {
		body["error"] = "unauthorized"
		if strings.Contains(problem.Header.Get("Www-Authenticate"), `error="invalid_token"`) {
			body["error"] = "invalid_token"
		}
	}
	for name, value := range problem.More {
		body[name] = value
	}
	for name, values := range problem.Header {
		w.Header()[name] = values
	}
	rest.WriteJSON(w, problem.Status, body)
}

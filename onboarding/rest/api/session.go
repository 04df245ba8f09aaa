package api

import (
	"context"
	"errors"
	"net/http"
	"net/netip"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

// Logins judges and grants what browsers log in with, see [access.Gate].
type Logins interface {
	rest.Gate
	Grant(ctx context.Context, user, password string, from netip.Addr) (value string, granted access.Token, err error)
	End(ctx context.Context, credential string) (access.Token, error)
}

func (d *door) session() {
	tags := []string{"session"}
	show := read("/api/v1/session")
	show.Need = rest.Known
	begin := change(http.MethodPost, "/api/v1/session", "token.grant")
	end := change(http.MethodDelete, "/api/v1/session", "token.revoke")
	begin.Need, end.Need = rest.Public, rest.Public
	operate(d, show, huma.Operation{
		OperationID: "show-session", Tags: tags, Summary: "Tell who the caller is",
		Description: "Tells who the caller is, and in which projects he has which role. One with a role in all projects is told all that there are.",
	}, d.showSession)
	operate(d, begin, huma.Operation{
		OperationID: "begin-session", Tags: tags, Summary: "Log in with a browser",
		Description: "Has a browser keep a token, or what Open Baton's login gives for a user and a password, in a cookie that no script can read. " +
			"The cookie counts where a request has no other credential. What could change something is taken from the server's own pages only then.",
		Errors: []int{http.StatusUnprocessableEntity},
	}, d.beginSession)
	operate(d, end, huma.Operation{
		OperationID: "end-session", Tags: tags, Summary: "Log out", DefaultStatus: http.StatusNoContent,
		Description: "Has a browser forget its token. What a login with user and password gave ends; a token that somebody made stays good.",
	}, d.endSession)
}

// shownSession is an answer that nobody may keep.
type shownSession struct {
	CacheControl string `header:"Cache-Control"`
	SetCookie    string `header:"Set-Cookie"`
	Body         view.Session
}

func (d *door) sessionOf(ctx context.Context, identity access.Identity) (*shownSession, error) {
	projects, err := rest.ProjectsOf(ctx, identity, d.Projects)
	if err != nil {
		return nil, err
	}
	return &shownSession{CacheControl: "no-store", Body: view.NewSession(identity, projects, d.Version)}, nil
}

func (d *door) showSession(ctx context.Context, _ *struct{}) (*shownSession, error) {
	return d.sessionOf(ctx, rest.CallerOf(ctx).Identity)
}

type login struct {
	Token    string `json:"token,omitempty" doc:"whatever a request may bring as a bearer's token"`
	User     string `json:"user,omitempty" doc:"instead of a token: the name of one of gangway's"`
	Password string `json:"password,omitempty" doc:"the token of that name"`
}

func (d *door) beginSession(ctx context.Context, in *struct{ Body login }) (*shownSession, error) {
	if err := rest.SameOrigin(requestOf(ctx).Request); err != nil {
		return nil, err
	}
	credential, from := in.Body.Token, rest.CallerOf(ctx).Address
	wrong := "the token is unknown, expired or revoked: ask an admin of the project for another"
	switch named := in.Body.User != "" && in.Body.Password != ""; {
	case named == (credential != ""):
		return nil, rest.Errorf(http.StatusUnprocessableEntity, "a login needs a token, or user and password, and not both")
	case named:
		wrong = "the user is the name of a token, and the password the token, and these are not"
		value, token, err := d.Logins.Grant(ctx, in.Body.User, in.Body.Password, from)
		if err != nil {
			return nil, refused(err, wrong)
		}
		rest.Proved(ctx, token)
		credential = value
	}
	identity, err := d.Logins.Authenticate(ctx, credential, from)
	if err != nil {
		return nil, refused(err, wrong)
	}
	answer, err := d.sessionOf(ctx, identity)
	if err != nil {
		return nil, err
	}
	answer.SetCookie, err = rest.BeginSession(ctx, credential, identity.Ends)
	return answer, err
}

// refused tells somebody what to do whose credential is not valid.
func refused(err error, wrong string) error {
	if errors.Is(err, access.ErrInvalid) {
		return rest.Challenge(wrong, "invalid_token")
	}
	return err
}

func (d *door) endSession(ctx context.Context, _ *struct{}) (*struct {
	SetCookie string `header:"Set-Cookie"`
}, error) {
	r := requestOf(ctx).Request
	if err := rest.SameOrigin(r); err != nil {
		return nil, err
	}
	ended, err := d.Logins.End(ctx, rest.Session(r))
	if err != nil {
		return nil, err
	}
	if ended.ID != "" {
		rest.Proved(ctx, ended)
	}
	return &struct {
		SetCookie string `header:"Set-Cookie"`
	}{rest.EndSession(ctx)}, nil
}

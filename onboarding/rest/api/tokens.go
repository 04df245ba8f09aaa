package api

import (
	"cmp"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

func (d *door) tokens() {
	tags := []string{"tokens"}
	list := read("/api/v1/tokens")
	create := change(http.MethodPost, "/api/v1/tokens", "token.create")
	revoke := change(http.MethodDelete, "/api/v1/tokens/{token}", "token.revoke")
	list.Need, create.Need, revoke.Need = access.Admin, access.Admin, access.Admin
	operate(d, list, huma.Operation{
		OperationID: "list-tokens", Tags: tags, Summary: "List tokens",
		Description: "Lists the tokens of the project by their names and, for an admin of all projects, those that hold in all of them. " +
			"Tokens that have expired are listed for another 30 days.",
	}, d.listTokens)
	operate(d, create, huma.Operation{
		OperationID: "create-token", Tags: tags, Summary: "Create a token", DefaultStatus: http.StatusCreated,
		Description: "Makes a token. The secret is in this answer and nowhere else. A token allows no more than the one who makes it may himself, " +
			"and expires no later than the token that it was made with. It stays when that one is revoked.",
		Errors: []int{http.StatusConflict, http.StatusUnprocessableEntity},
	}, d.createToken)
	operate(d, revoke, huma.Operation{
		OperationID: "revoke-token", Tags: tags, Summary: "Revoke a token",
		Description: "Removes a token, and what was granted for it. Within ten seconds it is refused everywhere.",
	}, d.revokeToken)
}

// issuer is the tokens as the caller may use them.
func (d *door) issuer(ctx context.Context) access.Issuer {
	return d.Tokens.As(rest.CallerOf(ctx).Identity)
}

func (d *door) listTokens(ctx context.Context, in *struct {
	All bool `query:"all" doc:"the tokens of all projects, for an admin of all of them"`
}) (*struct{ Body []view.Token }, error) {
	project := rest.CallerOf(ctx).Project
	if in.All {
		project = access.AllProjects
	}
	tokens, err := d.issuer(ctx).List(ctx, project)
	if err != nil {
		return nil, err
	}
	listed := []view.Token{}
	for _, token := range tokens {
		listed = append(listed, view.NewToken(token))
	}
	return &struct{ Body []view.Token }{listed}, nil
}

type createdToken struct {
	CacheControl string `header:"Cache-Control"`
	Body         view.Token
}

func (d *door) createToken(ctx context.Context, in *struct{ Body access.NewToken }) (*createdToken, error) {
	in.Body.Project = cmp.Or(in.Body.Project, rest.CallerOf(ctx).Project)
	token, secret, err := d.issuer(ctx).Create(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	rest.Target(ctx, token.Name)
	rest.Concerns(ctx, token.Project)
	answer := &createdToken{CacheControl: "no-store", Body: view.NewToken(token)}
	answer.Body.Token = secret
	return answer, nil
}

func (d *door) revokeToken(ctx context.Context, in *struct {
	Token string `path:"token" doc:"ID or name"`
}) (*struct{ Body view.Token }, error) {
	token, err := d.issuer(ctx).Revoke(ctx, in.Token)
	if err != nil {
		return nil, err
	}
	rest.Target(ctx, token.Name)
	rest.Concerns(ctx, token.Project)
	return &struct{ Body view.Token }{view.NewToken(token)}, nil
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

func newTokens(a *app) *cobra.Command {
	return group("tokens", "Create, list and revoke the tokens of the server", newTokensCreate(a), newTokensList(a), newTokensRevoke(a))
}

func newTokensCreate(a *app) *cobra.Command {
	var role, name, expires string
	var wanted access.NewToken
	cmd := &cobra.Command{
		Use: "create", Short: "Create a token and print it, once",
		Long: `Create a token and print it. It is not stored, only its SHA-256 is: a token that
is lost has to be replaced by another.

The token is for the project of --project, or with '*' for all projects. A reader
may look, a writer may also change and launch, an admin may also make tokens, see
the audit log and repair.`,
		Example: `  gangway tokens create --project acme --role writer --name ci --expires 90d
  gangway tokens create --project '*' --role reader --expires 2027-03-31`,
		Args: cobra.NoArgs,
		RunE: a.running(func() error {
			until, err := moment("expires", expires, time.Now(), later)
			wanted = access.NewToken{Name: name, Project: a.config.Project, Role: access.Role(role), ExpiresAt: until}
			checked := wanted
			checked.Project = cmp.Or(checked.Project, onboarding.DefaultProject) // where the server chooses
			return errors.Join(err, checked.Check())
		}, func(ctx context.Context, _ []string) error {
			return a.recording(ctx, func(r records) error {
				token, err := r.CreateToken(ctx, wanted)
				if token.Token == "" {
					return err
				}
				return errors.Join(err, a.print(token, func(w io.Writer) error {
					complain(a.stderr, fmt.Sprintf("%s is shown only now", describe(token)))
					_, err := fmt.Fprintln(w, token.Token)
					return err
				}))
			})
		}),
	}
	cmd.Flags().StringVar(&role, "role", "", "what it allows: admin, writer or reader")
	cmd.Flags().StringVar(&name, "name", "", "its name, and the user name of a login with it (default made of the role and its ID)")
	cmd.Flags().StringVar(&expires, "expires", "", "how long it is good, such as 90d or 12h, or the last day, such as 2027-03-31 (default for ever)")
	complete(cmd, "role", string(access.Admin), string(access.Writer), string(access.Reader))
	return cmd
}

// describe says whose token it is and what it allows.
func describe(t view.Token) string {
	where := "in project " + t.Project
	if t.Project == access.AllProjects {
		where = "in all projects"
	}
	return fmt.Sprintf("token %s (%s %s)", t.Name, t.Role, where)
}

func newTokensList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the tokens for the project",
		Long: `List the tokens for the project of --project, and those for all projects; with
'*' list all tokens. Tokens that have expired are listed for another 30 days.`,
		Example: "  gangway tokens list --project '*'", Args: cobra.NoArgs,
		RunE: a.running(nil, func(ctx context.Context, _ []string) error {
			return a.recorded(ctx, func(r records) error {
				tokens, err := r.Tokens(ctx)
				if err != nil {
					return err
				}
				return a.print(tokens, func(w io.Writer) error {
					var rows [][]string
					for _, v := range tokens {
						expires := local(v.ExpiresAt, "never")
						if v.Expired {
							expires = "expired"
						}
						rows = append(rows, []string{v.ID, string(v.Role), local(&v.CreatedAt, ""), expires, local(v.UsedAt, "never"), v.Project, v.Name})
					}
					return table(w, "ID\tROLE\tCREATED\tEXPIRES\tUSED\tPROJECT\tNAME", rows)
				})
			})
		}),
	}
}

// local renders a time for people, or says what it means that there is none.
func local(t *time.Time, none string) string {
	if t == nil {
		return none
	}
	return t.Local().Format(time.DateTime)
}

func newTokensRevoke(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "revoke TOKEN...", Short: "Revoke tokens, and what was granted for them",
		Long: `Revoke tokens. TOKEN is an ID or a name. A server that runs refuses them within
ten seconds, and so those that it has granted for a login with them.`,
		Example: "  gangway tokens revoke ci", Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completing(math.MaxInt, a.tokenNames),
		RunE: a.running(nil, func(ctx context.Context, args []string) error {
			return a.recorded(ctx, func(r records) error {
				for _, called := range args {
					token, err := r.RevokeToken(ctx, called)
					if err != nil {
						return err
					}
					if err := a.printItem(token, func(w io.Writer) error {
						_, err := fmt.Fprintln(w, "revoked "+printable(describe(token)))
						return err
					}); err != nil {
						return err
					}
				}
				return nil
			})
		}),
	}
}

package ledger

import (
	"context"
	"fmt"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

// Projects returns the names of the projects that own something or that a token is
// for, sorted. Projects are not made: whatever a role is given for is one.
func (l *Ledger) Projects(ctx context.Context) ([]string, error) {
	name := func(row scanner) (name string, err error) { return name, row.Scan(&name) }
	names, err := collect(ctx, l.db, name, `SELECT project FROM tokens WHERE project <> $1
		UNION SELECT project FROM package_resources UNION SELECT project FROM packages UNION SELECT project FROM images
		ORDER BY project`, access.AllProjects)
	if err != nil {
		return nil, fmt.Errorf("ledger: projects: %w", err)
	}
	return names, nil
}

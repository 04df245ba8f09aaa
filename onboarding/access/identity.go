package access

import (
	"context"
	"errors"
)

// Role is what an identity may do in a project. Each includes those before it.
type Role string

const (
	Reader Role = "reader"
	Writer Role = "writer"
	Admin  Role = "admin"
)

// rank orders the roles; zero is no role.
var rank = map[Role]int{Reader: 1, Writer: 2, Admin: 3}

// Valid reports whether r is one of the three roles.
func (r Role) Valid() bool { return rank[r] > 0 }

// Includes reports whether who has r may do what needs need.
func (r Role) Includes(need Role) bool { return r.Valid() && rank[r] >= rank[need] }

// AllProjects is the key of a grant that holds in every project.
const AllProjects = "*"

// Identity is somebody who was authenticated. It is plain data.
type Identity struct {
	// Subject names them in the audit log, such as "token ci" or
	// "keystone nfvo".
	Subject string
	// Grants has the role in each project; see AllProjects.
	Grants map[string]Role
}

// Role returns the role in a project, or the empty role.
func (id Identity) Role(project string) Role {
	role := id.Grants[project]
	if everywhere := id.Grants[AllProjects]; rank[everywhere] > rank[role] {
		role = everywhere
	}
	return role
}

var (
	// ErrInvalid says that a credential is unknown, expired or wrong.
	ErrInvalid = errors.New("credential is not valid")
	// ErrUnavailable says that who could judge a credential does not answer.
	ErrUnavailable = errors.New("credential cannot be checked now")
)

// Authenticator judges a credential, such as the token of a bearer. The error
// wraps ErrInvalid or ErrUnavailable. Implementations are safe for concurrent
// use.
type Authenticator interface {
	Authenticate(ctx context.Context, credential string) (Identity, error)
}

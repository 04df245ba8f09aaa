package access

import (
	"context"
	"errors"
	"time"
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

// Identity is somebody who was authenticated. It is plain data, shared by the
// requests of one credential, and must not be changed.
type Identity struct {
	// Subject names them in the audit log, such as "token ci" or
	// "keystone nfvo".
	Subject string
	// Grants has the role in each project; see AllProjects. Somebody may be
	// known and have none.
	Grants map[string]Role
	// Until is when the credential has to be judged anew. It is not kept as
	// good for longer.
	Until time.Time
	// Ends is when the credential is not good any more, or zero if it never ends.
	Ends time.Time
}

// Role returns the role in a project, or the empty role, also where no project
// can have that name.
func (id Identity) Role(project string) Role {
	if !ValidProject(project) {
		return ""
	}
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

// Authenticator judges the credentials of one kind, such as the tokens of a
// Keystone. Implementations are safe for concurrent use.
type Authenticator interface {
	// Recognises reports whether a credential looks like one of this kind. It
	// asks nobody.
	Recognises(credential string) bool
	// Authenticate judges a credential that was recognised. The error wraps
	// ErrInvalid or ErrUnavailable.
	Authenticate(ctx context.Context, credential string) (Identity, error)
}

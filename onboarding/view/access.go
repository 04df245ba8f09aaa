package view

import (
	"time"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

// Token is the form of a token.
type Token struct {
	// Token is the secret; there only when it is made.
	Token     string      `json:"token,omitempty"`
	ID        string      `json:"id"`
	Name      string      `json:"name"`
	Project   string      `json:"project"` // * for all
	Role      access.Role `json:"role"`
	CreatedAt time.Time   `json:"createdAt"`
	ExpiresAt *time.Time  `json:"expiresAt,omitempty"`
	Expired   bool        `json:"expired"`
	UsedAt    *time.Time  `json:"usedAt,omitempty"`
}

// NewToken returns the form of a token as it is now, without its secret.
func NewToken(t access.Token) Token {
	return Token{ID: t.ID, Name: t.Name, Project: t.Project, Role: t.Role, CreatedAt: t.CreatedAt,
		ExpiresAt: optional(t.ExpiresAt), Expired: t.Expired(time.Now()), UsedAt: optional(t.UsedAt)}
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Session is who somebody is and where he may do what.
type Session struct {
	Subject string `json:"subject"`
	// Projects are those in which there is a role, by name.
	Projects []Grant `json:"projects"`
	// Everywhere is the role in all projects, also those to come.
	Everywhere access.Role `json:"everywhere,omitempty"`
	ExpiresAt  *time.Time  `json:"expiresAt,omitempty"`
	Version    string      `json:"version"` // of the server
}

// Grant is a role in a project.
type Grant struct {
	Name string      `json:"name"` // of the project
	Role access.Role `json:"role"`
}

// NewSession returns the form of an identity with its projects, and of the version
// of the server.
func NewSession(id access.Identity, projects []string, version string) Session {
	shown := Session{Subject: id.Subject, Projects: []Grant{}, Everywhere: id.Grants[access.AllProjects], ExpiresAt: optional(id.Ends), Version: version}
	for _, name := range projects {
		shown.Projects = append(shown.Projects, Grant{name, id.Role(name)})
	}
	return shown
}

// Event is the form of an event of the audit log.
type Event struct {
	ID      string         `json:"id"`
	At      time.Time      `json:"at"`
	Subject string         `json:"subject"`
	Project string         `json:"project,omitempty"`
	Action  string         `json:"action"`
	Target  string         `json:"target,omitempty"`
	From    string         `json:"from,omitempty"`
	Outcome access.Outcome `json:"outcome"`
}

// NewEvent returns the form of an event of the audit log.
func NewEvent(e access.Event) Event {
	shown := Event{ID: e.ID, At: e.At, Subject: e.Subject, Project: e.Project, Action: e.Action, Target: e.Target, Outcome: e.Outcome}
	if e.From.IsValid() {
		shown.From = e.From.String()
	}
	return shown
}

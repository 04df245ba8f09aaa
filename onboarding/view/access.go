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

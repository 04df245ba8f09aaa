package job

import (
	"encoding/json"
	"slices"
	"time"
)

// Kind names what a job does, and so which handler runs it.
type Kind string

// State is where a job is.
type State string

// The states of a job.
const (
	Queued    State = "queued"
	Running   State = "running"
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// States returns all states, in the order of a job's life.
func States() []State { return []State{Queued, Running, Succeeded, Failed, Cancelled} }

// Ended reports whether a job in this state stays as it is.
func (s State) Ended() bool { return s == Succeeded || s == Failed || s == Cancelled }

// New is a job to be added.
type New struct {
	// ID is a UUID; empty means a new one.
	ID      string
	Project string
	Kind    Kind
	// Subject is the ID of what the job is about, such as a package.
	Subject string
	// Title says for people what it is about, such as the name of a file. It must
	// hold no secrets.
	Title string
	// By is who asked for it, for those who look at the list.
	By string
	// Key makes a repeated addition return the job that is there: it is unique
	// per project and kind while that job is kept. Empty means no key.
	Key string
	// Payload is what the handler needs. It is stored as JSON and must hold no
	// secrets.
	Payload any
	// NotBefore delays the first attempt; zero means at once.
	NotBefore time.Time
}

// Limit bounds how many jobs a project may have that wait or run.
type Limit struct {
	// Kinds are those that count; jobs of others are never refused.
	Kinds []Kind
	// Jobs is how many of all of them there may be; zero means any number.
	Jobs int
}

// Job is what a store knows of one job. It is plain data.
type Job struct {
	ID      string          `json:"id"`
	Project string          `json:"project"`
	Kind    Kind            `json:"kind"`
	Subject string          `json:"subject,omitempty"`
	Title   string          `json:"title,omitempty"`
	By      string          `json:"by,omitempty"`
	Key     string          `json:"key,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
	State   State           `json:"state"`
	// Attempt is how often it was begun, but for attempts that a process which
	// was told to stop has put back.
	Attempt int `json:"attempt"`
	// Failures is how many attempts ended with an error; the others before the
	// present one ended with their process.
	Failures int `json:"failures"`
	// NotBefore is when a runner may begin an attempt: the time of the next one
	// while it is queued, the end of the claim while it is running, and zero when
	// it has ended.
	NotBefore time.Time `json:"notBefore,omitzero"`
	// Cancelling is set once a running job was asked to end.
	Cancelling bool     `json:"cancelling"`
	Progress   Progress `json:"progress"`
	// Result is what the handler returned, also beside an error.
	Result json.RawMessage `json:"result,omitempty"`
	// Error says why the last attempt did not succeed.
	Error string `json:"error,omitempty"`
	// Events is the number of its latest event.
	Events    int64     `json:"events"`
	CreatedAt time.Time `json:"createdAt"`
	StartedAt time.Time `json:"startedAt,omitzero"` // of the latest attempt; zero before the first
	EndedAt   time.Time `json:"endedAt,omitzero"`   // zero until then

	// Limit is what the store looks at when it inserts the job. It is not kept.
	Limit Limit `json:"-"`
}

// Progress is how far a job is.
type Progress struct {
	// Step names what is being worked at, such as an image.
	Step  string `json:"step,omitempty"`
	Done  int64  `json:"done"`  // bytes
	Total int64  `json:"total"` // bytes; -1 while unknown
	// Parts are those that are under way at the same time, such as uploads. Who
	// reports them must not change them any more.
	Parts []Part `json:"parts,omitempty"`
}

// Part is how far a part of a job is.
type Part struct {
	At    string `json:"at,omitempty"`   // where, such as a VIM
	What  string `json:"what,omitempty"` // such as an image
	Done  int64  `json:"done"`           // bytes
	Total int64  `json:"total"`          // bytes; -1 while unknown
}

func (p Progress) equal(q Progress) bool {
	return p.Step == q.Step && p.Done == q.Done && p.Total == q.Total && slices.Equal(p.Parts, q.Parts)
}

// The types of events.
const (
	StateEvent    = "state"    // its data is a [Change]
	ProgressEvent = "progress" // its data is a [Progress]
)

// Event is something that happened to a job. Events of a job are numbered from
// 1 on without gaps.
type Event struct {
	Number int64     `json:"number"`
	At     time.Time `json:"at"`
	Type   string    `json:"type"`
	// Data depends on the type.
	Data json.RawMessage `json:"data"`
}

// Change is the data of a state event.
type Change struct {
	State   State           `json:"state"`
	Attempt int             `json:"attempt"`
	Error   string          `json:"error,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
}

// Change returns what an event says of the state that the job is in.
func (j Job) Change() Change {
	if j.State == Running {
		return Change{State: j.State, Attempt: j.Attempt} // the rest is of the attempt before
	}
	return Change{State: j.State, Attempt: j.Attempt, Error: j.Error, Result: j.Result}
}

// Filter selects jobs. Zero fields select everything.
type Filter struct {
	Project string
	Kind    Kind
	Subject string
	Key     string
	States  []State
	// Before selects those that were added before the job of this ID, for
	// paging: jobs are listed newest first. Of a job that is gone it selects
	// nothing.
	Before string
	Limit  int
}

// Length is how many jobs of a kind wait or run.
type Length struct {
	Kind  Kind
	State State // Queued or Running
	Jobs  int64
}
